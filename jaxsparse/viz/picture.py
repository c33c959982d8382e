"""What is shown of one image, and how its pixels lie on the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.viz.canvas import Window

_OF_CHARGE = ("adc", "charge", "electron")  # in units


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a display shows of one image.

    Attributes:
      view: pixels; three-dimensional ones are seen along their shortest axis.
      scores: float ``[pixels, classes]``, or ``None`` before there is a prediction.
      weights: float ``[pixels]`` of the loss, or ``None``.
      instance: int ``[pixels]``, the predicted particles, -1 for none; ``None`` where nothing was
        grouped.
      parent: int ``[pixels]``, the predicted particle that the pixel's one belongs to, -1 for none;
        ``None`` where nobody says.
      classes: class names.
      title: one line above the panels.
      axes: names of the axes, rows first.
      unit: of the values, empty if unknown.
      across: the axis that goes from left to right.
      corner: where the first pixel of the image lies in the detector's own; 0 if empty.
      pixel: how many of the detector's pixels a pixel is along every axis.
      colours: one a class; by the names of the classes if empty.
    """

    view: View
    scores: np.ndarray | None = None
    weights: np.ndarray | None = None
    classes: Sequence[str] = ()
    title: str = ""
    axes: tuple[str, ...] = ("row", "column")
    unit: str = ""
    across: int = 1
    corner: tuple[int, ...] = ()
    pixel: int = 1
    colours: Sequence[str] = ()
    instance: np.ndarray | None = None
    parent: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray | None:
        """The class of the highest score, int64 ``[pixels]``."""
        return None if self.scores is None else self.scores.argmax(1)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes; x, y and z where they are not known."""
        return self.axes if len(self.axes) == len(self.view.shape) else ("x", "y", "z")

    @property
    def charge(self) -> str:
        """Title of a panel of the values, which are no charge where their unit is of energy."""
        of_charge = not self.unit or any(word in self.unit.lower() for word in _OF_CHARGE)
        return f"{'charge' if of_charge else 'value'}{f' [{self.unit}]' if self.unit else ''}"

    def flat(self) -> Picture:
        """Two axes, the one from left to right last; voxels are seen along their shortest side."""
        dim = len(self.view.shape)
        if dim == 2:
            return self if self.across == 1 else self.seen([1, 0])
        spread = np.ptp(self.view.coords, axis=0) if len(self.view) else np.array(self.view.shape)
        along = int(spread.argmin())
        return self.seen([axis for axis in range(dim) if axis != along])

    def extent(self, window: Window) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of a window in the detector's own pixels, for ``imshow``."""
        bottom, left = self.corner or (0, 0)

        def edge(start: int, pixels: int) -> float:
            return start + self.pixel * pixels - 0.5

        return (
            edge(left, window.low[1]), edge(left, window.high[1]),
            edge(bottom, window.low[0]), edge(bottom, window.high[0]),
        )  # fmt: skip

    def seen(self, keep: Sequence[int]) -> Picture:
        """The picture with some of its axes only, in the order given, rows first."""
        view, axes = self.view, self.axis_names
        return dataclasses.replace(
            self,
            view=dataclasses.replace(
                view,
                coords=view.coords[:, list(keep)],
                shape=tuple(view.shape[axis] for axis in keep),
            ),
            axes=tuple(axes[axis] for axis in keep),
            corner=tuple(self.corner[axis] for axis in keep) if self.corner else (),
            across=1,
        )
