"""What a pixel is called: the class of the primary particle whose light it holds.

A primary is what left the nucleus, or a cosmic muon. All that it sets off is its own: a neutron
names the recoil protons that it strikes, a neutral pion the showers of its photons, a muon its
delta rays and its decay electron. Primary and pixel numbers are the same in both views, which is
the link between them.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.detectors.nova import NOVA_PIXEL_CLASSES

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
      A copy of their rows; ``parent`` still counts in ``particles``.

    >>> from jaxsparse.data.schema import PARTICLE_DTYPE
    >>> table = np.zeros(5, PARTICLE_DTYPE)
    >>> table["pdg"], table["parent"] = [111, 22, 22, 22, 22], [-1, -1, 0, 0, 2]
    >>> photons_of_pions(table, 2)["parent"].tolist()
    [0, 0]
    """
    parent = particles["parent"]
    own = np.flatnonzero((particles["pdg"] == 22) & (parent >= 0) & (parent < primaries))
    own = own[particles["pdg"][parent[own]] == 111]
    return particles[own[np.argsort(parent[own], kind="stable")]]
