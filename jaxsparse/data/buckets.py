"""Capacities that batches are padded to: few enough to compile, close enough not to waste.

``docs/scaling.md`` tells how the table is measured and why nothing is ever dropped.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.split import split_by_sites
from jaxsparse.errors import InputError
from jaxsparse.rules import LARGEST

MAX_BUCKETS = 8  # compiled programs a run
DRAWS = 512  # batches that a table is measured on
MARGIN = 1.1  # the largest measured bucket over the largest batch seen
SMALLEST = 64


@dataclasses.dataclass(frozen=True)
class BucketTable:
    """Tuples of per-level capacities, smallest first; at most eight.

    Attributes:
      capacities: one tuple a bucket, finest level first.
      measured: how many of them the sample asked for; the rest are for what it did not show, cost
        nothing while unused, and the last one fits every batch that the file can give (or
        ``data.max_sites``).

    >>> table = BucketTable(((64, 64), (1024, 512)))
    >>> table.pick([100, 40]), table.pick([10, 64]), table.pick([2000, 100])
    (1, 0, None)
    """

    capacities: tuple[tuple[int, ...], ...]
    measured: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.capacities) <= MAX_BUCKETS:
            raise InputError(
                f"bucket table has {len(self.capacities)} rows: it must have 1 to {MAX_BUCKETS}"
            )

    @property
    def expected(self) -> tuple[tuple[int, ...], ...]:
        """The buckets that the sample asked for; all of a table that was given."""
        return self.capacities[: self.measured or None]

    def pick(self, counts: Sequence[int] | Sequence[Sequence[int]] | np.ndarray) -> int | None:
        """Number of the smallest bucket that fits at every level; None if none does.

        Args:
          counts: sites of every level, or ``[shares, levels]``: then all shares must fit.
        """
        most = np.asarray(counts).reshape(-1, len(self.capacities[0])).max(axis=0)
        for bucket, capacities in enumerate(self.capacities):
            if (most <= np.asarray(capacities)).all():
                return bucket
        return None

    @property
    def largest(self) -> tuple[int, ...]:
        """The last tuple."""
        return self.capacities[-1]


def fit_buckets(
    typical: np.ndarray,
    largest: np.ndarray,
    bound: Sequence[int],
    *,
    batch_size: int,
    num_shares: int = 1,
    num_buckets: int = 4,
    max_sites: int = 0,
    seed: int = 0,
    views: int = 1,
) -> BucketTable:
    """The table for batches of ``batch_size`` events split by sites over ``num_shares``.

    Batches are drawn from the sample and split as the loader splits them; of the loads of the
    fullest share, ``num_buckets`` thresholds are chosen that make the padded total smallest, the
    last at the largest load times 1.1. The capacity of a level is the largest count of that level
    among the draws below the threshold. All are rounded up by at most an eighth. Then follow, up
    to eight in all, growing buckets for what the sample did not show; the last is the bound.

    Args:
      typical: int ``[events, levels]``, sites of every level of events drawn at random.
      largest: int ``[events, levels]``, the same of the largest events of the file.
      bound: sites that no event exceeds, for every level.
      batch_size: events in a batch of one process.
      num_shares: how many a batch is split into, one a device and micro-batch.
      num_buckets: how many to fit to the sample, 1 to 8.
      max_sites: no bucket has more sites of the finest level; 0 for no limit.
      seed: of the draws.
      views: how many images an event has; ``levels`` columns each.

    Raises:
      InputError: ``num_buckets`` outside 1 to 8.
    """
    if not 1 <= num_buckets <= MAX_BUCKETS:
        raise InputError(f"data.num_buckets is {num_buckets}: it must be 1 to {MAX_BUCKETS}")
    slots = -(-batch_size // num_shares)
    loads = _draw_loads(typical, largest, batch_size, num_shares, seed, views, slots)
    loads = loads[np.argsort(_sites(loads, views), kind="stable")]
    limit = np.maximum(np.array(bound, np.int64), 1) * slots
    if max_sites:
        limit = np.minimum(limit, max_sites)

    table: list[tuple[int, ...]] = []
    for last in _thresholds(_sites(loads, views), min(num_buckets, MAX_BUCKETS - 1)):
        margin = MARGIN if last == len(loads) - 1 else 1.0
        table.append(_friendly(loads[: last + 1].max(axis=0) * margin, limit, views))
    table = sorted(set(table))
    measured = len(table)
    grown = _growth(table[-1], limit, MAX_BUCKETS - measured, views)
    return BucketTable((*table, *grown), measured)


def stated_buckets(
    capacities: Sequence[Sequence[int]], bound: Sequence[int], *, slots: int
) -> BucketTable:
    """The table that a config states, and room for every event.

    Runs on different files share their compiled programs where they share their capacities.

    Args:
      capacities: ``data.capacities``, one row a bucket.
      bound: sites that no event exceeds, for every level of every view: the last row is
        ``slots`` times that, where no other reaches it.
      slots: most events of a share.

    Raises:
      InputError: rows of another length, numbers that are none, more than eight rows.

    >>> stated_buckets([(64, 32), (128, 64)], [30, 15], slots=4).capacities
    ((64, 32), (128, 64))
    >>> stated_buckets([(64, 32)], [30, 15], slots=4).capacities
    ((64, 32), (120, 60))
    """
    rows = [tuple(row) if isinstance(row, list | tuple) else (row,) for row in capacities]
    for row in rows:
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in row)
        if len(row) != len(bound) or not whole:
            raise InputError(
                f"data.capacities has the row {row}: it must be {len(bound)} positive whole "
                "numbers, one a level of every view; leave it empty to have them measured"
            )
    table, limit = tuple(sorted(set(rows))), tuple(slots * max(int(n), 1) for n in bound)
    full = BucketTable(table, len(table))
    return full if full.pick(limit) is not None else BucketTable((*table, limit), len(table))


def grown_for(counts: np.ndarray, *, views: int = 1, factor: float = 1.5) -> tuple[int, ...]:
    """Capacities for sites as counted and for somewhat larger images.

    Args:
      counts: int64 ``[views * levels]``.
      views: how many.
      factor: how much larger.

    >>> grown_for(np.array([1000, 400]))
    (1536, 640)
    """
    more = np.ceil(np.maximum(counts, 1) * factor).astype(np.int64)
    return _friendly(more, np.full(len(more), LARGEST), views)


def _sites(counts: np.ndarray, views: int) -> np.ndarray:
    """Sites of the finest level over all views, of every row of ``[rows, views * levels]``."""
    return counts.reshape(len(counts), views, -1)[:, :, 0].sum(axis=1)


def _draw_loads(
    typical: np.ndarray,
    largest: np.ndarray,
    batch_size: int,
    num_shares: int,
    seed: int,
    views: int,
    slots: int,
) -> np.ndarray:
    """int64 ``[draws, levels]``: of each drawn batch, the largest count of any share."""
    if len(typical) == 0:
        return np.zeros((1, typical.shape[1]), np.int64)
    rng = np.random.default_rng([seed, len(typical)])
    loads = []
    for draw in range(DRAWS + len(largest)):
        batch = typical[rng.integers(len(typical), size=batch_size)]
        if draw >= DRAWS:
            batch[0] = largest[draw - DRAWS]
        shares = split_by_sites(_sites(batch, views).tolist(), num_shares, slots=slots)
        loads.append(np.max([batch[share].sum(axis=0) for share in shares], axis=0))
    return np.array(loads, np.int64)


def _thresholds(totals: np.ndarray, num_buckets: int, candidates: int = 48) -> list[int]:
    """Rows of sorted ``totals`` to end buckets at, so that the sum of paddings is smallest.

    Exact over evenly spaced candidates: best[k][j] is the least padded total of the draws up to
    candidate j in k buckets.
    """
    ends = np.unique(np.linspace(0, len(totals) - 1, candidates).round().astype(int))
    best = (ends + 1.0) * totals[ends]
    came_from = []
    for _ in range(num_buckets - 1):
        cost = best[:, None] + (ends[None, :] - ends[:, None]) * totals[ends][None, :]
        cost[np.tril_indices(len(ends))] = np.inf
        cost = np.vstack([cost, best])  # or no further bucket
        came_from.append(cost.argmin(axis=0))
        best = cost.min(axis=0)
    chosen, end = [], len(ends) - 1
    for previous in reversed(came_from):
        if previous[end] < len(ends):
            chosen.append(end)
            end = int(previous[end])
    return [int(ends[end]) for end in sorted({*chosen, end})]


def _growth(
    last: tuple[int, ...], limit: np.ndarray, room: int, views: int
) -> list[tuple[int, ...]]:
    """At most ``room`` tuples from ``last`` to ``limit``, in equal ratios of a quarter or more."""
    finest = slice(None, None, len(last) // views)
    ratio = float(np.max(limit[finest] / np.maximum(1, last[finest])))
    steps = min(room, max(1, math.ceil(math.log(max(ratio, 1.0), 1.25))))
    grown: list[tuple[int, ...]] = []
    for step in range(1, steps):
        grown.append(_friendly(np.array(last) * ratio ** (step / steps), limit, views))
    grown.append(tuple(limit.tolist()))
    return sorted({*grown} - {last})


def _friendly(counts: np.ndarray, limit: np.ndarray, views: int) -> tuple[int, ...]:
    """Rounded up by at most an eighth, never above ``limit`` or the level before of its view."""
    rounded = [min(_round_up(math.ceil(n)), int(top)) for n, top in zip(counts, limit, strict=True)]
    falling = np.minimum.accumulate(np.reshape(rounded, (views, -1)), axis=1)
    return tuple(falling.ravel().tolist())


def _round_up(count: int) -> int:
    """Next number with only four leading binary digits, at least 64.

    >>> _round_up(3), _round_up(1000), _round_up(1025)
    (64, 1024, 1152)
    """
    step = max(SMALLEST, 2 ** (max(count, 1).bit_length() - 4))
    return max(SMALLEST, -(-count // step) * step)
