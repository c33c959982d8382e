"""Numbers that say what a sample looks like: sites, neighbours, levels, class shares."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS, View

LEVELS = 5
SHARES = {"share": "leading share", "primary_share": "primary's share"}
AMBIGUOUS = (0.9, 0.6)  # pixels with a smaller share are counted


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
      shares: by column of shares, pixels with an instance, and of these where it, or its primary,
        left less than the shares of :data:`AMBIGUOUS`.
      along: pixels whose place along the cell is known, and the sum of its spreads in cm.
      further: by name of a further value, of how many pixels it is known, sum and sum of squares.
      value_sums: number of non-zero values, their sum and sum of squares.
      extents: of every event with a site, last minus first plus one along each axis.
      links: by name of another view, number of pixels that are linked to it, number of their
        entries, sum of the values that lie there.
      corners: of the events whose place in the detector is known.
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
    shares: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    along: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))
    further: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    value_sums: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3))
    extents: list[np.ndarray] = dataclasses.field(default_factory=list)
    links: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    corners: list[tuple[int, ...]] = dataclasses.field(default_factory=list)

    def add(self, view: View) -> None:
        """Counts one event's view."""
        view = view.take((view.values >= self.low) & (view.values <= self.high))
        self.sites.append(len(view))
        if view.corner is not None:
            self.corners.append(view.corner)
        values = view.values[view.values > 0].astype(float)
        self.value_sums += len(values), values.sum(), (values**2).sum()
        for to, links in view.links.items():
            linked = np.count_nonzero(np.diff(links.offsets))
            sums = np.array([linked, len(links.rows), links.totals @ view.values])
            self.links[to] = self.links.get(to, 0) + sums
        if len(view):
            self.extents.append(np.ptp(view.coords, axis=0) + 1)
        if len(view) and self.geometry:
            self.neighbours.append(active_neighbours(view.coords, self.shape))
            self.levels += Pixels.of([view]).level_counts(LEVELS)[0]
        if view.labels is not None:
            counts = np.bincount(view.labels - NO_CLASS, minlength=self.num_classes + 1)
            self.classes = counts if self.classes is None else self.classes + counts
        if view.interaction is not None:
            self.interaction += int(view.interaction.sum())
        if view.overlap is not None:
            self.overlap += int((view.overlap > 1).sum())
        for name in SHARES:
            if (share := getattr(view, name)) is not None:
                named = share[share > 0]
                below = [np.count_nonzero(named < limit) for limit in (np.inf, *AMBIGUOUS)]
                self.shares[name] = self.shares.get(name, 0) + np.array(below)
        if view.along_spread is not None:
            known = view.along_spread[np.isfinite(view.along_spread)]
            self.along += len(known), known.sum(dtype=float)
        for name, values in view.further.items():
            known = values[np.isfinite(values)].astype(float)
            sums = np.array([len(known), known.sum(), (known**2).sum()])
            self.further[name] = self.further.get(name, 0) + sums

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

    def figures(self, class_names: Sequence[str], axes: Sequence[str] = ()) -> dict[str, Any]:
        """What there is to say, in numbers; extents if ``axes`` has the names of the axes.

        ``sites`` has percentiles (0, 25, 50, 75, 95, 100) of the events' pixels, ``extent`` is that
        of the median event. Shares are of all pixels, those of ``classes`` of those with a class.
        ``further`` has for what share of the pixels a further value is known, its mean and standard
        deviation. ``share_below`` and ``primary_share_below`` have, of the pixels with an instance,
        those with a share below a number. ``along`` has the mean spread along the cell in cm.
        ``links`` has, by name of another view, the share of pixels that are linked to it, to how
        many of its rows each, and the share of the values that lies there.
        """
        if not self.sites:
            return {}
        ranks = np.percentile(self.sites, [0, 25, 50, 75, 95, 100]).astype(int)
        found: dict[str, Any] = {"sites": ranks.tolist()}
        if not self.total:
            return found
        found["occupied"] = self.total / len(self.sites) / math.prod(self.shape)
        found["values"] = {"mean": self.value_mean, "standard_deviation": self.value_spread}
        if axes:
            medians = np.median(self.extents, axis=0).astype(int).tolist()
            found["extent"] = dict(zip(axes, medians, strict=True))
        if axes and self.corners:
            ends = np.stack([np.min(self.corners, axis=0), np.max(self.corners, axis=0)], axis=1)
            found["corner"] = dict(zip(axes, ends.tolist(), strict=True))
        if self.geometry:
            weights = [count for count in self.sites if count]
            found["active_neighbours"] = float(np.average(self.neighbours, weights=weights))
            found["sites_per_level"] = (self.levels / self.levels[0]).tolist()
        if self.classes is not None:
            known = max(int(self.classes[1:].sum()), 1)
            shares = (self.classes[1:] / known).tolist()
            found["classes"] = dict(zip(class_names, shares, strict=True))
            found["no_class"] = int(self.classes[0]) / self.total
        if self.interaction or self.overlap:
            found["interaction"] = self.interaction / self.total
            found["overlapping"] = self.overlap / self.total
        for name, counts in self.shares.items():
            named, *below = counts.tolist()
            found[f"{name}_below"] = {
                str(limit): count / max(named, 1)
                for limit, count in zip(AMBIGUOUS, below, strict=True)
            }
        if self.along[0]:
            known, spreads = self.along.tolist()
            found["along"] = {"known": known / self.total, "mean_spread": spreads / known}
        for name, (known, total, squares) in self.further.items():
            mean = float(total / max(known, 1.0))
            spread = math.sqrt(max(float(squares / max(known, 1.0)) - mean**2, 0.0))
            found.setdefault("further", {})[name] = {
                "known": float(known) / self.total, "mean": mean, "standard_deviation": spread,
            }  # fmt: skip
        if self.links:
            charge = max(float(self.value_sums[1]), 1e-30)
            found["links"] = {
                to: {
                    "pixels": float(linked) / self.total,
                    "rows": float(entries) / max(float(linked), 1.0),
                    "values": float(there) / charge,
                }
                for to, (linked, entries, there) in self.links.items()
            }
        return found

    def class_line(self, class_names: Sequence[str]) -> str:
        """Shares of the classes among the pixels that have one, and the share that has none."""
        return class_line(self.figures(class_names))


