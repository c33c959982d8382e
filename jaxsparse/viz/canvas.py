"""From a list of pixels to an image in which a lone pixel is still seen.

A whole plane has 3456 wires and a figure fewer screen dots: drawn to scale, thin tracks fade away.
Here every pixel paints a square of whole dots in full colour, 2 x 2 where the image is reduced, and
where pixels share a dot the one drawn last, which the caller chooses, stays.
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Window:
    """A part of an image: rows ``[low[0], high[0])`` and columns ``[low[1], high[1])``."""

    low: tuple[int, int]
    high: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1]

    def holds(self, coords: np.ndarray) -> np.ndarray:
        """bool ``[pixels]``, which pixels lie inside."""
        return np.all((coords >= self.low) & (coords < self.high), axis=1)


def whole(shape: tuple[int, ...]) -> Window:
    """The window of a full image."""
    return Window((0, 0), (shape[0], shape[1]))


def active_window(coords: np.ndarray, shape: tuple[int, ...], *, margin: int = 8) -> Window:
    """The smallest square with all pixels and a margin, cut at the image's edges.

    Args:
      coords: integer ``[pixels, 2]``; without a pixel the whole image comes back.
      shape: rows and columns of the image.
      margin: pixels around.

    >>> active_window(np.array([[50, 60], [89, 70]]), (512, 512), margin=5)
    Window(low=(45, 41), high=(95, 91))
    """
    if not len(coords):
        return whole(shape)
    low, high = coords.min(0) - margin, coords.max(0) + 1 + margin
    side = int(max(32, (high - low).max()))
    low = low - (side - (high - low)) // 2
    low = np.clip(low, 0, np.maximum(np.array(shape[:2]) - side, 0))
    high = np.minimum(low + side, shape[:2])
    return Window((int(low[0]), int(low[1])), (int(high[0]), int(high[1])))


def centred_window(centre: np.ndarray, shape: tuple[int, ...], side: int) -> Window:
    """A square around a pixel, moved as needed to lie inside the image.

    >>> centred_window(np.array([5, 90]), (100, 100), 40)
    Window(low=(0, 60), high=(40, 100))
    """
    low = [
        int(min(max(c - side // 2, 0), max(n - side, 0)))
        for c, n in zip(centre, shape, strict=True)
    ]
    high = [min(i + side, n) for i, n in zip(low, shape, strict=True)]
    return Window((low[0], low[1]), (high[0], high[1]))


def densest_window(coords: np.ndarray, shape: tuple[int, ...], side: int) -> Window:
    """Of the windows on a grid of a quarter side, the one with the most pixels."""
    step = max(side // 4, 1)
    cells = np.zeros([max(-(-n // step), 4) for n in shape[:2]], np.int64)
    np.add.at(cells, tuple((coords // step).T), 1)
    running = np.pad(cells, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = running[4:, 4:] - running[:-4, 4:] - running[4:, :-4] + running[:-4, :-4]
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    low = [min(int(i) * step, max(n - side, 0)) for i, n in zip((row, column), shape, strict=False)]
    high = [min(i + side, n) for i, n in zip(low, shape, strict=False)]
    return Window((low[0], low[1]), (high[0], high[1]))


def paint(
    coords: np.ndarray,
    colours: np.ndarray,
    window: Window,
    *,
    dots: tuple[int, int],
    grow: np.ndarray | None = None,
) -> np.ndarray:
    """Paints pixels in their order, later ones over earlier ones.

    Args:
      coords: integer ``[pixels, 2]``, row and column; pixels outside the window are left out.
      colours: float ``[pixels, 4]``, red, green, blue, opacity.
      window: what to show.
      dots: screen dots at hand, height and width; the image uses at most so many.
      grow: integer ``[pixels]``, screen dots by which a pixel reaches over its edges.

    Returns:
      float32 ``[height, width, 4]``, row 0 is the lowest; unpainted dots are transparent.

    >>> paint(np.array([[0, 1]]), np.ones((1, 4)), Window((0, 0), (1, 2)), dots=(1, 2))[..., 0]
    array([[0., 1.]], dtype=float32)
    """
    rows, columns = window.size
    scale = min(dots[0] / rows, dots[1] / columns)
    scale = float(int(scale)) if scale >= 1 else scale
    side = int(scale) if scale >= 1 else 2
    height, width = max(int(rows * scale), 1), max(int(columns * scale), 1)
    image = np.zeros((height, width, 4), np.float32)
    inside = window.holds(coords)
    corner = ((coords[inside] - np.array(window.low)) * scale).astype(int)
    colours = colours[inside]
    reach = np.zeros(len(corner), int) if grow is None else grow[inside]
    for extra in np.unique(reach):
        chosen = reach == extra
        for row in range(-extra, side + extra):
            for column in range(-extra, side + extra):
                y = np.clip(corner[chosen, 0] + row, 0, height - 1)
                x = np.clip(corner[chosen, 1] + column, 0, width - 1)
                image[y, x] = colours[chosen]
    return image
