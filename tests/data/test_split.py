"""Events shared out to devices: every event once, loads even, the same each time."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data.split import split_by_sites

SITES = st.lists(st.integers(0, 5000), max_size=24)


@settings(max_examples=40, deadline=None)
@given(sites=SITES, devices=st.integers(1, 8))
def test_every_event_goes_to_one_device_and_none_has_more_than_its_slots(sites, devices):
    shares = split_by_sites(sites, devices)
    assert len(shares) == devices
    assert sorted(itertools.chain(*shares)) == list(range(len(sites)))
    assert all(share == sorted(share) for share in shares)
    assert all(len(share) <= -(-len(sites) // devices) for share in shares)
    assert split_by_sites(sites, devices) == shares


@settings(max_examples=40, deadline=None)
@given(sites=SITES, devices=st.integers(1, 8))
def test_without_a_limit_loads_differ_by_at_most_the_largest_event(sites, devices):
    # Largest first: the fullest device held no more than the emptiest when its last event came.
    loads = [
        sum(sites[event] for event in share)
        for share in split_by_sites(sites, devices, slots=len(sites))
    ]
    assert max(loads) - min(loads) <= max(sites, default=0)


def test_sixty_four_events_of_a_detector_are_split_within_two_percent():
    # Quartiles and tail of 512 x 512 crops of a real wire plane: 56 / 514 / 1105 / 2647 / 5495.
    sites = ([56, 300, 514, 800, 1105, 1500, 2647, 5495] * 8)[:64]
    loads = [sum(sites[event] for event in share) for share in split_by_sites(sites, 4)]
    assert max(loads) <= 1.02 * sum(sites) / 4


def test_fewer_events_than_devices_leave_devices_empty():
    assert split_by_sites([5, 7], 4) == [[1], [0], [], []]
    assert split_by_sites([], 2) == [[], []]


def test_empty_events_spread_out_too():
    assert [len(share) for share in split_by_sites([0] * 8, 4)] == [2, 2, 2, 2]
