"""Statistical errors by drawing events with replacement (Efron's bootstrap).

Pixels of one event are anything but independent, so events are drawn, with all that they count.
Several placements of one Geant4 event share their physics: they form one group and are drawn
together (:class:`GroupedCounts`).

Where an event counts in one cell of a table, no event needs to be drawn: the counts of a resampled
set are multinomial with the observed shares, exactly (:class:`EventCounts`). So a thousand samples
cost the same for ten events and for ten million.

The errors say how much a figure would move with another sample of events. They know nothing of
another training: that takes several seeds. A part that is all right or all wrong has an error of 0,
which then only says that the bootstrap cannot see one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

SAMPLES = 1000  # of counts of events
GROUP_SAMPLES = 200  # of groups of events
MAX_GROUPS = 1000  # more groups are folded onto these, so that memory stays bounded


class Counts(Protocol):
    """A table that events add to."""

    def add(self, table: np.ndarray, group: int = 0) -> None:
        """Adds what one event of a group counts, or many events."""

    @property
    def total(self) -> Any:
        """The sum of all that was added; 0 before."""

    def error(self, statistic: Callable[[np.ndarray], Any]) -> Any:
        """Standard error of a figure of the table, in the shape of the figure.

        Args:
          statistic: figures ``[..., *shape]`` of tables ``[..., *table]``; NaN where undefined.
        """

    def describe(self) -> dict[str, int]:
        """How the errors were taken, for ``metrics.json``."""


class EventCounts:
    """Events by cell, each in exactly one.

    >>> counts = EventCounts()
    >>> counts.add(np.array([50, 50]))
    >>> round(counts.error(lambda table: table[..., 0] / table.sum(-1)), 2)  # sqrt(1/4 / 100)
    0.05
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        self.total: Any = 0

    def add(self, table: np.ndarray, group: int = 0) -> None:
        self.total = self.total + table

    def error(self, statistic: Callable[[np.ndarray], Any]) -> Any:
        return spread(statistic(resampled_counts(np.asarray(self.total), seed=self.seed)))

    def describe(self) -> dict[str, int]:
        return {"samples": SAMPLES}


class GroupedCounts:
    """Tables of events, summed by group.

    >>> counts = GroupedCounts()
    >>> for table, group in ((3, 7), (1, 8), (4, 7)):
    ...     counts.add(np.array(table), group)
    >>> int(counts.total), counts.num_groups
    (8, 2)
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        self._rows: dict[int, int] = {}  # group -> row in the tables by group
        self._tables: list[np.ndarray] = []

    def add(self, table: np.ndarray, group: int = 0) -> None:
        row = self._rows.setdefault(group, len(self._rows) % MAX_GROUPS)
        if row == len(self._tables):
            self._tables.append(np.array(table))
        else:
            self._tables[row] = self._tables[row] + table

    @property
    def total(self) -> Any:
        return sum(self._tables)

    @property
    def num_groups(self) -> int:
        """How many groups (at most ``MAX_GROUPS``) there are to draw from."""
        return len(self._tables)

    def error(self, statistic: Callable[[np.ndarray], Any]) -> Any:
        return spread(self.samples(statistic))

    def samples(self, statistic: Callable[[np.ndarray], Any]) -> np.ndarray:
        """The figure of every resampled set; of all alone where there is nothing to draw from."""
        groups = self.num_groups
        if groups < 2:
            return np.asarray(statistic(np.asarray(self.total)[None]))
        draws = np.random.default_rng(self.seed).multinomial(
            groups, np.full(groups, 1 / groups), GROUP_SAMPLES
        )
        return np.asarray(statistic(np.tensordot(draws, np.stack(self._tables), 1)))

    def describe(self) -> dict[str, int]:
        return {"groups": self.num_groups, "samples": GROUP_SAMPLES}


class PairedCounts(GroupedCounts):
    """As others that counted the same events; errors are those of the differences from them.

    Both draw the same events, so what the events have in common cancels.

    Args:
      others: to which the same groups were added, in the same order.

    >>> others = GroupedCounts()
    >>> counts = PairedCounts(others)
    >>> for number, right in enumerate((30, 70, 10, 90)):
    ...     others.add(np.array([right, 100]), number)
    ...     counts.add(np.array([right + 5, 100]), number)  # always 0.05 more
    >>> def part(table):
    ...     return table[..., 0] / table[..., 1]
    >>> round(counts.error(part), 9), others.error(part) > 0.1
    (0.0, True)
    """

    def __init__(self, others: GroupedCounts):
        super().__init__(others.seed)
        self._others = others

    def samples(self, statistic: Callable[[np.ndarray], Any]) -> np.ndarray:
        return super().samples(statistic) - self._others.samples(statistic)


def resampled_counts(counts: np.ndarray, *, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
    """Tables of counts of resampled sets of events.

    Args:
      counts: integers of any shape: events by cell, every event in exactly one cell.
      samples: how many sets to draw, each of as many events as there are.
      seed: of the draws.

    Returns:
      int64 ``[samples, *counts.shape]``.

    >>> resampled_counts(np.array([[4, 0], [3, 3]]), samples=5).sum((1, 2)).tolist()
    [10, 10, 10, 10, 10]
    """
    total = int(counts.sum())
    if total == 0:
        return np.zeros((samples, *counts.shape), np.int64)
    shares = (counts / total).ravel()
    draws = np.random.default_rng(seed).multinomial(total, shares / shares.sum(), samples)
    return draws.reshape(samples, *counts.shape)


def error_of_mean(values: np.ndarray, *, seed: int = 0) -> float:
    """Standard error of the mean of a number that every event has; NaN for fewer than two events.

    Args:
      values: float ``[events]``, for example 1 right, 0 wrong, or the part of several repeats.
      seed: of the draws.

    >>> round(error_of_mean(np.repeat([0.0, 1.0], 50)), 2)  # sqrt(1/4 / 100)
    0.05
    """
    if len(values) < 2:
        return float("nan")
    distinct, counts = np.unique(values, return_counts=True)
    draws = resampled_counts(counts, seed=seed)
    return float(spread(draws @ distinct / len(values)))


def spread(values: np.ndarray) -> Any:
    """Standard deviation along the first axis over the finite values, NaN for fewer than two.

    >>> spread(np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, np.nan]])) ** 2
    array([ 2., nan])
    """
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    number = finite.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(finite, values, 0).sum(0) / number
        squares = np.where(finite, values - mean, 0) ** 2
        result = np.where(number > 1, np.sqrt(squares.sum(0) / (number - 1)), np.nan)
    return result if result.ndim else float(result)
