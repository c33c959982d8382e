"""Interactions conserve, come in the shares asked for, and repeat with their seed."""

import collections
import dataclasses

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.neutrinos import (
    InteractionConfig,
    add_interaction,
    draw_interaction,
)
from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos.generator import interact_at, spectrum
from jaxsparse.simulate.transport.bank import ParticleBank

KNOWN = {11, 13, 22, 111, 211, 2112, 2212}
CHARGE = {11: -1, 13: -1, 22: 0, 111: 0, 211: 1, 2112: 0, 2212: 1}
SCINTILLATOR = InteractionConfig(shares=(0.25, 0.25, 0.25, 0.25))
BARE = dataclasses.replace(SCINTILLATOR, rescattering=False, beam_direction=(0.3, -0.5, 0.2))


def draw(config, number, seed=1):
    return [draw_interaction(config, np.random.default_rng([seed, i])) for i in range(number)]


@pytest.fixture(scope="module")
def bare():
    return draw(BARE, 300)


@pytest.fixture(scope="module")
def full():
    return draw(SCINTILLATOR, 500)


def four_momentum(interaction):
    masses = np.array([c.mass(int(code)) for code in interaction.pdg])
    kinetic = interaction.kinetic_energy / 1e3
    momentum = np.sqrt(kinetic * (kinetic + 2.0 * masses))[:, None] * interaction.direction
    return np.concatenate([[(kinetic + masses).sum()], momentum.sum(axis=0)])


def test_energy_and_momentum_are_conserved_before_the_nucleus_acts(bare):
    axis = np.array(BARE.beam_direction) / np.linalg.norm(BARE.beam_direction)
    for interaction in bare:
        before = interaction.energy * np.array([1.0, *axis]) + interaction.struck
        after = four_momentum(interaction) + interaction.escaped
        np.testing.assert_allclose(after, before, atol=1e-9)


def test_charge_is_that_of_the_struck_nucleons(bare):
    for interaction in bare:
        sign = [CHARGE[abs(int(code))] * np.sign(code) for code in interaction.pdg]
        baryons = np.isin(interaction.pdg, (2112, 2212)).sum()
        assert baryons == (2 if interaction.mode == "MEC" else 1)
        assert 0 <= sum(sign) <= baryons


def test_the_nucleus_makes_no_energy(full):
    # Kinetic energy and the masses of pions and leptons must come from the neutrino and the
    # motion of what it hit, whose kinetic energy is at most 0.1 GeV a nucleon.
    for interaction in full:
        codes = np.abs(interaction.pdg)
        masses = np.array([0.0 if code > 2000 else c.mass(int(code)) for code in codes])
        visible = (interaction.kinetic_energy / 1e3 + masses).sum() + interaction.escaped[0]
        assert visible < interaction.energy + 0.2


def test_rescattering_takes_pions_away_and_adds_nucleons():
    rng = [np.random.default_rng(2), np.random.default_rng(2)]
    argon = InteractionConfig(target="argon")
    with_it = [interact_at(argon, "nc", 1, 2.0, rng[0]) for _ in range(200)]
    bare = dataclasses.replace(argon, rescattering=False)
    without = [interact_at(bare, "nc", 1, 2.0, rng[1]) for _ in range(200)]

    def number(made, *codes):
        return np.mean([np.isin(np.abs(i.pdg), codes).sum() for i in made])

    assert number(with_it, 111, 211) < 0.9 * number(without, 111, 211)
    assert number(with_it, 2112, 2212) > 1.3 * number(without, 2112, 2212)


def test_particles_are_ones_that_the_transport_knows(full):
    for interaction in full:
        assert set(np.abs(interaction.pdg).tolist()) <= KNOWN
        assert np.all(interaction.kinetic_energy >= 0.0)
        lengths = np.linalg.norm(interaction.direction, axis=1)
        # A particle at rest may have no direction.
        assert np.all((np.abs(lengths - 1.0) < 1e-6) | (interaction.kinetic_energy < 1e-6))


def test_the_lepton_tells_the_class(full):
    for interaction in full:
        leptons = interaction.pdg[np.isin(np.abs(interaction.pdg), (11, 13))]
        sign = np.sign(interaction.neutrino)
        expected = {"numu": [13 * sign], "nue": [11 * sign], "nc": []}
        if interaction.event_class == "nutau":
            of_tau = {"electron": [11 * sign], "muon": [13 * sign], "hadrons": []}
            assert leptons.tolist() == of_tau[interaction.tau_decay]
        else:
            assert leptons.tolist() == expected[interaction.event_class]
            assert interaction.tau_decay == ""


def test_topologies_say_what_happened_in_32_bytes(full):
    seen = {interaction.topology for interaction in full}
    assert {"numu CC RES", "nue CC QE", "NC DIS", "nutau CC QE hadrons"} <= seen
    assert max(len(text.encode()) for text in seen) <= 32


