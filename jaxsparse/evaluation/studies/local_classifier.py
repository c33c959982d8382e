"""What a network must beat: a majority guess and a classifier of the local charge density.

The local classifier sees what the eye sees through a keyhole: a pixel's charge and how many
neighbours it has, and how much charge, in squares of 3, 5 and 11 pixels around it. It is a
multinomial logistic regression on these and their squares, fitted to the maximum likelihood of the
unweighted pixels, which is what the accuracy asks for.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from scipy.special import softmax

from jaxsparse.data.schema import View

SQUARES = (3, 5, 11)
NUM_LOCAL = 1 + 2 * len(SQUARES)  # features
RIDGE = 1e-3  # on standardised features, per pixel: keeps empty classes finite
NEWTON_STEPS = 25
MAX_FIT_PIXELS = 100_000


def window_sums(view: View, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Number and summed value of the pixels in a square (cube) around each pixel, itself included.

    Rows are in lexicographic order, so the window's part of one image line is a range of rows: two
    searches and a difference of running sums give it.

    Args:
      view: ``[pixels]`` in lexicographic order.
      side: odd edge length of the window.

    Returns:
      int64 and float64 ``[pixels]``.

    >>> view = View(np.array([[0, 1], [0, 2], [3, 1]], np.int32), np.array([1.0, 2, 4]), (5, 5))
    >>> window_sums(view, 3)
    (array([2, 2, 1]), array([3., 3., 4.]))
    """
    coords = view.coords.astype(np.int64)
    shape = np.array(view.shape, np.int64)
    steps = np.append(np.cumprod(shape[:0:-1])[::-1], 1)
    keys = coords @ steps
    running = np.concatenate([[0.0], np.cumsum(view.values, dtype=np.float64)])
    reach = side // 2
    low = np.maximum(coords[:, -1] - reach, 0)
    high = np.minimum(coords[:, -1] + reach, shape[-1] - 1)
    count, total = np.zeros(len(view), np.int64), np.zeros(len(view))
    for offset in itertools.product(range(-reach, reach + 1), repeat=coords.shape[1] - 1):
        line = coords[:, :-1] + np.array(offset, np.int64)
        inside = ((line >= 0) & (line < shape[:-1])).all(1)
        base = line @ steps[:-1]
        first = np.searchsorted(keys, base + low, side="left")
        last = np.searchsorted(keys, base + high, side="right")
        count += np.where(inside, last - first, 0)
        total += np.where(inside, running[last] - running[first], 0.0)
    return count, total


def local_features(view: View) -> np.ndarray:
    """Charge, neighbour counts and neighbour charges of every pixel, float64 ``[pixels, 7]``.

    Charges go in as logarithms (of 1 + value), counts as they are.
    """
    columns = [np.log1p(view.values.astype(np.float64))]
    for side in SQUARES:
        count, total = window_sums(view, side)
        columns += [count.astype(np.float64), np.log1p(total)]
    return np.stack(columns, axis=1)


@dataclasses.dataclass(frozen=True)
class LocalClassifier:
    """Multinomial logistic regression on standardised features and their squares.

    Attributes:
      mean, scale: float64 ``[features]``, of the fitted pixels.
      weights: float64 ``[1 + 2 * features, classes]``.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray, num_classes: int) -> LocalClassifier:
        """The maximum of the likelihood by Newton's method (numpy, deterministic).

        Args:
          features: ``[pixels, features]``.
          labels: integer ``[pixels]``, none negative.
          num_classes: number of classes.
        """
        mean = features.mean(0) if len(features) else np.zeros(features.shape[1])
        scale = features.std(0) if len(features) else np.ones(features.shape[1])
        scale = np.where(scale > 0, scale, 1.0)
        design = _design((features - mean) / scale)
        weights = np.zeros((design.shape[1], num_classes))
        target = np.arange(num_classes) == labels[:, None]
        penalty = RIDGE * max(len(labels), 1)

        def cost(weights):
            chance = np.maximum(softmax(design @ weights, axis=1)[target], 1e-300)
            return -np.log(chance).sum() + 0.5 * penalty * (weights**2).sum()

        now = cost(weights)
        for _ in range(NEWTON_STEPS):
            chance = softmax(design @ weights, axis=1)
            gradient = design.T @ (chance - target) + penalty * weights
            step = np.linalg.solve(_hessian(design, chance, penalty), gradient.T.ravel())
            step = step.reshape(num_classes, -1).T
            while (trial := cost(weights - step)) > now and np.abs(step).max() > 1e-6:
                step = (
                    step / 2
                )  # Newton's step overshoots where the likelihood is not yet quadratic
            weights, now = weights - step, trial
            if np.abs(step).max(initial=0.0) < 1e-4:
                break
        return cls(mean, scale, weights)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The likeliest class of each pixel, int64 ``[pixels]``."""
        return (_design((features - self.mean) / self.scale) @ self.weights).argmax(1)


def _design(standardised: np.ndarray) -> np.ndarray:
    ones = np.ones((len(standardised), 1))
    return np.concatenate([ones, standardised, standardised**2], axis=1)


def _hessian(design: np.ndarray, chance: np.ndarray, penalty: float) -> np.ndarray:
    """Second derivative of the penalised likelihood, class by class in blocks."""
    terms, classes = design.shape[1], chance.shape[1]
    hessian = np.zeros((classes * terms, classes * terms))
    for a in range(classes):
        for b in range(a, classes):
            curvature = chance[:, a] * ((a == b) - chance[:, b])
            block = (design * curvature[:, None]).T @ design
            rows, columns = slice(a * terms, (a + 1) * terms), slice(b * terms, (b + 1) * terms)
            hessian[rows, columns] = block
            hessian[columns, rows] = block.T
    return hessian + penalty * np.eye(len(hessian))
