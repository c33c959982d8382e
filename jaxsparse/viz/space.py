"""Displays of three axes: truth beside prediction, as points in space and seen from two sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxsparse.detectors.class_set import GHOST
from jaxsparse.viz.canvas import Window
from jaxsparse.viz.instance_colours import InstanceColours, colours_of
from jaxsparse.viz.panels import NO_TRUTH, class_colours, class_handles, draw_pixels
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import BACKGROUND, DPI, frame

WIDTH, TALL = 7.6, 10.0  # inches: of a column at most, and of its projections together
SLOT = 0.7  # height of the points in space, of the width
LEFT, RIGHT, TOP, BOTTOM, GAP, TITLE = 0.75, 0.7, 0.55, 0.75, 0.55, 0.3  # inches
ELEVATION, AZIMUTH = 22, -62  # degrees, of the eye
LEAST, MARGIN = 0.2, 2  # of a side against the longest; pixels around
POINTS = 40_000  # typographic points squared that all points together may cover


@dataclasses.dataclass(frozen=True)
class Column:
    """What a column of panels shows of the pixels of a picture.

    Attributes:
      title: above the points in space.
      colours: float ``[pixels, 4]``.
      shown: bool ``[pixels]``; the others are left out.
      order: int ``[pixels]``: later ones cover earlier ones.
    """

    title: str
    colours: np.ndarray
    shown: np.ndarray
    order: np.ndarray


def classes_in_space(picture: Picture) -> Figure:
    """True classes beside predicted ones; ghosts, and what is called a ghost, are left out.

    Args:
      picture: of three axes, with truth, scores, or both.
    """
    columns, truth, said = [], picture.view.labels, picture.predicted
    ghost = list(picture.classes).index(GHOST) if GHOST in picture.classes else None
    if truth is not None:
        words = "truth" if ghost is None else f"truth: {_real(truth, ghost)} candidates are real"
        columns.append(_of_classes(words, picture, np.asarray(truth, int), ghost))
    if said is not None:
        words = "prediction"
        if ghost is not None:
            words += f": {_real(said, ghost)} called real"
            if truth is not None:
                words += f", {int(((truth == ghost) & (said != ghost)).sum()):,} of them ghosts"
        columns.append(_of_classes(words, picture, said, ghost))
    figure = space_figure(picture, columns)
    present = np.unique(np.concatenate([np.zeros(0, int), *([truth] if truth is not None else []),
                                        *([said] if said is not None else [])]))  # fmt: skip
    handles = class_handles(picture.classes, present[present != ghost], picture.colours)
    figure.legend(
        handles=handles, loc="lower center", ncols=max(len(handles), 1), frameon=False, fontsize=11
    )
    return figure


def instances_in_space(picture: Picture, colours: InstanceColours, predicted: np.ndarray) -> Figure:
    """True particles beside predicted ones; what is of none is left out.

    Args:
      picture: of three axes.
      colours: of its pixels.
      predicted: int ``[pixels]``, the predicted particles, -1 for none.
    """
    columns = []
    for name, numbers, shown in (
        ("true particles", colours.true, colours.true >= 0),
        ("predicted particles", colours.predicted, predicted >= 0),
    ):
        order = np.argsort(numbers, kind="stable")
        columns.append(Column(name, colours_of(numbers, NO_TRUTH), shown, order))
    return space_figure(picture, columns)


def space_figure(picture: Picture, columns: Sequence[Column]) -> Figure:
    """Columns of panels of one image; all show the part in use by what any of them shows.

    Args:
      picture: of three axes.
      columns: at least one.
    """
    used = picture.view.coords[np.any([column.shown for column in columns], axis=0)]
    low, high = _ends(used, picture.view.shape)
    longest = int(np.argmax(high - low))
    first, second = (axis for axis in range(3) if axis != longest)
    sides = [((axis, longest), _window(low, high, (axis, longest))) for axis in (first, second)]
    aspects = [window.size[0] / window.size[1] for _, window in sides]
    width = min(WIDTH, TALL / sum(aspects))
    heights = [SLOT * width, *(aspect * width for aspect in aspects)]
    size = (
        LEFT + len(columns) * (width + LEFT) - LEFT + RIGHT,
        TOP + TITLE + sum(heights) + GAP * len(sides) + BOTTOM,
    )
    figure = Figure(figsize=size, dpi=DPI)
    for number, column in enumerate(columns):
        left, top = LEFT + number * (width + LEFT), size[1] - TOP - TITLE
        figure.text(left / size[0], top / size[1], column.title, fontsize=11, va="bottom")
        # Points in space are drawn in a square, of which a long box needs the middle alone.
        place = left, top - heights[0] / 2 - width / 2, width, width
        ends = np.array([low, high])
        _draw_points(
            figure.add_axes(_parts(place, size), projection="3d"), picture, column, ends,
            (longest, first, second),
        )  # fmt: skip
        order = column.order[column.shown[column.order]]
        top -= heights[0]
        for (keep, window), height in zip(sides, heights[1:], strict=True):
            ax = figure.add_axes(_parts((left, top - height, width, height), size))
            flat, dots = picture.seen(keep), (int(height * DPI), int(width * DPI))
            draw_pixels(ax, flat, window, dots, column.colours, order)
            frame(ax)
            ax.set_ylabel(flat.axes[0], fontsize=9)
            top -= height + GAP
        ax.set_xlabel(picture.axis_names[longest], fontsize=9)
    figure.suptitle(picture.title, fontsize=12, y=1 - 0.16 / size[1], va="top")
    return figure


def _parts(
    place: tuple[float, ...], size: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Left, bottom, width and height in inches as parts of a figure."""
    left, bottom, width, height = place
    return left / size[0], bottom / size[1], width / size[0], height / size[1]


