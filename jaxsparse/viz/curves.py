"""Training curves from a work directory's ``metrics.jsonl``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxsparse.errors import InputError
from jaxsparse.viz.style import DPI, plain_axes

PANELS = {
    "loss": ("loss per event", True),
    "accuracy": ("accuracy", False),
    "learning_rate": ("learning rate", True),
    "events_per_second": ("events per second", False),
}
COLOURS = {"train": "#7aa6c2", "validation": "#c44e52"}
WIDE = 10.0  # a curve that spans more than this factor gets a logarithmic axis
SMOOTHED = 60  # points that a smoothed training curve has at least


def read_metrics(path: str | os.PathLike[str]) -> dict[str, dict[str, np.ndarray]]:
    """The columns of ``metrics.jsonl`` by split.

    Lines are appended while training runs, so a last line without its end is left out.

    Returns:
      ``{"train": {"step": ..., "loss": ...}, "validation": ...}``; what a line lacks is NaN.

    Raises:
      InputError: the file cannot be read, or a line before the last is no JSON object.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}, train into this work directory first."
        ) from None
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.setdefault(row["split"], []).append(row)
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                break
            raise InputError(
                f"{path}: line {number} is no JSON object with a split, remove that line."
            ) from None
    names = ("step", *PANELS)
    return {
        split: {name: np.array([row.get(name) for row in group], float) for name in names}
        for split, group in rows.items()
    }


def smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over the last ``width`` values, fewer at the start.

    >>> smooth(np.array([1.0, 3.0, 5.0]), 2)
    array([1., 2., 4.])
    """
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - width, 0)
    return (total[last] - total[first]) / (last - first)


def training_figure(path: str | os.PathLike[str]) -> Figure:
    """Loss, accuracy, learning rate and speed against the step, training and validation."""
    splits = read_metrics(path)
    figure = Figure(figsize=(11, 6.5), dpi=DPI, layout="constrained")
    for ax, (name, (label, logarithmic)) in zip(
        figure.subplots(2, 2).flat, PANELS.items(), strict=True
    ):
        for split, columns in splits.items():
            if name in ("loss", "accuracy") or split == "train":
                _curve(ax, split, columns["step"], columns[name], smoothed=name != "learning_rate")
        ax.set_ylabel(label)
        ax.set_xlabel("step")
        if logarithmic and _span(splits, name) > WIDE:
            ax.set_yscale("log")
        plain_axes(ax)
        if name in ("loss", "accuracy") and ax.lines:
            ax.legend(frameon=False)
    return figure


def _span(splits: dict[str, dict[str, np.ndarray]], name: str) -> float:
    """Ratio of the largest to the smallest positive value."""
    values = np.concatenate([columns[name] for columns in splits.values()] or [np.zeros(0)])
    values = values[np.isfinite(values) & (values > 0)]
    return float(values.max() / values.min()) if len(values) else 1.0


def _curve(ax: Axes, split: str, step: np.ndarray, values: np.ndarray, *, smoothed: bool) -> None:
    known = np.isfinite(values)
    if not known.any():
        return
    step, values = step[known], values[known]
    colour = COLOURS.get(split, "#555555")
    if split != "train":
        ax.plot(step, values, "o-", color=colour, ms=4, label=split, zorder=3)
        return
    width = max(len(values) // SMOOTHED, 1) if smoothed else 1
    if width > 1:
        ax.plot(step, values, color=colour, lw=0.7, alpha=0.35)
    ax.plot(step, smooth(values, width), color=colour, lw=1.6, label=split)
