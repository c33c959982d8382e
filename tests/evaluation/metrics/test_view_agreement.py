"""One number for one particle in both views."""

from collections import defaultdict

import numpy as np
import pytest

from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.view_agreement import ViewAgreement, agreement_counts, primaries
from tests.evaluation.random_instances import (
    VIEWS,
    predicted_groups,
    random_event,
    true_groups,
)

LEAST = 3


def by_hand(scored):
    guessed = predicted_groups(scored)
    numbers: dict[int, list[int | None]] = defaultdict(list)
    for one in true_groups(scored):
        if scored.particles["parent"][one.number] == -1 and len(one.pixels) >= LEAST:
            match = [
                two.number for two in guessed
                if len(one.pixels & two.pixels) / len(one.pixels | two.pixels) > 0.5
            ]  # fmt: skip
            numbers[one.number].append(match[0] if match else None)
    both = [pair for pair in numbers.values() if len(pair) == 2]
    matched = [pair for pair in both if None not in pair]
    agree = sum(one == two for one, two in matched)
    return [agree, len(matched), len(both), len(numbers) - len(both), len(numbers)]


@pytest.mark.parametrize("seed", range(8))
def test_matches_of_both_views_carry_one_number_or_not(seed):
    scored = random_event(seed)
    assert agreement_counts(scored.overlaps, scored.particles, LEAST).tolist() == by_hand(scored)


def test_numbers_that_differ_by_view_never_agree():
    scored = random_event(0)
    instance, view = scored.columns["instance"], scored.columns["view"]
    apart = np.where(instance >= 0, VIEWS * instance + view, -1).astype(np.int32)
    ones = np.zeros(120, np.int32)
    for numbers, part in ((instance, 1), (apart, 0)):
        event = random_event(0, predicted_instance=numbers, predicted_instance_class=ones)
        figures = measure([metric := ViewAgreement(LEAST, GroupedCounts())], [event])
        agreement = figures["grouping"]["view_agreement"]
        assert agreement["pairs"] > 2
        assert (agreement["matched"], agreement["part"], agreement["of_matched"]) == (1, part, part)
        (line,) = metric.section(figures)
        assert "have one number in both" in line
        assert line.endswith(f"{agreement['part_in_one_view']:.4f} have them in one view alone.")


def test_photons_of_a_primary_neutral_pion_are_primaries():
    particles = np.zeros(6, PARTICLE_DTYPE)
    particles["pdg"] = [111, 22, 22, 13, 22, 111]
    particles["parent"] = [-1, 0, 5, -1, 3, 3]  # two of pions, one of a secondary pion
    assert primaries(particles).tolist() == [True, True, False, True, False, False]
    assert primaries(particles[:0]).tolist() == []


def test_one_view_has_nothing_to_agree_on():
    scored = random_event(0, view=np.zeros(120, np.int32))
    metric = ViewAgreement(LEAST, GroupedCounts())
    figures = measure([metric], [scored])
    assert figures["grouping"]["view_agreement"]["pairs"] == 0
    assert figures["grouping"]["view_agreement"]["part_in_one_view"] == 1
    assert np.isnan(figures["grouping"]["view_agreement"]["of_matched"])
    assert metric.section(figures) == []
