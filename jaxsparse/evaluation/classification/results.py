"""The scores of whole events beside their truth: what every figure here is computed from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True)
class EventResults:
    """Scores of events in the order of their file; numpy.

    Attributes:
      scores: float32 ``[events, classes]``, add up to 1 (softmax).
      truth: int32 ``[events]``, class number, -1 unknown.
      classes: class names.
      energy: float32 ``[events]``, true neutrino energy in GeV, NaN unknown (cosmics).
      topology: true details in words, such as ``"nutau CC DIS electron"``; ``""`` unknown.

    Raises:
      InputError: columns of different lengths, a class number out of range, a score that is no
        number.

    >>> results = EventResults.of([[0.9, 0.1], [0.2, 0.8]], [0, 0], ("signal", "rest"))
    >>> results.predicted.tolist(), results.right.tolist(), results.known.tolist()
    ([0, 1], [True, False], [True, True])
    """

    scores: np.ndarray
    truth: np.ndarray
    classes: tuple[str, ...]
    energy: np.ndarray
    topology: tuple[str, ...]

    def __post_init__(self) -> None:
        events, classes = len(self.scores), len(self.classes)
        if self.scores.shape != (events, classes):
            raise InputError(
                f"scores are {list(self.scores.shape)} but there are {classes} classes: give one "
                "row an event and one column a class"
            )
        for name in ("truth", "energy", "topology"):
            if len(getattr(self, name)) != events:
                raise InputError(
                    f"{name} has {len(getattr(self, name))} events but scores {events}: give both "
                    "for the same events"
                )
        if events and not -1 <= self.truth.min() <= self.truth.max() < classes:
            raise InputError(
                f"truth goes from {self.truth.min()} to {self.truth.max()} but there are "
                f"{classes} classes: number them from 0, -1 is unknown"
            )
        if not np.isfinite(self.scores).all():
            event = int(np.argmin(np.isfinite(self.scores).all(1)))
            raise InputError(
                f"scores of event {event} are {self.scores[event].tolist()}: must be finite, "
                "the network has diverged, use another checkpoint"
            )

    @classmethod
    def of(
        cls,
        scores: np.ndarray | Sequence[Sequence[float]],
        truth: np.ndarray | Sequence[int],
        classes: Sequence[str],
        energy: np.ndarray | Sequence[float] | None = None,
        topology: Sequence[str] | None = None,
    ) -> EventResults:
        """From lists or arrays of any number type; energies and topologies may be left out."""
        truth = np.asarray(truth, np.int32)
        scores = np.asarray(scores, np.float32)
        if not len(truth):
            scores = scores.reshape(0, len(classes))
        if energy is None:
            energy = np.full(len(truth), np.nan)
        topologies = ("",) * len(truth) if topology is None else tuple(topology)
        return cls(scores, truth, tuple(classes), np.asarray(energy, np.float32), topologies)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def known(self) -> np.ndarray:
        """bool ``[events]``, which have a true class."""
        return self.truth >= 0

    @property
    def predicted(self) -> np.ndarray:
        """The class of the highest score, int64 ``[events]``; the first one of equal scores."""
        return self.scores.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """bool ``[events]``, whether prediction and truth agree."""
        return self.predicted == self.truth

    def take(self, rows: np.ndarray) -> EventResults:
        """Some of the events, by boolean mask or number."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        return EventResults(
            self.scores[numbers], self.truth[numbers], self.classes, self.energy[numbers],
            tuple(self.topology[number] for number in numbers),
        )  # fmt: skip

    def without(self, name: str) -> EventResults:
        """The events of the other classes, scored among these only.

        Scores of the left-out class go to the rest in proportion, as if its logit were absent; an
        event that had all of its score there is shared out evenly.

        >>> results = EventResults.of([[0.6, 0.3, 0.1], [0, 0, 1.0]], [1, 2], "abc")
        >>> results.without("a").scores.tolist()[0]
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
        return EventResults.of(scores, truth, names, kept.energy, kept.topology)
