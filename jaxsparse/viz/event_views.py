"""Displays of whole events: all views in line, what they are and what the network says.

The charge of every view, true and predicted classes of its pixels, wrong ones, true and predicted
particles, as far as they are known; beside them a bar a class with its score.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from jaxsparse.viz.canvas import Window
from jaxsparse.viz.event_layout import EventLayout
from jaxsparse.viz.event_picture import EventPicture
from jaxsparse.viz.instance_colours import NOBODY, InstanceColours, coloured
from jaxsparse.viz.instances import particle_panel
from jaxsparse.viz.lined_up import LinedUp, line_up
from jaxsparse.viz.panels import (
    Panel,
    class_handles,
    draw_charge,
    draw_prediction,
    draw_truth,
    draw_wrong,
    wrong_words,
)
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import DPI, FRAME, frame

BARS, TALLEST_BARS = 2.0, 4.2  # inches, of the scores beside the panels
# What is compared lies together; the charge is beside the pixels that it misled the network on.
GROUPS = (
    ("charge", "wrong pixels"),
    ("true classes", "predicted classes"),
    ("true particles", "predicted particles"),
)


def views_figure(event: EventPicture) -> Figure:
    """All views of an event; panels and bars without data are left out.

    Views that share an axis lie in line: one above the other where it goes from left to right,
    else side by side. A particle has one colour in all panels.
    """
    lined = line_up(event.views, event.shared)
    panels = {
        name: _panels(picture, lined.windows[name], colours)
        for (name, picture), colours in zip(
            lined.pictures.items(), _particles(lined.pictures), strict=True
        )
    }
    places = _places({kind for own in panels.values() for kind in own}, lined)
    layout = _layout(lined, places, event)
    figure = Figure(figsize=layout.size, dpi=DPI)
    for view, (name, picture) in enumerate(lined.pictures.items()):
        for kind, (words, draw) in panels[name].items():
            row, column = places[kind]
            ax = figure.add_axes(layout.at(row, column, view))
            draw(ax, picture, lined.windows[name], layout.dots(view))
            lined.finish(ax, name)
            frame(ax)
            ax.set_title(f"{name}, {words}", fontsize=10, loc="left")
            _label(ax, picture, lined, view, first=column == 0)
    if event.scores is not None:
        _draw_scores(figure.add_axes(layout.beside(BARS, TALLEST_BARS)), event)
    if handles := _legend(lined.pictures.values()):
        figure.legend(
            handles=handles, loc="lower center", ncols=6, frameon=False, fontsize=9.5,
            title="classes", title_fontsize=9,
        )  # fmt: skip
    figure.suptitle(
        event.title(), fontsize=12.5, color=event.colour, y=1 - 0.15 / layout.size[1], va="top"
    )
    return figure


def _panels(
    picture: Picture, window: Window, colours: InstanceColours
) -> dict[str, tuple[str, Panel]]:
    """What there is to show of a view: by kind the words above it and how it is drawn."""
    view = picture.view
    panels: dict[str, tuple[str, Panel]] = {
        "charge": (f"{picture.charge}, {len(view):,} pixels", draw_charge)
    }
    if view.labels is not None:
        panels["true classes"] = "true classes", draw_truth
    if picture.scores is not None:
        panels["predicted classes"] = "predicted classes", draw_prediction
        if view.labels is not None:
            panels["wrong pixels"] = wrong_words(picture, window), draw_wrong
    numbers = {
        "true particles": (view.instance, colours.true),
        "predicted particles": (picture.instance, colours.predicted),
    }
    for kind, (known, shades) in numbers.items():
        if known is not None:
            panels[kind] = (f"{kind}, a colour each", particle_panel(shades))
    return panels


def _particles(pictures: Mapping[str, Picture]) -> list[InstanceColours]:
    """The colours of particles in all views; of predicted ones by themselves without true ones."""

    def numbers(columns: Iterable[np.ndarray | None]) -> list[np.ndarray]:
        return [
            np.full(len(picture.view), NOBODY) if own is None else own
            for picture, own in zip(pictures.values(), columns, strict=True)
        ]

    true = [picture.view.instance for picture in pictures.values()]
    predicted = [picture.instance for picture in pictures.values()]
    known = any(own is not None for own in true)
    return coloured(numbers(true if known else predicted), numbers(predicted))


def _places(kinds: Container[str], lined: LinedUp) -> dict[str, tuple[int, int]]:
    """Row and column of the block of every kind of panel.

    Truth is above the prediction, or beside it where views lie side by side; of many views so every
    kind has a row of its own.
    """
    groups = [[kind for kind in group if kind in kinds] for group in GROUPS]
    groups = [group for group in groups if group]
    views = len(lined.pictures)
    if views > 2 and not lined.down:
        return {kind: (row, 0) for row, kind in enumerate(itertools.chain(*groups))}
    across = lined.down or views == 1
    return {
        kind: (place, number) if across else (number, place)
        for number, group in enumerate(groups)
        for place, kind in enumerate(group)
    }


def _layout(
    lined: LinedUp, places: Mapping[str, tuple[int, int]], event: EventPicture
) -> EventLayout:
    rows, columns = (1 + max(numbers) for numbers in zip(*places.values(), strict=True))
    many = columns * (1 if lined.down else len(lined.pictures)) > 2
    return EventLayout(
        lined.sizes(3.3 if many else 4.6), lined.down, rows, columns,
        scores=event.scores is not None, legend=bool(_legend(lined.pictures.values())),
        close=len(lined.shared) == len(lined.pictures),
    )  # fmt: skip


def _label(ax: Axes, picture: Picture, lined: LinedUp, view: int, *, first: bool) -> None:
    """Names of the axes, and numbers but where the next view in line has them.

    Args:
      ax: of the panel.
      picture: of the view.
      lined: all views.
      view: number of this one.
      first: whether it is in the first column of blocks.
    """
    in_line = [name in lined.shared for name in lined.pictures]
    below = lined.down and all(in_line[view : view + 2]) and view + 1 < len(in_line)
    left = not lined.down and view > 0 and all(in_line[view - 1 : view + 1])
    ax.tick_params(labelbottom=not below, labelleft=not left)
    if not below:
        ax.set_xlabel(picture.axes[1], fontsize=9)
    if not left and (first or not lined.down):
        ax.set_ylabel(picture.axes[0], fontsize=9)


def _legend(pictures: Iterable[Picture]) -> list[Patch]:
    """The classes that any panel shows."""
    pictures = list(pictures)
    labels = [
        own
        for picture in pictures
        for own in (picture.view.labels, picture.predicted)
        if own is not None
    ]
    joined = np.concatenate([np.zeros(0, int), *labels])
    return class_handles(pictures[0].classes, joined, pictures[0].colours)


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
