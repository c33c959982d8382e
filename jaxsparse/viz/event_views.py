"""Displays of whole events: all views side by side, what they are and what the network says.

The charge of every view, below it the classes of the pixels where they are known, and beside them a
bar a class with its score. A gallery shows many events at once, charge alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxsparse.data.schema import View
from jaxsparse.viz.canvas import Window, active_window, whole
from jaxsparse.viz.layout import Layout
from jaxsparse.viz.panels import Panel, class_handles, draw_charge, draw_truth
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import DPI, FRAME, frame

RIGHT, WRONG = "#1a7f37", "#c0392b"
BARS = 2.0  # inches, of the scores beside the panels
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
      pixel_colours: one a class of pixels; by their names if empty.
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
    pixel_colours: Sequence[str] = ()

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

    def images(self) -> dict[str, Picture]:
        """The views as they are drawn."""
        return {
            name: Picture(
                view, classes=self.pixel_classes, colours=self.pixel_colours, axes=self.axes,
                unit=self.unit, across=self.across,
            ).flat()
            for name, view in self.views.items()
        }  # fmt: skip


def views_figure(picture: EventPicture) -> Figure:
    """All views of an event side by side; rows and bars without data are left out."""
    images = picture.images()
    truth = [image.view.labels for image in images.values() if image.view.labels is not None]
    rows: list[Panel] = [draw_charge, draw_truth] if truth else [draw_charge]
    layout = _layout(images.values(), len(rows), scores=picture.scores is not None)
    figure = Figure(figsize=layout.size, dpi=DPI)
    for column, (name, image) in enumerate(images.items()):
        for row, draw in enumerate(rows):
            if draw is draw_truth and image.view.labels is None:
                continue
            ax = figure.add_axes(layout.at(row, column))
            draw(ax, image, _window(image.view), layout.dots)
            frame(ax)
            words = f"{image.charge}, {len(image.view):,} pixels" if row == 0 else "true classes"
            ax.set_title(f"{name}, {words}", fontsize=10, loc="left")
            if row == len(rows) - 1:
                ax.set_xlabel(image.axes[1], fontsize=9)
            if column == 0:
                ax.set_ylabel(image.axes[0], fontsize=9)
    if picture.scores is not None:
        _draw_scores(figure.add_axes(layout.at(0, len(images), BARS)), picture)
    if truth:
        figure.legend(
            handles=class_handles(
                picture.pixel_classes, np.concatenate(truth), picture.pixel_colours
            ),
            loc="lower center", ncols=6, frameon=False, fontsize=9.5,
        )  # fmt: skip
    figure.suptitle(
        picture.title(), fontsize=12.5, color=picture.colour, y=1 - 0.15 / layout.size[1],
        va="top",
    )  # fmt: skip
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
            for number, image in enumerate(event.images().values()):
                start = left + number * (side + 0.06)
                ax = figure.add_axes(
                    (start / width, bottom / height, side / width, side * aspect / height)
                )
                dots = int(side * aspect * DPI), int(side * DPI)
                draw_charge(ax, image, _window(image.view), dots, bar=False)
                frame(ax)
                ax.set(xticks=[], yticks=[])
        top -= side * aspect + head + 0.32
    return figure


def _gallery_aspect(rows: Mapping[str, Sequence[EventPicture]]) -> float:
    images = [
        image for events in rows.values() for event in events for image in event.images().values()
    ]
    return max([_aspect(image) for image in images] + [0.5])


def _gallery_words(event: EventPicture) -> str:
    energy = f", {event.energy:.2f} GeV" if math.isfinite(event.energy) else ""
    first = f"{event.name}: {event.details or event.classes[event.truth]}{energy}"
    if event.scores is None:
        return first
    return f"{first}\ncalled {event.classes[event.called]} {event.scores[event.called]:.3f}"


def _window(view: View) -> Window:
    if max(view.shape) <= SMALL_IMAGE:
        return whole(view.shape)
    return active_window(view.coords, view.shape)


def _aspect(image: Picture) -> float:
    high, wide = _window(image.view).size
    return high / wide


def _layout(images: Iterable[Picture], rows: int, *, scores: bool) -> Layout:
    """Panels, and room for the scores right of the top row."""
    aspects = [_aspect(image) for image in images]
    columns = len(aspects)
    width = 4.9 if columns < 3 else 3.9
    return Layout(
        rows, columns, width, width * min(max([*aspects, 0.5]), 1.2),
        right=BARS + 1.3 if scores else 0.95, bottom=0.65 + 0.55 * (rows > 1), across=0.85,
        down=0.5,
    )  # fmt: skip


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
