"""What every metric is."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import Any

from jaxsparse.evaluation.scored import Scored


class Metric(abc.ABC):
    """Takes portions of what a network says, and at the end says its part of ``metrics.json``.

    Attributes:
      title: of its section of the report.
      keys: of ``metrics.json`` that it gives; ``null`` where no row has truth.
      headline: rows of the report's first table, words and dotted key of ``metrics.json``. The
        error is looked up by the same key under ``errors``, the baselines' values under
        ``baselines.NAME``.
    """

    title: str = ""
    keys: tuple[str, ...] = ()
    headline: tuple[tuple[str, str], ...] = ()

    @abc.abstractmethod
    def update(self, scored: Scored) -> None:
        """Takes rows: all pixels of one event, or any number of events. Each row comes once."""

    @abc.abstractmethod
    def result(self) -> dict[str, Any]:
        """Values of ``keys``, and under ``errors`` their standard errors by dotted key.

        Dictionaries that several metrics give under one key (``errors``, ``baselines``) are joined.
        """

    def section(self, metrics: dict[str, Any]) -> list[str]:
        """Lines of ``report.md``, from the values of ``metrics.json``; they end without a blank."""
        return []


class RowMetric(Metric):
    """One that needs all rows at once: those of events, which fit into memory."""

    def __init__(self) -> None:
        self._parts: list[Scored] = []

    def update(self, scored: Scored) -> None:
        self._parts.append(scored)

    @property
    def rows(self) -> Scored:
        """All rows."""
        return Scored.join(self._parts)


class Measured:
    """Hands portions to metrics, and joins what they say.

    Args:
      metrics: fresh ones.
    """

    def __init__(self, metrics: Sequence[Metric]):
        self.metrics, self._known = metrics, False

    def update(self, scored: Scored) -> None:
        """Hands a portion to all of them."""
        self._known = self._known or bool(scored.known.any())
        for metric in self.metrics:
            metric.update(scored)

    def figures(self) -> dict[str, Any]:
        """The values of all their keys; every one is ``None`` where no row has truth."""
        figures: dict[str, Any] = dict.fromkeys(
            key for metric in self.metrics for key in metric.keys
        )
        for metric in self.metrics if self._known else ():
            join(figures, metric.result())
        return figures


def measure(metrics: Sequence[Metric], portions: Iterable[Scored]) -> dict[str, Any]:
    """The figures of all portions, see :class:`Measured`."""
    measured = Measured(metrics)
    for scored in portions:
        measured.update(scored)
    return measured.figures()


def join(figures: dict[str, Any], more: dict[str, Any]) -> None:
    """Adds ``more`` to ``figures``; dictionaries of one key become one.

    >>> figures = {"errors": {"loss": 0.1}, "roc": None}
    >>> join(figures, {"errors": {"accuracy": 0.2}, "roc": 1})
    >>> figures
    {'errors': {'loss': 0.1, 'accuracy': 0.2}, 'roc': 1}
    """
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(figures.get(key), dict):
            join(figures[key], value)
        else:
            figures[key] = value
