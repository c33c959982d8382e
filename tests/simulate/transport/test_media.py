"""Media: what follows from their elements, against the Particle Data Group's tables."""

import numpy as np
import pytest

from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.nova.detector import NOVA_FAR
from jaxsparse.simulate.transport.electrons import electron_range_table
from jaxsparse.simulate.transport.energy_loss import restricted_loss
from jaxsparse.simulate.transport.hadron_rates import (
    hydrogen_scatters_per_cm,
    inverse_interaction_length,
)
from jaxsparse.simulate.transport.medium import (
    CARBON,
    CHLORINE,
    HYDROGEN,
    LIQUID_ARGON,
    OXYGEN,
    Element,
    mixture,
)
from jaxsparse.simulate.transport.photons import interaction_rates
from jaxsparse.simulate.transport.world import Volume
from studies.transport.figures import fire

MUON = 105.6584
AT_REST = {
    "critical_energy": 90.0,
    "muon_decay_fraction": 0.9,
    "muon_life": 2.0,
    "nuclear_line": 4.44,
}
# Density (g/cm^3), mass fractions, then the Particle Data Group's radiation length (g/cm^2), mean
# excitation (eV) and minimum ionisation (MeV cm^2/g). Water is left out of the excitation: its
# tabulated value is measured, not the sum of its elements.
TABLE = {
    "polyethylene": (0.94, {HYDROGEN: 0.143711, CARBON: 0.856289}, 44.77, 57.4, 2.079),
    "polystyrene": (1.06, {HYDROGEN: 0.077418, CARBON: 0.922582}, 43.79, 68.7, 1.936),
    "PVC": (1.3, {HYDROGEN: 0.048380, CARBON: 0.384360, CHLORINE: 0.567260}, 25.51, 108.2, 1.779),
    "water": (1.0, {HYDROGEN: 0.111894, OXYGEN: 0.888106}, 36.08, None, 1.992),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_mixture_is_what_the_tables_say(name):
    density, fractions, radiation, excitation, least = TABLE[name]
    medium = mixture(name, density, fractions, **AT_REST)
    assert medium.radiation_length * density == pytest.approx(radiation, rel=0.01)
    if excitation:
        assert medium.mean_excitation * 1e6 == pytest.approx(excitation, rel=0.05)
    loss = restricted_loss(np.geomspace(100.0, 1000.0, 200), MUON, 1e9, medium)
    assert loss.min() / density == pytest.approx(least, rel=0.015)


def test_one_element_alone_is_that_element():
    assert LIQUID_ARGON.atomic_number == 18.0
    assert (LIQUID_ARGON.light_nuclei, LIQUID_ARGON.heavy_nuclei) == (0.0, 1.0)
    assert LIQUID_ARGON.hydrogen_per_cm3 == 0.0
    # Liquid argon: 0.0966 MeV/cm, 2.10e22 atoms in a cm^3.
    assert LIQUID_ARGON.knock_on == pytest.approx(0.0966, rel=1e-3)
    assert LIQUID_ARGON.atoms_per_cm3 == pytest.approx(2.10e22, rel=5e-3)


def test_photons_convert_after_nine_sevenths_of_a_radiation_length_in_any_medium():
    for medium in (LIQUID_ARGON, NOVA_FAR.medium):
        rate, pair, _ = interaction_rates(np.array([2.0e4]), medium)
        assert rate * pair == pytest.approx(7.0 / 9.0 / medium.radiation_length, rel=0.03)


def test_compton_scattering_follows_the_electrons():
    # NIST, 1 MeV: mass attenuation of polyethylene 0.0727 cm^2/g (0.07262 in AliceO2's TRsim.cxx).
    density, fractions = TABLE["polyethylene"][:2]
    medium = mixture("polyethylene", density, fractions, **AT_REST)
    rate, _, _ = interaction_rates(np.array([1.0]), medium)
    assert rate / density == pytest.approx(0.0727, rel=0.01)


def test_hadrons_meet_carbon_as_often_as_the_evaluated_cross_sections_say():
    # Geant4's tables of carbon (G4BarashenkovData.hh, G4PiNuclearCrossSection.cc), MeV and mb, most
    # of them between the points of ours.
    cases = {
        2212: ([18.5, 30, 50, 90, 200, 300, 1000, 3000], [420, 420, 320, 234, 210, 210, 260, 256]),
        2112: ([20, 30, 50, 90, 200, 300, 1000, 3000], [510, 430, 330, 240, 210, 210, 260, 256]),
        211: ([40, 90, 130, 180, 200, 300, 450, 700], [132, 315, 420, 400, 386, 280, 236, 238]),
        -211: ([30, 90, 130, 180, 200, 240, 350, 700], [144, 351, 438, 416, 400, 354, 264, 238]),
    }
    graphite = mixture("graphite", 2.21, {CARBON: 1.0}, **AT_REST)
    for pdg, (energy, reference) in cases.items():
        rate = inverse_interaction_length(np.array(energy, float), pdg, graphite)
        barns = rate / graphite.atoms_per_cm3 * 1e27
        assert barns == pytest.approx(reference, rel=0.025)


def test_nuclei_between_those_of_the_tables_are_scaled_by_their_size():
    # Geant4's tables of oxygen and aluminium (the same files), mb at 300, 1000 and 5000 MeV: within
    # 10 %, of protons and of positive pions.
    energy = np.array([300.0, 1000.0, 5000.0])
    for pdg, oxygen in ((2212, [271, 318, 323]), (211, [350, 330, 250])):
        gas = mixture("oxygen", 1.1, {OXYGEN: 1.0}, **AT_REST)
        barns = inverse_interaction_length(energy, pdg, gas) / gas.atoms_per_cm3 * 1e27
        assert barns == pytest.approx(oxygen, rel=0.1)
    aluminium = Element("Al", 13.0, 26.982, 24.01, 166.0)
    metal = mixture("aluminium", 2.7, {aluminium: 1.0}, **AT_REST)
    for pdg, reference in ((2212, [402, 456, 456]), (211, [505, 460, 376])):
        barns = inverse_interaction_length(energy, pdg, metal) / metal.atoms_per_cm3 * 1e27
        assert barns == pytest.approx(reference, rel=0.1)


def test_hadrons_interact_as_often_as_carbon_has_them():
    density, fractions = TABLE["polystyrene"][:2]
    medium = mixture("polystyrene", density, fractions, **AT_REST)
    length = 1.0 / inverse_interaction_length(np.array([2000.0]), 2212, medium)[0]
    # Particle Data Group: 77.1 g/cm^2 nuclear interaction length of polystyrene at high energy.
    assert length * density == pytest.approx(77.1, rel=0.2)


def test_neutrons_meet_free_protons_only_where_there_is_hydrogen():
    energy = np.array([1.0, 14.0, 100.0])
    assert np.all(hydrogen_scatters_per_cm(energy, LIQUID_ARGON) == 0.0)
    medium = NOVA_FAR.medium
    barns = hydrogen_scatters_per_cm(energy, medium) / medium.hydrogen_per_cm3 * 1e24
    # Neutron-proton cross sections: 4.26 b at 1 MeV, 0.69 b at 14 MeV, 0.073 b at 100 MeV.
    assert barns == pytest.approx([4.26, 0.69, 0.073], rel=0.05)


def test_a_neutron_leaves_protons_in_a_scintillator():
    _, particles = fire(2112, np.full(100, 100.0), 1, (700.0, 700.0, 1000.0), world=NOVA_FAR.world)
    struck = particles[(particles["pdg"] == 2212) & (particles["process"] == 4111)]
    first = struck[np.isin(struck["parent"], np.arange(100))]
    assert len(first) > 10
    # Elastic on an equal mass: cos^2 of the angle to the neutron is the share of its energy.
    share = first["kinetic_energy"] / 100.0
    assert first["direction"][:, 2] == pytest.approx(np.sqrt(share), abs=1e-3)


def test_a_world_says_what_is_seen():
    argon, cells = MICROBOONE_WORLD.volume, NOVA_FAR.world.volume
    place = np.array([[100.0, 0.0, 500.0]])
    assert argon.visible(place, np.array([0.0]))[0]
    assert not argon.visible(place, np.array([3000.0]))[0]  # drifts in after the window
    assert isinstance(cells, Volume)
    assert cells.visible(place, np.array([3000.0]))[0]
    assert not cells.visible(place - [101.0, 0.0, 0.0], np.array([0.0]))[0]


def test_tables_of_two_media_do_not_mix():
    argon = electron_range_table(MICROBOONE_WORLD)
    oil = electron_range_table(NOVA_FAR.world)
    energy = np.array([10.0])
    # In g/cm^2 oil is shorter: more electrons a gram (0.55 against 0.45), more loosely bound.
    ratio = oil.range_of(energy) * NOVA_FAR.medium.density / argon.range_of(energy) / 1.396
    assert 0.65 < ratio < 0.85
    assert electron_range_table(MICROBOONE_WORLD) is argon
