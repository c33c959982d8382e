"""Compiles the kernels for the processor at hand and tells XLA of them; once a process."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax

from jaxsparse.ops.native.machine_code import machine_code

CONVOLUTIONS = APPLY, APPLY_BY_INPUT, WEIGHT_GRADIENT, CHANNELWISE, CHANNELWISE_GRADIENT = (
    "jaxsparse_apply",
    "jaxsparse_apply_by_input",
    "jaxsparse_weight_gradient",
    "jaxsparse_channelwise_apply",
    "jaxsparse_channelwise_weight_gradient",
)
BFLOAT16 = APPLY_BFLOAT16, ROUNDED_BFLOAT16, BY_INPUT_BFLOAT16, WEIGHT_GRADIENT_BFLOAT16 = (
    "jaxsparse_apply_bfloat16",
    "jaxsparse_apply_bfloat16_rounded",
    "jaxsparse_apply_by_input_bfloat16",
    "jaxsparse_weight_gradient_bfloat16",
)
CHANNELWISE_BFLOAT16 = (
    CHANNELWISE_APPLY_BFLOAT16,
    CHANNELWISE_ROUNDED_BFLOAT16,
    CHANNELWISE_GRADIENT_BFLOAT16,
) = (
    "jaxsparse_channelwise_apply_bfloat16",
    "jaxsparse_channelwise_apply_bfloat16_rounded",
    "jaxsparse_channelwise_weight_gradient_bfloat16",
)
NORMALISATION = MOMENTS, PROJECT, SPREAD = (
    "jaxsparse_moments",
    "jaxsparse_project",
    "jaxsparse_spread",
)
NORMALISATION_BFLOAT16 = MOMENTS_BFLOAT16, PROJECT_BFLOAT16, SPREAD_BFLOAT16 = (
    "jaxsparse_moments_bfloat16",
    "jaxsparse_project_bfloat16",
    "jaxsparse_spread_bfloat16",
)
SITE_TABLES = NEIGHBOURS, HALVED = (
    "jaxsparse_neighbours",
    "jaxsparse_halved_sites",
)
NORMALISE, NORMALISE_BFLOAT16 = ("jaxsparse_normalise",), ("jaxsparse_normalise_bfloat16",)

_OF_BFLOAT16_ROWS = (NORMALISATION_BFLOAT16, NORMALISE_BFLOAT16)
FAMILIES = (
    CONVOLUTIONS,
    BFLOAT16,
    CHANNELWISE_BFLOAT16,
    NORMALISATION,
    NORMALISE,
    SITE_TABLES,
    *_OF_BFLOAT16_ROWS,
)

# Part of the names: a program that was stored for other kernels must not find these. Raise it with
# every change of what a kernel takes, gives or relies on. How it computes is its own business, and
# so is the processor: a stored program runs on any that has kernels of this version.
ABI_VERSION = 4

NONE_HERE = "none for this processor, or no llvmlite"  # why kernels do not serve

_lock = threading.Lock()
_variants: dict[tuple[str, ...], Any] = {}


def lanes(family: tuple[str, ...] = CONVOLUTIONS) -> int:
    """Compiles and registers the kernels; the floats in a vector, 0 where there are no kernels.

    There are none without llvmlite, on Windows, which has no ``sched_yield``, and on processors
    without fused multiply-add. Where LLVM cannot make them there is a warning, and none.

    Args:
      family: ``CONVOLUTIONS``; ``BFLOAT16`` and ``CHANNELWISE_BFLOAT16``, those with factors of
        bfloat16, for which a processor must have an instruction; ``NORMALISE`` or
        ``NORMALISATION`` or either of bfloat16; ``SITE_TABLES``. Each is made when it is first
        needed: inference takes no derivatives.
    """
    variant = _variant(family)
    return variant.tile.lanes if variant else 0


def _variant(family: tuple[str, ...]) -> Any:
    with _lock:  # XLA takes every name once: threads that trace at the same time must not race
        if family not in _variants:
            _variants[family] = make_kernels(family)
        return _variants[family]


def target(name: str) -> str:
    """XLA's name for a kernel, which it is registered under from now on where it can be had."""
    lanes(next(family for family in FAMILIES if name in family))
    return _target(name)


