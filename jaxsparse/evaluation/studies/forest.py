"""The baseline beside every network: a random forest on size summaries.

Needs scikit-learn (``pip install scikit-learn``): the field's standard forest, so that
the baseline is not weak by our own making. Source: L. Breiman, Machine Learning 45 (2001) 5.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from jaxsparse.errors import InputError

TREES = 300
MIN_LEAF = 2  # events: a leaf of one event says nothing about its chances
MAX_FIT_EVENTS = 20_000  # more take minutes and gain little with so few features


def have_forest() -> bool:
    """Whether scikit-learn is installed."""
    return importlib.util.find_spec("sklearn") is not None


def forest_scores(
    fit_features: np.ndarray,
    fit_truth: np.ndarray,
    features: np.ndarray,
    num_classes: int,
    *,
    seed: int = 0,
) -> np.ndarray:
    """Fits a forest on some events and scores others.

    Args:
      fit_features: float ``[events to fit, features]``.
      fit_truth: integer ``[events to fit]``; events of unknown class (-1) are left out. Of more
        than 20,000 events so many are drawn.
      features: float ``[events, features]``.
      num_classes: number of classes; one that was not fitted scores 0.
      seed: of the trees.

    Returns:
      float32 ``[events, num_classes]``, mean of the trees' leaves.

    Raises:
      InputError: scikit-learn is not installed, or no event of known class to fit.
    """
    if not have_forest():
        raise InputError(
            "scikit-learn is not installed: the forest needs it, pip install scikit-learn"
        )
    known = np.flatnonzero(fit_truth >= 0)
    if not len(known):
        raise InputError("fit_truth has no event of known class: give the forest some to fit")
    forest = fitted_forest(
        fit_features[known], fit_truth[known],
        trees=TREES, least=MIN_LEAF, most=MAX_FIT_EVENTS, seed=seed,
    )  # fmt: skip
    scores = np.zeros((len(features), num_classes), np.float32)
    if len(features):
        scores[:, forest.classes_] = forest.predict_proba(features)
    return scores


def fitted_forest(
    features: np.ndarray, truth: np.ndarray, *, trees: int, least: int, most: int, seed: int
) -> Any:
    """scikit-learn's forest on some rows.

    Args:
      features: float ``[rows, features]``.
      truth: integer ``[rows]``, none negative.
      trees: how many.
      least: rows of a leaf.
      most: rows that it is fitted on; of more so many are drawn.
      seed: of the draw and the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    if len(truth) > most:
        drawn = np.random.default_rng(seed).choice(len(truth), most, replace=False)
        features, truth = features[drawn], truth[drawn]
    forest = RandomForestClassifier(trees, min_samples_leaf=least, random_state=seed)
    return forest.fit(features, truth)


def cross_scores(
    features: np.ndarray, truth: np.ndarray, fold: np.ndarray, num_classes: int, *, seed: int = 0
) -> np.ndarray:
    """Scores every event by a forest fitted on the other folds.

    Args:
      features: float ``[events, features]``.
      truth: integer ``[events]``.
      fold: integer ``[events]``, or ``[repeats, events]``
        (:func:`jaxsparse.evaluation.studies.folds.stratified_folds`).
      num_classes: number of classes.
      seed: of the trees.

    Returns:
      float32 ``[events, num_classes]``, or ``[repeats, events, num_classes]``.
    """
    if fold.ndim == 2:
        repeats = [
            cross_scores(features, truth, one, num_classes, seed=seed + repeat)
            for repeat, one in enumerate(fold)
        ]
        return np.stack(repeats)
    scores = np.zeros((len(truth), num_classes), np.float32)
    for number in np.unique(fold):
        test = fold == number
        scores[test] = forest_scores(
            features[~test], truth[~test], features[test], num_classes, seed=seed
        )
    return scores
