"""Event displays: charge, truth, weight, prediction and the wrong pixels of one event, as panels.

Figures are plain ``matplotlib`` objects without a window or global state; :func:`save` writes them.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from jaxsparse.data.schema import CLASS_COLOURS, View
from jaxsparse.viz.canvas import Window, active_window, densest_window, paint, whole

DPI = 120
BACKGROUND = "#fbfbf8"
GREY = to_rgba("#bdbdbd")
NO_TRUTH = to_rgba("#e3e3e3")
# Dark is much: a pale low end would vanish on the light background.
CHARGE = LinearSegmentedColormap.from_list(
    "charge", colormaps["magma_r"](np.linspace(0.18, 1.0, 256))
)
WEIGHT = LinearSegmentedColormap.from_list(
    "weight", colormaps["viridis_r"](np.linspace(0.15, 1.0, 256))
)
# The doubtful pixels are the news: they are vivid, the certain ones pale.
CONFIDENCE = LinearSegmentedColormap.from_list(
    "confidence", ["#67000d", "#d7301f", "#fc8d59", "#d9d4cf", "#cfcfcf"]
)


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a display shows of one event.

    Attributes:
      view: pixels; three-dimensional ones are seen along their shortest axis.
      scores: float ``[pixels, classes]``, or ``None`` before there is a prediction.
      weights: float ``[pixels]`` of the loss, or ``None``.
      classes: class names.
      title: one line above the panels.
      axes: names of the two axes, rows first.
      unit: of the values.
    """

    view: View
    scores: np.ndarray | None = None
    weights: np.ndarray | None = None
    classes: Sequence[str] = ()
    title: str = ""
    axes: tuple[str, str] = ("time row", "wire")
    unit: str = "ADC"

    @property
    def predicted(self) -> np.ndarray | None:
        """The class of the highest score, int64 ``[pixels]``."""
        return None if self.scores is None else self.scores.argmax(1)


def class_colour(label: int) -> str:
    """Colour of a class; a darker set follows where there are more than the schema's five."""
    extra = ("#8c564b", "#e377c2", "#17becf", "#bcbd22", "#7f7f7f")
    return (*CLASS_COLOURS, *extra)[label % 10]


def flatten(picture: Picture) -> Picture:
    """Voxels seen along the shortest side of their bounding box; 2-D views stay as they are."""
    view = picture.view
    if view.coords.shape[1] == 2:
        return picture
    spread = np.ptp(view.coords, axis=0) if len(view) else np.array(view.shape)
    along = int(spread.argmin())
    keep = [axis for axis in range(3) if axis != along]
    flat = dataclasses.replace(
        view, coords=view.coords[:, keep], shape=tuple(view.shape[axis] for axis in keep)
    )
    return dataclasses.replace(picture, view=flat, axes=("xyz"[keep[0]], "xyz"[keep[1]]))


