"""Compiles the kernels for the processor at hand and tells XLA of them; once a process."""

from __future__ import annotations

import ctypes
import functools
import sys
import warnings
from pathlib import Path
from typing import Any

import jax

APPLY, APPLY_BY_INPUT, WEIGHT_GRADIENT = (
    f"jaxsparse_{name}" for name in ("apply", "apply_by_input", "weight_gradient")
)

_engines: list[Any] = []  # own the machine code


@functools.cache
def lanes() -> int:
    """Compiles and registers the kernels; the floats in a vector, 0 where there are no kernels.

    There are none without llvmlite, on Windows, which has no ``sched_yield``, and on processors
    without fused multiply-add. Where LLVM cannot make them there is a warning, and none.
    """
    if sys.platform == "win32":
        return 0
    try:  # here and not above: loading LLVM takes 0.1 s and 100 MB
        import llvmlite.binding as llvm
        from llvmlite import ir
    except ImportError:
        return 0
    from jaxsparse.ops.native import kernels  # it imports llvmlite too

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    if not features.get("fma", True):  # x86 lists what it has and has not, arm64 always has it
        return 0
    tile = kernels.tile_for(features)
    module = ir.Module("jaxsparse")
    module.triple = llvm.get_process_triple()
    kernels.add_apply(module, APPLY, tile, by_input=False)
    kernels.add_apply(module, APPLY_BY_INPUT, tile, by_input=True)
    kernels.add_weight_gradient(module, WEIGHT_GRADIENT, tile)

    try:
        _register(_machine_code(llvm, module))
    except RuntimeError as error:
        warnings.warn(f"no native kernels, convolutions take XLA's: {error}", stacklevel=2)
        return 0
    _release_pages_of("libllvmlite")
    return tile.lanes


def _machine_code(llvm: Any, module: Any) -> Any:
    """The execution engine that holds the compiled module."""
    compiled = llvm.parse_assembly(str(module))
    machine = llvm.Target.from_triple(module.triple).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(compiled, passes)
    engine = llvm.create_mcjit_compiler(compiled, machine)
    engine.finalize_object()
    return engine


def _register(engine: Any) -> None:
    _engines.append(engine)
    handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    for name in (APPLY, APPLY_BY_INPUT, WEIGHT_GRADIENT):
        capsule = jax.ffi.pycapsule(handler(engine.get_function_address(name)))
        jax.ffi.register_ffi_target(name, capsule, platform="cpu")


def _release_pages_of(library: str) -> None:
    """Gives back the pages of a library that were only read: they are in its file, if needed again.

    LLVM has 100 MB of them, which would count as this process's for good. Linux only.
    """
    tables = Path("/proc/self/smaps")
    if not tables.exists():
        return
    dont_need = 4  # MADV_DONTNEED; it would forget what was written, hence the test for dirty pages
    mapping, ours = "", False
    for line in tables.read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            mapping, ours = name, library in line and "w" not in rest[0]
        elif ours and name == "Private_Dirty:" and rest[0] == "0":
            start, end = (int(number, 16) for number in mapping.split("-"))
            ctypes.CDLL(None).madvise(
                ctypes.c_void_p(start), ctypes.c_size_t(end - start), dont_need
            )
