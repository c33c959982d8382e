"""Pixels of no particle that are put into one."""

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.noise import Noise
from jaxsparse.evaluation.scored import Scored


def event(truth: list[int], instance: list[int], predicted: list[int]) -> Scored:
    logits = np.zeros((len(truth), 2), np.float32)
    scored = Scored.of_logits(logits, np.array(truth), ("hit", "noise"))
    return scored.with_columns(
        {"instance": np.array(instance), "predicted_instance": np.array(predicted)}
    )


def test_noise_is_counted_by_hand():
    metric = Noise(GroupedCounts())
    figures = measure(
        [metric],
        [event([0, 1, 1, -1, 1], [3, -1, -1, -1, -1], [0, 0, -1, 0, 2]), event([0], [-1], [5])],
    )
    assert figures["grouping"]["noise"] == {"pixels": 4, "part": pytest.approx(3 / 4)}
    (line,) = metric.section(figures)
    assert line.startswith("Of 4 pixels with a class and no particle 0.7500 ")


def test_a_file_without_particles_has_no_noise_to_count():
    scored = Scored.of_logits(np.zeros((2, 2), np.float32), np.array([0, 1]), ("hit", "noise"))
    told = scored.with_columns({"predicted_instance": np.array([0, 0])})
    assert measure([Noise(GroupedCounts())], [told])["grouping"]["noise"]["pixels"] == 0


def test_without_noise_nothing_is_said():
    metric = Noise(GroupedCounts())
    figures = measure([metric], [event([0, 1], [3, 4], [0, 1])])
    assert figures["grouping"]["noise"]["pixels"] == 0
    assert metric.section(figures) == []
