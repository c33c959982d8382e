"""Many events at once, charge alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from jaxsparse.viz.event_picture import EventPicture
from jaxsparse.viz.lined_up import LinedUp, line_up
from jaxsparse.viz.panels import draw_charge
from jaxsparse.viz.style import DPI, frame

LEFT, TOP, HEAD, GAP = 0.3, 0.5, 0.72, 0.3  # inches; the head has the words of a row and an event
CLOSE = 0.06  # between the views of an event
SMALL_IMAGE = (
    128  # pixels: up to here all events have one scale, of larger ones there would be dots
)


def gallery_figure(rows: Mapping[str, Sequence[EventPicture]], title: str) -> Figure:
    """Each row a list of events, all views of an event together, in line where they share an axis.

    Args:
      rows: title of the row -> its events; a row without events says so.
      title: above all.
    """
    lined = {
        words: [line_up(one.views, one.shared, small=SMALL_IMAGE) for one in events]
        for words, events in rows.items()
    }
    blocks = [_block(views) for own in lined.values() for views in own] or [(1.9, 0.95)]
    wide, high = (max(sides) for sides in zip(*blocks, strict=True))
    columns = max([len(events) for events in rows.values()] + [1])
    width = LEFT + columns * (wide + GAP)
    heights = {words: HEAD + GAP + (high if events else 0) for words, events in rows.items()}
    height = TOP + sum(heights.values())
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.suptitle(title, fontsize=12.5, y=1 - 0.1 / height, va="top")
    top = height - TOP
    for words, events in rows.items():
        figure.text(LEFT / width, (top - 0.2) / height, words, fontsize=11, fontweight="bold")
        if not events:
            figure.text(LEFT / width, (top - 0.6) / height, "none", fontsize=10, color="#777777")
        for column, (event, views) in enumerate(zip(events, lined[words], strict=True)):
            left = LEFT + column * (wide + GAP)
            figure.text(
                left / width, (top - HEAD + 0.08) / height, _words(event), fontsize=8.5,
                color=event.colour, linespacing=1.25,
            )  # fmt: skip
            _draw_views(figure, views, left, top - HEAD)
        top -= heights[words]
    return figure


def _draw_views(figure: Figure, views: LinedUp, left: float, top: float) -> None:
    """The views of an event below and right of a place, inches from the left and from below."""
    width, height = figure.get_size_inches()
    for (name, picture), (wide, high) in zip(views.pictures.items(), _sizes(views), strict=True):
        ax = figure.add_axes((left / width, (top - high) / height, wide / width, high / height))
        dots = int(high * DPI), int(wide * DPI)
        draw_charge(ax, picture, views.windows[name], dots, bar=False)
        views.finish(ax, name)
        frame(ax)
        ax.set(xticks=[], yticks=[])
        left, top = (left, top - high - CLOSE) if views.down else (left + wide + CLOSE, top)


def _sizes(views: LinedUp) -> list[tuple[float, float]]:
    if views.down:
        return views.sizes(2.4)
    return views.sizes(1.9 if len(views.pictures) < 3 else 1.5)


def _block(views: LinedUp) -> tuple[float, float]:
    """Width and height of all views of an event."""
    widths, heights = zip(*_sizes(views), strict=True)
    gaps = CLOSE * (len(widths) - 1)
    return (max(widths), sum(heights) + gaps) if views.down else (sum(widths) + gaps, max(heights))


def _words(event: EventPicture) -> str:
    energy = f", {event.energy:.2f} GeV" if math.isfinite(event.energy) else ""
    first = f"{event.name}: {event.details or event.classes[event.truth]}{energy}"
    if event.scores is None:
        return first
    return f"{first}\ncalled {event.classes[event.called]} {event.scores[event.called]:.3f}"
