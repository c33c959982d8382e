"""Tallies: count tables added up over events, kept by group for bootstrap errors.

Pixels of one event are anything but independent, so the statistical error of a score comes from
resampling whole events. Several placements of one Geant4 event share their physics: they form one
group and are drawn together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsparse.evaluation.spread import spread

MAX_GROUPS = 1000  # more groups are folded onto these, so that memory stays bounded
SAMPLES = 200


class Tallies:
    """Sums of named count tables, in total and by group.

    >>> tallies = Tallies(resampled=("right",))
    >>> tallies.add({"right": np.array(3), "all": np.array(4)}, group=7)
    >>> tallies.add({"right": np.array(1), "all": np.array(4)}, group=8)
    >>> tallies.total["right"].item(), tallies.total["all"].item(), tallies.num_groups
    (4, 8, 2)
    """

    def __init__(self, resampled: tuple[str, ...]):
        """Only the tables named in ``resampled`` are kept by group."""
        self.resampled = resampled
        self.total: dict[str, np.ndarray] = {}
        self.num_events = 0
        self._rows: dict[int, int] = {}  # group -> row in the tables by group
        self._by_group: list[dict[str, np.ndarray]] = []

    def add(self, tables: dict[str, np.ndarray], group: int) -> None:
        """Adds the tables of one event that belongs to ``group`` (any integer)."""
        self.num_events += 1
        for name, table in tables.items():
            if name in self.total:
                self.total[name] = self.total[name] + table
            else:
                self.total[name] = np.asarray(table).copy()
        row = self._rows.setdefault(group, len(self._rows) % MAX_GROUPS)
        if row == len(self._by_group):
            self._by_group.append({})
        kept = self._by_group[row]
        for name in self.resampled:
            kept[name] = kept.get(name, 0) + np.asarray(tables[name])

    @property
    def num_groups(self) -> int:
        """How many groups (at most ``MAX_GROUPS``) there are to draw from."""
        return len(self._by_group)

    def by_group(self) -> dict[str, np.ndarray]:
        """The resampled tables with a leading group axis."""
        return {name: np.stack([g[name] for g in self._by_group]) for name in self.resampled}

    def bootstrap(
        self,
        statistic: Callable[[dict[str, np.ndarray]], dict[str, Any]],
        *,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Standard errors of scores by drawing groups with replacement.

        Args:
          statistic: from summed tables to named numbers or arrays; NaN where undefined.
          samples: how often as many groups as there are get drawn.
          seed: of the draws.

        Returns:
          By name the standard deviation over the samples where the score is defined, in the
          statistic's shapes; NaN for fewer than two groups.
        """
        nominal = statistic(self.total)
        if self.num_groups < 2:
            return {name: spread(np.asarray(value)[None]) for name, value in nominal.items()}
        tables = self.by_group()
        draws = np.random.default_rng(seed).multinomial(
            self.num_groups, np.full(self.num_groups, 1 / self.num_groups), samples
        )
        values: dict[str, list[Any]] = {name: [] for name in nominal}
        for draw in draws:
            drawn = {name: np.tensordot(draw, table, 1) for name, table in tables.items()}
            for name, value in statistic(drawn).items():
                values[name].append(value)
        return {name: spread(np.array(column)) for name, column in values.items()}
