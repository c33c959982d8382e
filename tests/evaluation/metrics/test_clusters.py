"""Efficiency and purity by instance, from sets of pixels."""

import dataclasses
from collections import defaultdict

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.clusters import CROWDED_EDGES, Clusters
from jaxsparse.evaluation.metrics.efficiency import ENERGY_EDGES
from jaxsparse.evaluation.metrics.metric import measure
from tests.evaluation.random_instances import (
    CLASSES,
    predicted_groups,
    random_event,
    true_groups,
)

LEAST = 4


@pytest.fixture(scope="module")
def events():
    return [random_event(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def figures(events):
    return measure([Clusters(CLASSES, LEAST, GroupedCounts)], events)


def best_parts(groups, others):
    """Of each large group its label and the largest part in one of the others."""
    return [
        (group, max((len(group.pixels & other.pixels) for other in others), default=0)
         / len(group.pixels))
        for group in groups if len(group.pixels) >= LEAST
    ]  # fmt: skip


def test_efficiency_and_purity_are_means_over_instances_of_enough_pixels(events, figures):
    true, guessed = [], []
    for scored in events:
        true += best_parts(true_groups(scored), predicted_groups(scored))
        guessed += best_parts(predicted_groups(scored), true_groups(scored))
    clusters = figures["grouping"]["clusters"]
    assert clusters["efficiency"] == pytest.approx(np.mean([part for _, part in true]))
    assert clusters["purity"] == pytest.approx(np.mean([part for _, part in guessed]))
    for label, name in enumerate(CLASSES):
        own = [part for group, part in true if group.label == label]
        entry = clusters["per_class"][name]
        assert (entry["number"], entry["efficiency"]) == (len(own), pytest.approx(np.mean(own)))
        own = [part for group, part in guessed if group.label == label]
        assert (entry["predicted"], entry["purity"]) == (len(own), pytest.approx(np.mean(own)))


@pytest.mark.parametrize("profile", ["by_energy", "by_overlap"])
def test_every_instance_is_in_the_bin_of_its_particle(events, figures, profile):
    edges = {"by_energy": ENERGY_EDGES, "by_overlap": CROWDED_EDGES}[profile]
    parts: dict[tuple[str, int], list[float]] = defaultdict(list)
    for scored in events:
        for group, part in best_parts(true_groups(scored), predicted_groups(scored)):
            crowded = (scored.columns["overlap"][list(group.pixels)] > 1).mean()
            energy = scored.particles["kinetic_energy"][group.number]
            value = energy if profile == "by_energy" else min(crowded, 0.99)
            place = np.searchsorted(edges, value, side="right") - 1
            parts[CLASSES[group.label], int(place)].append(part)
    table = figures["grouping"]["clusters"][profile]
    for name in CLASSES:
        for place in range(len(edges) - 1):
            own = parts.get((name, place), [])
            assert table[name]["number"][place] == len(own)
            if own:
                assert table[name]["efficiency"][place] == pytest.approx(np.mean(own))


def test_an_energy_that_nobody_knows_is_in_no_bin(events):
    unknown = [dataclasses.replace(scored, particles=scored.particles[:0]) for scored in events]
    clusters = measure([Clusters(CLASSES, LEAST, GroupedCounts)], unknown)["grouping"]["clusters"]
    assert not any(sum(clusters["by_energy"][name]["number"]) for name in CLASSES)
    assert sum(clusters["per_class"][name]["number"] for name in CLASSES)


def test_the_report_has_a_row_for_each_class(figures):
    lines = Clusters(CLASSES, LEAST, GroupedCounts).section(figures)
    assert [line.split("|")[1].strip() for line in lines[2:5]] == list(CLASSES)
    assert lines[-1].startswith(f"Instances of at least {LEAST} pixels")


def test_a_perfect_grouping_is_all_efficient_and_pure():
    scored = random_event(2)
    instance = scored.columns["instance"]
    right = random_event(
        2, predicted_instance=instance,
        predicted_instance_class=scored.particles["label"][instance].astype(np.int32),
    )  # fmt: skip
    clusters = measure([Clusters(CLASSES, 1, GroupedCounts)], [right])["grouping"]["clusters"]
    assert clusters["efficiency"] == clusters["purity"] == 1