def _window(low: np.ndarray, high: np.ndarray, keep: tuple[int, int]) -> Window:
    """The part in use along two axes, with a margin; no side is much shorter than the other."""
    own, end = low[list(keep)], high[list(keep)]
    least = int(LEAST * (end - own).max()) + 1
    spare = np.maximum(least - (end - own), 0) // 2 + MARGIN
    own, end = own - spare, end + spare
    return Window((int(own[0]), int(own[1])), (int(end[0]), int(end[1])))


def _of_classes(words: str, picture: Picture, labels: np.ndarray, ghost: int | None) -> Column:
    """Rare classes on top, pixels without one lowest."""
    frequency = np.bincount(labels[labels >= 0], minlength=1)
    rank = np.append(-frequency, -len(labels) - 1)[labels]
    shown = np.ones(len(labels), bool) if ghost is None else labels != ghost
    colours = class_colours(picture.classes, labels, picture.colours)
    return Column(words, colours, shown, np.argsort(rank, kind="stable"))


def _real(labels: np.ndarray, ghost: int) -> str:
    return f"{int((labels != ghost).sum()):,} of {len(labels):,}"


def _ends(coords: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """int64 ``[2, 3]``: the first pixel in use along every axis, and one past the last."""
    if not len(coords):
        return np.array([np.zeros(3, int), shape])
    return np.array([coords.min(0), coords.max(0) + 1], np.int64)


def _draw_points(
    ax: Any, picture: Picture, column: Column, ends: np.ndarray, axes: tuple[int, int, int]
) -> None:
    """Points in space, the longest axis to the right."""
    corner, names = np.array(picture.corner or (0, 0, 0)), picture.axis_names
    places = (corner + picture.pixel * picture.view.coords[column.shown])[:, axes]
    sides = np.maximum((ends[1] - ends[0])[list(axes)], 1)
    size = np.clip(POINTS / max(len(places), 1), 1.0, 24.0)
    ax.scatter(
        *places.T, c=column.colours[column.shown], s=size, marker="s", linewidths=0,
        depthshade=False,
    )  # fmt: skip
    ax.patch.set_visible(False)
    ax.set_box_aspect(np.maximum(sides, LEAST * sides.max()), zoom=0.95)
    ax.view_init(ELEVATION, AZIMUTH)
    low, high = (corner + picture.pixel * end - 0.5 for end in ends)
    for name, axis, pad in zip("xyz", axes, (4, 4, 0), strict=True):
        getattr(ax, f"set_{name}lim")(low[axis], high[axis])
        getattr(ax, f"set_{name}label")(names[axis], fontsize=9, labelpad=pad)
        own = getattr(ax, f"{name}axis")
        own.set_major_locator(MaxNLocator(6 if name == "x" else 3, integer=True))
        own.set_pane_color(BACKGROUND)
        own.set_tick_params(labelsize=8, pad=0)
