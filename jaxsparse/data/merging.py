"""The truth of a pixel that is made of several: one rule a column."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np


def merged_columns(
    columns: Mapping[str, np.ndarray],
    values: np.ndarray,
    rules: Mapping[str, str],
    block: np.ndarray,
    blocks: int,
    factor: int,
) -> dict[str, np.ndarray]:
    """The columns of blocks of pixels.

    Args:
      columns: of the pixels, by name.
      values: ``[pixels]``, their charge.
      rules: name in :data:`RULES` of every column.
      block: int64 ``[pixels]``, which block each is a part of; none is empty.
      blocks: how many there are.
      factor: pixels along a side of a block.
    """
    if not blocks:
        return dict(columns)
    order = np.lexsort((-values, block))
    own = block[order]
    parts = Parts(
        {name: column[order] for name, column in columns.items()},
        charge_weights(values, block, blocks)[order],
        own,
        np.searchsorted(own, np.arange(blocks)),
        factor,
    )
    return {
        name: RULES[rules[name]](column, parts).astype(column.dtype)
        for name, column in parts.columns.items()
    }


def charge_weights(values: np.ndarray, block: np.ndarray, blocks: int) -> np.ndarray:
    """float64 ``[pixels]``: shares of their block's charge, which add up to 1 in every block.

    A part whose value is zero or less has no charge. Where no part has charge, all weigh the same.
    """
    weights = np.maximum(values, 0).astype(float)
    sums = np.bincount(block, weights, minlength=blocks)
    weights[sums[block] == 0] = 1.0
    return weights / np.bincount(block, weights, minlength=blocks)[block]


@dataclasses.dataclass(frozen=True)
class Parts:
    """Pixels that blocks are made of, block after block, in each that with most charge first.

    Attributes:
      columns: truth of the parts.
      weights: float64 ``[parts]``, of :func:`charge_weights`.
      block: int64 ``[parts]``.
      first: int64 ``[blocks]``, the part of each with most charge.
      factor: pixels along a side of a block.
    """

    columns: dict[str, np.ndarray]
    weights: np.ndarray
    block: np.ndarray
    first: np.ndarray
    factor: int

    def mean(self, values: np.ndarray) -> np.ndarray:
        """float64 ``[blocks]``: of the parts' values, weighted by charge; NaN ones do not count."""
        known = ~np.isnan(values)
        weights = np.where(known, self.weights, 0.0)
        blocks = len(self.first)
        sums = np.bincount(self.block, np.where(known, values, 0.0) * weights, minlength=blocks)
        with np.errstate(invalid="ignore"):  # blocks of which nothing is known
            return sums / np.bincount(self.block, weights, minlength=blocks)


def _largest(column: np.ndarray, parts: Parts) -> np.ndarray:
    """The value of the part with most charge."""
    return column[parts.first]


def _most(column: np.ndarray, parts: Parts) -> np.ndarray:
    """The greatest of all parts."""
    return np.maximum.reduceat(column, parts.first)


def _nearest(column: np.ndarray, parts: Parts) -> np.ndarray:
    """The smallest, a length in pixels that becomes one in the larger pixels."""
    return np.minimum.reduceat(column, parts.first) / parts.factor


def _share(column: np.ndarray, parts: Parts) -> np.ndarray:
    """Of the block's charge, what is known to be of its instance; a lower bound.

    What the instance left in parts that another one names is not known. Nor are the other parts'
    instances without a column of them.
    """
    instance = parts.columns.get("instance", np.arange(len(column)))
    leads = instance == instance[parts.first][parts.block]
    return np.minimum(parts.mean(column * leads), 1.0)


def _mean(column: np.ndarray, parts: Parts) -> np.ndarray:
    """The mean of the parts of which it is known, weighted by charge."""
    return parts.mean(column.astype(float))


def _along_spread(column: np.ndarray, parts: Parts) -> np.ndarray:
    """The standard deviation of all parts' charge together; unknown without their means."""
    if "along" not in parts.columns:
        return np.full(len(parts.first), np.nan)
    along = parts.columns["along"].astype(float)
    offset = along - parts.mean(along)[parts.block]
    return np.sqrt(parts.mean(column.astype(float) ** 2 + offset**2))


RULES: dict[str, Callable[[np.ndarray, Parts], np.ndarray]] = {
    "largest": _largest,
    "most": _most,
    "nearest": _nearest,
    "share": _share,
    "mean": _mean,
    "along_spread": _along_spread,
}
