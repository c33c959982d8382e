"""From energy deposits to free electrons: recombination, and steps short enough to image."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from jaxsparse.data.deposits import Deposits

# MeV of ionisation per electron-ion pair in liquid argon (Miyajima and others, Phys. Rev. A9, 1438:
# 23.6 +0.5 -0.3 eV).
W_VALUE = 23.6e-6


@dataclasses.dataclass(frozen=True)
class ModifiedBox:
    """Constants of the modified box model of recombination.

    Attributes:
      alpha: of the logarithm's argument, no unit.
      beta: (kV/cm)(g/cm^2)/MeV.
      density: g/cm^3, of the argon that they were measured in.
    """

    alpha: float
    beta: float
    density: float = 1.38


# ArgoNeuT, arXiv 1306.1712; LArSoft's kModBoxA and kModBoxB.
ARGONEUT = ModifiedBox(alpha=0.93, beta=0.212)

# dE/dx (MeV/cm) beyond which a step's ratio says how Geant4 cut it and nothing about ionisation:
# electrons and photons never leave this band over 1 mm, the others end at a Bragg peak.
ELECTRON_BAND = (1.9, 6.0)
OTHERS_BAND = (1.0, 50.0)


def recombination(
    de_dx: Float[np.ndarray, " steps"], field: float, box: ModifiedBox = ARGONEUT
) -> Float[np.ndarray, " steps"]:
    """Share of the electrons that escape: ``ln(alpha + k e) / (k e)``, e = dE/dx in MeV/cm.

    Args:
      de_dx: MeV/cm.
      field: kV/cm; k is inversely proportional to it.
      box: constants of the model; k is proportional to its beta.

    >>> recombination(np.array([2.1, 50.0]), field=0.273).round(3)
    array([0.633, 0.12 ])
    """
    scaled = box.beta / (box.density * field) * de_dx
    return np.log(box.alpha + scaled) / scaled


def free_electrons(
    deposits: Deposits, pdg: np.ndarray, field: float, box: ModifiedBox = ARGONEUT
) -> Float[np.ndarray, " steps"]:
    """Electrons that start to drift from every step.

    dE/dx is clamped to [1.9, 6] MeV/cm for electrons and photons and to [1, 50] for everything
    else; a step without length has the upper bound.

    Args:
      deposits: the steps.
      pdg: PDG code of every row of the particle table.
      field: kV/cm.
      box: of the recombination.
    """
    light = np.isin(np.abs(pdg), (11, 22))[deposits.particle]
    low, high = (np.where(light, a, b) for a, b in zip(ELECTRON_BAND, OTHERS_BAND, strict=True))
    length = np.maximum(deposits.length, deposits.energy / 1e3 + 1e-12)  # no division by zero
    de_dx = np.clip(deposits.energy / length, low, high)
    return deposits.energy / W_VALUE * recombination(de_dx, field, box)


def subdivide(
    deposits: Deposits, longest: float
) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"], Int[np.ndarray, " points"]]:
    """Cuts steps into equal parts no longer than ``longest`` (cm).

    Returns:
      Midpoints (cm), the share of its step every point holds, and the row of its step.

    >>> step = Deposits(start=np.zeros((1, 3)), end=np.array([[0.3, 0.0, 0.0]]), energy=np.ones(1),
    ...     length=np.array([0.3]), time=np.zeros(1), particle=np.zeros(1, np.int32))
    >>> points, share, row = subdivide(step, 0.1)
    >>> points[:, 0].round(2), share.round(2), row
    (array([0.05, 0.15, 0.25]), array([0.33, 0.33, 0.33]), array([0, 0, 0]))
    """
    displacement = deposits.end - deposits.start
    distance = np.sqrt(np.einsum("ij,ij->i", displacement, displacement))
    parts = np.maximum(np.ceil(distance / longest - 1e-9), 1).astype(np.int64)
    row = np.repeat(np.arange(len(deposits)), parts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    fraction = (number + 0.5) / parts[row]
    return deposits.start[row] + fraction[:, None] * displacement[row], 1 / parts[row], row
