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

from jaxsparse.data.schema import View
from jaxsparse.detectors import class_set, palette
from jaxsparse.viz.canvas import Window, active_window, centred_window, densest_window, paint

DPI = 120
BACKGROUND = "#fbfbf8"
FRAME = "#999999"
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
      classes: class names, which also give the colours.
      title: one line above the panels.
      axes: names of the two axes, rows first.
      unit: of the values, empty if unknown.
    """

    view: View
    scores: np.ndarray | None = None
    weights: np.ndarray | None = None
    classes: Sequence[str] = ()
    title: str = ""
    axes: tuple[str, ...] = ("row", "column")
    unit: str = ""

    @property
    def predicted(self) -> np.ndarray | None:
        """The class of the highest score, int64 ``[pixels]``."""
        return None if self.scores is None else self.scores.argmax(1)


def class_colours(classes: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """Colours of labels, float ``[labels, 4]``; of negative ones that of no truth.

    Args:
      classes: their names; a label without one gets a colour too.
      labels: integers.
    """
    named = class_set(classes).colours
    others = palette(int(labels.max(initial=-1)) + 1)[len(named) :]
    return np.array([*map(to_rgba, (*named, *others)), NO_TRUTH])[labels]


def upright(view: View, across: int) -> View:
    """The view with the axis to draw from left to right last; any but two axes stay as they are."""
    if across == 1 or len(view.shape) != 2:
        return view
    return dataclasses.replace(view, coords=view.coords[:, ::-1], shape=view.shape[::-1])


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
    layout = Layout.of(window, len(panels))
    figure = Figure(figsize=layout.size, dpi=DPI)
    for number, (name, draw) in enumerate(panels):
        ax = figure.add_axes(layout.place(number))
        draw(ax, picture, window, layout.dots)
        ax.set_title(name, fontsize=11, loc="left")
        ax.set_facecolor(BACKGROUND)
        ax.tick_params(labelsize=8, color=FRAME)
        for spine in ax.spines.values():
            spine.set_color(FRAME)
        first = number % layout.columns == 0
        last = number >= len(panels) - layout.columns
        ax.tick_params(labelleft=first, labelbottom=last)
        if first:
            ax.set_ylabel(picture.axes[0], fontsize=9)
        if last:
            ax.set_xlabel(picture.axes[1], fontsize=9)
    if picture.classes and (view.labels is not None or picture.scores is not None):
        colours = class_set(picture.classes).colours
        handles = [
            Patch(color=colour, label=name)
            for colour, name in zip(colours, picture.classes, strict=True)
        ]
        if view.labels is not None and (view.labels < 0).any():
            handles.append(Patch(color=NO_TRUTH, label="no truth"))
        figure.legend(
            handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize=11
        )
    figure.suptitle(picture.title, fontsize=12, y=1 - 0.16 / layout.size[1], va="top")
    return figure


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where panels go, in inches; fixed, for a layout engine would draw everything twice.

    Attributes:
      rows, columns: of panels.
      width, height: of a panel.
    """

    rows: int
    columns: int
    width: float
    height: float

    LEFT, RIGHT, BOTTOM, TOP = 0.75, 0.75, 0.95, 0.8  # margins; a colour bar fits on the right
    ACROSS, DOWN = 0.95, 0.45  # between panels

    @classmethod
    def of(cls, window: Window, panels: int) -> Layout:
        """A layout whose panels have the window's shape."""
        aspect = window.size[0] / window.size[1]
        wide = aspect < 0.55
        columns = min(2 if wide else 3, panels)
        width = (9.0 if wide else 5.0) / max(1.0, aspect / 1.2)
        return cls(-(-panels // columns), columns, width, width * aspect)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        width = self.LEFT + self.columns * (self.width + self.ACROSS) - self.ACROSS + self.RIGHT
        height = self.TOP + self.rows * (self.height + self.DOWN) - self.DOWN + self.BOTTOM
        return width, height

    @property
    def dots(self) -> tuple[int, int]:
        """Height and width of a panel in screen dots."""
        return int(self.height * DPI), int(self.width * DPI)

    def place(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel as parts of the figure."""
        row, column = divmod(number, self.columns)
        left = self.LEFT + column * (self.width + self.ACROSS)
        bottom = self.BOTTOM + (self.rows - 1 - row) * (self.height + self.DOWN)
        across, up = self.size
        return left / across, bottom / up, self.width / across, self.height / up


Panel = Callable[[Axes, Picture, Window, tuple[int, int]], None]


def panels_of(picture: Picture) -> list[tuple[str, Panel]]:
    """The panels that the data allows, with their titles."""
    panels: list[tuple[str, Panel]] = [
        (f"charge [{picture.unit}]" if picture.unit else "charge", draw_charge)
    ]
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
    colours = class_colours(picture.classes, truth)
    colours[(truth == predicted)] = GREY
    order = np.argsort(wrong, kind="stable")
    # A lone wrong pixel must catch the eye, but not where a dot is several pixels already.
    grow = wrong[order].astype(int) * (window.size[1] <= dots[1])
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
    frequency = np.bincount(labels[labels >= 0])
    rank = np.append(-frequency, -len(labels) - 1)[labels]  # no truth lowest, rare classes highest
    colours = class_colours(picture.classes, labels)
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
    bar = figure.colorbar(
        ScalarMappable(norm, colour_map),
        cax=ax.inset_axes((1 + 8 / dots[1], 0.0, 14 / dots[1], 1.0)),
    )
    bar.ax.tick_params(which="both", labelsize=8, color=FRAME)
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


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as PNG and returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"compress_level": 4}  # half the time of the default for a few per cent more bytes
    figure.savefig(path, dpi=DPI, facecolor="white", pil_kwargs=options)
    return path
