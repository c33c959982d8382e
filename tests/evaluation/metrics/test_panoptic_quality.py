"""Panoptic quality by the steps of its paper, on sets of pixels."""

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.panoptic_quality import (
    Matches,
    PanopticQuality,
    panoptic_counts,
)
from tests.evaluation.random_instances import (
    CLASSES,
    predicted_groups,
    random_event,
    true_groups,
)

LEAST = 5


def counts_of(scored):
    overlaps = scored.overlaps
    return panoptic_counts(overlaps, Matches.of(overlaps, LEAST), len(CLASSES))


def by_hand(scored):
    """[classes, 4] as section 4 of arXiv 1801.00868 has it."""
    table = np.zeros((len(CLASSES), 4))
    true = true_groups(scored)
    asked = [group for group in true if len(group.pixels) >= LEAST]
    void = {pixel for group in true if len(group.pixels) < LEAST for pixel in group.pixels}
    guessed = [
        group for group in predicted_groups(scored)
        if len(group.pixels) + len(group.others) >= LEAST
    ]  # fmt: skip
    matched = set()
    for one in asked:
        for number, two in enumerate(guessed):
            seen = two.pixels - void
            together = len(one.pixels & seen)
            iou = together / len(one.pixels | seen)
            if iou > 0.5 and one.label == two.label:
                table[one.label, :2] += iou, 1
                matched |= {one, number}
    for one in asked:
        table[one.label, 3] += one not in matched
    for number, two in enumerate(guessed):
        whole = len(two.pixels) + len(two.others)
        hidden = len(two.pixels & void) + len(two.others)
        table[two.label, 2] += number not in matched and not hidden / whole > 0.5
    return table


@pytest.mark.parametrize("seed", range(12))
def test_matches_and_misses_are_those_of_the_paper(seed):
    scored = random_event(seed)
    assert counts_of(scored) == pytest.approx(by_hand(scored))


def test_there_is_something_to_compare():
    total = sum(by_hand(random_event(seed)) for seed in range(12))
    assert (total[:, 1:].sum(0) > 5).all()


def test_the_quality_is_pooled_over_events_and_the_product_of_its_factors():
    events = [random_event(seed) for seed in range(12)]
    total = sum(by_hand(scored) for scored in events)
    figures = measure([PanopticQuality(CLASSES, LEAST, GroupedCounts)], events)
    panoptic = figures["grouping"]["panoptic"]
    halves = total[:, 1] + total[:, 2] / 2 + total[:, 3] / 2
    for label, name in enumerate(CLASSES):
        entry = panoptic["per_class"][name]
        assert entry["pq"] == pytest.approx(total[label, 0] / halves[label])
        assert entry["pq"] == pytest.approx(entry["sq"] * entry["rq"])
        assert [entry[key] for key in ("matched", "extra", "missed")] == total[label, 1:].tolist()
    assert panoptic["pq"] == pytest.approx(np.mean(total[:, 0] / halves))
    assert figures["errors"]["grouping.panoptic.pq"] > 0


def best_matches(scored):
    """Of every large true instance its IoU with a match, 0 without one, and the instance."""
    small = {p for one in true_groups(scored) if len(one.pixels) < LEAST for p in one.pixels}
    for one in true_groups(scored):
        if len(one.pixels) < LEAST:
            continue
        best = 0.0
        for two in predicted_groups(scored):
            if two.label != one.label or len(two.pixels) + len(two.others) < LEAST:
                continue
            seen = two.pixels - small
            best = max(best, len(one.pixels & seen) / len(one.pixels | seen))
        yield one, best if best > 0.5 else 0.0


@pytest.mark.parametrize("name", ["by_energy", "by_overlap"])
def test_bins_count_true_instances_and_those_that_are_matched(name):
    events = [random_event(seed) for seed in range(12)]
    metric = PanopticQuality(CLASSES, LEAST, GroupedCounts)
    profile = measure([metric], events)["grouping"]["panoptic"][name]
    expected: dict = {}
    for scored in events:
        for one, iou in best_matches(scored):
            several = sum(scored.columns["overlap"][p] > 1 for p in one.pixels) / len(one.pixels)
            energy = scored.particles["kinetic_energy"][one.number]
            quantity = energy if name == "by_energy" else several
            place = np.searchsorted(profile["edges"], quantity, side="right") - 1
            bin_number = int(np.clip(place, 0, len(profile["edges"]) - 2))
            expected.setdefault((one.label, bin_number), []).append(iou)
    assert sum(map(len, expected.values())) > 50
    for label, of_class in enumerate(CLASSES):
        entry = profile[of_class]
        assert len(entry["number"]) == len(profile["edges"]) - 1
        for bin_number, number in enumerate(entry["number"]):
            found = np.array(expected.get((label, bin_number), []))
            assert number == len(found)
            if number:
                assert entry["found"][bin_number] == pytest.approx((found > 0).mean())
            if (found > 0).any():
                assert entry["sq"][bin_number] == pytest.approx(found[found > 0].mean())


def test_small_instances_are_void_on_both_sides():
    ones = np.zeros(120, np.int32)
    alone = np.arange(120, dtype=np.int32)  # every pixel a predicted instance of its own
    scored = random_event(0, instance=ones, predicted_instance=alone, predicted_instance_class=ones)
    table = counts_of(scored)
    assert table[:, :3].sum() == 0
    assert table[:, 3].sum() == 2  # the particle, missed in both views
    swapped = random_event(
        0, instance=alone, predicted_instance=ones, predicted_instance_class=ones
    )
    assert counts_of(swapped).sum() == 0


def test_another_class_is_no_match():
    ones = np.zeros(120, np.int32)
    other = np.full(120, 2, np.int32)
    scored = random_event(
        0, view=ones, instance=ones, predicted_instance=ones, predicted_instance_class=other
    )
    label = int(scored.overlaps.true.label[0])
    table = counts_of(scored)
    assert label != 2
    assert table[label].tolist() == [0, 0, 0, 1]
    assert table[2].tolist() == [0, 0, 1, 0]


def test_a_class_without_any_instance_has_no_quality():
    nobody = np.full(120, -1, np.int32)
    metric = PanopticQuality(CLASSES, LEAST, GroupedCounts)
    figures = measure([metric], [random_event(0, instance=nobody)])
    assert np.isnan(figures["grouping"]["panoptic"]["pq"])
    assert metric.section({"grouping": {"panoptic": {"per_class": {}}}, "errors": {}})[2:] == []
