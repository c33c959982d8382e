"""Where panels go, in inches; fixed, for a layout engine would draw everything twice."""

from __future__ import annotations

import dataclasses

from jaxsparse.viz.canvas import Window
from jaxsparse.viz.style import DPI


@dataclasses.dataclass(frozen=True)
class Layout:
    """Panels of one size in rows and columns; a colour bar fits on the right of each.

    Attributes:
      rows, columns: of panels.
      width, height: of a panel.
      left, right, bottom, top: margins.
      across, down: between panels.
    """

    rows: int
    columns: int
    width: float
    height: float
    left: float = 0.75
    right: float = 0.75
    bottom: float = 0.95
    top: float = 0.8
    across: float = 0.95
    down: float = 0.45

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
        width = self.left + self.columns * (self.width + self.across) - self.across + self.right
        height = self.top + self.rows * (self.height + self.down) - self.down + self.bottom
        return width, height

    @property
    def dots(self) -> tuple[int, int]:
        """Height and width of a panel in screen dots."""
        return int(self.height * DPI), int(self.width * DPI)

    def place(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel as parts of the figure, counted by rows."""
        return self.at(*divmod(number, self.columns))

    def at(
        self, row: int, column: int, width: float | None = None
    ) -> tuple[float, float, float, float]:
        """As :meth:`place`, by row and column; what stands beside the last may be narrower."""
        left = self.left + column * (self.width + self.across)
        bottom = self.bottom + (self.rows - 1 - row) * (self.height + self.down)
        across, up = self.size
        return left / across, bottom / up, (width or self.width) / across, self.height / up
