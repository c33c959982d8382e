"""Displays of whole events: all views side by side, what they are and what the network says.

The charge of every view, below it the classes of the pixels where they are known, and beside them a
bar a class with its score. A gallery shows many events at once, charge alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from jaxsparse.data.schema import View
from jaxsparse.viz.canvas import Window, active_window, paint, whole
from jaxsparse.viz.events import (
    BACKGROUND,
    CHARGE,
    DPI,
    FRAME,
    NO_TRUTH,
    Panel,
    Picture,
    class_colours,
    draw_charge,
    draw_truth,
    upright,
)

RIGHT, WRONG = "#1a7f37", "#c0392b"
SMALL_IMAGE = 128  # pixels: up to here the whole image is shown, of larger ones the part in use


@dataclasses.dataclass(frozen=True)
class EventPicture:
    """What a display shows of one whole event.

    Attributes:
      views: images by name, in the order to show them.
      classes: names of event classes.
      truth: class number, -1 unknown.
      scores: float ``[classes]``, ``None`` before there is a prediction.
      energy: true neutrino energy in GeV, NaN unknown.
      details: such as ``"numu CC RES"``; ``""`` unknown.
      name: such as ``"event 12"``.
      pixel_classes: names of the pixels' classes.
      axes: names of the two axes of a view.
      across: which axis goes from left to right: the wire, or the plane along the beam.
      unit: of the values.
    """

    views: Mapping[str, View]
    classes: Sequence[str] = ()
    truth: int = -1
    scores: np.ndarray | None = None
    energy: float = math.nan
    details: str = ""
    name: str = ""
    pixel_classes: Sequence[str] = ()
    axes: tuple[str, ...] = ("row", "column")
    across: int = 1
    unit: str = ""

    @property
    def called(self) -> int:
        """The class of the highest score, -1 without scores."""
        return -1 if self.scores is None else int(np.argmax(self.scores))

    @property
    def colour(self) -> str:
        """Green for a right prediction, red for a wrong one."""
        if self.truth < 0 or self.called < 0:
            return "#222222"
        return RIGHT if self.called == self.truth else WRONG

    def title(self) -> str:
        """Name, true class with details and energy, called class with its score."""
        parts = [self.name] if self.name else []
        if self.truth >= 0:
            inside = [self.details] if self.details != self.classes[self.truth] else []
            inside += [f"{self.energy:.2f} GeV"] if math.isfinite(self.energy) else []
            words = ", ".join(word for word in inside if word)
            parts.append(f"true {self.classes[self.truth]}" + (f" ({words})" if words else ""))
        if self.scores is not None:
            parts.append(f"called {self.classes[self.called]} ({self.scores[self.called]:.2f})")
        return "   ".join(parts)

    def upright(self) -> dict[str, View]:
        """The views with the axis to draw from left to right last."""
        return {name: upright(view, self.across) for name, view in self.views.items()}


def views_figure(picture: EventPicture) -> Figure:
    """All views of an event side by side; rows and bars without data are left out."""
    views = picture.upright()
    windows = {name: _window(view) for name, view in views.items()}
    has_truth = any(view.labels is not None for view in views.values())
    rows: list[tuple[str, Panel]] = [
        (f"charge [{picture.unit}]" if picture.unit else "charge", draw_charge)
    ]
    if has_truth:
        rows.append(("true particles", draw_truth))
    grid = _Grid(windows, len(rows), bars=picture.scores is not None, legend=has_truth)
    figure = Figure(figsize=grid.size, dpi=DPI)
    names = picture.axes if picture.across == 1 else picture.axes[::-1]
    for column, (name, view) in enumerate(views.items()):
        for row, (words, draw) in enumerate(rows):
            if draw is draw_truth and view.labels is None:
                continue
            ax = figure.add_axes(grid.place(row, column))
            shown = Picture(view, classes=picture.pixel_classes, unit=picture.unit)
            draw(ax, shown, windows[name], grid.dots)
            _frame(ax)
            count = f", {len(view):,} pixels" if row == 0 else ""
            ax.set_title(f"{name}, {words}{count}", fontsize=10, loc="left")
            if row == len(rows) - 1:
                ax.set_xlabel(names[1], fontsize=9)
            if column == 0:
                ax.set_ylabel(names[0], fontsize=9)
    if picture.scores is not None:
        _draw_scores(figure.add_axes(grid.place_bars()), picture)
    if has_truth:
        figure.legend(
            handles=_pixel_handles(picture, views), loc="lower center", ncols=6, frameon=False,
            fontsize=9.5,
        )  # fmt: skip
    figure.suptitle(
        picture.title(), fontsize=12.5, color=picture.colour, y=1 - 0.15 / grid.size[1], va="top"
    )
    return figure


def gallery_figure(rows: Mapping[str, Sequence[EventPicture]], title: str) -> Figure:
    """Many events, charge alone: each row a list of events, all views of an event together.

    Args:
      rows: title of the row -> its events; a row without events says so.
      title: above all.
    """
    columns = max([len(events) for events in rows.values()] + [1])
    views = max([len(event.views) for events in rows.values() for event in events] + [1])
    side, gap, head = (1.9 if views < 3 else 1.5), 0.3, 0.5
    cell = views * side + 0.06 * (views - 1)
    aspect = _gallery_aspect(rows)
    width = 0.3 + columns * (cell + gap)
    height = 0.5 + len(rows) * (side * aspect + head + 0.32)
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.suptitle(title, fontsize=12.5, y=1 - 0.1 / height, va="top")
    top = height - 0.5
    for words, events in rows.items():
        figure.text(0.3 / width, (top - 0.2) / height, words, fontsize=11, fontweight="bold")
        if not events:
            figure.text(0.3 / width, (top - 0.6) / height, "none", fontsize=10, color="#777777")
        bottom = top - 0.22 - head - side * aspect + 0.08
        for column, event in enumerate(events):
            left = 0.3 + column * (cell + gap)
            figure.text(
                left / width, (bottom + side * aspect + 0.08) / height, _gallery_words(event),
                fontsize=8.5, color=event.colour, linespacing=1.25,
            )  # fmt: skip
            for number, view in enumerate(event.upright().values()):
                start = left + number * (side + 0.06)
                ax = figure.add_axes(
                    (start / width, bottom / height, side / width, side * aspect / height)
                )
                _thumbnail(ax, view, (int(side * aspect * DPI), int(side * DPI)))
        top -= side * aspect + head + 0.32
    return figure


def _gallery_aspect(rows: Mapping[str, Sequence[EventPicture]]) -> float:
    shapes = [
        _window(view).size
        for events in rows.values()
        for event in events
        for view in event.upright().values()
    ]
    return max([high / wide for high, wide in shapes] + [0.5])


def _gallery_words(event: EventPicture) -> str:
    energy = f", {event.energy:.2f} GeV" if math.isfinite(event.energy) else ""
    first = f"{event.name}: {event.details or event.classes[event.truth]}{energy}"
    if event.scores is None:
        return first
    return f"{first}\ncalled {event.classes[event.called]} {event.scores[event.called]:.3f}"


def _thumbnail(ax: Axes, view: View, dots: tuple[int, int]) -> None:
    window = _window(view)
    top = max(float(np.quantile(view.values, 0.99)) if len(view) else 1.0, 1e-6)
    order = np.argsort(view.values)
    colours = CHARGE(np.clip(view.values / top, 0, 1))
    image = paint(view.coords[order], colours[order], window, dots=dots)
    ax.imshow(image, origin="lower", extent=window.extent, interpolation="nearest", aspect="equal")
    _frame(ax)
    ax.set_xticks([])
    ax.set_yticks([])


def _window(view: View) -> Window:
    if max(view.shape) <= SMALL_IMAGE:
        return whole(view.shape)
    return active_window(view.coords, view.shape)


def _frame(ax: Axes) -> None:
    ax.set_facecolor(BACKGROUND)
    ax.tick_params(labelsize=8, color=FRAME)
    for spine in ax.spines.values():
        spine.set_color(FRAME)


def _draw_scores(ax: Axes, picture: EventPicture) -> None:
    assert picture.scores is not None
    places = np.arange(len(picture.classes))[::-1]
    # Neutral: the colours of classes mean particles in the panels beside.
    colours = ["#a9b3ba"] * len(picture.classes)
    colours[picture.called] = picture.colour
    ax.barh(places, picture.scores, 0.62, color=colours)
    for label, (place, score) in enumerate(zip(places, picture.scores, strict=True)):
        true = label == picture.truth
        ax.text(
            0, place + 0.4, picture.classes[label] + (" (true)" if true else ""), fontsize=9.5,
            fontweight="bold" if true else "normal", va="bottom",
        )  # fmt: skip
        ax.text(max(score, 0) + 0.02, place, f"{score:.3f}", fontsize=9, va="center")
    ax.set(xlim=(0, 1.25), ylim=(-0.5, len(places) - 0.1), yticks=[], xticks=[0, 0.5, 1])
    ax.tick_params(labelsize=8, color=FRAME)
    ax.set_xlabel("score", fontsize=9)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_bounds(0, 1)


def _pixel_handles(picture: EventPicture, views: Mapping[str, View]) -> list[Patch]:
    labels = [view.labels for view in views.values() if view.labels is not None]
    present = np.unique(np.concatenate(labels)) if labels else np.zeros(0, int)
    names = picture.pixel_classes
    colours = class_colours(names, present)
    handles = [
        Patch(color=colour, label=names[c] if c < len(names) else f"class {c}")
        for c, colour in zip(present, colours, strict=True)
        if c >= 0
    ]
    return handles + [Patch(color=NO_TRUTH, label="no truth")] * bool((present < 0).any())


class _Grid:
    """Places of the panels in inches; a colour bar stands right of every panel."""

    LEFT, BOTTOM, TOP, ACROSS, DOWN, BARS = 0.75, 0.65, 0.8, 0.85, 0.5, 2.0

    def __init__(self, windows: Mapping[str, Window], rows: int, *, bars: bool, legend: bool):
        self.rows, self.columns = rows, len(windows)
        aspect = max(window.size[0] / window.size[1] for window in windows.values())
        self.width = 4.9 if self.columns < 3 else 3.9
        self.height = self.width * min(max(aspect, 0.5), 1.2)
        self.bottom = self.BOTTOM + 0.55 * legend
        right = self.BARS + 0.45 if bars else 0.1
        self.size = (
            self.LEFT + self.columns * (self.width + self.ACROSS) + right,
            self.TOP + rows * (self.height + self.DOWN) - self.DOWN + self.bottom,
        )
        self.dots = int(self.height * DPI), int(self.width * DPI)

    def place(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel as parts of the figure."""
        left = self.LEFT + column * (self.width + self.ACROSS)
        bottom = self.bottom + (self.rows - 1 - row) * (self.height + self.DOWN)
        across, up = self.size
        return left / across, bottom / up, self.width / across, self.height / up

    def place_bars(self) -> tuple[float, float, float, float]:
        """Where the scores go: right of the top row."""
        left = self.LEFT + self.columns * (self.width + self.ACROSS) + 0.15
        bottom = self.bottom + (self.rows - 1) * (self.height + self.DOWN)
        across, up = self.size
        return left / across, bottom / up, self.BARS / across, self.height / up
