"""Events are asked for by whole numbers in range, or by a mask; nothing else passes for one."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from jaxsparse.data.event_numbers import event_number, event_numbers
from jaxsparse.errors import InputError

COUNT = 23  # of conftest
GOOD = [0, 22, -1, -23, np.int8(3), np.uint64(4), np.int64(-2), np.array(5)]
OUTSIDE = [23, -24, 2**31, 2**63, -(2**63), 2**70, np.uint64(2**64 - 1), np.uint32(2**32 - 1)]
STRANGE = [True, False, np.True_, 1.0, np.float32(2), "1", None, 1j, b"1"]


def read_values(events, numbers) -> list[list[float]]:
    return [view.values.tolist() for view in events.read_many(numbers, "Y")]


@pytest.mark.parametrize("index", GOOD)
def test_whole_numbers_of_any_type_are_events(events, index):
    expected = 1000 + int(index) % COUNT
    assert events[index].event_id == expected
    assert event_numbers([index], COUNT, "a.h5").tolist() == [int(index) % COUNT]
    assert read_values(events, [index]) == read_values(events, [int(index) % COUNT])


@pytest.mark.parametrize("index", OUTSIDE)
def test_numbers_that_no_event_has_are_refused_whatever_their_type(events, index):
    for read in (
        events.__getitem__,
        lambda index: events.read_many([0, index], "Y"),
        lambda index: events.read_many(np.array([index]), "Y"),
        lambda index: events.read_particles([index]),
        lambda index: events.read_view(index, "Y"),
    ):
        with pytest.raises(IndexError, match=f"event {int(index)} of .*which has 23"):
            read(index)


@pytest.mark.parametrize("index", STRANGE)
def test_what_is_no_whole_number_is_refused(events, index):
    for read in (events.__getitem__, lambda index: event_number(index, COUNT, "a.h5")):
        with pytest.raises(InputError, match="event numbers must be whole numbers"):
            read(index)
    with pytest.raises(InputError):
        events.read_many([index], "Y")
    with pytest.raises(InputError):
        events.read_many(np.array([index, index]), "Y")


def test_a_mask_selects_events(events):
    mask = np.arange(COUNT) % 7 == 3
    for given in (mask, mask.tolist()):
        assert read_values(events, given) == read_values(events, [3, 10, 17])
    assert len(events.read_particles(np.zeros(COUNT, bool))[1]) == 0
    with pytest.raises(InputError, match=r"a mask of shape \(22,\) for .*, which has 23 events"):
        events.read_many(mask[1:], "Y")


@pytest.mark.parametrize("none", [[], (), np.zeros(0), np.zeros(0, np.int32), range(0)])
def test_no_numbers_are_no_events(events, none):
    assert events.read_many(none, "Y") == []


def test_a_single_number_and_a_table_of_numbers(events):
    assert read_values(events, 5) == read_values(events, [5])
    with pytest.raises(InputError, match="flat list"):
        events.read_many([[1, 2], [3, 4]], "Y")


def test_every_number_is_the_one_that_python_would_take():
    for index in range(-COUNT, COUNT):
        assert event_number(index, COUNT, "") == operator.index(range(COUNT)[index])
