"""Fits the scores of a network to a file: a linear map and a bias a class.

Trainings weigh small clusters up, so rare classes get more pixels than they have. Scores of logits
``z @ matrix + biases`` that fit a validation file without weights say how often they are right,
and give the frequent classes their pixels back. The matrix is one temperature for all classes, or
any matrix. Source of both: Guo et al., arXiv 1706.04599, sections 4.1 and 4.2; the biases are what
Bayes' rule adds where shares of classes differ.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.calibration import reliability_counts
from jaxsparse.evaluation.scored import cross_entropies
from jaxsparse.evaluation.scores import ratio
from jaxsparse.inference import Predictor
from jaxsparse.training.rescaling import Rescaling
from jaxsparse.training.trained_network import Trained

FORMS = ("temperature", "matrix")


def fit(logits: np.ndarray, truth: np.ndarray, form: str = "temperature") -> Rescaling:
    """The rescaling with the smallest mean cross entropy, all pixels alike.

    Args:
      logits: float ``[rows, classes]``.
      truth: integer ``[rows]``; a negative class counts nowhere.
      form: ``"temperature"``: one for all classes. ``"matrix"``: every class's logit has its own
        scale and a part of the others.

    Raises:
      InputError: no row with a class; an unknown form.

    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(size=(4000, 2)) * 2
    >>> truth = (rng.random(4000) < 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))).astype(int)
    >>> found = fit(3 * logits + np.array([0.0, 1.5]), truth)
    >>> found.matrix.round(1).tolist(), found.biases.round(1).tolist()
    ([[0.3, 0.0], [0.0, 0.3]], [0.3, -0.3])
    """
    if form not in FORMS:
        raise InputError(f"form is {form!r}: choose one of {', '.join(FORMS)}")
    known = truth >= 0
    logits, truth = logits[known].astype(np.float64), truth[known].astype(np.int64)
    if not len(truth):
        raise InputError("no pixel has a class: a rescaling needs a file with truth")
    rows, classes = logits.shape
    # The logits and a column of ones, so that the last row of a map's numbers is its biases.
    values = np.concatenate([logits, np.ones((rows, 1))], axis=1)
    # The sum of the values of every class's rows: the part of the gradient that never changes.
    of_right = np.stack([values[truth == c].sum(axis=0) for c in range(classes)], axis=1) / rows
    # A map is a sum of these arrays, times the numbers of ``x`` that are fitted.
    basis = np.eye(of_right.size).reshape(-1, *of_right.shape)
    start = np.eye(*of_right.shape).ravel()
    if form == "temperature":
        basis = np.stack([np.eye(*of_right.shape), *basis[-classes:]])
        start = np.array([1.0] + [0.0] * classes)

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean cross entropy and its gradient; convex."""
        numbers = np.tensordot(x, basis, 1)
        moved = values @ numbers
        slope = values.T @ softmax(moved, axis=1) / rows - of_right
        entropy = logsumexp(moved, axis=1).mean() - (numbers * of_right).sum()
        return float(entropy), np.tensordot(basis, slope, 2)

    if form == "temperature":  # its inverse, the first number, must stay positive
        bounds = [(1e-3, 1e3), *[(-20.0, 20.0)] * classes]
        options = {"ftol": 1e-12, "gtol": 1e-8, "maxiter": 1000}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    else:  # ten steps of Newton's method, where L-BFGS takes more than a hundred
        # Unbounded: numbers of separable classes grow by about one a step until the slope is small.
        found = minimize(
            loss, start, jac=True, method="trust-exact", options={"gtol": 1e-8, "maxiter": 100},
            hess=lambda x: _curvature(values, x.reshape(of_right.shape)),
        )  # fmt: skip
    best = np.tensordot(found.x, basis, 1)
    return Rescaling(best[:-1], best[-1] - best[-1].mean())


def logits_and_truth(trained: Trained, data_set: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 ``[pixels, classes]`` and classes of all pixels of a data set.

    Raises:
      InputError: the network names no pixels, or the file does not know what they are.
    """
    if "semantic" not in trained.network.heads:
        raise InputError(
            f"the network has heads {', '.join(trained.network.heads)}: a rescaling is of classes "
            "of pixels, take a network with a head semantic"
        )
    if not data_set.has_pixel_truth:
        raise InputError(
            f"{data_set.source.path} does not know the classes of its pixels: a rescaling is "
            "fitted to them, take a file with truth"
        )
    predictor, buckets = Predictor(trained.network, trained.variables), data_set.buckets()
    logits, truth = [], []
    for portion in data_set.portions(text="scoring", quiet=False):
        outputs = predictor(data_set.batch(portion, buckets))["semantic"]
        for image, output in zip(portion.images, outputs, strict=True):
            logits.append(output[: len(image)])
            truth.append(image.columns["labels"])
    return np.concatenate(logits), np.concatenate(truth)


def described(
    logits: np.ndarray, truth: np.ndarray, rescaling: Rescaling, classes: Sequence[str]
) -> list[str]:
    """Lines for people: what the rescaling does to these pixels."""
    known = truth >= 0

    def figures(moved: np.ndarray) -> str:
        right = float((moved.argmax(axis=1) == truth)[known].mean())
        loss = float(cross_entropies(moved, truth)[known].mean())
        called, score, pure = reliability_counts(truth, softmax(moved, axis=1))[
            "called_calibration"
        ].T
        surplus = zip(classes, ratio(score - pure, called), strict=True)
        of_classes = ", ".join(f"{name} {number:+.3f}" for name, number in surplus)
        return (
            f"accuracy {right:.4f}, mean cross entropy {loss:.4f}, score minus purity {of_classes}"
        )

    return [
        f"before   {figures(logits)}",
        f"after    {figures(rescaling(logits))}",
        rescaling.text(),
    ]


def _curvature(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Second derivatives of the mean cross entropy of ``values @ numbers``, as a matrix."""
    chances = softmax(values @ numbers, axis=1)
    features, classes = numbers.shape
    second = np.empty((features, classes, features, classes))
    for one, other in itertools.combinations_with_replacement(range(classes), 2):
        weight = chances[:, one] * ((one == other) - chances[:, other])
        both = values.T @ (weight[:, None] * values) / len(values)
        second[:, one, :, other] = second[:, other, :, one] = both
    # A number added to all logits of a row changes no score. Curvature is added in that direction,
    # so that there is an inverse, and no step goes there.
    second += np.einsum("ab,ij->aibj", np.eye(features), np.ones((classes, classes)))
    return second.reshape(numbers.size, numbers.size)
