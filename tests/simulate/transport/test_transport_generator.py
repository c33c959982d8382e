"""Events as a whole: reproducible, inside the volume, consistent, and of the topology asked for."""

import numpy as np
import pytest

from jaxsparse import particle_data as c
from jaxsparse.detectors.microboone import MIP, SHOWER
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.transport.generator import GeneratorConfig, generate
from jaxsparse.simulate.transport.vertices import TOPOLOGIES
from studies.transport.figures import fire


@pytest.fixture(scope="module")
def event():
    return generate(GeneratorConfig(), MICROBOONE_WORLD, np.random.default_rng([3, 1]))


def test_an_event_depends_on_its_seed_alone(event):
    again = generate(GeneratorConfig(), MICROBOONE_WORLD, np.random.default_rng([3, 1]))
    assert np.array_equal(event[0].energy, again[0].energy)
    assert np.array_equal(event[1], again[1])
    other = generate(GeneratorConfig(), MICROBOONE_WORLD, np.random.default_rng([3, 2]))
    assert len(other[0]) != len(event[0])


def test_mothers_come_before_their_daughters_and_start_where_they_are(event):
    particles = event[1]
    parent = particles["parent"]
    assert np.all(parent < np.arange(len(parent)))
    assert np.allclose(np.linalg.norm(particles["direction"], axis=1), 1.0, atol=1e-5)
    assert np.all(np.isfinite(particles["end"]))
    assert np.all(particles["kinetic_energy"] > 0.0)
    # Daughters belong to the same interaction or cosmic, and are not younger than their mothers.
    secondary = parent >= 0
    mother = particles[np.maximum(parent, 0)]
    assert np.all((particles["interaction"] == mother["interaction"])[secondary])
    assert np.all((particles["time"] >= mother["time"])[secondary])


def test_steps_are_short_positive_and_where_they_can_be_seen(event):
    deposits = event[0]
    assert deposits.length.max() < 0.301
    assert deposits.energy.min() >= 0.0
    span = np.linalg.norm(deposits.end - deposits.start, axis=1)
    assert np.allclose(span, deposits.length, atol=1e-6)
    middle = 0.5 * (deposits.start + deposits.end)
    assert np.all(MICROBOONE_WORLD.volume.visible(middle, deposits.time, 3.5))


def test_all_energy_of_a_contained_shower_is_deposited():
    for pdg, kinetic_energy, tolerance in ((11, 300.0, 0.03), (-11, 30.0, 0.06), (22, 100.0, 0.04)):
        deposits, _ = fire(pdg, np.full(30, kinetic_energy), 11, (128.0, 0.0, 300.0))
        total = deposits.energy.sum() / 30
        rest = 1.022 if pdg == -11 else 0.0
        assert total == pytest.approx(kinetic_energy + rest, rel=tolerance)


def test_a_muon_and_all_it_made_deposit_its_energy():
    # Beside what the capture of a negative muon, or its decay, sets free.
    deposits, particles = fire(13, np.full(30, 400.0), 12, (128.0, 0.0, 100.0))
    below = particles["process"] == c.CAPTURE_AT_REST
    for row, parent in enumerate(particles["parent"]):  # rows are in order of creation
        below[row] |= parent >= 0 and below[parent]
    total = deposits.energy[~below[deposits.particle]].sum() / 30
    assert total == pytest.approx(400.0, rel=0.03)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_each_topology_has_the_primaries_it_is_named_after(topology):
    config = GeneratorConfig(topology, cosmic_rate=0.0)
    deposits, particles, name = generate(config, MICROBOONE_WORLD, np.random.default_rng([5, 0]))
    primary = sorted(particles["pdg"][particles["parent"] < 0].tolist())
    expected = {
        "1e1p": [11, 2212], "1mu1p": [13, 2212], "photon": [22], "electron": [11], "cosmic": [],
    }  # fmt: skip
    assert name == topology
    if topology == "bomb":
        assert 1 <= len(primary) <= 7
        assert {abs(pdg) for pdg in primary} <= {11, 13, 22, 211, 2212}
    elif topology == "published_bomb":
        assert 1 <= len(primary) <= 4
        assert {11, 13} & set(primary)
    else:
        assert primary == expected[topology]
    assert (len(deposits) > 0) == (topology != "cosmic")
    assert np.all(particles["interaction"])


def test_cosmics_are_overlaid_as_downward_muons_that_are_no_interaction():
    _, particles, _ = generate(
        GeneratorConfig("cosmic"), MICROBOONE_WORLD, np.random.default_rng([5, 1])
    )
    primary = particles[particles["parent"] < 0]
    assert len(primary) > 5
    assert np.all(np.abs(primary["pdg"]) == 13)
    assert np.all(primary["label"] == MIP)
    assert np.all(primary["direction"][:, 1] < 0.0)
    assert not particles["interaction"].any()


def test_vertices_keep_their_distance_from_the_walls():
    for i in range(20):
        config = GeneratorConfig(
            "photon", cosmic_rate=0.0, fiducial_margin=50.0, kinetic_energy=(5.0, 20.0)
        )
        _, particles, _ = generate(config, MICROBOONE_WORLD, np.random.default_rng([6, i]))
        place = particles["start"][:1].astype(float)
        assert MICROBOONE_WORLD.volume.inside(place, -49.999)[0]
        assert particles["label"][0] == SHOWER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topology", "nue"),
        ("cosmic_rate", -1.0),
        ("multiplicity", (0, 3)),
        ("multiplicity", (5, 3)),
        ("kinetic_energy", (2000.0, 30.0)),
        ("fiducial_margin", 200.0),
    ],
)
def test_impossible_settings_are_refused_by_name(name, value):
    with pytest.raises(InputError, match=name):
        GeneratorConfig(**{name: value})
