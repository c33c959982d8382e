"""The bomb of the published samples: kinds, numbers, energies, directions and place.

The expected numbers are those of the file that the module names.
"""

import collections

import numpy as np
import pytest

from jaxsparse import particle_data as c
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.published_bomb import draw_directions, draw_particles
from jaxsparse.simulate.transport.vertices import add_vertex

EVENTS = 4000


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(1)
    return [draw_particles(rng) for _ in range(EVENTS)]


def test_one_to_four_particles_are_equally_likely(drawn):
    counts = collections.Counter(len(pdg) for pdg, _ in drawn)
    assert set(counts) == {1, 2, 3, 4}
    assert all(abs(count / EVENTS - 0.25) < 0.03 for count in counts.values())


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [((11, 13), 1, 3), ((22,), 0, 2), ((211, -211), 0, 2), ((2212,), 0, 3)],
)
def test_every_kind_keeps_its_numbers(drawn, kind, least, most):
    numbers = {int(np.isin(pdg, kind).sum()) for pdg, _ in drawn}
    assert numbers == set(range(least, most + 1))


def test_there_are_no_other_particles_and_codes_of_a_kind_are_equally_likely(drawn):
    codes = collections.Counter(np.concatenate([pdg for pdg, _ in drawn]).tolist())
    assert set(codes) == {11, 13, 22, 211, -211, 2212}
    assert abs(codes[11] / (codes[11] + codes[13]) - 0.5) < 0.02
    assert abs(codes[211] / (codes[211] + codes[-211]) - 0.5) < 0.04


def test_the_second_of_two_is_of_every_kind_with_equal_chance(drawn):
    second = [int(pdg[1]) for pdg, _ in drawn if len(pdg) == 2]
    shares = [np.isin(second, kind).mean() for kind in ((11, 13), (22,), (211, -211), (2212,))]
    np.testing.assert_allclose(shares, 0.25, atol=0.05)


@pytest.mark.parametrize(
    ("code", "least", "most"), [(2212, 50, 400), (11, 50, 1000), (22, 50, 1000)]
)
def test_kinetic_energies_are_even_in_their_range(drawn, code, least, most):
    energy = np.concatenate([energy[pdg == code] for pdg, energy in drawn])
    assert least <= energy.min() < least + 0.02 * (most - least)
    assert most - 0.02 * (most - least) < energy.max() <= most
    quarters = np.histogram(energy, bins=4, range=(least, most))[0] / len(energy)
    np.testing.assert_allclose(quarters, 0.25, atol=0.03)


def test_the_polar_angle_is_even_and_not_the_sphere():
    direction = draw_directions(20_000, np.random.default_rng(2))
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    polar = np.arccos(direction[:, 2])
    np.testing.assert_allclose(
        np.histogram(polar, bins=4, range=(0, np.pi))[0] / 20_000, 0.25, atol=0.02
    )
    azimuth = np.arctan2(direction[:, 1], direction[:, 0])
    np.testing.assert_allclose(
        np.histogram(azimuth, bins=4, range=(-np.pi, np.pi))[0] / 20_000, 0.25, atol=0.02
    )


def test_all_start_together_thirty_centimetres_from_the_walls():
    for seed in range(50):
        bank = ParticleBank(MICROBOONE_WORLD)
        rows = add_vertex(
            bank, "published_bomb", np.random.default_rng(seed),
            multiplicity=(7, 7), kinetic_energy=(1.0, 2.0), fiducial_margin=0.0,
        )  # fmt: skip
        primaries = bank.particles[rows]
        assert (primaries["process"] == c.PRIMARY).all()
        assert primaries["interaction"].all()
        assert len(np.unique(primaries["start"], axis=0)) == 1
        assert MICROBOONE_WORLD.volume.inside(primaries["start"][:1].astype(float), -29.999)[0]
        assert primaries["kinetic_energy"].min() >= 50
