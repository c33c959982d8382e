"""What all figures look like, and how they become files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

DPI = 120
BACKGROUND = "#fbfbf8"
FRAME = "#999999"
MANY = 30  # counts of more ask for a logarithmic axis


def frame(ax: Axes) -> None:
    """The frame of an image: pale, and ticks at whole pixels."""
    ax.set_facecolor(BACKGROUND)
    ax.tick_params(labelsize=8, color=FRAME)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator("auto", integer=True))
    for spine in ax.spines.values():
        spine.set_color(FRAME)


def name_ticks(ax: Axes, names: Sequence[str], room: float, size: float = 9) -> None:
    """Names at 0, 1, ... along a plot, slanted where they would run into each other.

    Args:
      ax: the plot.
      names: of the ticks.
      room: inches that a name may take.
      size: of the letters, points.
    """
    slanted = max(map(len, names), default=0) * size / 120 > room
    style: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(names)), names, fontsize=size, **(style if slanted else {}))


def plain_axes(ax: Axes) -> None:
    """The axes of a plot: a grid, and no lines above and right."""
    ax.grid(alpha=0.25)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def count_axis(ax: Axes, most: float, words: str) -> None:
    """A vertical axis that counts: whole numbers only, logarithmic where there are many.

    Args:
      ax: whose axis.
      most: the highest count.
      words: what is counted.
    """
    ax.set_ylabel(words)
    if most > MANY:
        ax.set(yscale="log", ylim=(0.6, None))
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_ylim(0, 1.08 * max(most, 1))
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.yaxis.set_major_formatter("{x:,.0f}")


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as PNG and returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"compress_level": 4}  # half the time of the default for a few per cent more bytes
    figure.savefig(path, dpi=DPI, facecolor="white", pil_kwargs=options)
    return path
