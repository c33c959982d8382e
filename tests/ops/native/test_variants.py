"""Every variant of the kernels: run where the processor has it, and built for those that do."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import geometry, sparse_tensor
from jaxsparse.ops import channel_maps, column_sums
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.native import compiler
from tests.ops.drawn_maps import CAPACITY, draw, everything, exact, maps, sites_and_geometry
from tests.ops.many_threads import same_bits_in_many_threads

llvm = pytest.importorskip("llvmlite.binding")

from llvmlite import ir  # noqa: E402

from jaxsparse.ops.native import tiles, variants  # noqa: E402
from jaxsparse.ops.native.code import I32, I64, POINTER, Code  # noqa: E402
from tests.ops.native import emulated_registers  # noqa: E402
from tests.ops.native.emulated_registers import EmulatedRegisters  # noqa: E402

EMULATED = dataclasses.replace(
    variants.AMX,
    name="AMX, emulated",
    needs=variants.AVX512_BFLOAT16.needs,  # by which it rounds
    make_products=functools.partial(tiles.TileProducts, make_registers=EmulatedRegisters),
    make_block_sum=functools.partial(tiles.tile_sum, make_registers=EmulatedRegisters),
    permitted=lambda: True,
)
BFLOAT16 = (*variants.BFLOAT16, EMULATED)
CHOICE = {family: compiler.variants_of(family) for family in compiler.FAMILIES}
OF_BFLOAT16 = (compiler.BFLOAT16, compiler.CHANNELWISE_BFLOAT16)
LEAST = {
    "128 bits": ("x86-64", "+fma"),
    "AVX2": ("x86-64-v3", ""),
    "AVX-512": ("x86-64-v4", ""),
    "AVX-512 with bfloat16": ("x86-64-v4", "+avx512bf16"),
    "AMX, emulated": ("x86-64-v4", "+avx512bf16"),
    "AMX with bfloat16": ("x86-64-v4", "+avx512bf16,+amx-bf16,+amx-tile"),
}
_made: dict[str, dict] = {}  # XLA takes every name once a process


@pytest.fixture(scope="module")
def batch():
    return sites_and_geometry()


def filled_with_nan(code, own, kind, length):
    """Memory that holds NaN, whatever is made of its bits, until something is written."""
    address = own(code, kind, length)
    with code.b.goto_block(code._entry):
        fill = code.external("memset", POINTER, [POINTER, I32, I64])
        size = length * (kind.width // 8 if isinstance(kind, ir.IntType) else 4)
        code.b.call(fill, [address, ir.Constant(I32, 0xFF), code.integer(size)])
    return address


def machine_of(variant, llvm, features):
    """The least processor that has the variant, of those whose code this one can run."""
    triple = llvm.get_process_triple()
    cpu, some = llvm.get_host_cpu_name(), features.flatten()
    if triple.startswith("x86_64"):
        cpu, some = LEAST[variant.name]
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=some, opt=3, jit=True)


def serving(variant):
    """The kernels of a variant serve instead of those that are best here."""
    chosen = variants.choose([variant], llvm.get_host_cpu_features())
    own = compiler._variant(compiler.CONVOLUTIONS)
    if chosen is None or own is None:
        pytest.skip(f"not on this processor: {variant.name}")
    halves = variant.tile.bfloat16
    others = {compiler.CONVOLUTIONS: own} if halves else dict.fromkeys(OF_BFLOAT16)
    jax.clear_caches()
    emulated_registers.forget_counts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variants, "BFLOAT16", (variant,) if halves else ())
        patch.setattr(variants, "FLOAT32", variants.FLOAT32 if halves else (variant,))
        patch.setattr(compiler, "_variants", _made.setdefault(variant.name, others))
        patch.setattr(compiler, "ABI_VERSION", f"for {variant.name}")
        # The emulation knows an address of this process: its code is of no use to another.
        patch.setattr(compiler, "machine_code", lambda _, make: make())
        patch.setattr(compiler, "_target_machine", functools.partial(machine_of, variant))
        patch.setattr(Code, "array", functools.partialmethod(filled_with_nan, Code.array))
        assert compiler.instruction_set("bfloat16" if halves else "float32") == variant.name
        yield variant
    jax.clear_caches()
    assert emulated_registers.counts() == (0, 0)


@pytest.fixture(scope="module", params=variants.FLOAT32, ids=lambda variant: variant.name)
def float32_variant(request):
    yield from serving(request.param)


@pytest.fixture(scope="module", params=BFLOAT16, ids=lambda variant: variant.name)
def bfloat16_variant(request):
    yield from serving(request.param)


def equals_float64(kernel_map, channels, out, dtype, compute_dtype):
    """Features that are bfloat16 get results that are, rounded once; float32 ones float32."""
    factors = dtype if compute_dtype is None else "bfloat16"
    arguments = [
        draw(1, kernel_map.capacity_in, channels, dtype=factors).astype(dtype),
        draw(2, kernel_map.taps, channels, out, dtype=factors).astype(jnp.float32),
        kernel_map,
        draw(3, kernel_map.capacity_out, out, dtype=factors).astype(dtype),
    ]
    results = everything(*arguments, implementation="native", compute_dtype=compute_dtype)
    for result, expected in zip(results, exact(*arguments), strict=True):
        rounding = 2**-8 if result.dtype == jnp.bfloat16 else 0
        largest = np.abs(expected).max(initial=0)
        result = result.astype(jnp.float32)
        np.testing.assert_allclose(result, expected, rtol=rounding, atol=1e-6 * largest)


SHAPES = [("same", 1, 32), ("same", 17, 5), ("down", 33, 50), ("up", 20, 33)]


def test_float32_kernels_equal_sums_in_float64(batch, float32_variant):
    for kind, channels, out in SHAPES:
        equals_float64(maps(batch[1])[kind], channels, out, "float32", None)


def test_float32_kernels_serve_where_bfloat16_has_none(batch, float32_variant):
    equals_float64(maps(batch[1])["same"], 17, 5, "float32", jnp.bfloat16)
    equals_float64(maps(batch[1])["down"], 5, 17, "bfloat16", jnp.bfloat16)


def channelwise_equals_float64(kernel_map, dtype, factors, compute_dtype):
    x, w, g = (
        draw(seed, *shape, dtype=factors).astype(kind)
        for seed, shape, kind in (
            (1, (CAPACITY, 37), dtype),
            (2, (9, 1, 37), "float32"),
            (3, (CAPACITY, 37), dtype),
        )
    )

    @jax.jit
    def everything(x, w, g):
        def convolve(x, w):
            return convolve_rows(
                x, w, kernel_map, groups=37, compute_dtype=compute_dtype, implementation="native"
            )

        out, back = jax.vjp(convolve, x, w)
        return out, *back(g)

    # The same as one group of 37 channels, of a matrix with this diagonal.
    out, by_x, by_matrices = exact(x, jnp.eye(37) * w, kernel_map, g)
    expected = (out, by_x, np.diagonal(by_matrices, axis1=1, axis2=2)[:, None])
    for result, numbers in zip(everything(x, w, g), expected, strict=True):
        rounding = 2**-8 if result.dtype == jnp.bfloat16 else 0
        atol = 1e-6 * np.abs(numbers).max()
        np.testing.assert_allclose(result.astype(jnp.float32), numbers, rtol=rounding, atol=atol)


def test_channelwise_kernels_equal_sums_in_float64(batch, float32_variant):
    channelwise_equals_float64(maps(batch[1])["same"], "float32", "float32", None)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_channelwise_bfloat16_kernels_have_sums_of_float32(batch, bfloat16_variant, dtype):
    channelwise_equals_float64(maps(batch[1])["same"], dtype, "bfloat16", jnp.bfloat16)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sums_and_maps_of_channels_equal_float64(float32_variant, dtype):
    """Without an instruction that rounds to bfloat16, too."""
    x, u = (jnp.asarray(draw(seed, 3001, 37), dtype) for seed in (1, 2))
    lines, active = draw(3, 4, 37), 2900
    first, *others = column_sums.column_moments(x, jnp.int32(active), implementation="native")
    y = channel_maps.normalise(x, lines, jnp.int32(active), "native")
    rows, sums = channel_maps.project(u, x, lines, jnp.int32(active), "native")
    spread = channel_maps.spread(sums, u, x, lines, jnp.int32(active), "native")
    exact: Any = (np.asarray(array, np.float64) for array in (x[:active], u[:active], sums))
    x, u, c = exact
    distance = x - lines[0]
    shut = lines[2] * distance + lines[3] <= 0
    passed = np.where(shut, 0, u)
    expected = {
        "sums": (
            [first, *others, *sums],
            [x.sum(0), ((x - x.mean(0)) ** 2).sum(0), passed.sum(0), (passed * distance).sum(0)],
            1e-6 * active,  # of terms about 1
        ),
        "rows": (
            [array[:active] for array in (y, rows, spread)],
            [
                np.maximum(distance * lines[1] + lines[2], lines[3]),
                lines[1] * passed,
                np.where(shut, 0, c[0] + c[1] * distance + lines[1] * u),
            ],
            1e-6 if dtype == "float32" else 2**-8,
        ),
    }
    for results, oracle, tolerance in expected.values():
        for result, numbers in zip(results, oracle, strict=True):
            scale = max(1, np.abs(numbers).max()) if result.ndim > 1 else 1
            np.testing.assert_allclose(
                np.asarray(result, np.float64), numbers, atol=tolerance * scale
            )


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_bfloat16_kernels_have_sums_of_float32(batch, bfloat16_variant, dtype):
    for kind, channels, out in SHAPES:
        equals_float64(maps(batch[1])[kind], channels, out, dtype, jnp.bfloat16)


@pytest.mark.parametrize("sites", [0, 1, 5])
def test_bfloat16_kernels_take_any_number_of_pairs(bfloat16_variant, sites):
    coords = [[0, 2 * row] for row in range(sites)]  # no neighbours: every site is its own pair
    x = sparse_tensor(
        np.reshape(coords, (sites, 2)).astype(np.int32),
        np.ones((sites, 1), np.float32),
        spatial_shape=(16,),
        batch_size=1,
        capacity=6,
    )
    for kernel_map in maps(geometry(x, levels=2)).values():
        equals_float64(kernel_map, 3, 5, "float32", jnp.bfloat16)


def test_tiles_take_the_widest_rows_in_portions():
    """64 rows of 4,096 channels are more than the memory for copies holds."""
    x = sparse_tensor(
        np.stack([np.zeros(64, np.int32), np.arange(64, dtype=np.int32)], axis=1),
        np.ones((64, 1), np.float32),
        spatial_shape=(64,),
        batch_size=1,
    )
    kernel_map = geometry(x, levels=1).levels[0].kernel_maps[3]
    for _ in serving(EMULATED):
        equals_float64(kernel_map, 4096, 3, "float32", "bfloat16")


def test_bfloat16_kernels_give_the_same_bits_to_many_threads_at_once(batch, bfloat16_variant):
    arguments = (
        draw(1, CAPACITY, 17, dtype="bfloat16"),
        draw(2, 9, 17, 5),
        maps(batch[1])["same"],
        draw(3, CAPACITY, 5, dtype="bfloat16"),
    )
    run = functools.partial(everything, *arguments, implementation="native")
    same_bits_in_many_threads(run, threads=4, calls=8)


X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


@pytest.mark.parametrize(
    ("variant", "triple", "processor", "instructions"),
    [
        (variants.AMX, X86, "sapphirerapids", ["ldtilecfg", "tdpbf16ps", "tilerelease"]),
        (variants.AVX512_BFLOAT16, X86, "cooperlake", ["vdpbf16ps", "vcvtneps2bf16"]),
        (variants.AVX512, X86, "skylake-avx512", ["vfmadd", "%zmm", "vpcompressq"]),
        (variants.AVX2, X86, "haswell", ["vfmadd", "%ymm"]),
        (variants.NARROW, ARM, "generic", ["fmla"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_variant_is_valid_code_of_its_processors(variant, triple, processor, instructions):
    """Also of those that this one is not: built for them, looked at, and not run."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    families = [family for family, choice in CHOICE.items() if variant in choice]
    module = ir.Module()
    module.triple = triple
    for family in families:
        compiler.add_kernels(family, module, list(family), variant)
    code = llvm.parse_assembly(str(module))
    code.verify()
    target = llvm.Target.from_triple(triple)
    assembly = target.create_target_machine(cpu=processor, opt=1, jit=True).emit_assembly(code)
    for instruction in instructions:
        assert instruction in assembly
    configurations = [assembly.count(f"\t{name}") for name in ("ldtilecfg", "tilerelease")]
    assert configurations == ([4, 4] if variant is variants.AMX else [0, 0])
