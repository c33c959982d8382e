"""Instances found by class, from sets of pixels."""

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.found import FIGURES, Found
from jaxsparse.evaluation.metrics.metric import measure
from tests.evaluation.random_instances import (
    CLASSES,
    predicted_groups,
    random_event,
    true_groups,
)

LEAST = 3


@pytest.fixture(scope="module")
def events():
    return [random_event(seed) for seed in range(8)]


@pytest.fixture(scope="module")
def figures(events):
    return measure([Found(CLASSES, LEAST, GroupedCounts)], events)


def by_hand(events, label):
    parts: dict[str, list[float]] = {name: [] for name in FIGURES}
    for scored in events:
        every = [group for group in true_groups(scored) if group.label == label]
        guessed = [
            group for group in predicted_groups(scored)
            if group.label == label and len(group.pixels) >= LEAST
        ]  # fmt: skip
        for one in (group for group in every if len(group.pixels) >= LEAST):
            shared = [len(one.pixels & two.pixels) for two in guessed]
            parts["efficiency"].append(any(shared))
            if any(shared):
                best = guessed[int(np.argmax(shared))]
                parts["pixel_efficiency"].append(max(shared) / len(one.pixels))
                parts["pixel_purity"].append(max(shared) / len(best.pixels))
        for two in guessed:
            parts["purity"].append(any(two.pixels & one.pixels for one in every))
    return parts


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_found_instances_and_their_pixels_are_those_of_sets(events, figures, label):
    entry, parts = figures["grouping"]["found"][CLASSES[label]], by_hand(events, label)
    assert entry["true"] == len(parts["efficiency"]) > 5
    assert entry["predicted"] == len(parts["purity"]) > 5
    for name in FIGURES:
        assert entry[name] == pytest.approx(np.mean(parts[name])), name
    assert sum(entry["true_by_energy"]) == entry["true"]


def test_every_piece_of_an_instance_is_right_and_the_largest_goes_with_it():
    particle = np.zeros(120, np.int32)
    pieces = (np.arange(120) % 3 == 0).astype(np.int32)
    event = random_event(0)
    label = int(np.bincount(event.truth[event.known]).argmax())
    columns = {"view": particle, "instance": particle, "predicted_instance": pieces}
    scored = random_event(0, **columns, predicted_instance_class=np.full(120, label))
    figures = measure([Found(CLASSES, LEAST, GroupedCounts)], [scored])
    entry = figures["grouping"]["found"][CLASSES[label]]
    assert [entry[key] for key in ("true", "predicted", "purity", "pixel_purity")] == [1, 2, 1, 1]
    assert entry["pixel_efficiency"] == (pieces[scored.known] == 0).mean()


def test_the_report_has_a_row_for_each_class(figures):
    lines = Found(CLASSES, LEAST, GroupedCounts).section(figures)
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(CLASSES)
