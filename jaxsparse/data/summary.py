"""Numbers that say what a sample looks like: sites, neighbours, levels, class shares."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from jaxsparse.data.pixels import cell_numbers
from jaxsparse.data.schema import NO_CLASS, View

LEVELS = 5
MASK = (10.0, 300.0)  # ADC, the published mask of wire-plane images


def active_neighbours(coords: Int[np.ndarray, "sites dim"], shape: Sequence[int]) -> float:
    """Mean number of active sites in the 3 x 3 (x 3) window of an active site, itself included.

    >>> active_neighbours(np.array([[0, 0], [0, 1], [5, 5]]), (8, 8))
    1.6666666666666667
    """
    if not len(coords):
        return 0.0
    padded = tuple(size + 2 for size in shape)  # a border, so that no neighbour is around a corner
    cells = cell_numbers(coords + 1, padded)
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * len(padded), indexing="ij"), -1)
    jumps = steps.reshape(-1, len(padded)) @ np.append(np.cumprod(padded[:0:-1])[::-1], 1)
    ordered = np.sort(cells)
    found = 0
    for jump in jumps:
        place = np.searchsorted(ordered, cells + jump)
        found += int(np.count_nonzero(ordered[np.minimum(place, len(ordered) - 1)] == cells + jump))
    return found / len(cells)


def level_counts(coords: Int[np.ndarray, "sites dim"], levels: int = LEVELS) -> list[int]:
    """Sites of every level of a U-Net: unique ``coords >> level``."""
    coarse = np.asarray(coords)
    counts = [len(coarse)]
    for _ in range(levels - 1):
        coarse = np.unique(coarse >> 1, axis=0) if len(coarse) else coarse
        counts.append(len(coarse))
    return counts


@dataclasses.dataclass
class ViewSummary:
    """Sums over the events of one view that lie in a mask; start empty, :meth:`add` views.

    Attributes:
      shape: full image shape.
      num_classes: of the truth.
      low, high: bounds of the values that count, both inclusive.
      geometry: whether to count neighbours and levels, most of the work.
      sites: of every event.
      neighbours: mean active neighbours of every event that has a site.
      levels: total sites of every level.
      classes: pixels by class, first those without one.
      interaction: pixels of the interaction.
      overlap: pixels where two or more instances left charge.
      value_sums: number of non-zero values, their sum and sum of squares.
      extents: of every event with a site, last minus first plus one along each axis.
    """

    shape: tuple[int, ...]
    num_classes: int
    low: float = 0.0
    high: float = np.inf
    geometry: bool = True
    sites: list[int] = dataclasses.field(default_factory=list)
    neighbours: list[float] = dataclasses.field(default_factory=list)
    levels: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(LEVELS, np.int64))
    classes: np.ndarray | None = None
    interaction: int = 0
    overlap: int = 0
    value_sums: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3))
    extents: list[np.ndarray] = dataclasses.field(default_factory=list)

    def add(self, view: View) -> None:
        """Counts one event's view."""
        view = view.take((view.values >= self.low) & (view.values <= self.high))
        self.sites.append(len(view))
        values = view.values[view.values > 0].astype(float)
        self.value_sums += len(values), values.sum(), (values**2).sum()
        if len(view):
            self.extents.append(np.ptp(view.coords, axis=0) + 1)
        if len(view) and self.geometry:
            self.neighbours.append(active_neighbours(view.coords, self.shape))
            self.levels += level_counts(view.coords)
        if view.labels is not None:
            counts = np.bincount(view.labels - NO_CLASS, minlength=self.num_classes + 1)
            self.classes = counts if self.classes is None else self.classes + counts
        if view.interaction is not None:
            self.interaction += int(view.interaction.sum())
        if view.overlap is not None:
            self.overlap += int((view.overlap > 1).sum())

    @property
    def total(self) -> int:
        """Sites of all events."""
        return sum(self.sites)

    @property
    def value_mean(self) -> float:
        """Of the non-zero values."""
        count, total, _ = self.value_sums
        return total / max(count, 1.0)

    @property
    def value_spread(self) -> float:
        """Standard deviation of the non-zero values."""
        count, _, squares = self.value_sums
        return math.sqrt(max(squares / max(count, 1.0) - self.value_mean**2, 0.0))

    def lines(self, class_names: Sequence[str], axes: Sequence[str] = ()) -> list[str]:
        """What a person reads; extents if ``axes`` has the names of the axes."""
        if not self.sites:
            return ["no events"]
        ranks = np.percentile(self.sites, [0, 25, 50, 75, 95, 100]).astype(int)
        lines = ["sites per event   " + " / ".join(map(str, ranks)) + "  (0 25 50 75 95 100 %)"]
        if not self.total:
            return lines
        occupancy = self.total / len(self.sites) / np.prod(np.array(self.shape, float))
        lines.append(f"occupied          {100 * occupancy:.4f} %")
        lines.append(
            f"values            mean {self.value_mean:.2f}, standard deviation "
            f"{self.value_spread:.2f} (non-zero pixels)"
        )
        if axes:
            medians = np.median(self.extents, axis=0).astype(int)
            parts = zip(axes, medians, self.shape, strict=True)
            words = ", ".join(f"{median} of {size} {name}s" for name, median, size in parts)
            lines.append(f"extent            {words}  (median event, first to last)")
        if self.geometry:
            weights = [count for count in self.sites if count]
            mean = np.average(np.array(self.neighbours), weights=weights)
            lines.append(f"active neighbours {mean:.2f}  (within one step, itself included)")
            shares = " / ".join(f"{count / self.levels[0]:.3f}" for count in self.levels)
            lines.append(f"sites per level   {shares}  (each level halves the image)")
        if self.classes is not None:
            lines.append("classes           " + self.class_line(class_names))
        if self.interaction or self.overlap:
            lines.append(
                f"interaction       {100 * self.interaction / self.total:.1f} %, "
                f"overlapping {100 * self.overlap / self.total:.1f} %"
            )
        return lines

    def class_line(self, class_names: Sequence[str]) -> str:
        """Shares of the classes among the pixels that have one, and the share that has none."""
        assert self.classes is not None, "only views with truth have classes"
        known = max(int(self.classes[1:].sum()), 1)
        shares = [
            f"{name} {100 * count / known:.2f} %"
            for name, count in zip(class_names, self.classes[1:], strict=True)
        ]
        return ", ".join(shares) + f" (no class {100 * self.classes[0] / max(self.total, 1):.2f} %)"
