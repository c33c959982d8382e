"""Decays, captures and hadron interactions conserve what they must and give what they should."""

import dataclasses

import numpy as np
import pytest

from jaxsparse import particle_data as c
from jaxsparse.detectors.microboone import HIP, MICHEL, MIP, SHOWER
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.decays import decay_in_flight, decay_neutral_pions
from jaxsparse.simulate.transport.directions import isotropic
from jaxsparse.simulate.transport.hadron_rates import inverse_interaction_length
from jaxsparse.simulate.transport.hadrons import interact, move_neutrons
from jaxsparse.simulate.transport.tracks import path_to_exit, transport_tracks
from studies.transport.figures import fire

MIDDLE = (128.0, 0.0, 500.0)


def bank_of(pdg, kinetic_energy, rng, world=MICROBOONE_WORLD):
    """Particles in the middle of the volume, flying anywhere."""
    number = len(kinetic_energy)
    bank = ParticleBank(world)
    bank.add(
        pdg=pdg, parent=-1, process=0, kinetic_energy=kinetic_energy, time=0.0,
        start=np.repeat([MIDDLE], number, axis=0), direction=isotropic(number, rng),
        interaction=True,
    )  # fmt: skip
    return bank


def masses(pdg):
    """Rest masses (MeV) by code."""
    known = {11: 0.511, 13: 105.6584, 22: 0.0, 111: 134.9768, 211: 139.5704}
    return np.array([known.get(abs(int(code)), 0.0) for code in pdg])


def test_a_stopped_positive_pion_gives_a_muon_of_4_mev_and_a_michel_positron():
    _, particles = fire(211, np.full(40, 15.0), 1, MIDDLE)
    # 15 MeV stop within 1.5 cm; those that are left alone decay.
    muon = np.flatnonzero((particles["pdg"] == -13) & (particles["parent"] < 40))
    assert len(muon) > 30
    at_rest = np.abs(particles["kinetic_energy"][muon] - 4.12) < 0.01
    assert at_rest.mean() > 0.9  # the others decayed in flight
    assert np.all(particles["label"][muon] == MIP)
    positron = np.flatnonzero((particles["pdg"] == -11) & np.isin(particles["parent"], muon))
    assert len(positron) == len(muon)
    large = particles["kinetic_energy"][positron] > 1.0
    assert np.all(particles["label"][positron[large]] == MICHEL)
    assert np.all(particles["process"][positron] == c.DECAY)


def test_a_stopped_negative_pion_leaves_nucleons_and_no_michel():
    _, particles = fire(-211, np.full(40, 15.0), 2, MIDDLE)
    assert not np.any(particles["label"] == MICHEL)
    captured = particles[(particles["process"] == c.CAPTURE_AT_REST) & (particles["parent"] < 40)]
    assert {2112, 2212, 22} <= set(captured["pdg"].tolist())
    # Never more than the pion's mass goes to the nucleons of one capture.
    nucleons = np.isin(captured["pdg"], (2112, 2212))
    given = np.bincount(captured["parent"][nucleons], captured["kinetic_energy"][nucleons])
    assert np.mean(given) < c.MASSES[211]


def test_the_photons_of_a_neutral_pion_have_its_energy_momentum_and_mass():
    rng = np.random.default_rng(3)
    energy = rng.uniform(1.0, 1500.0, 50)
    bank = bank_of(111, energy, rng)
    rows = np.arange(50)
    decay_neutral_pions(bank, rows, rng)
    particles = bank.particles
    for row in rows:
        pair = particles[particles["parent"] == row]
        e = pair["kinetic_energy"].astype(float)
        total = (e[:, None] * pair["direction"]).sum(axis=0)
        assert e.sum() == pytest.approx(energy[row] + c.PION_ZERO_MASS, rel=1e-4)
        assert e.sum() ** 2 - total @ total == pytest.approx(c.PION_ZERO_MASS**2, rel=1e-2)
        along = total @ particles["direction"][row]
        assert along == pytest.approx(np.linalg.norm(total), rel=1e-4)


def test_a_pion_that_decays_in_flight_gives_a_muon_within_the_kinematic_limits():
    rng = np.random.default_rng(4)
    energy = np.full(300, 200.0)
    bank = bank_of(-211, energy, rng)
    rows = np.arange(300)
    decay_in_flight(bank, rows, energy, bank.particles["direction"].astype(float), rng)
    muon = bank.particles[300:]
    gamma = 1.0 + 200.0 / c.MASSES[211]
    speed = np.sqrt(1.0 - gamma**-2)
    rest = np.hypot(29.79, c.MASSES[13])
    low, high = gamma * (rest - speed * 29.79), gamma * (rest + speed * 29.79)
    total = muon["kinetic_energy"] + c.MASSES[13]
    assert np.all(muon["pdg"] == 13)
    assert low - 0.01 < total.min() < low + 5.0
    assert high - 5.0 < total.max() < high + 0.01


@pytest.mark.parametrize("pdg", [211, -211, 2212, 2112])
def test_an_interaction_gives_no_more_energy_than_came_in(pdg):
    rng = np.random.default_rng(5)
    energy = rng.uniform(20.0, 2000.0, 500)
    bank = bank_of(pdg, energy, rng)
    rows = np.arange(500)
    interact(bank, rows, energy, bank.particles["direction"].astype(float), rng)
    out = bank.particles[500:]
    carried = np.bincount(out["parent"], out["kinetic_energy"] + masses(out["pdg"]), minlength=500)
    available = energy + masses(np.full(500, pdg))
    # Boil-off is drawn on top: a few nucleons and photons of some MeV.
    assert np.all(carried < available + 60.0)
    assert np.mean(carried - available) < 0.0
    assert np.all(out["process"] == c.HADRON_INELASTIC)
    assert {2212, 2112, 22} <= set(out["pdg"].tolist())


