"""How far an evaluation is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def progress(items: Sequence[Item], text: str, quiet: bool) -> Iterable[Item]:
    """The items, with a bar on the terminal unless ``quiet``."""
    return items if quiet else _bar(items, text)


def _bar(items: Sequence[Item], text: str) -> Iterator[Item]:
    columns = (TextColumn(f"{text:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        yield from bar.track(items)
