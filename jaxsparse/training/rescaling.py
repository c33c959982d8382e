"""Operating points: a linear map and a bias a class, applied to the scores of a last layer.

Scores fit one mixture of classes. The same network serves others, where its scores are mapped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.training.arrays import name_of
from jaxsparse.training.head_arrays import last_layer
from jaxsparse.training.trained_network import Trained

AS_TRAINED = "as_trained"  # name of the operating point before any rescaling
# Condition number up to which a matrix is undone: logits of 10 then come back to about 0.001.
_LARGEST_CONDITION = 1e4


@dataclasses.dataclass(frozen=True)
class Rescaling:
    """Logits become ``logits @ matrix + biases``.

    Attributes:
      matrix: float64 ``[classes, classes]``; the identity over a temperature, or any other.
      biases: float64 ``[classes]``, of any sum.
      about: where it is from, for people.
    """

    matrix: np.ndarray
    biases: np.ndarray
    about: str = ""

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """The logits ``[rows, classes]``, rescaled."""
        return logits @ self.matrix + self.biases

    @staticmethod
    def identity(classes: int, about: str = "") -> Rescaling:
        """What changes nothing."""
        return Rescaling(np.eye(classes), np.zeros(classes), about)

    def part(self, strength: float) -> Rescaling:
        """Only so much of it: 0 leaves the logits as they are, 1 is all.

        >>> half = Rescaling(np.eye(2) / 2, np.array([1.0, -1.0])).part(0.5)
        >>> half.matrix.tolist(), half.biases.tolist()
        ([[0.75, 0.0], [0.0, 0.75]], [0.5, -0.5])
        """
        same = np.eye(len(self.biases))
        return Rescaling(same + strength * (self.matrix - same), self.biases * strength, self.about)

    def then(self, other: Rescaling) -> Rescaling:
        """This one and after it another, as one map; ``about`` is that of the other.

        >>> doubled = Rescaling(2 * np.eye(2), np.array([1.0, -1.0]))
        >>> doubled.then(doubled)(np.array([[1.0, 0.0]])).tolist()
        [[7.0, -3.0]]
        """
        return Rescaling(self.matrix @ other.matrix, other(self.biases), other.about)

    def inverse(self) -> Rescaling:
        """What undoes it: ``(logits - biases) @ matrix ** -1``.

        Raises:
          InputError: nothing does, within the precision of float32.

        >>> Rescaling(np.eye(2) / 2, np.array([1.0, -1.0])).inverse().text()
        'temperature 0.5000, biases -2.0000, 2.0000'
        """
        if (condition := np.linalg.cond(self.matrix)) > _LARGEST_CONDITION:
            raise InputError(
                f"the condition number of the matrix is {condition:.3g}: must be at most "
                f"{_LARGEST_CONDITION:g} to be undone, fit on more events or with form temperature"
            )
        back = np.linalg.inv(self.matrix)
        return Rescaling(back, -self.biases @ back)

    def text(self) -> str:
        """The numbers, for people.

        >>> Rescaling(np.eye(2) / 2, np.array([1.0, -1.0])).text()
        'temperature 2.0000, biases 1.0000, -1.0000'
        """
        biases = f"biases {_numbers(self.biases)}"
        scale = float(self.matrix[0, 0])
        if scale and np.array_equal(self.matrix, scale * np.eye(len(self.biases))):
            return f"temperature {1 / scale:.4f}, {biases}"
        return f"matrix {'; '.join(_numbers(row) for row in self.matrix)}, {biases}"

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "matrix": self.matrix.tolist(), "biases": self.biases.tolist(), "about": self.about,
        }  # fmt: skip

    @staticmethod
    def of(plain: Mapping[str, Any], classes: int) -> Rescaling:
        """What :meth:`plain` was made of.

        Raises:
          ValueError, TypeError, KeyError: it is of nothing, or of another number of classes.

        >>> Rescaling.of(Rescaling.identity(2, "nothing fitted").plain(), 2).about
        'nothing fitted'
        """
        matrix = np.array(plain["matrix"], np.float64)
        biases = np.array(plain["biases"], np.float64)
        if (matrix.shape, biases.shape) != ((classes, classes), (classes,)):
            raise ValueError(f"a rescaling of other than {classes} classes")
        if not (np.isfinite(matrix).all() and np.isfinite(biases).all()):
            raise ValueError("a rescaling with numbers that are not finite")
        return Rescaling(matrix, biases, str(plain["about"]))


def changed_points(points: Mapping[str, Rescaling], first: Rescaling) -> dict[str, Rescaling]:
    """The operating points of a network whose last layer gets a rescaling: their scores stay.

    Args:
      points: that the network has, by name.
      first: the rescaling.

    Returns:
      The same ones, as they are reached from the new scores.

    Raises:
      InputError: no way leads back from the new scores.

    >>> halved = Rescaling(np.eye(2) / 2, np.zeros(2))
    >>> changed_points({"halved": halved}, halved)["halved"].matrix.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    back = first.inverse()
    return {name: back.then(point) for name, point in points.items()}


def rescaled(trained: Trained, rescaling: Rescaling) -> Trained:
    """The network with a rescaling in its last layer, so that its logits are the rescaled ones.

    Args:
      trained: a network that names pixels.
      rescaling: of its logits, of as many classes.
    """
    last = last_layer(trained.config, "semantic")

    def change(path: Any, array: Any) -> np.ndarray:
        array = np.asarray(array)
        if name_of(path) not in last:
            return array
        scaled = array @ rescaling.matrix.astype(np.float32)
        return scaled + rescaling.biases.astype(np.float32) if array.ndim == 1 else scaled

    variables = jax.tree_util.tree_map_with_path(change, trained.variables)
    return trained._replace(variables=variables)


def _numbers(row: np.ndarray) -> str:
    return ", ".join(f"{number:.4f}" for number in row)
