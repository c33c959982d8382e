"""Figures of a study beside their references: each must stay in its interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number of the simulation.

    Attributes:
      name: what it is, with its unit.
      value: what the simulation gives.
      reference: what it is compared with.
      low, high: the interval it must stay in.
      source: where the reference is from.
    """

    name: str
    value: float
    reference: float
    low: float
    high: float
    source: str

    @property
    def agrees(self) -> bool:
        """Whether the value is in its interval."""
        return bool(self.low <= self.value <= self.high)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Figures, and the arrays behind them by name."""

    figures: list[Figure]
    curves: dict[str, np.ndarray]


def near(name: str, value: float, reference: float, tolerance: float, source: str) -> Figure:
    """A figure that must agree within a relative tolerance."""
    return Figure(
        name, float(value), reference, reference * (1 - tolerance), reference * (1 + tolerance),
        source,
    )  # fmt: skip


def figure_table(samples: Iterable[Sample]) -> list[str]:
    """Markdown: a line a figure."""
    return [
        "| figure | reference | here | must stay in | reference from |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {f.name} | {f.reference:.4g} | {f.value:.4g} | {f.low:.3g} to {f.high:.3g} "
            f"| {f.source} |"
            for sample in samples
            for f in sample.figures
        ),
    ]


def outside(figures: Iterable[Figure]) -> list[str]:
    """Those that do not agree, in words."""
    return [
        f"{f.name}: {f.value:.4g} not in {f.low:.4g} to {f.high:.4g} ({f.source})"
        for f in figures
        if not f.agrees
    ]


def print_verdict(samples: Iterable[Sample]) -> None:
    """How many figures there are, and which are outside of their interval."""
    figures = [figure for sample in samples for figure in sample.figures]
    print(f"{len(figures)} figures, {len(outside(figures))} outside their interval")
    for line in outside(figures):
        print(f"  {line}")
