"""Which row holds the site at these coordinates? Two strategies, one answer.

Rows are in lexicographic order, so the rank of an occupied cell among the occupied cells is its row
number: a bitmap with prefix counts and a binary search over the keys must agree. The bitmap costs
a quarter of a byte per cell and answers in two reads; the search costs nothing to build, however
large the volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.errors import InputError
from jaxsparse.integers import INT32_MAX
from jaxsparse.ops import coordinates
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.search import count_below

STRATEGIES = ("auto", "bitmap", "search")

# Largest volume, in cells, for which "auto" takes the bitmap (64 MiB of words and prefixes).
BITMAP_CELLS = 2**28
# Largest volume for which it may be asked for at all: cell numbers must be int32.
BITMAP_CELLS_LIMIT = INT32_MAX - 64


def choose_strategy(strategy: str, batch_size: int, spatial_shape: Sequence[int]) -> str:
    """Resolves ``"auto"`` by the volume and refuses a bitmap that int32 cannot number.

    >>> choose_strategy("auto", 1, (1008, 3456)), choose_strategy("auto", 256, (768, 768, 768))
    ('bitmap', 'search')
    """
    cells = coordinates.cell_count(batch_size, spatial_shape)
    if strategy not in STRATEGIES:
        raise InputError(f"strategy is {strategy!r}: must be one of {', '.join(STRATEGIES)}")
    if strategy == "auto":
        return "bitmap" if cells <= BITMAP_CELLS else "search"
    if strategy == "bitmap" and cells > BITMAP_CELLS_LIMIT:
        raise InputError(
            f"strategy is 'bitmap' but the volume has {cells} cells, more than int32 can number: "
            "use 'search' or 'auto'"
        )
    return strategy


class Lookup:
    """Finds the rows of sites among ``num_active`` sorted rows of ``coords``.

    Built and used inside one trace. Calling it with integer ``[..., 1 + D]`` coordinates, event
    first, gives int32 ``[...]`` rows, and ``missing`` (the capacity) where no such site exists,
    where a coordinate lies outside the volume, or where ``valid`` is False.
    """

    def __init__(
        self,
        coords: Int[Array, "sites axes"],
        num_active: Int[Array, ""],
        *,
        batch_size: int,
        spatial_shape: Sequence[int],
        strategy: str = "auto",
    ) -> None:
        self.batch_size = int(batch_size)
        self.spatial_shape = tuple(int(n) for n in spatial_shape)
        self.missing = coords.shape[0]
        self.strategy = choose_strategy(strategy, self.batch_size, self.spatial_shape)
        valid = jnp.arange(self.missing, dtype=jnp.int32) < num_active
        if self.strategy == "bitmap":
            self._build_bitmap(coords, valid)
        else:
            self._keys = coordinates.key_words(coords, valid, self.batch_size, self.spatial_shape)

    @classmethod
    def of(cls, x: Any, strategy: str = "auto") -> Lookup:
        """Of the sites of a tensor, of ``Sites`` or of a level."""
        return cls(
            x.coords,
            x.num_active,
            batch_size=x.batch_size,
            spatial_shape=x.spatial_shape,
            strategy=strategy,
        )

    def __call__(self, query: Int[Array, "... axes"], valid: Array) -> Int[Array, "..."]:
        # Every axis is tested before a cell number is formed: without that the end of one image
        # row is the neighbour of the start of the next.
        for column, size in enumerate((self.batch_size, *self.spatial_shape)):
            valid = valid & (query[..., column] >= 0) & (query[..., column] < size)
        if self.strategy == "bitmap":
            return self._from_bitmap(query, valid)
        return self._from_search(query, valid)

    def _build_bitmap(self, coords: Array, valid: Array) -> None:
        cell = coordinates.cell_index(coords, valid, self.batch_size, self.spatial_shape)
        words = -(-coordinates.cell_count(self.batch_size, self.spatial_shape) // 32)
        word, self._bits = occupied(cell, valid, words)
        # Rows are sorted: the first row of a word is the number of sites below it. Words without a
        # site are never asked.
        opens = jnp.concatenate([jnp.ones(1, bool), word[1:] != word[:-1]])
        row = jnp.arange(self.missing, dtype=jnp.int32)
        self._below = (
            jnp.zeros(words, jnp.int32).at[jnp.where(opens, word, words)].set(row, mode="drop")
        )

    def _from_bitmap(self, query: Array, valid: Array) -> Array:
        cell = coordinates.cell_index(query, valid, self.batch_size, self.spatial_shape)
        cell = jnp.where(valid, cell, 0)
        bits = self._bits[cell >> 5]
        bit = jnp.uint32(1) << (cell & 31).astype(jnp.uint32)
        row = self._below[cell >> 5] + bits_below(bits, cell)
        return jnp.where(valid & ((bits & bit) != 0), row, self.missing)

    def _from_search(self, query: Array, valid: Array) -> Array:
        words = coordinates.key_words(query, valid, self.batch_size, self.spatial_shape)
        row = count_below(self._keys, words)
        found = valid
        for key, word in zip(self._keys, words, strict=True):
            found = found & (key.at[row].get(mode="fill", fill_value=INT32_MAX) == word)
        return jnp.where(found, row, self.missing)


def occupied(cell: Array, valid: Array, words: int) -> tuple[Array, Array]:
    """The occupied cells as bits, 32 a word: the word of every site (``words`` where not valid),
    and the words, uint32.
    """
    word = jnp.where(valid, cell >> 5, words)
    bit = jnp.uint32(1) << (cell & 31).astype(jnp.uint32)
    # Sites are unique, so adding their bits is setting them; integers add in any order.
    empty = jnp.zeros(words, jnp.uint32)
    return word, empty.at[word].add(bit, mode="drop", indices_are_sorted=True)


def bits_below(bits: Array, cell: Array) -> Array:
    """int32: how many of the bits of its word lie below that of a cell."""
    lower = (jnp.uint32(1) << (cell & 31).astype(jnp.uint32)) - jnp.uint32(1)
    return jax.lax.population_count(bits & lower).astype(jnp.int32)


@one_program("strategy")
def find_rows(
    x: Any, query: Int[Array, "... axes"], valid: Array, strategy: str = "auto"
) -> Int[Array, "..."]:
    """A single look-up among the sites of ``x``, see ``Lookup``."""
    return Lookup.of(x, strategy)(query, valid)
