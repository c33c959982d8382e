"""Which events to draw, and how far an evaluation is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def spaced(length: int, wanted: int) -> set[int]:
    """Numbers of events to draw: the first, the last and evenly between.

    >>> sorted(spaced(10, 4)), sorted(spaced(2, 8)), spaced(5, 0)
    ([0, 3, 6, 9], [0, 1], set())
    """
    return set(np.linspace(0, length - 1, min(wanted, length)).round().astype(int).tolist())


def progress(items: Sequence[Item], text: str, quiet: bool) -> Iterable[Item]:
    """The items, with a bar on the terminal unless ``quiet``."""
    return items if quiet else _bar(items, text)


def _bar(items: Sequence[Item], text: str) -> Iterator[Item]:
    columns = (TextColumn(f"{text:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        yield from bar.track(items)