def targets(families: Iterable[tuple[str, ...]] = FAMILIES) -> list[str]:
    """XLA's names for all kernels of these families, whether this machine has them or not."""
    return [_target(name) for family in families for name in family]


def register_native_kernels(names: Iterable[str] | None = None) -> set[str]:
    """Makes kernels known to XLA, for a program that was exported with them.

    ``load_program`` does it by itself. Call it before ``jax.export.deserialize`` where that reads
    such a program. It takes up to half a second for each family of kernels, once a process.

    Args:
      names: the kernels of the program; None for all, which take two seconds.

    Returns:
      XLA's names of the kernels that it has now: no others of ours can be called.

    >>> register_native_kernels(["jaxsparse_apply_v1"])  # of another version
    set()
    """
    wanted = set(targets() if names is None else names)
    families = [family for family in FAMILIES if not wanted.isdisjoint(targets([family]))]
    return {*targets(family for family in families if lanes(family))}


def _target(name: str) -> str:
    return f"{name}_v{ABI_VERSION}"


def instruction_set(dtype: str = "float32") -> str:
    """What the kernels for factors of a type are made of here: by it the bits of results differ.

    Args:
      dtype: ``"float32"`` or ``"bfloat16"``.

    >>> instruction_set() in ("AVX-512", "AVX2", "128 bits", "none")
    True
    >>> bfloat16 = ("AMX with bfloat16", "AVX-512 with bfloat16")
    >>> instruction_set("bfloat16") in (*bfloat16, instruction_set())
    True
    """
    variant = _variant(CONVOLUTIONS)
    if dtype == "bfloat16":
        variant = _variant(BFLOAT16) or variant
    return variant.name if variant else "none"


def make_kernels(family: tuple[str, ...] = CONVOLUTIONS) -> Any:
    """What is done the first time: the variant of the kernels, None where there are none."""
    if sys.platform == "win32":
        return None
    try:  # here and not above: loading LLVM takes 0.1 s and 100 MB
        import llvmlite
        import llvmlite.binding as llvm
        from llvmlite import ir
    except (ImportError, OSError):
        return None
    from jaxsparse.ops.native import variants

    try:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        variant = variants.choose(variants_of(family), features)
        if variant is None:
            return None
        llvm.check_jit_execution()
        names = [_target(name) for name in family]
        machine = _target_machine(llvm, features)

        def compiled() -> bytes:
            module = ir.Module("jaxsparse")
            module.triple = machine.triple
            add_kernels(family, module, names, variant)
            return _object_code(llvm, module, machine)

        llvm_version = (llvmlite.__version__, *llvm.llvm_version_info)
        processor = (machine.triple, llvm.get_host_cpu_name(), features.flatten())
        code = machine_code((*names, variant.name, *llvm_version, *processor), compiled)
        handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
        for name, address in zip(names, _loaded(llvm, machine, code, names), strict=True):
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler(address)), platform="cpu")
    except (RuntimeError, OSError) as error:
        warnings.warn(f"no native kernels, XLA's operations serve: {error}", stacklevel=2)
        return None
    with contextlib.suppress(OSError, ValueError):  # a table that cannot be read costs memory only
        _release_pages_of("libllvmlite")
    return variant


def variants_of(family: tuple[str, ...]) -> tuple[Any, ...]:
    """The variants that a family may be made of, the best first."""
    from jaxsparse.ops.native import variants  # it imports llvmlite too

    if family in (BFLOAT16, CHANNELWISE_BFLOAT16):
        return variants.BFLOAT16
    if family in _OF_BFLOAT16_ROWS:  # which any processor can read and write
        return (*variants.BFLOAT16, *variants.FLOAT32)
    return variants.FLOAT32


