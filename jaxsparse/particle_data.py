"""Masses of particles, and the numbers of the processes that make them.

Units: MeV. Source: Particle Data Group. What depends on the substance or the detector is in
:mod:`~jaxsparse.simulate.transport.medium` and :mod:`~jaxsparse.simulate.transport.world`.
"""

from __future__ import annotations

ELECTRON_MASS = 0.510999
MASSES = {11: ELECTRON_MASS, 13: 105.6584, 211: 139.5704, 2212: 938.2721, 2112: 939.5654}
PION_ZERO_MASS = 134.9768

# Creation processes: 1000 * Geant4 process type + subtype.
UNKNOWN_PROCESS = -1  # the source does not say who made the particle
PRIMARY = 0
IONISATION, BREMSSTRAHLUNG, MUON_PAIR, ANNIHILATION = 2002, 2003, 2004, 2005
PHOTOELECTRIC, COMPTON, CONVERSION = 2012, 2013, 2014
HADRON_ELASTIC, HADRON_INELASTIC, NEUTRON_CAPTURE = 4111, 4121, 4131
CAPTURE_AT_REST, CHARGE_EXCHANGE, DECAY = 4151, 4161, 6201
