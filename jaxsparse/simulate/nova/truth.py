"""What a pixel is called: the class of the primary particle whose light it holds.

A primary is what left the nucleus, or a cosmic muon. All that it sets off is its own: a neutron
names the recoil protons that it strikes, a neutral pion the showers of its photons, a muon its
delta rays and its decay electron. A primary is one instance, a neutral pion two: its photons. The
numbers of instances are the same in both views, which is the link between them.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.detectors.nova import NOVA_PIXEL_CLASSES
from jaxsparse.simulate.pixel_truth import MEANINGFUL_SHARE, merge

TRUTH_FLOOR = 1.0  # photo-electrons: less names no pixel

_CLASS_OF = {
    11: "electron",
    13: "muon",
    22: "photon",
    111: "neutral pion",
    211: "charged pion",
    2112: "neutron",
    2212: "proton",
}


def pixel_classes(pdg: np.ndarray) -> np.ndarray:
    """Numbers in ``NOVA_PIXEL_CLASSES`` of primaries.

    Other hadrons and nuclei are ``"mostly hadronic"``, anything else is ``"unknown"``.

    >>> [NOVA_PIXEL_CLASSES[i] for i in pixel_classes(np.array([-13, 111, 321, 15]))]
    ['muon', 'neutral pion', 'mostly hadronic', 'unknown']
    """
    kind = np.abs(pdg)
    hadron = kind > 100
    number = {name: i for i, name in enumerate(NOVA_PIXEL_CLASSES)}
    labels = np.where(hadron, number["mostly hadronic"], number["unknown"]).astype(np.int8)
    for code, name in _CLASS_OF.items():
        labels[kind == code] = number[name]
    return labels


def photons_of_pions(particles: np.ndarray, primaries: int) -> np.ndarray:
    """The photons that neutral pions among the primaries decay to, in order of their mothers.

    Args:
      particles: ``PARTICLE_DTYPE``, primaries first.
      primaries: number of them.

    Returns:
      int64, their rows.

    >>> from jaxsparse.data.schema import PARTICLE_DTYPE
    >>> table = np.zeros(5, PARTICLE_DTYPE)
    >>> table["pdg"], table["parent"] = [111, 22, 22, 22, 22], [-1, -1, 0, 0, 2]
    >>> photons_of_pions(table, 2).tolist()
    [2, 3]
    """
    parent = particles["parent"]
    own = np.flatnonzero((particles["pdg"] == 22) & (parent >= 0) & (parent < primaries))
    own = own[particles["pdg"][parent[own]] == 111]
    return own[np.argsort(parent[own], kind="stable")]


def hit_truth(
    hit: np.ndarray,
    instance: np.ndarray,
    light: np.ndarray,
    along: np.ndarray,
    primary: np.ndarray,
    leading: np.ndarray,
) -> dict[str, np.ndarray]:
    """What is true of every hit, from the parts of its light.

    Args:
      hit: int64 ``[parts]``, number of the part's hit; every hit has a part.
      instance: int64 ``[parts]``, row of the particle whose instance lit it.
      light: float64 ``[parts]``, photo-electrons that are expected, positive.
      along: float64 ``[parts]``, cm, coordinate along the cell.
      primary: int64 ``[particles]``, row of every particle's primary.
      leading: int64 ``[hits]``, the primary that names the hit, -1 for none.

    Returns:
      The columns ``instance`` to ``along_spread`` of
      :class:`~jaxsparse.simulate.nova.response.Hits`.
    """
    hits = len(leading)
    owner, number, amount = merge(hit, instance, light, len(primary))
    total = np.bincount(owner, amount, minlength=hits)
    of_leading = np.where(primary[number] == leading[owner], amount, 0.0)
    largest = np.maximum.reduceat(of_leading, np.searchsorted(owner, np.arange(hits)))
    best = np.flatnonzero((of_leading == largest[owner]) & (of_leading > 0.0))[::-1]
    named = np.full(hits, -1)
    named[owner[best]] = number[best]  # the first of equals stays
    counts = amount >= np.maximum(MEANINGFUL_SHARE * total, TRUTH_FLOOR)[owner]
    mean = np.bincount(hit, light * along, minlength=hits) / total
    square = np.bincount(hit, light * (along - mean[hit]) ** 2, minlength=hits) / total
    return {
        "instance": named,
        "share": largest / total,
        "primary_share": np.bincount(owner, of_leading, minlength=hits) / total,
        "overlap": np.bincount(owner[counts], minlength=hits),
        "along": mean,
        "along_spread": np.sqrt(square),
    }
