"""What the kernels are made of: the instruction sets that serve a family, the best first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from jaxsparse.ops.native import amx
from jaxsparse.ops.native.kernels import MakeProducts, Tile, VectorProducts
from jaxsparse.ops.native.pairs import AVX512_LANES
from jaxsparse.ops.native.tap_sums import MakeBlockSum, vector_sum
from jaxsparse.ops.native.tiles import TILE, TileProducts, tile_sum


@dataclasses.dataclass(frozen=True)
class Variant:
    """The kernels for processors that have some features.

    Attributes:
      name: of the instruction set, for people.
      needs: features that the processor must have, in LLVM's words.
      tile: what the registers hold.
      make_products: what multiplies rows in a convolution.
      make_block_sum: and in its gradient of weights.
      permitted: asks the operating system for what it has to grant.
    """

    name: str
    needs: tuple[str, ...]
    tile: Tile
    make_products: MakeProducts = VectorProducts
    make_block_sum: MakeBlockSum = vector_sum
    permitted: Callable[[], bool] = lambda: True


AMX = Variant(
    "AMX with bfloat16",
    ("amx-tile", "amx-bf16", "avx512f", "avx512bf16"),
    TILE,
    TileProducts,
    tile_sum,
    amx.permitted,
)
AVX512_BFLOAT16 = Variant(
    "AVX-512 with bfloat16",
    ("avx512f", "avx512bf16"),
    Tile(rows=8, vectors=2, lanes=AVX512_LANES, bfloat16=True),
)
AVX512 = Variant("AVX-512", ("avx512f",), Tile(rows=8, vectors=2, lanes=AVX512_LANES))
AVX2 = Variant("AVX2", ("avx2", "fma"), Tile(rows=6, vectors=2, lanes=8))
NARROW = Variant("128 bits", (), Tile(rows=6, vectors=3, lanes=4))

FLOAT32 = (AVX512, AVX2, NARROW)
BFLOAT16 = (AMX, AVX512_BFLOAT16)  # elsewhere float32 serves, with rounded factors


def choose(variants: Iterable[Variant], features: Mapping[str, bool]) -> Variant | None:
    """The first that a processor with these features has and the operating system permits.

    None has fused multiply-add only in software: x86 lists what it lacks too, arm64 has it always.
    """
    if not features.get("fma", True):
        return None
    for variant in variants:
        if all(features.get(feature) for feature in variant.needs) and variant.permitted():
            return variant
    return None
