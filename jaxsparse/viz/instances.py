"""Displays of instances: charge, true and predicted particles, and pixels with the wrong one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from jaxsparse.viz.canvas import Window, active_window
from jaxsparse.viz.event_layout import EventLayout
from jaxsparse.viz.instance_colours import NOBODY, InstanceColours, colours_of
from jaxsparse.viz.layout import Layout
from jaxsparse.viz.lined_up import LinedUp
from jaxsparse.viz.panels import GREY, NO_TRUTH, Panel, counted, draw_charge, draw_pixels
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import DPI, frame

PREDICTED = 2  # panel
RING = 90  # points squared
PANELS = (
    "charge", "true particles", "predicted particles, colours as in the truth",
    "pixels of another particle",
)  # fmt: skip
RINGS = "predicted, colours as in the truth, rings: parents"


def instances_figure(
    pictures: Mapping[str, Picture],
    colours: Sequence[InstanceColours],
    windows: Sequence[Window | None],
    title: str = "",
) -> Figure:
    """Four panels of every view of one event; a particle has one colour in all of them.

    Args:
      pictures: of every view, flat, by name.
      colours: of every view.
      windows: the part to show of every view, the square around all pixels if ``None``.
      title: above all panels.
    """
    shown = [
        window or active_window(picture.view.coords, picture.view.shape)
        for picture, window in zip(pictures.values(), windows, strict=True)
    ]
    layout = _layout(shown)
    shades = predicted_shades(pictures, colours)
    figure = Figure(figsize=layout.size, dpi=DPI)
    for view, (name, picture) in enumerate(pictures.items()):
        for number in range(len(PANELS)):
            place = layout.at(view, number) if len(pictures) > 1 else layout.place(number)
            ax = figure.add_axes(place)
            words = _draw(number, ax, picture, colours[view], shown[view], layout.dots, shades)
            _finish(ax, picture, f"{name}, {words}" if len(pictures) > 1 else words)
    figure.suptitle(title, fontsize=12, y=1 - 0.16 / layout.size[1], va="top")
    return figure


def instances_in_line(
    lined: LinedUp, colours: Sequence[InstanceColours], title: str = ""
) -> Figure:
    """As :func:`instances_figure`, with the views in line along the axis that they share.

    Args:
      lined: the views of one event.
      colours: of every view.
      title: above all panels.
    """
    rows, columns = (1, len(PANELS)) if lined.down else (len(PANELS), 1)
    layout = EventLayout(lined.sizes(3.6), lined.down, rows, columns)
    shades = predicted_shades(lined.pictures, colours)
    figure = Figure(figsize=layout.size, dpi=DPI)
    for view, (name, picture) in enumerate(lined.pictures.items()):
        for number in range(len(PANELS)):
            block = (0, number) if lined.down else (number, 0)
            ax, dots = figure.add_axes(layout.at(*block, view)), layout.dots(view)
            words = _draw(number, ax, picture, colours[view], lined.windows[name], dots, shades)
            lined.finish(ax, name)
            _finish(ax, picture, f"{name}, {words}")
    figure.suptitle(title, fontsize=12, y=1 - 0.16 / layout.size[1], va="top")
    return figure


def predicted_shades(
    pictures: Mapping[str, Picture], colours: Sequence[InstanceColours]
) -> dict[int, int]:
    """Numbers of the colours of predicted particles, by the numbers of these."""
    return {
        number: shade
        for picture, own in zip(pictures.values(), colours, strict=True)
        if picture.instance is not None
        for number, shade in zip(picture.instance.tolist(), own.predicted.tolist(), strict=True)
    }


def _draw_parents(ax: Axes, picture: Picture, shades: Mapping[int, int], window: Window) -> bool:
    """A ring around every particle that belongs to another one, in the colour of that one.

    Args:
      ax: with the picture.
      picture: whose particles.
      shades: of :func:`predicted_shades`.
      window: that is shown.

    Returns:
      Whether there is any.
    """
    if picture.instance is None or picture.parent is None:
        return False
    coords = picture.view.coords
    child = (picture.parent >= 0) & (picture.instance >= 0) & window.holds(coords)
    numbers, first = np.unique(picture.instance[child], return_index=True)
    if not len(numbers):
        return False
    parents = [shades.get(number, NOBODY) for number in picture.parent[child][first].tolist()]
    middles = np.array([coords[child & (picture.instance == n)].mean(0) for n in numbers])
    y, x = (np.array(picture.corner or (0, 0)) + picture.pixel * (middles + 0.5) - 0.5).T
    shown = ax.axis()
    ax.scatter(
        x, y, s=RING, facecolors="none", linewidths=1.2,
        edgecolors=[*map(tuple, colours_of(np.array(parents), to_rgba("#777777")))],
    )  # fmt: skip
    ax.axis(shown)
    return True


def _draw(
    number: int, ax: Axes, picture: Picture, colours: InstanceColours, window: Window,
    dots: tuple[int, int], shades: Mapping[int, int],
) -> str:  # fmt: skip
    """One of the panels; the words above it."""
    if number == 0:
        draw_charge(ax, picture, window, dots)
        return picture.charge
    if number <= PREDICTED:
        numbers = (colours.true, colours.predicted)[number - 1]
        particle_panel(numbers)(ax, picture, window, dots)
        rings = number == PREDICTED and _draw_parents(ax, picture, shades, window)
        return RINGS if rings else PANELS[number]
    _draw_wrong(ax, picture, colours, window, dots)
    known = (colours.true >= 0) & window.holds(picture.view.coords)
    return counted(colours.wrong[known], PANELS[number])


def _finish(ax: Axes, picture: Picture, words: str) -> None:
    """Words above a panel, and the names of its axes."""
    ax.set_title(words, fontsize=11, loc="left")
    frame(ax)
    ax.set_xlabel(picture.axes[1], fontsize=9)
    ax.set_ylabel(picture.axes[0], fontsize=9)


def particle_panel(numbers: np.ndarray) -> Panel:
    """A panel with the pixels in the colours of particles.

    Args:
      numbers: int64 ``[pixels]`` of :class:`~jaxsparse.viz.instance_colours.InstanceColours`.
    """
    shades, order = colours_of(numbers, NO_TRUTH), np.argsort(numbers, kind="stable")
    return functools.partial(draw_pixels, colours=shades, order=order)


def _draw_wrong(
    ax: Axes, picture: Picture, colours: InstanceColours, window: Window, dots: tuple[int, int]
) -> None:
    """Wrong pixels in the colour of their particle on grey right ones."""
    wrong = colours.wrong
    shades = colours_of(colours.true, NO_TRUTH)
    shades[~wrong & (colours.true >= 0)] = GREY
    draw_pixels(ax, picture, window, dots, shades, np.argsort(wrong, kind="stable"))


def _layout(windows: Sequence[Window]) -> Layout:
    """The panels of one view in two rows; several views a row each, a panel a column."""
    rows, columns = (2, 2) if len(windows) == 1 else (len(windows), len(PANELS))
    aspect = max(window.size[0] / window.size[1] for window in windows)
    width = (9.0 if columns == 2 and aspect < 0.55 else 5.0) / max(1.0, aspect / 1.2)
    return Layout(rows, columns, width, width * aspect, bottom=0.55, down=0.7)
