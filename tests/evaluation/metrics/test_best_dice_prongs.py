"""Symmetric best Dice and prong accuracy, from sets of pixels and by trying every matching."""

import itertools

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.best_dice import best_dice_sums
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.grouping_mean import MEANS, GroupingMean
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.prongs import prong_counts
from tests.evaluation.random_instances import (
    VIEWS,
    predicted_groups,
    random_event,
    true_groups,
)


def best_dice(groups, others):
    return np.mean(
        [
            max((2 * len(a.pixels & b.pixels) / (len(a.pixels) + len(b.pixels)) for b in others),
                default=0)
            for a in groups
        ]
    )  # fmt: skip


def symmetric(scored, view):
    true = [group for group in true_groups(scored) if group.view == view]
    guessed = [group for group in predicted_groups(scored) if group.view == view]
    return min(best_dice(true, guessed), best_dice(guessed, true))


@pytest.mark.parametrize("seed", range(6))
def test_the_smaller_direction_of_each_view_counts(seed):
    scored = random_event(seed)
    expected = sum(symmetric(scored, view) for view in range(VIEWS))
    assert best_dice_sums(scored.overlaps) == pytest.approx([expected, VIEWS])


def test_nothing_predicted_is_a_dice_of_zero():
    nobody = np.full(120, -1, np.int32)
    assert best_dice_sums(random_event(0, predicted_instance=nobody).overlaps).tolist() == [0, 2]


def most_agreeing(scored):
    """The best one-to-one matching of particles of the whole event, by trying all."""
    columns = scored.columns
    counted = scored.known & (columns["instance"] >= 0)
    true = sorted(set(columns["instance"][counted].tolist()))
    guessed = sorted(set(columns["predicted_instance"][counted].tolist()) - {-1})
    hits = {
        (a, b): int((counted & (columns["instance"] == a)
                     & (columns["predicted_instance"] == b)).sum())
        for a in true for b in guessed
    }  # fmt: skip
    few, many, turned = true, guessed, False
    if len(few) > len(many):
        few, many, turned = guessed, true, True
    best = max(
        sum(hits[(b, a) if turned else (a, b)] for a, b in zip(few, chosen, strict=True))
        for chosen in itertools.permutations(many, len(few))
    )
    return [best, int(counted.sum())]


@pytest.mark.parametrize("seed", range(4))
def test_as_many_hits_of_all_views_agree_as_a_matching_allows(seed):
    scored = random_event(seed, 40)
    few = np.minimum(scored.columns["instance"], 4).astype(np.int32)
    called = np.minimum(scored.columns["predicted_instance"], 5).astype(np.int32)
    scored = random_event(seed, 40, instance=few, predicted_instance=called)
    assert prong_counts(scored.overlaps).tolist() == most_agreeing(scored)


def test_both_are_pooled_over_events_and_have_an_error():
    events = [random_event(seed) for seed in range(4)]
    metrics = [GroupingMean(name, GroupedCounts()) for name in MEANS]
    figures = measure(metrics, events)
    dice = np.sum([best_dice_sums(scored.overlaps) for scored in events], axis=0)
    assert figures["grouping"]["best_dice"] == pytest.approx(dice[0] / dice[1])
    agree, pixels = np.sum([prong_counts(scored.overlaps) for scored in events], axis=0)
    assert figures["grouping"]["prong_accuracy"] == pytest.approx(agree / pixels)
    assert figures["errors"]["grouping.best_dice"] > 0
    assert figures["errors"]["grouping.prong_accuracy"] > 0


def test_an_event_without_a_pixel_counts_nowhere():
    overlaps = random_event(0).take(np.zeros(120, bool)).overlaps
    assert prong_counts(overlaps).tolist() == [0, 0]
    assert best_dice_sums(overlaps).tolist() == [0, 0]
