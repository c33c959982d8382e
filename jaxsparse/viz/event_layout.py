"""Where the panels of a whole event go, in inches: blocks, in each a panel of every view."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jaxsparse.viz.style import DPI

LEFT, TOP, BOTTOM = 0.75, 0.8, 0.6
LEGEND = 0.7  # below the panels
SCORES = 3.3  # right of them, with a margin
MARGIN = 0.95  # right of panels without scores: a colour bar with its numbers


@dataclasses.dataclass(frozen=True)
class EventLayout:
    """Blocks in rows and columns; the views of a block lie one above the other or side by side.

    Attributes:
      sizes: width and height of the panel of every view.
      down: whether views lie one above the other.
      rows, columns: of blocks.
      scores: whether there is room for the scores, right of the top row.
      legend: whether there is room for one below.
      close: whether neighbours in a block need no numbers between them.
    """

    sizes: Sequence[tuple[float, float]]
    down: bool
    rows: int
    columns: int
    scores: bool = False
    legend: bool = False
    close: bool = False

    @property
    def inner(self) -> float:
        """The gap between views."""
        if self.down:
            return 0.32 if self.close else 0.75
        return 0.75 if self.close else 0.95

    @property
    def block(self) -> tuple[float, float]:
        """Width and height of a block."""
        widths, heights = zip(*self.sizes, strict=True)
        gaps = self.inner * (len(self.sizes) - 1)
        return (
            (max(widths), sum(heights) + gaps) if self.down else (sum(widths) + gaps, max(heights))
        )

    @property
    def gaps(self) -> tuple[float, float]:
        """Between blocks: across and down."""
        return 0.95, 0.75

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        (wide, high), (across, down) = self.block, self.gaps
        right = SCORES if self.scores else MARGIN
        below = BOTTOM + LEGEND * self.legend
        return (
            LEFT + self.columns * (wide + across) - across + right,
            TOP + self.rows * (high + down) - down + below,
        )

    def dots(self, view: int) -> tuple[int, int]:
        """Height and width of a panel of a view in screen dots."""
        width, height = self.sizes[view]
        return int(height * DPI), int(width * DPI)

    def at(self, row: int, column: int, view: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel as parts of the figure."""
        (wide, high), (across, down) = self.block, self.gaps
        before = sum(size[self.down] + self.inner for size in self.sizes[:view])
        left = LEFT + column * (wide + across) + (0 if self.down else before)
        top = TOP + row * (high + down) + (before if self.down else 0)
        return self._part(left, top, *self.sizes[view])

    def beside(self, width: float, most: float) -> tuple[float, float, float, float]:
        """As :meth:`at`, right of the top row and as high as it, at most so high."""
        return self._part(self.size[0] - SCORES + 0.85, TOP, width, min(self.block[1], most))

    def _part(
        self, left: float, top: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        across, up = self.size
        return left / across, 1 - (top + height) / up, width / across, height / up
