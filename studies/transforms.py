"""The pictures of ``docs/transforms.md``: what each transform does to one event.

python -m studies.transforms --events=FILE --event=2 --out=docs/images
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from absl import flags
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from jaxsparse import command_line
from jaxsparse.data.crop import choose_windows
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.data.transforms import crop, flip, mask, on_view
from jaxsparse.data.weights import pixel_weights
from jaxsparse.detectors.microboone import MASK
from jaxsparse.viz.canvas import Window, active_window, whole
from jaxsparse.viz.layout import Layout
from jaxsparse.viz.panels import (
    GREY,
    Panel,
    class_handles,
    draw_charge,
    draw_pixels,
    draw_truth,
    draw_weights,
)
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import DPI, frame, save

SIDE = 512  # of the published crop
BELOW, ABOVE = to_rgba("#9ecae1"), to_rgba("#d62728")
WINDOW_COLOURS = ("#08519c", "#e6550d", "#31a354", "#756bb1")


@dataclasses.dataclass(frozen=True)
class PanelOf:
    """One panel: what it shows, how, and of which part."""

    title: str
    picture: Picture
    draw: Panel
    window: Window


def panel_figure(
    panels: Sequence[PanelOf],
    *,
    title: str,
    legend: Sequence[Patch] = (),
    columns: int | None = None,
) -> Figure:
    """Panels of one shape side by side, at most three in a row."""
    layout = Layout.of(panels[0].window, len(panels))
    if columns:
        layout = dataclasses.replace(layout, columns=columns, rows=-(-len(panels) // columns))
    figure = Figure(figsize=layout.size, dpi=DPI)
    for number, panel in enumerate(panels):
        ax = figure.add_axes(layout.place(number))
        panel.draw(ax, panel.picture, panel.window, layout.dots)
        ax.set_title(panel.title, fontsize=10, loc="left")
        frame(ax)
        first = number % layout.columns == 0
        ax.tick_params(labelleft=first)  # a row shows one window
        if first:
            ax.set_ylabel("time row", fontsize=9)
        if number >= len(panels) - layout.columns:
            ax.set_xlabel("wire", fontsize=9)
    figure.suptitle(title, fontsize=12, y=1 - 0.16 / layout.size[1], va="top")
    if legend:
        figure.legend(handles=list(legend), loc="lower center", ncols=len(legend), frameon=False)
    return figure


def mask_figure(view: View, window: Window, low: float = MASK[0], high: float = MASK[1]) -> Figure:
    """Charge of the pixels that stay, and all pixels coloured by whether they stay."""

    def draw_kept(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
        values = picture.view.values
        colours = np.array([BELOW, GREY, ABOVE])[(values >= low).astype(int) + (values > high)]
        order = np.argsort((values < low) + 2 * (values > high), kind="stable")
        draw_pixels(ax, picture, window, dots, colours, order)

    kept = on_view(view, mask, low, high)
    inside = [int(window.holds(pixels.coords).sum()) for pixels in (view, kept)]
    legend = [
        Patch(color=BELOW, label=f"below {low:g} ADC: out"),
        Patch(color=GREY, label="kept"),
        Patch(color=ABOVE, label=f"above {high:g} ADC: out"),
    ]
    return panel_figure(
        [
            PanelOf(f"all {inside[0]} pixels", Picture(view), draw_kept, window),
            PanelOf(f"the {inside[1]} kept: charge [ADC]", Picture(kept), draw_charge, window),
        ],
        title=f"Mask: {low:g} to {high:g} ADC",
        legend=legend,
    )


def crop_figure(view: View, classes: Sequence[str]) -> Figure:
    """A whole plane with three draws of the window, and what they hold."""
    side = tuple(min(SIDE, size) for size in view.shape)
    starts = [window_around(view, side, draw) for draw in range(3)]
    plane = Layout.of(whole(view.shape), 1)
    small = Layout.of(Window((0, 0), (side[0], side[1])), 3)
    width = small.size[0]
    height = plane.height * (width - 2.2) / plane.width
    figure = Figure(figsize=(width, small.size[1] + height + 0.5), dpi=DPI)
    total = figure.get_size_inches()[1]

    ax = figure.add_axes(
        (1.1 / width, (small.size[1] + 0.2) / total, 1 - 2.2 / width, height / total)
    )
    dots = int(height * DPI), int((width - 2.2) * DPI)
    draw_interaction(ax, Picture(view), whole(view.shape), dots)
    ax.set_title(
        "whole plane: interaction dark, cosmics pale, and three windows", loc="left", fontsize=10
    )
    for start, colour in zip(starts, WINDOW_COLOURS, strict=False):
        corner = (start[1] - 0.5, start[0] - 0.5)
        ax.add_patch(
            Rectangle(corner, side[1], side[0], fill=False, edgecolor=colour, linewidth=1.6)
        )
    frame(ax)
    ax.set_ylabel("time row", fontsize=9)
    ax.set_xlabel("wire", fontsize=9)
    for number, (start, colour) in enumerate(zip(starts, WINDOW_COLOURS, strict=False)):
        left, bottom, across, up = small.place(number)
        ax = figure.add_axes(
            (left, bottom * small.size[1] / total, across, up * small.size[1] / total)
        )
        part = on_view(view, crop, start[None], side)
        draw_truth(ax, Picture(part, corner=tuple(start)), whole(part.shape), small.dots)
        ax.set_title(f"from row {start[0]}, wire {start[1]}", loc="left", fontsize=10)
        frame(ax)
        for spine in ax.spines.values():
            spine.set_color(colour)
            spine.set_linewidth(1.6)
    figure.legend(
        handles=class_handles(classes),
        loc="lower center",
        ncols=5,
        frameon=False,
    )
    return figure


def window_around(view: View, side: Sequence[int], seed: int) -> np.ndarray:
    """First corner of a window drawn around the interaction, int64 ``[2]``."""
    rng = np.random.default_rng(seed)
    pixels = Pixels.of([view])
    return choose_windows(pixels, side, keep="interaction", draw=lambda _: rng.random(1))[0]


def draw_interaction(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """Interaction pixels dark on pale ones of cosmics."""
    assert picture.view.interaction is not None
    flags = picture.view.interaction
    colours = np.array([to_rgba("#c9c9c9"), to_rgba("#111111")])[flags.astype(int)]
    order = np.argsort(flags, kind="stable")
    thick = np.ones(len(order), int)  # a whole plane has more wires than the picture has dots
    draw_pixels(ax, picture, window, dots, colours, order, thick)


def weights_figure(view: View, classes: Sequence[str]) -> Figure:
    """Truth, cluster weights alone, and with the vertex weights, around the interaction."""
    interaction = view.coords if view.interaction is None else view.coords[view.interaction]
    window = active_window(interaction, view.shape)
    cluster = pixel_weights(Pixels.of([view]), vertex_radius=-1.0)
    both = pixel_weights(Pixels.of([view]))
    near = vertex_window(view)
    return panel_figure(
        [
            PanelOf("truth", Picture(view), draw_truth, window),
            PanelOf("cluster weights 1/N", Picture(view, weights=cluster), draw_weights, window),
            PanelOf("with vertex weights", Picture(view, weights=both), draw_weights, window),
            PanelOf("truth near the vertex", Picture(view), draw_truth, near),
            PanelOf("cluster weights 1/N", Picture(view, weights=cluster), draw_weights, near),
            PanelOf("with vertex weights", Picture(view, weights=both), draw_weights, near),
        ],
        title="Pixel weights in the loss: an instance of N pixels, and pixels near the vertex",
        legend=class_handles(classes),
    )


def vertex_window(view: View, side: int = 40) -> Window:
    """A small square around the vertex; around the middle of the image without one."""
    centre = np.array(view.shape) // 2
    if view.vertex_distance is not None and np.isfinite(view.vertex_distance).any():
        centre = view.coords[view.vertex_distance.argmin()]
    return _square(centre, view.shape, side)


def flips_figure(view: View, classes: Sequence[str]) -> Figure:
    """One crop and its three mirror images."""
    window = whole(view.shape)
    images = {
        "as it is": view,
        "time flipped": on_view(view, flip, np.array([[True, False]])),
        "wires flipped": on_view(view, flip, np.array([[False, True]])),
        "both": on_view(view, flip, np.array([[True, True]])),
    }
    panels = [PanelOf(title, Picture(image), draw_truth, window) for title, image in images.items()]
    return panel_figure(
        panels,
        title="Flips of one crop",
        legend=class_handles(classes),
        columns=2,
    )


def pick_events(source: EventFile, name: str) -> tuple[int, int]:
    """An event inside the plane that fits in a crop and has many classes, and the hottest one."""
    shown, hot = [], []
    for number in range(len(source)):
        view = source.read_view(number, name)
        assert view.interaction is not None
        assert view.labels is not None
        own = view.take(view.interaction)
        hot.append(int((own.values > 300.0).sum()))
        kept = on_view(own, mask, *MASK)
        first, last = np.quantile(kept.coords, [0.02, 0.98], axis=0) if len(kept) else (0.0, 0.0)
        inside = np.all((first > 100) & (last < np.array(view.shape) - 100))
        counts = np.bincount(np.asarray(kept.labels) + 1, minlength=6)[1:]
        fits = inside and np.all(last - first < 0.8 * SIDE)
        shown.append(int(np.minimum(counts, 50).sum()) if fits else 0)
    return int(np.argmax(shown)), int(np.argmax(hot))


def hot_window(view: View, side: int = 96, high: float = MASK[1]) -> Window:
    """A square around the pixels of the interaction that are above the mask."""
    chosen = view.values > high
    if view.interaction is not None:
        chosen &= view.interaction
    centre = np.median(view.coords[chosen], axis=0) if chosen.any() else np.array(view.shape) / 2
    return _square(centre, view.shape, side)


def _square(centre: np.ndarray, shape: Sequence[int], side: int) -> Window:
    low = np.clip(centre - side // 2, 0, np.maximum(np.array(shape) - side, 0)).astype(int)
    high = np.minimum(low + side, shape)
    return Window((int(low[0]), int(low[1])), (int(high[0]), int(high[1])))


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    source = EventFile(values.events)
    number, hot = pick_events(source, values.view)
    view, masked = source.read_view(number, values.view), source.read_view(hot, values.view)
    kept = on_view(view, mask, *MASK)
    side = tuple(min(SIDE, size) for size in view.shape)
    part = on_view(kept, crop, window_around(kept, side, 0)[None], side)
    figures = {
        "mask": mask_figure(masked, hot_window(masked)),
        "crop": crop_figure(kept, source.class_names),
        "weights": weights_figure(part, source.class_names),
        "flips": flips_figure(part, source.class_names),
    }
    for name, figure in figures.items():
        print(save(figure, values.out / f"transform_{name}.png"))


if __name__ == "__main__":
    command_line.define_path("events", None, "event file with truth")
    flags.DEFINE_string("view", "Y", "which plane")
    command_line.define_path("out", "docs/images", "folder for the pictures")
    flags.mark_flags_as_required(["events"])
    command_line.run(main)
