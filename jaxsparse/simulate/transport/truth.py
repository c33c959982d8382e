"""What a particle's charge is called: classes by the ancestor that left the electromagnetic chain.

One rule serves our own simulation and Geant4 truth. Every particle either decides for itself or
points at its mother; following the pointers ends at the particle that decides, which gives both the
class (``label``) and the cluster (``instance``).

- Electrons, positrons and photons point at their mother while she is one too: bremsstrahlung and
  Compton daughters of a delta ray or a Michel electron stay with it.
- The electromagnetic particle at the top of such a chain decides: an electron by ionisation from a
  muon or hadron is a delta; an electron or positron from a muon's decay or capture at rest with
  more than 1 MeV is a Michel, with less an Auger electron, which points at the muon; anything else
  is a shower.
- Protons, nuclei and neutrons (their recoils) are HIP; muons, charged pions and kaons are MIP;
  neutral mothers that leave no charge have no class.
- An electron, positron or photon of which nobody knows who made it has no class.
- A secondary whose creation process has no rule is counted in a warning of the log and points at
  its mother, whatever it is.

Processes are ``1000 * type + subtype`` of Geant4's numbers.
"""

from __future__ import annotations

import logging

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.detectors.microboone import DELTA, HIP, MICHEL, MIP, SHOWER
from jaxsparse.errors import InputError

logger = logging.getLogger(__name__)

MICHEL_THRESHOLD = 1.0  # MeV; electrons below it that leave a muon at rest are Auger electrons

MUON_AT_REST = (4151, 4152, 6201, 6211, 6221, 6231)  # capture, decay, bound decay
KNOWN_PROCESSES = frozenset(
    {
        0, 2001, 2002, 2003, 2004, 2005, 2006, 2008, 2010, 2011, 2012, 2013, 2014, 2016, 2022,
        4111, 4116, 4121, 4131, 4132, 4141, 4151, 4152, 4161, 4210, 6201, 6202, 6211, 6221, 6231,
    }
)  # fmt: skip


def unknown_processes(particles: np.ndarray) -> dict[int, int]:
    """Counts of creation processes of secondaries that the label rule does not know."""
    process = particles["process"][particles["parent"] >= 0]
    codes, counts = np.unique(process, return_counts=True)
    pairs = zip(codes.tolist(), counts.tolist(), strict=True)
    return {code: count for code, count in pairs if code not in KNOWN_PROCESSES}


def label_particles(particles: np.ndarray) -> np.ndarray:
    """Fills ``label`` and ``instance`` of a particle table by the ancestor rule.

    Args:
      particles: structured array of ``PARTICLE_DTYPE``; reads ``pdg``, ``parent`` (row of the
        mother, -1 for a primary, any order), ``process`` and ``kinetic_energy`` (MeV).

    Returns:
      A copy with ``label`` (class number, ``NO_CLASS`` for particles that leave no charge) and
      ``instance`` (row of the particle that decided) filled.

    Raises:
      InputError: a parent row outside the table, or particles that are their own ancestors.

    >>> from jaxsparse.data.schema import PARTICLE_DTYPE

    >>> from jaxsparse.detectors.microboone import CLASS_NAMES
    >>> table = np.zeros(3, PARTICLE_DTYPE)  # a muon, its delta ray, the delta ray's photon
    >>> table["pdg"], table["parent"], table["process"] = [13, 11, 22], [-1, 0, 1], [0, 2002, 2003]
    >>> table["kinetic_energy"] = [1000.0, 20.0, 5.0]
    >>> labelled = label_particles(table)
    >>> [CLASS_NAMES[label] for label in labelled["label"]], labelled["instance"].tolist()
    (['MIP', 'delta', 'delta'], [0, 1, 1])
    """
    result = particles.copy()
    count = len(result)
    if count == 0:
        return result
    parent = result["parent"].astype(np.int64)
    if parent.min() < -1 or parent.max() >= count:
        row = int(np.argmax((parent < -1) | (parent >= count)))
        raise InputError(
            f"particles.parent[{row}] is {parent[row]}: must be -1 or a row below {count}"
        )
    unknown = unknown_processes(result)
    if unknown:
        logger.warning(
            "creation processes without a rule, particles fall to their mother's class: %s",
            ", ".join(f"{code // 1000}/{code % 1000} x {n}" for code, n in unknown.items()),
        )

    pdg, process = result["pdg"], result["process"]
    kind = np.abs(pdg)
    secondary = parent >= 0
    mother = np.maximum(parent, 0)
    electron = kind == 11
    electromagnetic = electron | (pdg == 22)
    leaves_muon_at_rest = (
        electron & secondary & (kind[mother] == 13) & np.isin(process, MUON_AT_REST)
    )
    auger = leaves_muon_at_rest & (result["kinetic_energy"] <= MICHEL_THRESHOLD)
    follows = secondary & (
        (electromagnetic & electromagnetic[mother]) | auger | np.isin(process, list(unknown))
    )

    label = np.full(count, NO_CLASS, np.int8)
    label[electromagnetic] = SHOWER
    label[electromagnetic & ~secondary & (process == c.UNKNOWN_PROCESS)] = NO_CLASS
    label[leaves_muon_at_rest] = MICHEL
    label[electron & secondary & (process == c.IONISATION)] = DELTA
    label[np.isin(kind, (13, 211, 321))] = MIP
    label[np.isin(kind, (2212, 2112, 3222, 3112, 3312, 3334)) | (kind > 1_000_000_000)] = HIP

    rows = np.arange(count)
    decides = np.where(follows, mother, rows)
    for _ in range(64):  # pointer doubling: 2^64 generations
        further = decides[decides]
        if np.array_equal(further, decides):
            break
        decides = further
    if np.any(follows[decides]):
        row = int(np.argmax(follows[decides]))
        raise InputError(f"particles.parent[{row}] is {parent[row]}: the chain of mothers closes")
    result["label"] = label[decides]
    result["instance"] = decides
    return result


def primaries_of(parent: np.ndarray) -> np.ndarray:
    """Row of the primary of every particle.

    Args:
      parent: row of every particle's mother, -1 for primaries, which come before the others.

    >>> primaries_of(np.array([-1, -1, 1, 2, 0]))
    array([0, 1, 1, 1, 0])
    """
    rows = np.arange(len(parent))
    climbs = np.where(parent < 0, rows, parent)
    while not np.array_equal(further := climbs[climbs], climbs):
        climbs = further
    return climbs
