"""A temperature and a bias a class: what moves a network along the curve of its operating points.

Trainings weigh small clusters up, so rare classes get more pixels than they have. Scores of logits
``z / temperature + bias`` that fit a validation file without weights say how often they are right,
and give the frequent classes their pixels back. Source of the temperature: Guo et al., arXiv
1706.04599; the biases are what Bayes' rule adds where shares of classes differ.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.scored import cross_entropies
from jaxsparse.inference import Predictor
from jaxsparse.training.arrays import name_of
from jaxsparse.training.checkpoint import Trained
from jaxsparse.training.transfer import last_layer


@dataclasses.dataclass(frozen=True)
class Rescaling:
    """Logits become ``logits / temperature + biases``.

    Attributes:
      temperature: above 0; above 1 the network is less sure.
      biases: float64 ``[classes]``, adding up to 0.
    """

    temperature: float
    biases: np.ndarray

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """The logits ``[rows, classes]``, rescaled."""
        return logits / self.temperature + self.biases

    def part(self, strength: float) -> Rescaling:
        """Only so much of it: 0 leaves the logits as they are, 1 is all.

        >>> half = Rescaling(4.0, np.array([1.0, -1.0])).part(0.5)
        >>> half.temperature, half.biases.tolist()
        (2.0, [0.5, -0.5])
        """
        return Rescaling(self.temperature**strength, self.biases * strength)


def fit(logits: np.ndarray, truth: np.ndarray) -> Rescaling:
    """The rescaling with the smallest mean cross entropy, all pixels alike.

    Args:
      logits: float ``[rows, classes]``.
      truth: integer ``[rows]``; a negative class counts nowhere.

    Raises:
      InputError: no row with a class.

    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(size=(4000, 2)) * 2
    >>> truth = (rng.random(4000) < 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))).astype(int)
    >>> found = fit(3 * logits + np.array([0.0, 1.5]), truth)
    >>> round(found.temperature), found.biases.round(1).tolist()
    (3, [0.3, -0.3])
    """
    known = truth >= 0
    logits, truth = logits[known].astype(np.float64), truth[known].astype(np.int64)
    if not len(truth):
        raise InputError("no pixel has a class: a rescaling needs a file with truth")
    classes = logits.shape[1]
    right = np.eye(classes)[truth]

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean cross entropy and its gradient; convex in (1 / temperature, biases)."""
        moved = logits * x[0] + x[1:]
        wrong = softmax(moved, axis=1) - right
        slope = np.concatenate([[(wrong * logits).sum()], wrong.sum(axis=0)]) / len(truth)
        return float((logsumexp(moved, axis=1) - (moved * right).sum(axis=1)).mean()), slope

    start = np.concatenate([[1.0], np.zeros(classes)])
    bounds = [(1e-3, 1e3), *[(-20.0, 20.0)] * classes]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-8},
    ).x  # fmt: skip
    return Rescaling(float(1 / found[0]), found[1:] - found[1:].mean())


def logits_and_truth(trained: Trained, data_set: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 ``[pixels, classes]`` and classes of all pixels of a data set.

    Raises:
      InputError: the network names no pixels, or the file does not know what they are.
    """
    if not data_set.has_pixel_truth:
        raise InputError(
            f"{data_set.source.path} and this network: a rescaling needs a network that names "
            "pixels and a file that knows their classes"
        )
    predictor, buckets = Predictor(trained.network, trained.variables), data_set.buckets()
    logits, truth = [], []
    for portion in data_set.portions(text="scoring", quiet=False):
        outputs = predictor(data_set.batch(portion, buckets))["semantic"]
        for image, output in zip(portion.images, outputs, strict=True):
            logits.append(output[: len(image)])
            truth.append(image.columns["labels"])
    return np.concatenate(logits), np.concatenate(truth)


def rescaled(trained: Trained, rescaling: Rescaling) -> Trained:
    """The network with a rescaling in its last layer, so that its logits are the rescaled ones.

    Args:
      trained: a network that names pixels.
      rescaling: of its logits.
    """
    last = last_layer(trained.config, "semantic")

    def change(path: Any, array: Any) -> np.ndarray:
        array = np.asarray(array)
        if name_of(path) not in last:
            return array
        scaled = array / np.float32(rescaling.temperature)
        return scaled + rescaling.biases.astype(np.float32) if array.ndim == 1 else scaled

    variables = jax.tree_util.tree_map_with_path(change, trained.variables)
    return trained._replace(variables=variables)


def described(logits: np.ndarray, truth: np.ndarray, rescaling: Rescaling) -> list[str]:
    """Lines for people: what the rescaling does to these pixels."""
    known = truth >= 0

    def figures(moved: np.ndarray) -> str:
        right = float((moved.argmax(axis=1) == truth)[known].mean())
        loss = float(cross_entropies(moved, truth)[known].mean())
        return f"accuracy {right:.4f}, mean cross entropy {loss:.4f}"

    biases = ", ".join(f"{bias:+.2f}" for bias in rescaling.biases)
    return [
        f"before   {figures(logits)}",
        f"after    {figures(rescaling(logits))}",
        f"temperature {rescaling.temperature:.3f}, biases {biases}",
    ]
