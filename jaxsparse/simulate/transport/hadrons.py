"""Hadrons on nuclei: inelastic interactions of pions, protons and neutrons, and what comes out.

A parametrised cascade, not a model of the nucleus: numbers of outgoing pions and nucleons are drawn
with the usual rates, the energy that is left is split among them by gamma weights, and transverse
momenta of a few hundred MeV/c make fast particles go forward and slow ones anywhere. It conserves
energy (the nucleus keeps its binding) and gives what an image shows: kinked and multiplied
tracks, proton stubs, photons from neutral pions, and neutrons whose recoil protons appear apart.
"""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.directions import isotropic, turn
from jaxsparse.simulate.transport.hadron_rates import (
    hydrogen_scatters_per_cm,
    inverse_interaction_length,
)

BINDING = 8.5  # MeV a nucleon
TRANSVERSE_MOMENTUM = 220.0  # MeV/c, scale of its Rayleigh distribution
NEUTRON_FLOOR = 2.0  # MeV; slower neutrons leave nothing that is seen
RECOIL_FLOOR = 0.5  # MeV; slower recoil protons leave nothing that is seen
# Of the nucleons that absorb a neutral, positive or negative pion: indexed by its charge.
_PROTONS_OF_ABSORBED = np.array([0.475, 0.7, 0.25])
NEUTRON_MARGIN = 50.0  # cm around the active volume


