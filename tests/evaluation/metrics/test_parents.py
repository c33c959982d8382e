"""Parents of matched instances, from sets of pixels."""

import dataclasses

import numpy as np
import pytest

from jaxsparse.data.schema import particle_table
from jaxsparse.detectors import ClassSet
from jaxsparse.evaluation.grouped import Grouped
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.parents import Parents, parent_counts
from jaxsparse.evaluation.scored import Scored
from tests.evaluation.random_instances import (
    CLASSES,
    predicted_groups,
    random_event,
    true_groups,
)

LEAST = 3
KINDS = ClassSet(CLASSES, tracks=("HIP", "MIP"), at_track_ends=("Michel",))
TRACKS, MICHEL = KINDS.track_numbers, 2


def event_of(seed):
    """Instances of random parents; particles 5 to 8 are of 0 to 7, and those of class 2 Michels."""
    event, rng = random_event(seed, 200), np.random.default_rng(seed)
    particles = event.particles.copy()
    particles["label"][5:] = MICHEL
    particles["parent"] = [-1] * 5 + [rng.integers(0, row) for row in range(5, 9)]
    particles["instance"] = np.arange(9)
    instance, predicted = event.columns["instance"], event.columns["predicted_instance"]
    # Half of the events are told as they are.
    if seed % 2:
        predicted = np.where(instance >= 0, instance, -1).astype(np.int32)
    label = np.where(instance >= 0, particles["label"][instance], -1).astype(np.int32)
    parent_of, by_rule = rng.integers(-1, 12, 13), rng.integers(-1, 9, 10)
    if seed % 2:
        parent_of[:9] = np.where(rng.random(9) < 0.5, particles["parent"], parent_of[:9])
    columns = {
        **event.columns,
        "predicted_instance": predicted,
        "predicted_instance_class": label
        if seed % 2
        else event.columns["predicted_instance_class"],
        "predicted_parent": np.where(predicted >= 0, parent_of[predicted], -1),
        "parent_by_rule": np.where(instance >= 0, by_rule[instance], -1),
    }
    return dataclasses.replace(event, truth=label, columns=columns, particles=particles), parent_of


def iou(one, two, without=frozenset()):
    whole = (two.pixels | two.others) - without
    return len(one.pixels & two.pixels) / len(one.pixels | whole)


def by_hand(event, parent_of):
    """number, right, whole, largest."""
    trues, guesses = true_groups(event), predicted_groups(event)
    small = frozenset(p for one in trues if len(one.pixels) < LEAST for p in one.pixels)
    noise = frozenset(p for two in guesses for p in two.others)
    counts = np.zeros(4, int)
    for one in trues:
        if one.label != MICHEL or len(one.pixels) < LEAST:
            continue
        for two in guesses:
            large = len(two.pixels | two.others) >= LEAST
            if two.view != one.view or two.label != MICHEL or not large:
                continue
            if not iou(one, two, small | noise) > 0.5:
                continue
            mother, parent = one.number, None
            while parent is None and (mother := int(event.particles["parent"][mother])) >= 0:
                for other in trues:
                    large = other.label in TRACKS and len(other.pixels) >= LEAST
                    if large and (other.view, other.number) == (one.view, mother):
                        parent = other
            if parent is None:
                continue

            def most(two, view=one.view):
                return max(
                    (t for t in trues if t.view == view),
                    key=lambda t: (len(t.pixels & two.pixels), -t.number),
                )

            said = [g for g in guesses if (g.view, g.number) == (one.view, parent_of[two.number])]
            tracks = [g for g in guesses if g.view == one.view and g.label in TRACKS]
            right = bool(said) and most(said[0]) == parent
            half = bool(said) and (
                2 * len(parent.pixels & said[0].pixels) > len(parent.pixels | said[0].pixels)
            )
            largest = bool(tracks) and most(max(tracks, key=lambda g: len(g.pixels))) == parent
            counts += (1, right, half, largest)
    return counts


def test_answers_are_those_of_sets_of_pixels():
    total, expected = np.zeros(5, int), np.zeros(4, int)
    for seed in range(40):
        event, parent_of = event_of(seed)
        table = parent_counts(event, TRACKS, LEAST)
        assert not table[:MICHEL].any()
        assert table[MICHEL, [4, 0, 1, 2]].tolist() == by_hand(event, parent_of).tolist()
        total, expected = total + table[MICHEL], expected + by_hand(event, parent_of)
    assert total[4] > 20
    assert 0 < total[1] <= total[0] < total[4]
    entry = measure([Parents(KINDS, LEAST, GroupedCounts())], [event_of(s)[0] for s in range(40)])
    assert entry["grouping"]["parents"]["Michel"] == {
        "number": total[4],
        **{
            key: pytest.approx(total[place] / total[4])
            for place, key in enumerate(("right", "whole", "largest_track", "true_instances"))
        },
    }
    assert len(Parents(KINDS, LEAST, GroupedCounts()).section(entry)) == 3


def picture():
    """A pion that stops, whose muon has one pixel and whose Michel electron lies at its end; a long
    track; a Michel electron whose muon is not in the image.
    """
    pion, muon = [(0, c) for c in range(20)], [(0, 20)]
    michel, long = [(1 + r, 21) for r in range(6)], [(40, c) for c in range(60)]
    alone = [(100 + r, 0) for r in range(6)]
    parts = [(1, pion), (1, muon), (2, michel), (1, long), (2, alone)]
    coords = np.array([pixel for _, pixels in parts for pixel in pixels])
    instance = np.repeat(np.arange(len(parts)), [len(pixels) for _, pixels in parts])
    truth = np.array([label for label, _ in parts])[instance]
    particles = particle_table(6, label=[1, 1, 2, 1, 2, 1], parent=[-1, 0, 1, -1, 5, -1])
    scored = Scored(
        np.eye(3, dtype=np.float32)[truth], truth.astype(np.int32), CLASSES,
        np.zeros(len(truth)), {"instance": instance.astype(np.int32)}, particles,
    )  # fmt: skip
    return scored, coords


def test_the_true_parent_is_the_nearest_ancestor_that_is_a_large_track_of_the_view():
    scored, coords = picture()
    (columns,) = Grouped("linked", kinds=KINDS)([scored], [coords])
    table = parent_counts(scored.with_columns(columns), TRACKS, 5)
    # Pixels of the pion and of its muon are one predicted track; the longest one is another.
    assert table[MICHEL].tolist() == [1, 1, 0, 1, 1]
    assert columns["parent_by_rule"][coords.tolist().index([1, 21])] == 0


def test_an_event_of_nothing_and_one_without_truth_count_nothing():
    scored, coords = picture()
    blank = dataclasses.replace(scored, truth=np.full(len(scored), -1, np.int32), columns={})
    for event, places in ((blank, coords), (scored.take(np.zeros(0, int)), coords[:0])):
        (columns,) = Grouped("linked", kinds=KINDS)([event], [places])
        assert not parent_counts(event.with_columns(columns), TRACKS, 5).any()
