"""The forest beside the network."""

from typing import Any

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies import forest_guess

CLASSES = ("numu", "nue", "nc")
TRUTH, CALLED = [0, 0, 0, 1, 1, -1], [0, 0, 1, 1, 1, 2]


def figures_with(monkeypatch, forest: np.ndarray | None, note: str):
    monkeypatch.setattr(forest_guess, "baseline_scores", lambda *_, **__: (forest, note))
    nobody: Any = None
    scored = Scored.of(np.eye(3)[CALLED], TRUTH, CLASSES)
    return measure([forest_guess.ForestGuess(nobody, None)], [scored])["baselines"]["forest"]


def test_the_forest_stands_beside_the_network_on_the_same_events(monkeypatch):
    entry = figures_with(monkeypatch, np.eye(3)[[0, 1, 0, 1, 0, 0]], "somewhere")
    assert entry["accuracy"] == pytest.approx(3 / 5)
    pair = entry["network_against_it"]
    assert (pair["only_first"], pair["only_second"]) == (2, 1)
    assert pair["difference"] == pytest.approx(1 / 5)
    assert pair["p_value"] == pytest.approx(1.0)  # 1 of 3, two-sided


def test_without_scikit_learn_there_is_a_word_and_no_figure(monkeypatch):
    entry = figures_with(monkeypatch, None, "no scikit-learn")
    assert entry == {"fitted_on": "no scikit-learn", "accuracy": None}
