"""The forest on sizes beside the network, fitted on other events than it scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.data.partition import content_hashes
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.bootstrap import resampled_counts, spread
from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.studies.comparison import compare
from jaxsparse.evaluation.studies.folds import stratified_folds
from jaxsparse.evaluation.studies.forest import (
    MAX_FIT_EVENTS,
    cross_scores,
    forest_scores,
    have_forest,
)
from jaxsparse.evaluation.studies.sizes import size_features
from jaxsparse.evaluation.text import figure, with_error
from jaxsparse.viz.used_classes import used_classes

FOLDS = 5
AT_ONCE = 8192  # events whose pixels are in memory
NOTHING = "nothing: "  # before the reason why there is no forest


class ForestGuess(RowMetric):
    """The forest's scores, and the network against it on the same events.

    Args:
      events: that are evaluated.
      other: a file to fit on, see :func:`baseline_scores`.
      seed: of folds, trees and bootstrap draws.
    """

    title = "Forest on sizes"
    keys = ("baselines",)

    def __init__(self, events: DataSet, other: DataSet | None, seed: int = 0):
        super().__init__()
        self.events, self.other, self.seed = events, other, seed

    def result(self) -> dict[str, Any]:
        forest, note = baseline_scores(self.events, self.other, seed=self.seed)
        if forest is None:
            return {"baselines": {"forest": {"fitted_on": note, "accuracy": None}}}
        rows = self.rows
        forest, rows = forest[rows.known], rows.take(rows.known)
        called = forest.argmax(1)
        confusion = scores.confusion_counts(rows.truth, called, len(rows.classes))
        draws = resampled_counts(confusion, seed=self.seed)
        entry = {
            "fitted_on": note,
            **scores.confusion_scores(confusion, rows.classes),
            "error": spread(scores.accuracy(draws)),
            "network_against_it": compare(rows.right, called == rows.truth, seed=self.seed),
        }
        return {"baselines": {"forest": entry}}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        forest = metrics["baselines"]["forest"]
        said = forest["fitted_on"]
        lines = [
            f"There is no forest on sizes to compare with: {said.removeprefix(NOTHING)}."
            if said.startswith(NOTHING)
            else f"The forest was fitted on {said}."
        ]
        if pair := forest.get("network_against_it"):
            p_value = "–" if pair["p_value"] is None else f"{pair['p_value']:.2g}"
            lines += [
                f"Its accuracy is {with_error(forest['accuracy'], forest['error'])}. Network minus "
                f"forest on the same events: {with_error(pair['difference'], pair['error'])}, "
                f"McNemar p = {p_value}.",
                "",
                "| class | forest: efficiency | purity |",
                "| --- | --- | --- |",
            ]
            for name in used_classes(metrics, list(forest["per_class"])):
                entry = forest["per_class"][name]
                lines.append(
                    f"| {name} | {figure(entry['efficiency'])} | {figure(entry['purity'])} |"
                )
        return lines


def summaries(events: DataSet, numbers: np.ndarray) -> np.ndarray:
    """Size summaries of some events of a file, float64 ``[events, features]``."""
    parts = np.array_split(numbers, max(-(-len(numbers) // AT_ONCE), 1))
    return np.concatenate([size_features(events.pixels(part)) for part in parts])


def baseline_scores(
    events: DataSet, other: DataSet | None, *, seed: int = 0
) -> tuple[np.ndarray | None, str]:
    """Fits the forest and scores the evaluated events with it.

    It is fitted on ``other``; without it on the training part of the file, where one part of it is
    evaluated; else on four fifths of the evaluated events for the last fifth, five times.

    Args:
      events: to score.
      other: a file to fit on.
      seed: of folds and trees.

    Returns:
      float32 ``[events, classes]`` or ``None`` where there can be no forest, and in words what it
      was fitted on or why there is none.
    """
    if not have_forest():
        return None, f"{NOTHING}scikit-learn is not installed, pip install scikit-learn"
    truth, classes = events.truth, len(events.classes)
    if len(events.views[0:1]) and len(events.source.view_shapes[events.views[0]]) != 2:
        return None, f"{NOTHING}size summaries are of two-dimensional images"
    if other is None and events.part not in ("all", "train"):
        other, fitted = events, events.training
        words = "training part of the same file"
    elif other is not None:
        fitted = other.numbers
        words = f"{other.source.path}"
    if other is not None:
        known = fitted[other.truth_of(fitted) >= 0]
        if len(known) > MAX_FIT_EVENTS:
            drawn = np.random.default_rng(seed).choice(len(known), MAX_FIT_EVENTS, replace=False)
            known = known[np.sort(drawn)]
        if not len(known):
            return None, f"{NOTHING}no event of known class in the {words}"
        scores = forest_scores(
            summaries(other, known), other.truth_of(known), summaries(events, events.numbers),
            classes, seed=seed,
        )  # fmt: skip
        return scores, f"{len(known)} events of the {words}"
    copies = content_hashes(events.source, events.views)[events.numbers]
    known = truth >= 0
    if len(np.unique(copies[known])) < 2 * FOLDS:
        return None, f"{NOTHING}too few events"
    (fold,) = stratified_folds(truth[known], FOLDS, seed=seed, groups=copies[known])
    scores = np.zeros((len(truth), classes), np.float32)
    features = summaries(events, events.numbers[known])
    scores[known] = cross_scores(features, truth[known], fold, classes, seed=seed)
    return scores, f"{FOLDS} folds of the evaluated events"
