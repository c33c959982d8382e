"""The field's benchmark compiled for an H200 where there is none: kernels, memory, an estimate.

    python -m venv ~/aot && . ~/aot/bin/activate
    pip install -e . nvidia-cuda-nvcc-cu12
    version=$(python -c 'import jaxlib; print(jaxlib.__version__)')
    pip install --no-deps jax-cuda12-pjrt==$version jax-cuda12-plugin==$version
    python -m benchmarks.compiled_for_gpu [--size=small] [--events=16] [--out=FILE.json]

XLA compiles for a device that is described to it; its compiler for PTX is in a wheel. Kernels and
memory are those of the compiled program, times an estimate (``gpu_cost.py``): nothing is run. With
a GPU XLA tries out the tiles of its matrix products, and sorts with NVIDIA's library. Every program
builds its maps, which the field's figures exclude: ``benchmarks.accelerator`` measures both.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import jax
from absl import flags
from jax.sharding import SingleDeviceSharding

from benchmarks import machine
from benchmarks.accelerator import field
from benchmarks.gpu_cost import cost
from benchmarks.h200 import device
from benchmarks.programs import lower
from jaxsparse import command_line
from jaxsparse.ops.sites import OUTPUT_SITES

_SIZES = flags.DEFINE_multi_enum("size", list(field.ENCODERS), list(field.ENCODERS), "Networks.")
_EVENTS = flags.DEFINE_multi_enum("events", ["1", "16"], ["1", "16"], "Events of a batch.")
_RULE = flags.DEFINE_enum("rule", "stride", OUTPUT_SITES, "Sites of strided layers.")
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)
_LINE = "{program:21} {kernels:8d} {waits:6d} {estimated_ms:12.2f} {temporaries_mb:15.0f}"


def main(_: list[str]) -> None:
    """Compiles every case and prints, and writes, the table."""
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"  # there is no driver to look for
    jax.config.update("jax_platforms", "cpu")
    target = SingleDeviceSharding(device())
    rows: list[dict[str, Any]] = []
    print(f"{'':21} {'kernels':>8} {'waits':>6} {'estimate ms':>12} {'temporaries MB':>15}")
    for events in map(int, _EVENTS.value):
        for name, function, arguments in _programs(events):
            rows.append({"program": f"{name} x {events}", **_facts(function, arguments, target)})
            print(_LINE.format(**rows[-1]), flush=True)
    if _OUT.value:
        record = {"machine": machine.record("benchmarks.compiled_for_gpu"), "rows": rows}
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")


def _programs(events: int) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """Name, function and arguments of the maps and of every network, which builds them."""
    workload = field.batch(field.SITES[events], events)
    encoders = {size: field.ENCODERS[size] for size in _SIZES.value}
    stages = len(next(iter(encoders.values())).channels)
    x, capacities = field.padded(workload, stages, _RULE.value)

    def maps_of(x: Any) -> field.Maps:
        return field.build_maps(x, capacities, _RULE.value)

    yield "maps", maps_of, (x,)
    maps = jax.eval_shape(maps_of, x)
    for size, encoder in encoders.items():
        variables = field.variables_of(encoder, x, maps)
        for mode in field.MODES:
            run = field.function_of(encoder, mode)
            function = functools.partial(lambda run, v, x: run(v, x, maps_of(x)), run)
            yield f"{size} {mode}", function, (variables, x)


def _facts(function: Callable[..., Any], arguments: Any, target: Any) -> dict[str, float]:
    """What is known of a program once it is compiled for shapes on the device."""
    on_device = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=target), arguments
    )
    program = lower(function, *on_device).compile()
    compiled: Any = program.compiled
    estimate = cost(compiled.as_text())
    return {
        "kernels": estimate.kernels,
        "waits": estimate.waits,
        "estimated_ms": 1e3 * estimate.seconds,
        "temporaries_mb": program.facts["temporaries_mb"],
    }


if __name__ == "__main__":
    command_line.run(main)
