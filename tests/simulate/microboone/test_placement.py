import math

import numpy as np
import pytest

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.microboone.placement import place


def event(end):
    rng = np.random.default_rng(0)
    particles = np.zeros(2, PARTICLE_DTYPE)
    particles["parent"], particles["pdg"] = [-1, 0], [13, 11]
    particles["kinetic_energy"] = [500, 900]  # only a primary is an axis
    particles["start"] = [(7, 8, 9), (0, 1, 2)]
    particles["end"] = [end, (5, 5, 5)]
    particles["direction"] = (0, 1, 0)
    start = rng.normal(size=(6, 3))
    ones = np.ones(6)
    return Deposits(start, start + 1, ones, ones, ones, np.zeros(6, np.int32)), particles


@pytest.mark.parametrize("seed", range(5))
def test_the_muon_lies_along_the_beam_inside_the_volume(seed):
    deposits, particles = event((107, 308, -401))
    _, placed = place(deposits, particles, MICROBOONE_CHAMBER, np.random.default_rng(seed))
    axis = placed["end"][0] - placed["start"][0]
    assert axis[2] / np.linalg.norm(axis) >= math.cos(math.radians(10)) - 1e-6
    for point in (placed["start"][0], placed["end"][0]):
        assert (point >= np.array(MICROBOONE_CHAMBER.low)).all()
        assert (point <= np.array(MICROBOONE_CHAMBER.high)).all()


def test_nothing_changes_but_place_and_direction():
    deposits, particles = event((107, 308, -401))
    moved, placed = place(deposits, particles, MICROBOONE_CHAMBER, np.random.default_rng(1))
    both = np.concatenate([deposits.start, particles["start"]])
    both_moved = np.concatenate([moved.start, placed["start"]])
    distance = np.linalg.norm(both[:, None] - both, axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(both_moved[:, None] - both_moved, axis=-1), distance, atol=1e-4
    )
    triple = np.linalg.det(deposits.start[:3] - deposits.start[3])  # no mirror image
    assert np.linalg.det(moved.start[:3] - moved.start[3]) == pytest.approx(triple)
    np.testing.assert_array_equal(moved.energy, deposits.energy)
    np.testing.assert_array_equal(placed["parent"], particles["parent"])
    assert np.linalg.norm(placed["direction"], axis=1) == pytest.approx(1)


def test_a_track_longer_than_the_volume_starts_at_its_wall():
    deposits, particles = event((7, 8, 5009))
    _, placed = place(deposits, particles, MICROBOONE_CHAMBER, np.random.default_rng(1))
    assert placed["start"][0][2] == pytest.approx(2.0)
    assert placed["end"][0][2] > MICROBOONE_CHAMBER.high[2]


def test_an_event_without_primary_is_one_line():
    deposits, particles = event((0, 0, 0))
    particles["parent"] = 0
    with pytest.raises(InputError, match="no primary"):
        place(deposits, particles, MICROBOONE_CHAMBER, np.random.default_rng(0))
