"""True against predicted instances, counted by sets of pixels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jaxsparse.evaluation.overlaps import Overlaps
from tests.evaluation.random_instances import predicted_groups, random_event, true_groups


@pytest.mark.parametrize("seed", range(6))
def test_instances_and_what_they_share_are_those_of_sets_of_pixels(seed):
    scored = random_event(seed)
    overlaps, true, guessed = scored.overlaps, true_groups(scored), predicted_groups(scored)
    for found, groups in ((overlaps.true, true), (overlaps.predicted, guessed)):
        rows = zip(found.view, found.number, found.label, found.size, strict=True)
        assert [tuple(map(int, row)) for row in rows] == [
            (group.view, group.number, group.label, len(group.pixels)) for group in groups
        ]
    assert overlaps.without_truth.tolist() == [len(group.others) for group in guessed]
    several = scored.columns["overlap"] > 1
    assert overlaps.crowded.tolist() == [int(several[list(group.pixels)].sum()) for group in true]
    shared = {
        (own, other): len(one.pixels & two.pixels)
        for own, one in enumerate(true)
        for other, two in enumerate(guessed)
        if one.pixels & two.pixels
    }
    assert dict(zip(map(tuple, overlaps.pairs.tolist()), overlaps.shared, strict=True)) == shared


def test_the_order_of_pixels_does_not_matter():
    scored = random_event(3)
    shuffled = scored.take(np.random.default_rng(0).permutation(len(scored)))
    for one, two in zip(
        dataclasses.astuple(scored.overlaps), dataclasses.astuple(shuffled.overlaps), strict=True
    ):
        np.testing.assert_equal(one, two)


def test_the_best_partner_shares_most_pixels_and_is_the_first_of_equals():
    columns = {"instance": [0, 0, 0, 0, 1], "predicted_instance": [4, 4, 2, 2, -1]}
    columns["predicted_instance_class"] = [0, 0, 0, 0, -1]
    arrays = {name: np.array(column) for name, column in columns.items()}
    overlaps = Overlaps.of(np.zeros(5, int), arrays, 1)
    row, shared = overlaps.best_of_true()
    assert (row.tolist(), shared.tolist()) == ([0, -1], [2, 0])
    row, shared = overlaps.best_of_predicted()
    assert (row.tolist(), shared.tolist()) == ([0, 0], [2, 2])


def test_a_file_without_particles_has_no_true_instance():
    scored = random_event(0)
    columns = {name: c for name, c in scored.columns.items() if name not in ("instance", "overlap")}
    overlaps = dataclasses.replace(scored, columns=columns).overlaps
    assert len(overlaps.true) == len(overlaps.predicted) == len(overlaps.pairs) == 0


def test_an_event_without_a_pixel_has_no_instance():
    overlaps = random_event(0).take(np.zeros(120, bool)).overlaps
    assert len(overlaps.true) == len(overlaps.predicted) == len(overlaps.shared) == 0


def test_everything_in_one_instance_is_one_pair_in_every_view():
    one = np.zeros(120, np.int32)
    scored = random_event(0, instance=one, predicted_instance=one, predicted_instance_class=one)
    overlaps = scored.overlaps
    assert overlaps.pairs.tolist() == [[0, 0], [1, 1]]
    assert overlaps.shared.sum() == scored.known.sum()
