"""How the true and the predicted instances of an event lie on each other, view by view.

A true instance is the pixels of one view that one particle named, a predicted instance the pixels
of one view that a grouping gave one number. Everything that is asked of a grouping follows from
their sizes and from how many pixels each pair shares, so this is counted once an event.

Pixels without a true class or a true particle (only noise made them) are of no true instance. No
predicted instance has them either; it only remembers how many they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

NOBODY = -1  # a pixel of no instance


@dataclasses.dataclass(frozen=True)
class Segments:
    """Instances of one event, each with its pixels in one view.

    Attributes:
      view: int64 ``[segments]``, number of the view.
      number: int64 ``[segments]``, of the instance: one particle has one number in all views.
      label: int64 ``[segments]``, its class.
      size: int64 ``[segments]``, pixels.
    """

    view: np.ndarray
    number: np.ndarray
    label: np.ndarray
    size: np.ndarray

    def __len__(self) -> int:
        return len(self.size)


@dataclasses.dataclass(frozen=True)
class Overlaps:
    """True and predicted instances of one event, and the pixels that they share.

    Attributes:
      true: the true ones, by view and number. Their class is that of most of their pixels.
      predicted: the predicted ones, by view and number, that have a pixel with a true particle.
      crowded: int64 ``[true]``, pixels to which several particles contributed.
      without_truth: int64 ``[predicted]``, pixels without a true particle, not among the others.
      pairs: int64 ``[pairs, 2]``, rows of ``true`` and of ``predicted`` that share a pixel.
      shared: int64 ``[pairs]``, how many.
    """

    true: Segments
    predicted: Segments
    crowded: np.ndarray
    without_truth: np.ndarray
    pairs: np.ndarray
    shared: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, columns: Mapping[str, np.ndarray], classes: int) -> Overlaps:
        """Counts the pixels of one event.

        Args:
          truth: integer ``[pixels]``, true classes, -1 unknown.
          columns: integers ``[pixels]`` by name: ``view``, the number of the pixel's view (one
            view if missing); ``instance``, its particle, -1 for none (none if missing);
            ``overlap``, how many particles contributed; ``predicted_instance``, -1 for none, and
            ``predicted_instance_class``, the class of that instance.
          classes: how many there are.

        >>> columns = {"instance": [7, 7, 7, 2, -1], "predicted_instance": [0, 0, 1, 1, 1]}
        >>> columns["predicted_instance_class"] = [1, 1, 0, 0, 0]
        >>> columns = {name: np.array(column) for name, column in columns.items()}
        >>> overlaps = Overlaps.of(np.array([1, 1, 1, 0, -1]), columns, 2)
        >>> overlaps.true.number.tolist(), overlaps.true.size.tolist()
        ([2, 7], [1, 3])
        >>> overlaps.pairs.tolist(), overlaps.shared.tolist(), overlaps.without_truth.tolist()
        ([[0, 1], [1, 0], [1, 1]], [1, 2, 1], [0, 1])
        """
        nobody = np.full(len(truth), NOBODY)
        view = columns.get("view", np.zeros(len(truth), int)).astype(np.int64)
        instance = columns.get("instance", nobody).astype(np.int64)
        predicted = columns.get("predicted_instance", nobody).astype(np.int64)
        its_class = columns.get("predicted_instance_class", nobody).astype(np.int64)
        several = columns.get("overlap", nobody) > 1
        owned = (truth >= 0) & (instance >= 0)
        named = owned & (predicted >= 0)

        true, own = _segments(view[owned], instance[owned], truth[owned], classes)
        guessed, other = _segments(view[named], predicted[named], its_class[named], classes)
        crowded = np.bincount(own[several[owned]], minlength=len(true))
        noise = ~owned & (predicted >= 0)
        strangers = _rows_of(guessed, view[noise], predicted[noise])
        without_truth = np.bincount(strangers[strangers >= 0], minlength=len(guessed))

        key = own[named[owned]] * max(len(guessed), 1) + other
        keys, shared = np.unique(key, return_counts=True)
        pairs = np.stack(np.divmod(keys, max(len(guessed), 1)), axis=1)
        return cls(true, guessed, crowded, without_truth, pairs, shared)

    def best_of_true(self) -> tuple[np.ndarray, np.ndarray]:
        """The predicted instance that shares most pixels with each true one, and how many.

        Returns:
          int64 ``[true]`` rows of ``predicted``, -1 for none, the first of equals; int64 ``[true]``
          shared pixels.
        """
        return _best(self.pairs[:, 0], self.pairs[:, 1], self.shared, len(self.true))

    def best_of_predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """The true instance that shares most pixels with each predicted one, and how many."""
        return _best(self.pairs[:, 1], self.pairs[:, 0], self.shared, len(self.predicted))


def _segments(
    view: np.ndarray, number: np.ndarray, label: np.ndarray, classes: int
) -> tuple[Segments, np.ndarray]:
    """Instances of pixels, by view and number, and which of them each pixel is of."""
    span = int(number.max(initial=0)) + 1
    keys, member, size = np.unique(view * span + number, return_inverse=True, return_counts=True)
    by_class = np.bincount(member * classes + label, minlength=len(keys) * classes)
    most = by_class.reshape(len(keys), classes).argmax(1)
    return Segments(keys // span, keys % span, most, size), member


def _rows_of(segments: Segments, view: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Rows of the instances of pixels, -1 where there is no such instance."""
    span = int(max(number.max(initial=0), segments.number.max(initial=0))) + 1
    keys, wanted = segments.view * span + segments.number, view * span + number
    row = np.searchsorted(keys, wanted)
    there = np.append(keys, -1)[row] == wanted
    return np.where(there, row, NOBODY)


def _best(
    own: np.ndarray, other: np.ndarray, shared: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((other, -shared, own))
    first = order[np.unique(own[order], return_index=True)[1]]
    best, most = np.full(number, NOBODY), np.zeros(number, np.int64)
    best[own[first]], most[own[first]] = other[first], shared[first]
    return best, most
