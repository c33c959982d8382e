"""The track of delta rays and Michel electrons: against the definition, and at its limits."""

import numpy as np
import pytest

from jaxsparse.inference.grouping import (
    TOLD_DTYPE,
    Kinds,
    SeenEvent,
    SeenView,
    instance_parents,
    told_particles,
)
from tests.random_views import random_cells

TRACK, DELTA, MICHEL, SHOWER = range(4)
KINDS = Kinds(tracks=(TRACK,), along_tracks=(DELTA,), at_track_ends=(MICHEL,))
REACH, END, LEAST = 6, 3, 5


def seen(*coords):
    return SeenEvent(tuple(SeenView(np.array(c), np.ones((len(c), 4))) for c in coords))


def random_event(seed, pixels=150, instances=14):
    rng = np.random.default_rng(seed)
    coords = [random_cells(rng, pixels, (40, 40)) for _ in range(2)]
    # Instances are patches, so that some touch, some are near and some are far.
    numbers = [
        np.where(rng.random(pixels) < 0.1, -1, (c[:, 0] // 10 * 4 + c[:, 1] // 10) % instances)
        for c in coords
    ]
    label = np.concatenate([rng.integers(0, 4, instances), [-1]])
    return seen(*coords), numbers, [label[number] for number in numbers]


def ends_by_hand(pixels):
    """Pixels in lexicographic order, near those that a walk from the centre finds."""
    centre = np.mean(pixels, axis=0)
    places = [centre]
    for _ in range(3):
        far = [float(((np.array(p) - places[-1]) ** 2).sum().round(6)) for p in pixels]
        places.append(np.array(pixels[int(np.argmax(far))]))
    return {p for p in pixels if min(((np.array(p) - q) ** 2).sum() for q in places[2:]) <= END**2}


def by_hand(event, numbers, classes, child):
    """The definition, pixel by pixel: the number of the parent of an instance."""
    steps = []
    for view, number, label in zip(event.views, numbers, classes, strict=True):
        rows = sorted(range(len(number)), key=lambda row: tuple(view.coords[row]))
        pixels = {n: [tuple(view.coords[r]) for r in rows if number[r] == n] for n in set(number)}
        kinds = dict(zip(number.tolist(), label.tolist(), strict=True))
        places = []
        for n, own in pixels.items():
            if n >= 0 and kinds[n] == TRACK and len(own) >= LEAST:
                ends = ends_by_hand(own)
                places += [(p, n) for p in own if kinds.get(child) != MICHEL or p in ends]
        for p in pixels.get(child, []):
            near = sorted(
                (square, q, n)
                for q, n in places
                if (square := (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2) <= REACH**2
            )
            if near:
                steps.append((max(near[0][0], 2), near[0][2]))
    if not steps:
        return -1
    best = min(steps)[0]
    found = [track for square, track in steps if square == best]
    return min(found, key=lambda track: (-found.count(track), track))


@pytest.mark.parametrize("seed", range(8))
def test_a_parent_is_the_nearest_track_of_which_michels_see_the_ends(seed):
    event, numbers, classes = random_event(seed)
    found = instance_parents(event, numbers, classes, KINDS, REACH, END, LEAST)
    everywhere = [np.ones(len(view), bool) for view in numbers]
    told = told_particles(numbers, classes, found, everywhere)
    kinds = set(told["class"].tolist())
    assert {DELTA, MICHEL} & kinds
    for instance, label, parent in told.tolist():
        expected = -1
        if label in (DELTA, MICHEL):
            expected = by_hand(event, numbers, classes, instance)
        assert parent == expected


def test_pixels_in_another_order_have_the_same_parents():
    event, numbers, classes = random_event(3)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(number)) for number in numbers]
    moved = seen(*(v.coords[order] for v, order in zip(event.views, orders, strict=True)))
    others, kinds = (
        [each[order] for each, order in zip(column, orders, strict=True)]
        for column in (numbers, classes)
    )
    again = instance_parents(moved, others, kinds, KINDS)
    for own, other, order in zip(
        instance_parents(event, numbers, classes, KINDS), again, orders, strict=True
    ):
        assert own.dtype == np.int32
        np.testing.assert_array_equal(own[order], other)


def line(first, last, row):
    return [(row, column) for column in range(first, last)]


def told_of(parts):
    """The parents of instances 0, 1, ..., each a class and its pixels."""
    coords = [pixel for _, pixels in parts for pixel in pixels]
    number = np.repeat(np.arange(len(parts)), [len(pixels) for _, pixels in parts])
    label = np.array([label for label, _ in parts])[number]
    (found,) = instance_parents(seen(coords), [number], [label], KINDS)
    everywhere = np.ones(len(number), bool)
    return told_particles([number], [label], [found], [everywhere])["parent"].tolist()


def test_a_delta_leaves_a_track_anywhere_and_a_michel_at_an_end():
    track, other = line(0, 100, 0), line(45, 80, 20)
    delta, michel = (DELTA, [(1, 50), (2, 50)]), (MICHEL, [(1, 50), (2, 50)])
    assert told_of([(TRACK, track), delta, (TRACK, other)]) == [-1, 0, -1]
    assert told_of([(TRACK, track), michel, (TRACK, other)]) == [-1, 2, -1]
    assert told_of([(TRACK, track), (MICHEL, [(1, 98), (2, 99)])]) == [-1, 0]


def test_of_tracks_that_touch_the_one_with_most_touching_pixels_is_the_parent():
    delta = [(1, 3), (1, 4), (1, 5), (2, 6)]
    few, many = [(3 + r, 7) for r in range(5)], line(0, 5, 0)
    assert told_of([(DELTA, delta), (TRACK, few), (TRACK, many)])[0] == 2
    ray = (DELTA, [(1, 0), (1, 1), (1, 2)])
    equal = [(TRACK, [(0, c) for c in range(-4, 1)]), (TRACK, [(2, c) for c in range(2, 7)])]
    assert told_of([ray, *equal])[0] == 1
    above = [(TRACK, line(0, 5, 0)), (TRACK, line(0, 5, 2))]
    assert told_of([ray, *above])[0] == 1
    assert told_of([ray, *above[::-1]])[0] == 2  # the first of equals by its place


def test_without_a_track_in_reach_there_is_no_parent():
    assert told_of([(DELTA, [(0, 0)])]) == [-1]
    assert told_of([(TRACK, line(0, 9, 0))]) == [-1]
    assert told_of([(DELTA, [(0, 0)]), (TRACK, line(40, 45, 0))]) == [1, -1]
    assert told_of([(DELTA, [(0, 0)]), (TRACK, line(41, 46, 0))]) == [-1, -1]
    assert told_of([(SHOWER, [(0, 0)]), (TRACK, line(1, 6, 0))]) == [-1, -1]
    assert told_of([(DELTA, [(0, 0)]), (TRACK, line(1, 5, 0))]) == [-1, -1]
    assert told_of([(DELTA, [(0, 0)]), (MICHEL, [(0, 1)]), (SHOWER, [(1, 0)])]) == [-1] * 3


def test_classes_that_nothing_is_known_of_have_no_parents():
    event, numbers, classes = random_event(0)
    for found in instance_parents(event, numbers, classes, Kinds()):
        assert (found == -1).all()


def test_of_nothing_nothing_is_told():
    empty = np.zeros((0, 2), int)
    none = np.zeros(0, np.int32)
    (found,) = instance_parents(
        SeenEvent((SeenView(empty, np.ones((0, 4))),)), [none], [none], KINDS
    )
    assert found.shape == (0,)
    told = told_particles([none], [none], [found], [none.astype(bool)])
    assert told.dtype == TOLD_DTYPE
    assert len(told) == len(told_particles([], [], [], [])) == 0


def test_what_lies_on_empty_pixels_alone_is_no_particle_and_nobodys_parent():
    number, label = np.array([0, 0, 1, 2, 2]), np.array([TRACK, TRACK, DELTA, DELTA, DELTA])
    parent, real = np.array([-1, -1, 0, 1, 1]), np.array([True, False, False, False, True])
    told = told_particles([number], [label], [parent], [real])
    assert told.tolist() == [(0, TRACK, -1), (2, DELTA, -1)]


def test_points_in_space_have_parents_too():
    coords = np.array([(0, 0, z) for z in range(20)] + [(1, 1, 20), (2, 2, 21)])
    event = SeenEvent((SeenView(coords, np.ones((22, 4))),))
    number = np.array([3] * 20 + [5] * 2)
    label = np.where(number == 3, TRACK, MICHEL)
    assert instance_parents(event, [number], [label], KINDS)[0][-1] == 3