def add_kernels(family: tuple[str, ...], module: Any, names: list[str], variant: Any) -> None:
    """Adds the kernels of a family to an LLVM module, under these names."""
    from jaxsparse.ops.native import (
        channel_maps,
        channelwise,
        column_sums,
        kernels,
        site_tables,
        strips,
        tap_sums,
    )

    tile, products, block_sum = variant.tile, variant.make_products, variant.make_block_sum
    numbers = strips.Numbers(family in _OF_BFLOAT16_ROWS, instruction=tile.bfloat16)
    if family in (NORMALISATION, NORMALISATION_BFLOAT16):
        column_sums.add_moments(module, names[0], tile.lanes, numbers)
        channel_maps.add_project(module, names[1], tile.lanes, numbers)
        channel_maps.add_spread(module, names[2], tile.lanes, numbers)
        return
    if family in (NORMALISE, NORMALISE_BFLOAT16):
        channel_maps.add_normalise(module, names[0], tile.lanes, numbers)
        return
    if family == SITE_TABLES:
        site_tables.add_neighbours(module, names[0])
        site_tables.add_halved(module, names[1])
        return
    if family == BFLOAT16:
        kernels.add_apply(module, names[0], tile, products, by_input=False)
        kernels.add_apply(module, names[1], tile, products, by_input=False, rounded=True)
        kernels.add_apply(module, names[2], tile, products, by_input=True)
        tap_sums.add_weight_gradient(module, names[3], tile, block_sum)
        return
    if family == CHANNELWISE_BFLOAT16:
        channelwise.add_channelwise_apply(module, names[0], tile)
        channelwise.add_channelwise_apply(module, names[1], tile, rounded=True)
        channelwise.add_channelwise_weight_gradient(module, names[2], tile)
        return
    kernels.add_apply(module, names[0], tile, products, by_input=False)
    kernels.add_apply(module, names[1], tile, products, by_input=True)
    tap_sums.add_weight_gradient(module, names[2], tile, block_sum)
    channelwise.add_channelwise_apply(module, names[3], tile)
    channelwise.add_channelwise_weight_gradient(module, names[4], tile)


def _target_machine(llvm: Any, features: Any) -> Any:
    """LLVM's description of the processor at hand."""
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3, jit=True
    )


def _object_code(llvm: Any, module: Any, machine: Any) -> bytes:
    """The optimised and compiled module."""
    parsed = llvm.parse_assembly(str(module))
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(parsed, passes)
    return bytes(machine.emit_object(parsed))


def _loaded(llvm: Any, machine: Any, code: bytes, names: Iterable[str]) -> list[int]:
    """Addresses of the functions of object code, which stays in memory from now on."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    addresses = [engine.get_function_address(name) for name in names]
    engine.detach()  # XLA keeps the addresses for good, so nobody may free the code
    return addresses


def _release_pages_of(library: str) -> None:
    """Gives back the pages of a library that were only read: they are in its file, if needed again.

    LLVM has 100 MB of them, which would count as this process's for good. Linux only. A mapping
    with a page that was ever written, in memory or swapped out, is left alone: that would be lost.
    """
    tables = Path("/proc/self/smaps")
    if not tables.exists():
        return
    dont_need = 4  # MADV_DONTNEED
    mapping, read_only, unwritten = "", False, False
    for line in tables.read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            mapping, read_only = name, library in line and "w" not in rest[0]
        elif name == "Anonymous:":
            unwritten = rest[0] == "0"
        elif name == "Swap:" and read_only and unwritten and rest[0] == "0":
            start, end = (int(number, 16) for number in mapping.split("-"))
            ctypes.CDLL(None).madvise(
                ctypes.c_void_p(start), ctypes.c_size_t(end - start), dont_need
            )
