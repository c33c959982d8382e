"""An exported program beside the live one: the inference of the published network.

    python -m benchmarks.exported [--workload=w3] [--dtype=bfloat16] [--out=FILE.json]

Three programs of one function are called in turn in one process: compiled here, exported with
kernels and loaded again, and the portable one, as ``jax.export`` alone writes it. Of every two
calls the second is timed, when caches hold what is the program's own. Times are by the clock;
ratios to the live program are those of the processor's time, which a busy machine disturbs least.
Compiling includes tracing, or what stands for it in a loaded program. The start is processor time
of a new process: until JAX is there, then until jaxsparse and the kernels of the program are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from absl import flags

import jaxsparse
from benchmarks import machine, whole_network, workloads
from benchmarks.parameters import published_network, published_variables
from jaxsparse import command_line
from jaxsparse.models.backbones.backbone import DTYPES

_START = """
import sys, time
import jax, jax.numpy
ready = time.process_time()
import jaxsparse
jaxsparse.register_native_kernels(sys.argv[1:])
print(ready, time.process_time() - ready)
"""

_WORKLOAD = flags.DEFINE_enum("workload", "w3", list(workloads.SIZES), "What is inferred.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Factors of the network's products.")
_REPEATS = flags.DEFINE_integer("repeats", 7, "Timed calls of each.", lower_bound=1)
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)


def main(_: list[str]) -> None:
    """Measures and prints, and writes, the table."""
    inference, arguments = _inference()
    data = jaxsparse.export_program(inference, *arguments)
    loaded = jaxsparse.load_program(data)
    portable = jax.export.export(jax.jit(inference))(*arguments)
    rows = _measure(
        {"live": inference, "loaded": loaded.call, "portable": portable.call}, arguments
    )
    print(f"{len(data) / 1e3:.0f} kB, {len(loaded.kernels)} kernels are called")
    print(f"{'':9} {'compile s':>9} {'ms':>9} {'of live':>9} {'difference':>11}")
    for name, row in rows.items():
        print(
            f"{name:9} {row['compile_s']:9.1f} {row['ms']:9.1f} {row['ratio']:9.2f} "
            f"{row['difference']:11.1e}"
        )
    command = [sys.executable, "-c", _START, *loaded.kernels]
    start = subprocess.run(command, capture_output=True, check=True)
    jax_s, kernels_s = map(float, start.stdout.split())
    print(f"start: {jax_s:.2f} s for JAX, {kernels_s:.2f} s for jaxsparse with its kernels")
    if _OUT.value:
        record = {
            "machine": machine.record("benchmarks.exported"),
            "bytes": len(data),
            "kernels": loaded.kernels,
            "programs": rows,
            "start_jax_s": jax_s,
            "start_kernels_s": kernels_s,
        }
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")


def _inference() -> tuple[Callable[..., Any], tuple[Any, Any]]:
    """The network from the batch to the scores of its pixels, and what it is called with."""
    workload = workloads.load(_WORKLOAD.value, folder="")
    x, capacities = whole_network.padded_tensor(workload)
    network = published_network(dtype=_DTYPE.value)
    inference = whole_network.inference(network, whole_network.geometry(capacities))
    return inference, jax.device_put((published_variables(workload.dim), x))


def _measure(
    functions: dict[str, Callable[..., Any]], arguments: Any
) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    programs, results = {}, {}
    for name, function in functions.items():
        start = time.perf_counter()
        programs[name] = jax.jit(function).lower(*arguments).compile()
        rows[name] = {"compile_s": time.perf_counter() - start}
        results[name] = np.asarray(programs[name](*arguments))
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(_REPEATS.value):
        for name, program in programs.items():
            jax.block_until_ready(program(*arguments))
            before = time.perf_counter(), time.process_time()
            jax.block_until_ready(program(*arguments))
            after = time.perf_counter(), time.process_time()
            seconds[name].append((after[0] - before[0], after[1] - before[1]))
    medians = {name: np.median(calls, axis=0) for name, calls in seconds.items()}
    for name, row in rows.items():
        row["ms"] = 1e3 * float(medians[name][0])
        row["ratio"] = float(medians[name][1] / medians["live"][1])
        scale = np.abs(results["live"]).max()
        row["difference"] = float(np.abs(results[name] - results["live"]).max() / scale)
    return rows


if __name__ == "__main__":
    command_line.run(main)
