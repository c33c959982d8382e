"""Numbers as text: strict JSON for programs, rounded figures with errors for people."""

from __future__ import annotations

import itertools
import json
from typing import Any

from jaxsparse.strict_json import plain

LEAST_ERROR = 0.00005  # smaller ones are rounded to 0


def dumps(metrics: dict[str, Any]) -> str:
    """``metrics.json``: the short values one a line, tables of numbers in rows."""
    return _indent(plain(metrics)) + "\n"


def _indent(value: Any, depth: int = 0) -> str:
    inner = "  " * (depth + 1)
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{json.dumps(key)}: {_indent(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"
    return json.dumps(value, allow_nan=False)


def figure(value: float | None, digits: int = 4) -> str:
    """A rounded number; a dash where there is none.

    >>> figure(0.12345), figure(None)
    ('0.1235', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def with_error(value: float | None, error: float | None) -> str:
    """A number and its standard error, if it has one.

    Where all events are right, or all wrong, a bootstrap sees no error: what is rounded to 0 is
    none.

    >>> with_error(0.5, 0.01), with_error(0.5, None), with_error(1.0, 0.0)
    ('0.5000 ± 0.0100', '0.5000', '1.0000')
    """
    small = error is None or error < LEAST_ERROR
    return figure(value) if value is None or small else f"{value:.4f} ± {error:.4f}"


def bin_rows(
    profile: dict[str, Any] | None, column: str = "accuracy"
) -> list[tuple[str, dict[str, Any]]]:
    """The bins of a profile that have an event, by their names, for :func:`profile_table`."""
    if profile is None:
        return []
    return [
        (
            f"{low:g} and more" if high is None else f"{low:g} to {high:g}",
            {key: profile[key][place] for key in ("events", column, "error")},
        )
        for place, (low, high) in enumerate(itertools.pairwise(profile["edges"]))
        if profile["events"][place]
    ]


def profile_table(
    words: str, rows: list[tuple[str, dict[str, Any]]], column: str = "accuracy", title: str = ""
) -> list[str]:
    """A Markdown table of events and a figure with its error, and a blank line; [] without rows."""
    if not rows:
        return []
    lines = [f"| {words} | events | {title or column} |", "| --- | --- | --- |"]
    for name, entry in rows:
        lines.append(
            f"| {name} | {entry['events']} | {with_error(entry[column], entry['error'])} |"
        )
    return [*lines, ""]
