"""The panels of a display: charge, weights, scores, and classes by colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgba
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from jaxsparse.detectors import class_set, palette
from jaxsparse.viz.canvas import Window, paint
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import FRAME

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
FEW_PIXELS = 100  # of fewer, what part is wrong is left to the counts
WIDE = 100.0  # a logarithmic bar that spans less is labelled at its ends and between

# axes, what to draw, the part of it, and the panel's height and width in screen dots
Panel = Callable[[Axes, Picture, Window, tuple[int, int]], None]


def class_colours(
    classes: Sequence[str], labels: np.ndarray, colours: Sequence[str] = ()
) -> np.ndarray:
    """Colours of labels, float ``[labels, 4]``; of negative ones that of no truth.

    Args:
      classes: their names; a label without one gets a colour too.
      labels: integers.
      colours: one a class; by their names if empty.
    """
    named = colours or class_set(classes).colours
    others = palette(int(labels.max(initial=-1)) + 1)[len(named) :]
    return np.array([*map(to_rgba, (*named, *others)), NO_TRUTH])[labels]


def class_handles(
    classes: Sequence[str], labels: np.ndarray | None = None, colours: Sequence[str] = ()
) -> list[Patch]:
    """Entries of a legend: the classes that occur in ``labels``, no truth last; all if ``None``."""
    present = np.arange(len(classes)) if labels is None else np.unique(labels)
    handles = [
        Patch(color=colour, label=classes[label] if label < len(classes) else f"class {label}")
        for label, colour in zip(present, class_colours(classes, present, colours), strict=True)
        if label >= 0
    ]
    return handles + [Patch(color=NO_TRUTH, label="no truth")] * bool((present < 0).any())


def panels_of(picture: Picture, window: Window) -> list[tuple[str, Panel]]:
    """The panels that the data allows, with their titles."""
    panels: list[tuple[str, Panel]] = [(picture.charge, draw_charge)]
    if picture.view.labels is not None:
        panels.append(("truth", draw_truth))
        if picture.weights is not None:
            panels.append(("weight in the loss", draw_weights))
    if picture.scores is not None:
        panels.append(("prediction", draw_prediction))
        if picture.view.labels is not None:
            panels.append((wrong_words(picture, window), draw_wrong))
        panels.append(("highest score (doubtful pixels red)", draw_confidence))
    return panels


def draw_charge(
    ax: Axes, picture: Picture, window: Window, dots: tuple[int, int], *, bar: bool = True
) -> None:
    """Charge, darker is more, with the largest values on top; small pictures have no ``bar``."""
    values = picture.view.values
    top = float(np.quantile(values, 0.995)) if len(values) else 1.0
    norm = Normalize(0, max(top, 1e-6))
    _draw_numbers(ax, picture, window, dots, values, norm, CHARGE, bar=bar)


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
    colours = class_colours(picture.classes, truth, picture.colours)
    colours[(truth == predicted)] = GREY
    order = np.argsort(wrong, kind="stable")
    # A lone wrong pixel must catch the eye, but not where a dot is several pixels already.
    grow = wrong[order].astype(int) * (window.size[1] <= dots[1])
    draw_pixels(ax, picture, window, dots, colours, order, grow)


def wrong_words(picture: Picture, window: Window) -> str:
    """Title of a panel of :func:`draw_wrong`: how many of the pixels in the window are wrong."""
    truth, predicted = picture.view.labels, picture.predicted
    assert truth is not None
    assert predicted is not None
    known = (truth >= 0) & window.holds(picture.view.coords)
    return f"{counted((truth != predicted)[known], 'pixels wrong')}, coloured by truth"


def counted(chosen: np.ndarray, words: str) -> str:
    """How many of some pixels, with the share where they are not too few to have one.

    >>> counted(np.arange(1000) < 17, "pixels wrong"), counted(np.arange(7) < 2, "pixels wrong")
    ('17 of 1,000 pixels wrong (1.7 %)', '2 of 7 pixels wrong')
    """
    some, number = int(chosen.sum()), len(chosen)
    share = f" ({100 * some / number:.1f} %)" if number >= FEW_PIXELS else ""
    return f"{some:,} of {number:,} {words}{share}"


def draw_pixels(
    ax: Axes,
    picture: Picture,
    window: Window,
    dots: tuple[int, int],
    colours: np.ndarray,
    order: np.ndarray,
    grow: np.ndarray | None = None,
) -> None:
    """Pixels in any colours, painted in an order: later ones cover earlier ones.

    Args:
      ax: to draw on.
      picture: whose pixels.
      window: the part to show.
      dots: height and width of the panel in screen dots.
      colours: float ``[pixels, 4]``.
      order: numbers of the pixels.
      grow: integer ``[pixels]`` in that order, dots by which a pixel reaches over its edges.
    """
    image = paint(picture.view.coords[order], colours[order], window, dots=dots, grow=grow)
    ax.imshow(
        image, origin="lower", extent=picture.extent(window), interpolation="nearest",
        aspect="equal",
    )  # fmt: skip


def _draw_labels(
    ax: Axes, picture: Picture, window: Window, dots: tuple[int, int], labels: np.ndarray
) -> None:
    frequency = np.bincount(labels[labels >= 0])
    rank = np.append(-frequency, -len(labels) - 1)[labels]  # no truth lowest, rare classes highest
    colours = class_colours(picture.classes, labels, picture.colours)
    draw_pixels(ax, picture, window, dots, colours, np.argsort(rank, kind="stable"))


def _draw_numbers(
    ax: Axes,
    picture: Picture,
    window: Window,
    dots: tuple[int, int],
    values: np.ndarray,
    norm: Normalize,
    colour_map: LinearSegmentedColormap,
    *,
    order: np.ndarray | None = None,
    bar: bool = True,
) -> None:
    order = np.argsort(values) if order is None else order
    draw_pixels(ax, picture, window, dots, colour_map(norm(values)), order)
    if bar:
        _draw_bar(ax, norm, colour_map, dots)


def _draw_bar(
    ax: Axes, norm: Normalize, colour_map: LinearSegmentedColormap, dots: tuple[int, int]
) -> None:
    figure = ax.get_figure()
    assert figure is not None
    bar = figure.colorbar(
        ScalarMappable(norm, colour_map),
        cax=ax.inset_axes((1 + 8 / dots[1], 0.0, 14 / dots[1], 1.0)),
    )
    low, high = norm.vmin, norm.vmax
    assert low is not None
    assert high is not None
    if isinstance(norm, LogNorm) and high < WIDE * low:
        # Of its own accord a logarithmic bar would say 1.674 x 10^-2, for which there is no room.
        ticks = [low] if high <= 1.02 * low else [low, math.sqrt(low * high), high]
        bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        digits = 2 if len({f"{tick:.2g}" for tick in ticks}) == len(ticks) else 3
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.{digits}g}"))
    bar.ax.tick_params(which="both", labelsize=8, color=FRAME)
    bar.outline.set_visible(False)
