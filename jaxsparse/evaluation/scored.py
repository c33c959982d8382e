"""The scores of pixels or of events beside their truth: what every figure is computed from."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp, softmax

from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.errors import InputError
from jaxsparse.evaluation.overlaps import Overlaps


@dataclasses.dataclass(frozen=True)
class Scored:
    """Some rows of what a network says, a row a pixel or an event; numpy.

    Attributes:
      scores: float32 ``[rows, classes]``, add up to 1 (softmax).
      truth: int32 ``[rows]``, class number, -1 unknown.
      classes: class names.
      losses: float64 ``[rows]``, (weighted) cross entropy; 0 without truth.
      columns: ``[rows]`` each, what else is known of the rows. Of pixels the truth columns that the
        file has (``instance``, ``vertex_distance``, ``interaction``, ``overlap``), the number of
        their ``view``, and where a grouping told particles apart ``predicted_instance`` and
        ``predicted_instance_class`` (int32, -1 for none), ``predicted_parent`` and
        ``parent_by_rule`` (:func:`~jaxsparse.evaluation.grouped.told_columns`); of events
        ``energy`` (float32, GeV, NaN unknown) and ``topology`` (text, ``""`` unknown).
      particles: the particle table (``PARTICLE_DTYPE``) that ``instance`` points into.
      group: of pixels, which are of one event: events of equal number share their physics.

    Raises:
      InputError: columns of different lengths, a class number out of range, a score that is no
        number.

    >>> scored = Scored.of([[0.9, 0.1], [0.2, 0.8]], [0, 0], ("signal", "rest"))
    >>> scored.predicted.tolist(), scored.right.tolist(), scored.known.tolist()
    ([0, 1], [True, False], [True, True])
    """

    scores: np.ndarray
    truth: np.ndarray
    classes: tuple[str, ...]
    losses: np.ndarray
    columns: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    particles: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, PARTICLE_DTYPE))
    group: int = 0

    def __post_init__(self) -> None:
        rows, classes = len(self.scores), len(self.classes)
        if self.scores.shape != (rows, classes):
            raise InputError(
                f"scores are {list(self.scores.shape)} but there are {classes} classes: give one "
                "row an event or pixel and one column a class"
            )
        for name, column in {"truth": self.truth, "losses": self.losses, **self.columns}.items():
            if len(column) != rows:
                raise InputError(
                    f"{name} has {len(column)} rows but scores {rows}: give both for the same ones"
                )
        if rows and not -1 <= self.truth.min() <= self.truth.max() < classes:
            raise InputError(
                f"truth goes from {self.truth.min()} to {self.truth.max()} but there are "
                f"{classes} classes: number them from 0, -1 is unknown"
            )
        if not np.isfinite(self.scores).all():
            row = int(np.argmin(np.isfinite(self.scores).all(1)))
            raise InputError(
                f"scores of row {row} are {self.scores[row].tolist()}: must be finite, "
                "the network has diverged, use another checkpoint"
            )

    @classmethod
    def of(
        cls,
        scores: np.ndarray | Sequence[Sequence[float]],
        truth: np.ndarray | Sequence[int],
        classes: Sequence[str],
        energy: np.ndarray | Sequence[float] | None = None,
        topology: np.ndarray | Sequence[str] | None = None,
    ) -> Scored:
        """Events, from lists or arrays of any number type; energies and topologies may be left out.

        The losses are minus the logarithms of the true class's score; a score of 0 counts as the
        smallest float32.
        """
        truth, names = np.asarray(truth, np.int32), tuple(classes)
        scores = np.asarray(scores, np.float32)
        if not len(truth):
            scores = scores.reshape(0, len(names))
        columns = {
            "energy": np.full(len(truth), np.nan, np.float32)
            if energy is None
            else np.asarray(energy, np.float32),
            "topology": np.full(len(truth), "", object)
            if topology is None
            else np.array([str(text) for text in topology], object),
        }
        checked = cls(scores, truth, names, np.zeros(len(truth)), columns)
        logarithms = np.log(np.maximum(scores, np.finfo(np.float32).tiny).astype(np.float64))
        return dataclasses.replace(checked, losses=cross_entropies(logarithms, truth))

    @classmethod
    def of_logits(
        cls,
        logits: np.ndarray,
        truth: np.ndarray,
        classes: Sequence[str],
        weights: np.ndarray | None = None,
        **rest: Any,
    ) -> Scored:
        """From what a network says.

        Args:
          logits: float ``[rows, classes]``.
          truth: integer ``[rows]``.
          classes: class names.
          weights: float ``[rows]`` of the loss; 1 if ``None``.
          **rest: the other attributes.
        """
        losses = cross_entropies(logits, truth)
        losses = losses if weights is None else losses * weights
        return cls(softmax(logits, axis=1), truth.astype(np.int32), tuple(classes), losses, **rest)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def known(self) -> np.ndarray:
        """bool ``[rows]``, which have a true class."""
        return self.truth >= 0

    @property
    def predicted(self) -> np.ndarray:
        """The class of the highest score, int64 ``[rows]``; the first one of equal scores."""
        return self.scores.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """bool ``[rows]``, whether prediction and truth agree."""
        return self.predicted == self.truth

    @functools.cached_property
    def overlaps(self) -> Overlaps:
        """Of the pixels of one event: its true and predicted instances, counted once."""
        return Overlaps.of(self.truth, self.columns, len(self.classes))

    def take(self, rows: np.ndarray) -> Scored:
        """Some of the rows, by boolean mask or number."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return dataclasses.replace(
            self, scores=self.scores[rows], truth=self.truth[rows], losses=self.losses[rows],
            columns=columns,
        )  # fmt: skip

    def with_columns(self, columns: Mapping[str, np.ndarray]) -> Scored:
        """The rows with more columns."""
        return dataclasses.replace(self, columns={**self.columns, **columns})

    @staticmethod
    def join(parts: Sequence[Scored]) -> Scored:
        """All rows of several portions (at least one), with the columns that all of them have."""
        first = parts[0]
        if len(parts) == 1:
            return first
        columns = {
            name: np.concatenate([part.columns[name] for part in parts])
            for name in first.columns
            if all(name in part.columns for part in parts)
        }
        scores, truth, losses = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("scores", "truth", "losses")
        )
        return dataclasses.replace(
            first, scores=scores, truth=truth, losses=losses, columns=columns
        )

    def without(self, name: str) -> Scored:
        """The events of the other classes, scored among these only.

        Scores of the left-out class go to the rest in proportion, as if its logit were absent; an
        event that had all of its score there is shared out evenly.

        >>> scored = Scored.of([[0.6, 0.3, 0.1], [0, 0, 1.0]], [1, 2], "abc")
        >>> scored.without("a").scores.tolist()[0]
        [0.75, 0.25]
        """
        if name not in self.classes:
            raise InputError(f"class {name!r} is none of {', '.join(self.classes)}: choose one")
        left_out = self.classes.index(name)
        kept = self.take(self.truth != left_out)
        scores = np.delete(kept.scores.astype(np.float64), left_out, axis=1)
        total = scores.sum(1, keepdims=True)
        scores = np.where(total > 0, scores / np.where(total > 0, total, 1), 1 / scores.shape[1])
        truth = kept.truth - (kept.truth > left_out)
        names = tuple(other for other in self.classes if other != name)
        return Scored.of(scores, truth, names, kept.columns["energy"], kept.columns["topology"])


def cross_entropies(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Cross entropy of every row from its logits, float64 ``[rows]``, 0 without truth.

    ``log sum_c exp z_c - z_truth``: exact where a score of float32 has become 0.

    >>> cross_entropies(np.array([[0.0, 0.0], [-200.0, 0.0]]), np.array([0, 0])).round(3).tolist()
    [0.693, 200.0]
    """
    logits = logits.astype(np.float64)
    chosen = np.take_along_axis(logits, np.maximum(truth, 0).astype(np.int64)[:, None], 1)[:, 0]
    total = logsumexp(logits, axis=1) if len(logits) else np.zeros(0)
    return np.where(truth >= 0, total - chosen, 0.0)
