"""A quick picture of a few events, to see with one's own eyes what a file holds."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError, one_line
from jaxsparse.whole_file import whole_file


@dataclasses.dataclass(frozen=True)
class Projection:
    """Which axes of a view are drawn.

    Attributes:
      across, up: numbers of the axes.
      along: of the axis that one looks along, ``None`` of an image.
    """

    across: int
    up: int
    along: int | None = None

    @classmethod
    def of(cls, views: Sequence[View], across: int = 1) -> Projection:
        """An image as it is; voxels along the axis in which all views together reach least far.

        Args:
          views: one view of some events.
          across: the axis of an image that goes from left to right.

        >>> line = View(np.array([[0, 5, 1], [9, 5, 4]]), np.ones(2), (10, 10, 10))
        >>> Projection.of([line])
        Projection(across=2, up=0, along=1)
        """
        if len(views[0].shape) == 2:
            return cls(across, 1 - across)
        coords = np.concatenate([view.coords for view in views])
        along = int(np.ptp(coords, axis=0).argmin()) if len(coords) else 0
        up, last = (axis for axis in range(3) if axis != along)
        return cls(last, up, along)


def draw_events(
    path: str | os.PathLike[str],
    events: Sequence[Event],
    *,
    axes: Mapping[str, Sequence[str]],
    titles: Sequence[str],
    across: Mapping[str, int] | None = None,
    units: Mapping[str, str] | None = None,
) -> None:
    """Writes a PNG with a row an event and a column a view, every image whole.

    Args:
      path: file to write.
      events: a few events, at least one.
      axes: by view, what its axes count; of three, the two are drawn along which events reach
        farthest.
      titles: a line an event.
      across: by view, which axis of an image is drawn from left to right; the second if ``None``.
      units: by view, of the values.

    Raises:
      InputError: there is nothing to draw, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    names = [name for name in axes if events and len(events[0].views[name].shape) in (2, 3)]
    if not names:
        raise InputError(f"{path}: there is no event with a view of two or three axes to draw")
    figure = Figure(figsize=(4.6 * len(names), 3.2 * len(events)), layout="constrained")
    panels = figure.subplots(len(events), len(names), squeeze=False)
    for column, name in enumerate(names):
        views = [event.views[name] for event in events]
        seen = Projection.of(views, 1 if across is None else across[name])
        scale = _scale(np.concatenate([view.values for view in views]))
        for row, (view, title) in enumerate(zip(views, titles, strict=True)):
            points = _draw(panels[row][column], view, seen, axes[name], scale)
            words = f"{name}: {title}" if column == 0 else name
            panels[row][column].set_title(words, fontsize=9, loc="left")
        unit = (units or {}).get(name, "")
        label = f"value [{unit}]" if unit else "value"
        bar = figure.colorbar(points, ax=panels[:, column], label=label, shrink=0.6)
        ticks = plain_ticks(scale.vmin, scale.vmax)
        bar.set_ticks(list(ticks.values()), labels=list(ticks))
        bar.minorticks_off()
    with whole_file(path, "picture") as partial:
        try:
            # Said, or matplotlib puts .png behind a name without an ending.
            figure.savefig(partial, dpi=110, format=partial.suffix[1:] or "png")
        except ValueError as error:  # another ending than those of pictures
            raise InputError(f"picture is {path}: {one_line(error)}") from None


def plain_ticks(low: float, high: float) -> dict[str, float]:
    """Ticks of a logarithmic axis with two digits each: of its own accord it says 6 x 10^-1.

    >>> list(plain_ticks(0.5, 20.0)), list(plain_ticks(1.0, 1.01)), list(plain_ticks(1e5, 1.2e6))
    (['0.5', '1.7', '5.8', '20'], ['1'], ['100,000', '230,000', '520,000', '1,200,000'])
    """
    rounded = [float(f"{tick:.2g}") for tick in np.geomspace(low, high, 4)]
    return {f"{tick:,.0f}" if tick >= 100 else f"{tick:g}": tick for tick in rounded}


def _scale(values: np.ndarray) -> Any:
    from matplotlib.colors import LogNorm

    low, high = np.percentile(values[values > 0], [1, 99]) if (values > 0).any() else (1.0, 1.0)
    return LogNorm(low, max(high, low * 1.01))


def _draw(panel: Any, view: View, seen: Projection, axes: Sequence[str], scale: Any) -> Any:
    """The pixels, the largest values on top, and what the axes count; returns the points."""
    order = np.argsort(view.values, kind="stable")
    coords = view.coords[order]
    points = panel.scatter(
        coords[:, seen.across], coords[:, seen.up], c=view.values[order], s=4, marker="s",
        linewidths=0, cmap="viridis_r", norm=scale,
    )  # fmt: skip
    panel.set_xlim(-0.5, view.shape[seen.across] - 0.5)
    panel.set_ylim(-0.5, view.shape[seen.up] - 0.5)
    along = "" if seen.along is None else f" (seen along {axes[seen.along]})"
    panel.set_xlabel(f"{axes[seen.across]}{along}")
    panel.set_ylabel(axes[seen.up])
    return points