def summary_lines(figures: Mapping[str, Any], shape: Sequence[int]) -> Iterator[str]:
    """What a person reads of :meth:`ViewSummary.figures`."""
    if not figures:
        yield "no events"
        return
    ranks = " / ".join(map(str, figures["sites"]))
    yield f"sites per event   {ranks}  (0 25 50 75 95 100 %)"
    if "occupied" not in figures:
        return
    yield f"occupied          {100 * figures['occupied']:.4f} %"
    yield (
        f"values            mean {figures['values']['mean']:.2f}, standard deviation "
        f"{figures['values']['standard_deviation']:.2f} (non-zero pixels)"
    )
    if "extent" in figures:
        parts = zip(figures["extent"].items(), shape, strict=True)
        words = ", ".join(f"{name} {median} of {size}" for (name, median), size in parts)
        yield f"extent            {words}  (median event, first to last)"
    if "corner" in figures:
        ends = [f"{name} {low} to {high}" for name, (low, high) in figures["corner"].items()]
        yield f"images begin at   {', '.join(ends)} of the detector"
    if "active_neighbours" in figures:
        mean = figures["active_neighbours"]
        yield f"active neighbours {mean:.2f}  (within one step, itself included)"
        shares = " / ".join(f"{share:.3f}" for share in figures["sites_per_level"])
        yield f"sites per level   {shares}  (each level halves the image)"
    if "classes" in figures:
        yield "classes           " + class_line(figures)
    if "interaction" in figures:
        yield (
            f"interaction       {100 * figures['interaction']:.1f} %, overlapping "
            f"{100 * figures['overlapping']:.1f} %"
        )
    for name, words in SHARES.items():
        if f"{name}_below" in figures:
            below = [
                f"below {limit} in {100 * count:.1f} %"
                for limit, count in figures[f"{name}_below"].items()
            ]
            yield f"{words:17s} {', '.join(below)} of the pixels with an instance"
    if "along" in figures:
        yield (
            f"along the cell    known for {100 * figures['along']['known']:.1f} %, spread "
            f"{figures['along']['mean_spread']:.1f} cm on average"
        )
    for name, further in figures.get("further", {}).items():
        yield (
            f"{name:17s} known for {100 * further['known']:.1f} %, mean {further['mean']:.3g}, "
            f"standard deviation {further['standard_deviation']:.3g}"
        )
    for to, links in figures.get("links", {}).items():
        yield (
            f"{f'links to {to}':17s} {100 * links['pixels']:.1f} % of the pixels, to "
            f"{links['rows']:.1f} each, with {100 * links['values']:.1f} % of the values"
        )


def class_line(figures: Mapping[str, Any]) -> str:
    """Shares of the classes."""
    shares = [f"{name} {100 * share:.2f} %" for name, share in figures.get("classes", {}).items()]
    return ", ".join(shares) + f" (no class {100 * figures.get('no_class', 0):.2f} %)"