def test_shares_asked_for_are_shares_got():
    config = InteractionConfig(event_classes=("nc", "nue"), shares=(3.0, 1.0))
    got = collections.Counter(i.event_class for i in draw(config, 300))
    assert got["nc"] / 300 == pytest.approx(0.75, abs=4.0 * np.sqrt(0.75 * 0.25 / 300))
    assert set(got) == {"nc", "nue"}


def test_a_seed_gives_the_same_interaction_whatever_was_drawn_before():
    config = InteractionConfig()
    late = draw(config, 12)[11]
    again = draw_interaction(config, np.random.default_rng([1, 11]))
    other = draw_interaction(config, np.random.default_rng([2, 11]))
    np.testing.assert_array_equal(late.kinetic_energy, again.kinetic_energy)
    np.testing.assert_array_equal(late.pdg, again.pdg)
    assert late.energy == again.energy != other.energy


def test_no_tau_is_made_below_its_threshold():
    # At rest m + m^2 / 2M = 3.46 GeV; a nucleon that comes towards the neutrino lowers it.
    edges, running = spectrum("nova", "swapped", "nutau")
    first = edges[np.argmax(running > 0.0)]
    assert 3.2 < first < 3.5
    with pytest.raises(InputError, match=r"energy is 2\.0 GeV: too low"):
        interact_at(SCINTILLATOR, "nutau", 1, 2.0, np.random.default_rng(0))


def test_the_mean_angle_of_the_muon_falls_with_energy():
    rng = np.random.default_rng(6)

    def angle(energy):
        made = [interact_at(SCINTILLATOR, "numu", 1, energy, rng) for _ in range(100)]
        return np.mean([np.arccos(min(i.direction[0, 2], 1.0)) for i in made])

    angles = [angle(energy) for energy in (0.8, 2.0, 8.0)]
    assert angles[0] > 1.2 * angles[1] > 1.5 * angles[2]


def test_the_beam_direction_turns_the_whole_interaction():
    along = InteractionConfig(beam="dune", target="argon", rescattering=False)
    sideways = dataclasses.replace(along, beam_direction=(2.0, 0.0, 0.0))
    first, second = draw(along, 1)[0], draw(sideways, 1)[0]
    np.testing.assert_allclose(second.direction[:, 0], first.direction[:, 2], atol=1e-12)
    assert first.energy == second.energy


def test_oscillation_moves_muon_neutrinos_away_from_the_maximum():
    edges, _ = spectrum("nova", "oscillated", "numu")
    near = (edges[:-1] > 1.5) & (edges[:-1] < 1.75)
    share = {}
    for kind in ("oscillated", "swapped"):
        rate = np.diff(spectrum("nova", kind, "numu")[1], prepend=0.0).reshape(2, -1)[0]
        share[kind] = rate[near].sum() / rate.sum()
    assert share["oscillated"] < 0.2 * share["swapped"]


def test_wrong_sign_neutrinos_are_about_one_percent_of_interactions():
    rate = np.diff(spectrum("nova", "swapped", "numu")[1], prepend=0.0).reshape(2, -1).sum(axis=1)
    assert rate[1] / rate.sum() == pytest.approx(0.01, abs=0.005)


def test_interactions_become_primaries_of_an_event(full):
    bank = ParticleBank(MICROBOONE_WORLD)
    interaction = full[0]
    bank.add(
        pdg=13, parent=-1, process=0, kinetic_energy=np.ones(1), time=0.0,
        start=np.zeros((1, 3)), direction=np.array([[0.0, -1.0, 0.0]]), interaction=False,
    )  # fmt: skip
    rows = add_interaction(bank, interaction, np.array([10.0, -5.0, 200.0]), 3.5)
    added = bank.particles[rows]
    assert rows.tolist() == list(range(1, 1 + len(interaction.pdg)))
    np.testing.assert_array_equal(added["pdg"], interaction.pdg)
    assert np.all(added["start"] == [10.0, -5.0, 200.0])
    assert np.all(added["parent"] == -1)
    assert np.all(added["process"] == 0)
    assert np.all(added["interaction"])
    assert np.all(added["time"] == 3.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beam": "t2k"}, "beam is 't2k': choose one of nova, dune"),
        ({"target": "water"}, "target is 'water': choose one of scintillator, argon"),
        ({"spectrum": "flat"}, "spectrum is 'flat': choose one of oscillated, swapped"),
        ({"event_classes": ("cosmic",), "shares": (1.0,)}, "event_classes is .*cosmic"),
        ({"event_classes": (), "shares": ()}, "event_classes is"),
        ({"shares": (1.0,)}, "shares has 1 entries: give one for each of the 4"),
        ({"shares": (1.0, -1.0, 0.0, 0.0)}, "shares is .*: needs entries >= 0"),
        ({"shares": (0.0, 0.0, 0.0, 0.0)}, "shares is .*: needs entries >= 0"),
        ({"beam_direction": (0.0, 0.0, 0.0)}, "beam_direction is"),
    ],
)
def test_bad_configurations_are_refused_in_one_line(change, message):
    with pytest.raises(InputError, match=message) as caught:
        InteractionConfig(**change)
    assert "\n" not in str(caught.value)