def test_fast_products_go_forward():
    rng = np.random.default_rng(6)
    energy = np.full(2000, 1500.0)
    bank = bank_of(2212, energy, rng)
    interact(bank, np.arange(2000), energy, bank.particles["direction"].astype(float), rng)
    out = bank.particles[2000:]
    cosine = (out["direction"] * bank.particles["direction"][out["parent"]]).sum(axis=1)
    fast = (out["pdg"] == 2212) & (out["kinetic_energy"] > 500.0)
    slow = (out["pdg"] == 2212) & (out["kinetic_energy"] < 20.0)
    assert np.median(cosine[fast]) > 0.95
    assert abs(np.mean(cosine[slow])) < 0.1


def test_neutrons_leave_recoil_protons_and_photons_apart():
    _, particles = fire(2112, np.full(60, 150.0), 7, MIDDLE)
    protons = particles[(particles["pdg"] == 2212)]
    photons = particles[(particles["pdg"] == 22) & (particles["parent"] >= 0)]
    assert len(protons) > 10
    assert np.all(protons["label"] == HIP)
    distance = np.linalg.norm(protons["start"] - np.array(MIDDLE), axis=1)
    assert np.median(distance) > 10.0
    assert np.any(photons["label"] == SHOWER)


# Inelastic cross sections on calcium in mb at some energies in MeV, most of them between the points
# of our table: Geant4, G4BarashenkovData.hh and G4PiNuclearCrossSection.cc.
ENERGIES = {
    2212: [17, 22, 30, 40, 50, 80, 100, 160, 200, 400, 600, 1000, 3000, 5000, 50000],
    2112: [17, 22, 27, 40, 50, 70, 100, 200, 400, 600, 1000, 3000, 5000, 50000],
    211: [20, 100, 160, 180, 220, 250, 350, 450, 600, 800, 900, 20000],
    -211: [40, 100, 140, 180, 200, 250, 350, 450, 600, 800, 900, 10000],
}
MILLIBARNS = {
    2212: [850, 925, 895, 800, 715, 590, 573, 540, 535, 550, 595, 620, 620, 612, 580],
    2112: [1180, 1090, 1020, 880, 770, 640, 600, 550, 550, 595, 620, 620, 612, 580],
    211: [160, 870, 860, 810, 740, 710, 617, 585, 575, 600, 602, 470],
    -211: [550, 955, 960, 860, 820, 740, 637, 600, 590, 608, 610, 488],
}


@pytest.mark.parametrize("pdg", ENERGIES)
def test_hadrons_interact_as_often_as_the_evaluated_cross_sections_say(pdg):
    rate = inverse_interaction_length(np.array(ENERGIES[pdg], float), pdg)
    atoms = 6.02214e23 * 1.396 / 39.948
    assert rate == pytest.approx(np.array(MILLIBARNS[pdg]) * 1e-27 * atoms, rel=0.025)


def test_what_nuclei_repel_does_not_interact_at_low_energy():
    energy = np.array([1.0, 5.0])
    for pdg in (211, 2212):
        assert np.all(inverse_interaction_length(energy, pdg) < 4e-3)
    assert np.all(inverse_interaction_length(energy, -211) > 9e-3)
    assert inverse_interaction_length(energy, 2112)[1] > 2e-2


def test_each_charge_of_pion_has_its_own_rate_in_one_call():
    energy, pdg = np.array([40.0, 40.0, 40.0]), np.array([211, -211, 211])
    rate = inverse_interaction_length(energy, pdg)
    assert rate[0] == rate[2] == inverse_interaction_length(energy[:1], 211)[0]
    assert rate[1] > 1.5 * rate[0]


def test_negative_pions_interact_more_on_their_way_to_rest_than_positive_ones():
    broken = {}
    for pdg in (211, -211):
        _, particles = fire(pdg, np.full(700, 45.0), 8, MIDDLE)
        mothers = particles["parent"][particles["process"] == c.HADRON_INELASTIC]
        broken[pdg] = len(np.unique(mothers[mothers < 700]))
    # 0.55 to 0.65 barn against 0.2 to 0.4 over most of 10 cm.
    assert broken[-211] > 1.4 * broken[211] > 0


def test_the_path_to_the_exit_is_the_distance_to_the_wall():
    start = np.array([[128.0, 0.0, 500.0], [128.0, 0.0, 500.0]])
    direction = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    assert path_to_exit(start, direction, MICROBOONE_WORLD.volume, 0.0) == pytest.approx(
        [128.0, 116.5]
    )
    assert path_to_exit(start, direction, MICROBOONE_WORLD.volume, 20.0) == pytest.approx(
        [148.0, 136.5]
    )


def mean_path(pdg, rate):
    """cm from start to end of hadrons of 200 MeV: with a high rate nearly all of them interact."""
    world = dataclasses.replace(MICROBOONE_WORLD, hadron_rate=rate)
    rng = np.random.default_rng(3)
    bank = bank_of(pdg, np.full(2000, 200.0), rng, world)
    rows = np.arange(2000)
    if pdg == 2112:
        move_neutrons(bank, rows, rng)
    else:
        transport_tracks(bank, rows, rng)
    particles = bank.particles[:2000]
    return np.linalg.norm(particles["end"] - particles["start"], axis=1).mean()


@pytest.mark.parametrize("pdg", [211, 2212, 2112])
def test_a_world_may_make_hadrons_interact_more_often(pdg):
    # At 40 and 80 times the rate they have lost no energy before they interact, on 1 or 2 cm.
    assert mean_path(pdg, 40.0) / mean_path(pdg, 80.0) == pytest.approx(2.0, rel=0.1)
