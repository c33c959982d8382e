"""Which pixels of another view the charge of a pixel lies in: a table of rows and offsets."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.merging import charge_weights
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Links:
    """For every pixel of one view a list of (row of another view, share of the pixel's charge).

    Pixel i has the entries ``[offsets[i], offsets[i + 1])``, or none. Its rows increase, each one
    once. Its shares are not negative and add up to at most 1; what is missing lies in no row.

    Attributes:
      offsets: int64 ``[pixels + 1]``.
      rows: int32 ``[entries]``, places in the other view's list of the same event.
      shares: float32 ``[entries]``, of the pixel's charge.

    >>> links = Links.of([0, 2, 2], rows=[7, 4, 3], shares=[1.0, 0.5, 0.25], pixels=3)
    >>> links.offsets.tolist(), links.rows.tolist(), links.shares.tolist()
    ([0, 1, 1, 3], [7, 3, 4], [1.0, 0.25, 0.5])
    >>> links.owner.tolist(), links.totals.tolist()
    ([0, 2, 2], [1.0, 0.0, 0.75])
    >>> links.take([2, 0]).rows.tolist()
    [3, 4, 7]
    """

    offsets: np.ndarray
    rows: np.ndarray
    shares: np.ndarray

    def __repr__(self) -> str:
        return f"Links({len(self.offsets) - 1} pixels, {len(self.rows)} entries)"

    @classmethod
    def of(
        cls,
        owner: Sequence[int] | np.ndarray,
        rows: Sequence[int] | np.ndarray,
        shares: Sequence[float] | np.ndarray,
        pixels: int,
    ) -> Links:
        """The table of entries in any order; those of the same pixel and row are added up.

        Args:
          owner: the pixel of every entry.
          rows: of the other view.
          shares: of the pixel's charge.
          pixels: how many there are.

        Raises:
          InputError: there is no such pixel, a number that the type cannot hold, or not one owner,
            row and share an entry.
        """
        as_column = functools.partial(as_stored, where="links", tail=(), entry="entry")
        owner = as_column(owner, np.int64, name="owner")
        rows = as_column(rows, np.int32, name="rows")
        shares = as_column(shares, np.float64, name="shares")
        if not len(owner) == len(rows) == len(shares):
            raise InputError(
                f"owner, rows and shares have {len(owner)}, {len(rows)} and {len(shares)} entries: "
                "give one of each an entry"
            )
        outside = owner[(owner < 0) | (owner >= pixels)]
        if len(outside):
            raise InputError(f"owner has pixel {outside[0]}: it must lie in [0, {pixels})")
        order = np.lexsort((rows, owner))
        owner, rows = owner[order], rows[order]
        new = np.ones(len(owner), bool)
        new[1:] = (owner[1:] > owner[:-1]) | (rows[1:] > rows[:-1])
        sums = np.bincount(np.cumsum(new) - 1, weights=shares[order])
        return cls(
            offsets_of(np.bincount(owner[new], minlength=pixels)),
            rows[new],
            sums.astype(np.float32),
        )

    @classmethod
    def none(cls, pixels: int) -> Links:
        """Of pixels that are linked to nothing."""
        return cls(np.zeros(pixels + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    @classmethod
    def own(cls, lengths: Sequence[int] | np.ndarray) -> Links:
        """Of every pixel to itself: after any transforms they say what the pixels are made of.

        Args:
          lengths: pixels of every event.

        >>> Links.own([2, 1]).rows.tolist()
        [0, 1, 0]
        """
        bounds = offsets_of(np.asarray(lengths, np.int64))
        rows = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        shares = np.ones(len(rows), np.float32)
        return cls(np.arange(len(rows) + 1), rows.astype(np.int32), shares)

    @classmethod
    def joined(cls, parts: Sequence[Links]) -> Links:
        """The links of some pixels, and of others behind them."""
        counts = [np.diff(part.offsets) for part in parts]
        return cls(
            offsets_of(np.concatenate([np.zeros(0, np.int64), *counts])),
            np.concatenate([np.zeros(0, np.int32), *[part.rows for part in parts]]),
            np.concatenate([np.zeros(0, np.float32), *[part.shares for part in parts]]),
        )

    def __eq__(self, other: object) -> bool:
        """Whether pixels, rows and shares are the same."""
        if not isinstance(other, Links):
            return NotImplemented
        return (
            np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.shares, other.shares)
        )

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.offsets) - 1

    @property
    def owner(self) -> np.ndarray:
        """int64 ``[entries]``: the pixel of every entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def totals(self) -> np.ndarray:
        """float64 ``[pixels]``: the sum of a pixel's shares."""
        return np.bincount(self.owner, weights=self.shares, minlength=len(self))

    def take(self, pixels: np.ndarray | slice | Sequence[int]) -> Links:
        """The links of some pixels, by mask, slice, or numbers in any order."""
        first, last = self.offsets[:-1][pixels], self.offsets[1:][pixels]
        offsets = offsets_of(last - first)
        entries = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], last - first)
        return Links(offsets, self.rows[entries], self.shares[entries])

    def spread(self, places: np.ndarray, pixels: int) -> Links:
        """The links of a longer list in which the pixels have other places; the rest has none.

        Args:
          places: where each pixel is, increasing.
          pixels: of the longer list.
        """
        counts = np.zeros(pixels, np.int64)
        counts[places] = np.diff(self.offsets)
        return dataclasses.replace(self, offsets=offsets_of(counts))

    def merged(self, group: np.ndarray, values: np.ndarray, groups: int) -> Links:
        """The links of pixels that are made of several: charge stays linked where it was.

        A share of the new pixel is the mean of its parts', each weighted by its charge. A part
        whose value is zero or less has no charge: its entries stay, with the share 0. Where no part
        has charge, all parts weigh the same.

        Args:
          group: int64 ``[pixels]``, which new pixel each is a part of.
          values: ``[pixels]``, their charge.
          groups: how many new pixels there are.

        >>> links = Links.of([0, 1], rows=[5, 6], shares=[1.0, 0.5], pixels=2)
        >>> one = links.merged(np.array([0, 0]), np.array([3.0, 1.0]), 1)
        >>> one.rows.tolist(), one.shares.tolist()
        ([5, 6], [0.75, 0.125])
        """
        weights = charge_weights(values, group, groups)
        owner = self.owner
        return Links.of(group[owner], self.rows, self.shares * weights[owner], groups)

    def to_rows(self, rows: np.ndarray) -> Links:
        """The same entries, of a list whose rows have other numbers.

        Args:
          rows: int64 ``[entries]``, the new row of every entry; entries below 0 go.

        >>> links = Links.of([0, 0, 1], rows=[5, 6, 5], shares=[0.5, 0.25, 1.0], pixels=2)
        >>> moved = links.to_rows(np.array([3, 3, -1]))
        >>> moved.offsets.tolist(), moved.rows.tolist(), moved.shares.tolist()
        ([0, 1, 1], [3], [0.75])
        """
        stay = rows >= 0
        return Links.of(self.owner[stay], rows[stay], self.shares[stay], len(self))


def offsets_of(counts: np.ndarray) -> np.ndarray:
    """int64: where every list begins, and the end of the last, by their lengths."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