def interact(
    bank: ParticleBank,
    rows: np.ndarray,
    kinetic_energy: np.ndarray,
    direction: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Adds the products of inelastic interactions at the end points of particles ``rows``."""
    if len(rows) == 0:
        return
    pdg = bank.particles["pdg"][rows]
    pion = np.isin(np.abs(pdg), (111, 211))
    number = len(rows)
    draw = rng.random(number)
    fast = np.clip((kinetic_energy - 400.0) / 1600.0, 0.0, 0.6)

    # Columns: pi+, pi0, pi-, proton, neutron that share the energy; the first fast one leads.
    out = np.zeros((number, 5), np.int64)
    charge = np.sign(pdg) * (np.abs(pdg) == 211)
    neutral = pion & (charge == 0)
    absorbed = pion & (draw < np.interp(kinetic_energy, [0, 300, 1000], [0.45, 0.35, 0.10]))
    exchanged = pion & ~absorbed & (draw > 0.85)
    scattered = pion & ~absorbed & ~exchanged
    out[scattered & (charge > 0), 0] += 1
    out[scattered & (charge < 0), 2] += 1
    out[scattered & neutral, 1] += 1
    out[exchanged & ~neutral, 1] += 1
    if neutral.any():  # a neutral pion changes to either charge
        out[
            np.flatnonzero(exchanged & neutral), 2 * (rng.random(number) < 0.5)[exchanged & neutral]
        ] += 1
    makes = rng.random(number) < fast
    made = rng.choice(3, number, p=(0.40, 0.35, 0.25))
    out[np.flatnonzero(makes), made[makes]] += 1
    flips = rng.random(number) < 0.25
    proton_leads = ~pion & ((pdg == 2212) ^ flips)
    out[proton_leads, 3] += 1
    out[~pion & ~proton_leads, 4] += 1
    struck = rng.poisson(np.interp(kinetic_energy, [0, 100, 600], [0.6, 1.0, 1.8]))
    struck += (pion & ~absorbed) + absorbed * 2
    protons = rng.binomial(struck, np.where(absorbed, _PROTONS_OF_ABSORBED[charge], 0.45))
    out[:, 3] += protons
    out[:, 4] += struck - protons

    nucleons = out[:, 3] + out[:, 4] - ~pion
    masses = np.array([139.57, 134.98, 139.57, 0.0, 0.0])
    left = kinetic_energy + 139.57 * pion - out @ masses - BINDING * np.maximum(nucleons, 0)
    # Too little energy for what was drawn: the nucleus takes it up and boils off a little.
    out[left < 5.0] = 0
    counts = out.ravel()
    source = np.repeat(np.repeat(np.arange(number), 5), counts)
    kind = np.repeat(np.tile(np.arange(5), number), counts)
    first = np.concatenate([[True], source[1:] != source[:-1]]) if len(source) else np.zeros(0)
    leader = (kind < 3) | (first.astype(bool) & ~pion[source])
    weight = rng.standard_gamma(np.where(leader, 3.0, 1.0))
    total = np.bincount(source, weight, minlength=number)
    energy = 0.95 * left[source] * weight / np.maximum(total[source], 1e-9)
    species = np.array([211, 111, -211, 2212, 2112])[kind]
    mass = np.array([139.57, 134.98, 139.57, 938.27, 939.57])[kind]
    momentum = np.sqrt(energy * (energy + 2.0 * mass))
    transverse = TRANSVERSE_MOMENTUM * np.sqrt(2.0 * rng.standard_exponential(len(energy)))
    sine = transverse / np.maximum(momentum, 1e-6)
    cosine = np.where(
        sine < 1.0, np.sqrt(np.maximum(1.0 - sine**2, 0.0)), rng.uniform(-1.0, 1.0, len(sine))
    )
    azimuth = rng.uniform(0.0, 2.0 * np.pi, len(sine))
    outward = turn(direction[source], cosine, azimuth)
    bank.add(
        pdg=species, parent=rows[source], process=c.HADRON_INELASTIC, kinetic_energy=energy,
        direction=outward,
    )  # fmt: skip
    boil_off(bank, rows, c.HADRON_INELASTIC, rng, protons=0.5, neutrons=0.8, photons=1.0)


def boil_off(
    bank: ParticleBank,
    rows: np.ndarray,
    process: int,
    rng: np.random.Generator,
    *,
    protons: float,
    neutrons: float,
    photons: float,
    time: np.ndarray | None = None,
) -> None:
    """Adds the slow isotropic products of an excited nucleus at the end points of ``rows``.

    The three numbers are means of Poisson distributions; protons carry 3 MeV and an exponential
    5 MeV more, neutrons an exponential 5 MeV, photons 0.5 MeV and an exponential 1.5 MeV.
    """
    kinds = ((2212, protons, 3.0, 5.0), (2112, neutrons, 0.5, 5.0), (22, photons, 0.5, 1.5))
    for pdg, mean, least, slope in kinds:
        source = np.repeat(np.arange(len(rows)), rng.poisson(mean, len(rows)))
        energy = least + slope * rng.standard_exponential(len(source))
        bank.add(
            pdg=pdg, parent=rows[source], process=process, kinetic_energy=energy,
            direction=isotropic(len(source), rng), time=None if time is None else time[source],
        )  # fmt: skip


def move_neutrons(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Lets neutrons fly to their next interaction: fast ones break a nucleus up, slow ones excite
    it."""
    particles = bank.particles[rows]
    energy = particles["kinetic_energy"].astype(np.float64)
    direction = particles["direction"].astype(np.float64)
    medium = bank.world.medium
    on_nuclei = inverse_interaction_length(energy, 2112, medium) * bank.world.hadron_rate
    on_hydrogen = hydrogen_scatters_per_cm(energy, medium)
    flight = rng.standard_exponential(len(rows)) / (on_nuclei + on_hydrogen)
    end = particles["start"] + direction * flight[:, None]
    bank.particles["end"][rows] = end
    here = bank.world.volume.inside(end, NEUTRON_MARGIN) & (energy > NEUTRON_FLOOR)
    if medium.hydrogen_per_cm3 > 0.0:
        strikes = here & (rng.random(len(rows)) * (on_nuclei + on_hydrogen) < on_hydrogen)
        _strike_protons(bank, rows[strikes], energy[strikes], direction[strikes], rng)
        here &= ~strikes
    breaks = here & (energy > 15.0)
    interact(bank, rows[breaks], energy[breaks], direction[breaks], rng)
    # The neutron goes on slower; where it could, it leaves the nucleus on its first excited level.
    slows = rows[here & (energy <= 15.0)]
    gone_on = 0.9 * energy[here & (energy <= 15.0)]
    excites = gone_on > medium.nuclear_line
    gone_on = np.where(excites, gone_on - medium.nuclear_line, gone_on)
    number = int(excites.sum())
    bank.add(
        pdg=22, parent=slows[excites], process=c.HADRON_INELASTIC,
        kinetic_energy=medium.nuclear_line, direction=isotropic(number, rng),
    )  # fmt: skip
    onward = gone_on > NEUTRON_FLOOR
    number = int(onward.sum())
    bank.add(
        pdg=2112, parent=slows[onward], process=c.HADRON_INELASTIC,
        kinetic_energy=gone_on[onward], direction=isotropic(number, rng),
    )  # fmt: skip


def _strike_protons(
    bank: ParticleBank,
    rows: np.ndarray,
    energy: np.ndarray,
    direction: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Elastic scattering on free protons: isotropic in the centre of mass, equal masses.

    The proton's share of the energy is then uniform, and its angle and the neutron's are at right
    angles with cosines sqrt(share) and sqrt(1 - share).
    """
    share = rng.random(len(rows))
    azimuth = rng.uniform(0.0, 2.0 * np.pi, len(rows))
    for species, part, turned in ((2212, share, azimuth), (2112, 1.0 - share, azimuth + np.pi)):
        kept = part * energy > (RECOIL_FLOOR if species == 2212 else NEUTRON_FLOOR)
        outward = turn(direction[kept], np.sqrt(part[kept]), turned[kept])
        bank.add(
            pdg=species, parent=rows[kept], process=c.HADRON_ELASTIC,
            kinetic_energy=(part * energy)[kept], direction=outward,
        )  # fmt: skip