def event_figure(picture: Picture, *, window: Window | None = None) -> Figure:
    """All panels of one event; those without data (no truth, no prediction) are left out.

    Args:
      picture: what to show.
      window: the part to show, the square around all pixels by default.
    """
    picture = flatten(picture)
    view = picture.view
    window = window or active_window(view.coords, view.shape)
    panels = panels_of(picture)
    wide = window.size[1] > 1.8 * window.size[0]
    columns = min(2 if wide else 3, len(panels))
    rows = -(-len(panels) // columns)
    width = 9.0 if wide else 5.2
    height = width * min(window.size[0] / window.size[1], 1.6) * 0.86 + 0.55
    figure = Figure(figsize=(columns * width, rows * height + 0.75), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    dots = (int(height * DPI), int(width * 0.8 * DPI))
    for number, ax in enumerate(grid.flat):
        if number >= len(panels):
            ax.set_axis_off()
            continue
        name, draw = panels[number]
        draw(ax, picture, window, dots)
        ax.set_title(name, fontsize=11, loc="left")
        ax.set_facecolor(BACKGROUND)
        ax.tick_params(labelsize=8, color="#999999")
        for spine in ax.spines.values():
            spine.set_color("#999999")
        if number % columns == 0:
            ax.set_ylabel(picture.axes[0], fontsize=9)
        if number >= len(panels) - columns:
            ax.set_xlabel(picture.axes[1], fontsize=9)
    if picture.classes and (view.labels is not None or picture.scores is not None):
        handles = [
            Patch(color=class_colour(label), label=name)
            for label, name in enumerate(picture.classes)
        ]
        if view.labels is not None and (view.labels < 0).any():
            handles.append(Patch(color=NO_TRUTH, label="no truth"))
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=len(handles),
            frameon=False,
            fontsize=11,
        )
    figure.suptitle(picture.title, fontsize=12)
    return figure


Panel = Callable[[Axes, Picture, Window, tuple[int, int]], None]


def panels_of(picture: Picture) -> list[tuple[str, Panel]]:
    """The panels that the data allows, with their titles."""
    panels: list[tuple[str, Panel]] = [(f"charge [{picture.unit}]", draw_charge)]
    if picture.view.labels is not None:
        panels.append(("truth", draw_truth))
        if picture.weights is not None:
            panels.append(("weight in the loss", draw_weights))
    if picture.scores is not None:
        panels.append(("prediction", draw_prediction))
        if picture.view.labels is not None:
            panels.append(("wrong pixels, coloured by truth", draw_wrong))
        panels.append(("highest score (doubtful pixels red)", draw_confidence))
    return panels


def draw_charge(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """Charge, darker is more; the largest values on top."""
    values = picture.view.values
    top = float(np.quantile(values, 0.995)) if len(values) else 1.0
    norm = Normalize(0, max(top, 1e-6))
    _draw_numbers(ax, picture, window, dots, values, norm, CHARGE)


def draw_weights(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """The pixel weights of the loss, on a logarithmic scale."""
    assert picture.weights is not None
    weights = np.maximum(picture.weights, 1e-12)
    used = picture.weights[picture.weights > 0]
    low, high = (float(used.min()), float(used.max())) if len(used) else (1e-4, 1e-2)
    norm = LogNorm(low, max(high, low * 1.01))
    _draw_numbers(ax, picture, window, dots, weights, norm, WEIGHT)


def draw_confidence(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """The highest score of each pixel; the least certain ones on top."""
    assert picture.scores is not None
    best = picture.scores.max(1, initial=0.0)
    norm = Normalize(1 / max(picture.scores.shape[1], 2), 1)
    _draw_numbers(ax, picture, window, dots, best, norm, CONFIDENCE, order=np.argsort(-best))


def draw_truth(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """True classes, rare ones on top."""
    assert picture.view.labels is not None
    _draw_labels(ax, picture, window, dots, picture.view.labels)


def draw_prediction(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """Predicted classes, rare ones on top."""
    assert picture.predicted is not None
    _draw_labels(ax, picture, window, dots, picture.predicted)


def draw_wrong(ax: Axes, picture: Picture, window: Window, dots: tuple[int, int]) -> None:
    """Wrong pixels in the colour of their true class on grey right ones."""
    truth, predicted = picture.view.labels, picture.predicted
    assert truth is not None
    assert predicted is not None
    wrong = (truth != predicted) & (truth >= 0)
    colours = np.array([*(to_rgba(class_colour(c)) for c in range(10)), NO_TRUTH])[truth]
    colours[(truth == predicted)] = GREY
    order = np.argsort(wrong, kind="stable")
    grow = wrong[order].astype(int)  # a lone wrong pixel must catch the eye
    _show(ax, picture, window, dots, colours, order, grow)
    known = (truth >= 0) & window.holds(picture.view.coords)
    wrong &= known
    share = wrong.sum() / max(known.sum(), 1)
    ax.text(
        0.98, 0.98, f"{wrong.sum()} of {known.sum()} wrong ({share:.1%})", transform=ax.transAxes,
        ha="right", va="top", fontsize=9, color="#444444",
    )  # fmt: skip


def _draw_labels(
    ax: Axes, picture: Picture, window: Window, dots: tuple[int, int], labels: np.ndarray
) -> None:
    colours = np.array([*(to_rgba(class_colour(c)) for c in range(10)), NO_TRUTH])[labels]
    frequency = np.bincount(labels[labels >= 0], minlength=10)
    rank = np.append(-frequency, -len(labels) - 1)[labels]  # no truth lowest, rare classes highest
    _show(ax, picture, window, dots, colours, np.argsort(rank, kind="stable"))


def _draw_numbers(
    ax: Axes,
    picture: Picture,
    window: Window,
    dots: tuple[int, int],
    values: np.ndarray,
    norm: Normalize,
    colour_map: LinearSegmentedColormap,
    order: np.ndarray | None = None,
) -> None:
    order = np.argsort(values) if order is None else order
    _show(ax, picture, window, dots, colour_map(norm(values)), order)
    figure = ax.get_figure()
    assert figure is not None
    bar = figure.colorbar(ScalarMappable(norm, colour_map), ax=ax, pad=0.01, fraction=0.045)
    bar.ax.tick_params(which="both", labelsize=8)
    bar.outline.set_visible(False)


def _show(
    ax: Axes,
    picture: Picture,
    window: Window,
    dots: tuple[int, int],
    colours: np.ndarray,
    order: np.ndarray,
    grow: np.ndarray | None = None,
) -> None:
    image = paint(picture.view.coords[order], colours[order], window, dots=dots, grow=grow)
    ax.imshow(image, origin="lower", extent=window.extent, interpolation="nearest", aspect="equal")


def zoom_window(view: View, side: int = 384) -> Window:
    """Where to look in a whole plane: around the interaction, else where most pixels are."""
    coords = view.coords
    if view.interaction is not None and view.interaction.any():
        coords = coords[view.interaction]
    if coords.shape[1] != 2:
        return whole(view.shape)
    return densest_window(coords, view.shape, side)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as PNG and returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None})
    return path
