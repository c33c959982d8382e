"""Liquid argon, particle masses and the active volume: the numbers the transport rests on.

Units: MeV, cm, us. Sources: Particle Data Group (liquid argon table, masses), the MicroBooNE
detector paper (arXiv 1612.05824) for the volume and the clock.
"""

from __future__ import annotations

import numpy as np

DENSITY = 1.396  # g/cm^3
ATOMIC_NUMBER, ATOMIC_MASS = 18.0, 39.948
MEAN_EXCITATION = 188.0e-6  # MeV
RADIATION_LENGTH = 14.0  # cm
CRITICAL_ENERGY = 32.0  # MeV
# Sternheimer's density effect in liquid argon: C, x0, x1, a, m.
DENSITY_EFFECT = (5.2146, 0.2, 3.0, 0.19559, 3.0)

ELECTRON_MASS = 0.510999
# 2 pi r_e^2 m_e c^2 times the electron density: 0.0966 MeV/cm, so that the number of knock-on
# electrons per cm and MeV is KNOCK_ON / (beta^2 T^2).
KNOCK_ON = 0.5 * 0.307075 * DENSITY * ATOMIC_NUMBER / ATOMIC_MASS
ELECTRONS_PER_CM3 = 6.02214e23 * DENSITY * ATOMIC_NUMBER / ATOMIC_MASS
ATOMS_PER_CM3 = ELECTRONS_PER_CM3 / ATOMIC_NUMBER

# Knock-on electrons above this are particles of their own, as in the Geant4 truth that the
# project reads; the loss along a track is restricted to what lies below.
DELTA_CUT = 0.35  # MeV

MASSES = {11: ELECTRON_MASS, 13: 105.6584, 211: 139.5704, 2212: 938.2721, 2112: 939.5654}
PION_ZERO_MASS = 134.9768

# Active volume: x drift from the wires, y up, z beam.
ACTIVE_LOW = np.array([0.0, -116.5, 0.0])
ACTIVE_HIGH = np.array([256.0, 116.5, 1037.0])
DRIFT_SPEED = 0.1098  # cm/us
WINDOW = (-400.0, 2624.0)  # us after the trigger: ticks 2400 to 8448 of 0.5 us, trigger at 3200
FULL_DRIFT = float(ACTIVE_HIGH[0] - ACTIVE_LOW[0]) / DRIFT_SPEED  # us

# Creation processes: 1000 * Geant4 process type + subtype.
PRIMARY = 0
IONISATION, BREMSSTRAHLUNG, MUON_PAIR, ANNIHILATION = 2002, 2003, 2004, 2005
PHOTOELECTRIC, COMPTON, CONVERSION = 2012, 2013, 2014
HADRON_ELASTIC, HADRON_INELASTIC, NEUTRON_CAPTURE = 4111, 4121, 4131
CAPTURE_AT_REST, CHARGE_EXCHANGE, DECAY = 4151, 4161, 6201


def inside(position: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Whether points ``[n, 3]`` (cm) lie in the active volume grown by ``margin`` cm."""
    x, y, z = position[:, 0], position[:, 1], position[:, 2]
    low, high = ACTIVE_LOW - margin, ACTIVE_HIGH + margin
    within = (x >= low[0]) & (x <= high[0]) & (y >= low[1])
    return within & (y <= high[1]) & (z >= low[2]) & (z <= high[2])


def visible(position: np.ndarray, time: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Whether charge left at points (cm) and times (us) can reach the readout window.

    Inside the volume, and drifted to the wires within the window, give or take ``margin`` cm.
    """
    arrival = time + position[:, 0] / DRIFT_SPEED
    slack = margin / DRIFT_SPEED
    in_time = (arrival >= WINDOW[0] - slack) & (arrival <= WINDOW[1] + slack)
    return in_time & inside(position, margin)
