"""Event displays: charge, truth, weight, prediction and the wrong pixels of one image, as panels.

Figures are plain ``matplotlib`` objects without a window or global state;
:func:`~jaxsparse.viz.style.save` writes them.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxsparse.data.schema import View
from jaxsparse.viz.canvas import Window, active_window, centred_window, densest_window
from jaxsparse.viz.layout import Layout
from jaxsparse.viz.panels import class_handles, panels_of
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import DPI, frame


def event_figure(picture: Picture, *, window: Window | None = None) -> Figure:
    """All panels of one event; those without data (no truth, no prediction) are left out.

    Args:
      picture: what to show.
      window: the part to show of :meth:`Picture.flat`, the square around all pixels by default.
    """
    picture = picture.flat()
    view = picture.view
    window = window or active_window(view.coords, view.shape)
    panels = panels_of(picture, window)
    layout = Layout.of(window, len(panels))
    figure = Figure(figsize=layout.size, dpi=DPI)
    for number, (name, draw) in enumerate(panels):
        ax = figure.add_axes(layout.place(number))
        draw(ax, picture, window, layout.dots)
        ax.set_title(name, fontsize=11, loc="left")
        frame(ax)
        first = number % layout.columns == 0
        last = number >= len(panels) - layout.columns
        ax.tick_params(labelleft=first, labelbottom=last)
        if first:
            ax.set_ylabel(picture.axes[0], fontsize=9)
        if last:
            ax.set_xlabel(picture.axes[1], fontsize=9)
    if picture.classes and (view.labels is not None or picture.scores is not None):
        truth = np.zeros(0, int) if view.labels is None else view.labels
        labels = np.concatenate([np.arange(len(picture.classes)), truth])
        handles = class_handles(picture.classes, labels, picture.colours)
        figure.legend(
            handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize=11
        )
    figure.suptitle(picture.title, fontsize=12, y=1 - 0.16 / layout.size[1], va="top")
    return figure


def zoom_window(view: View, side: int = 288) -> Window:
    """Where to look in a whole plane: around the interaction, else where most pixels are."""
    if view.coords.shape[1] != 2 or view.interaction is None or not view.interaction.any():
        return densest_window(view.coords[:, :2], view.shape, side)
    coords = view.coords[view.interaction]
    if view.vertex_distance is None or not np.isfinite(view.vertex_distance).any():
        return densest_window(coords, view.shape, side)
    vertex = view.coords[view.vertex_distance.argmin()]
    near = coords[np.abs(coords - vertex).max(1) <= side // 2]
    box = np.concatenate([near, vertex[None]])
    return centred_window((box.min(0) + box.max(0)) // 2, view.shape, side)
