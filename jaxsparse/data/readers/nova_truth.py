"""NOvA's interaction codes and object numbers in this project's words."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.readers.particle_rows import unknown_particles, vote
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE, View
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_PIXEL_CLASSES
from jaxsparse.errors import InputError

NO_CODE = -1  # an event without truth
UNKNOWN_CODE = -2  # one whose table says a code that is not below, whichever it is
_MODES = ("QE", "RES", "DIS", "other")
COSMIC = (14, 15)

# What every interaction code of the training tables says: class and topology. The order is that of
# the experiments' shared enumeration of interactions; 15 is its last, "other", which NOvA's samples
# use for cosmics as well. Scattering off an electron (12) is none of the classes.
INTERACTIONS: dict[int, tuple[int, str]] = {
    **{
        4 * flavour + mode: (flavour, f"{name} CC {_MODES[mode]}")
        for flavour, name in enumerate(NOVA_EVENT_CLASSES[:3])
        for mode in range(4)
    },
    12: (NO_CLASS, "nu e elastic"),
    13: (NOVA_EVENT_CLASSES.index("nc"), "NC"),
    **dict.fromkeys(COSMIC, (NOVA_EVENT_CLASSES.index("cosmic"), "cosmic")),
}

# The particle that a pixel class stands for; files do not say whether it is the antiparticle.
_PDG = np.array([11, 13, 2212, 2112, 211, 111, 22, 0, 0, 0, 0], np.int32)


def event_classes_of(codes: np.ndarray) -> np.ndarray:
    """int32 ``[events]``: class of every interaction code, -1 for codes without one.

    >>> event_classes_of(np.array([2, 7, 13, 14, 12, 99])).tolist()
    [0, 1, 3, 4, -1, -1]
    """
    table = np.full(max(INTERACTIONS) + 2, NO_CLASS, np.int32)  # its last entry: no such code
    for code, (label, _) in INTERACTIONS.items():
        table[code] = label
    inside = (codes >= 0) & (codes <= max(INTERACTIONS))
    return table[np.where(inside, codes, len(table) - 1)]


def pixel_labels(codes: np.ndarray, where: str) -> np.ndarray:
    """int8: class of every pixel, from a file's code (0 empty, then :data:`NOVA_PIXEL_CLASSES`).

    Raises:
      InputError: a code is above the last class.
    """
    if len(codes) and not (codes.min() >= 0 and codes.max() <= len(NOVA_PIXEL_CLASSES)):
        bad = codes[(codes < 0) | (codes > len(NOVA_PIXEL_CLASSES))][0]
        raise InputError(
            f"{where}: pixel label {bad} must lie in 0 (empty) to {len(NOVA_PIXEL_CLASSES)} "
            "(unknown): check that the file is NOvA's"
        )
    return (codes.astype(np.int16) - 1).astype(np.int8)


def particles_of(views: dict[str, View]) -> tuple[dict[str, View], np.ndarray]:
    """Turns a file's object numbers (0 none) into rows of a particle table, the same in all views.

    All that files say of a particle is which pixels it has and their classes: its class is that of
    most of its pixels; energies, times and places are NaN.

    Args:
      views: their ``instance`` holds the file's object numbers.

    Returns:
      The views with rows as ``instance``, and the ``PARTICLE_DTYPE`` table.
    """
    if any(view.instance is None for view in views.values()):
        return views, np.zeros(0, PARTICLE_DTYPE)
    numbers = np.concatenate([view.instance for view in views.values()])
    objects = np.unique(numbers[numbers > 0])
    renamed = {}
    for name, view in views.items():
        own = np.asarray(view.instance)
        rows = np.where(own > 0, np.searchsorted(objects, own), -1).astype(np.int32)
        renamed[name] = view.take(slice(None), instance=rows)  # type: ignore[arg-type]
    particles = unknown_particles(len(objects))
    label = vote(renamed.values(), len(objects), len(NOVA_PIXEL_CLASSES))
    particles["label"] = label
    particles["pdg"] = np.where(label >= 0, _PDG[label], 0)
    return renamed, particles
