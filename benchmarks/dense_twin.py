"""Sparse UResNet against its dense twin, on the same images in one run.

    python -m benchmarks.dense_twin [--out=FILE.json] [--data=EVENTS.h5] [--cases=crop,volume]

Both are one network definition with one set of parameters (``vocabulary="sparse"`` and
``"dense"``, the latter in plain mode: ``jax.lax`` convolutions over every pixel and ordinary batch
norm). The sparse side builds its coordinates and kernel maps inside every call. Times are medians
of calls in turn, sparse - dense - sparse - dense, after compilation. Memory is the resident size of
a fresh process that makes one call, its compiled program loaded from a cache: the peak of the whole
process, and by how much the call itself raised it, over Python, JAX, parameters and input.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

import jaxsparse
from benchmarks import machine, whole_network
from benchmarks.images import event_of, tracks
from benchmarks.machine import resident_mb
from benchmarks.parameters import published_network, published_variables
from jaxsparse import command_line, ops
from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import DTYPES
from jaxsparse.nn.dense_tensor import DenseTensor, dense_geometry

_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)
_DATA = command_line.define_path(
    "data", None, "Event file for the 2-D images; without: seeded tracks."
)
_EVENT = flags.DEFINE_integer("event", 0, "Event of --data to take.")
_VIEW = flags.DEFINE_string("view", "Y", "View of --data to take.")
_CASES = flags.DEFINE_list(
    "cases", "crop,plane,volume,large_volume", "Cases to run, of these four."
)
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Type of the products.")
_REPEATS = flags.DEFINE_integer("repeats", 7, "Timed calls of each, at most.")
_BUDGET = flags.DEFINE_float("seconds", 30.0, "Time for the calls of one row; 3 are always made.")
_CHILD = flags.DEFINE_string("child", "", "For its own use: measure the memory of one thing.")


@dataclasses.dataclass(frozen=True)
class Case:
    """One image size: its axes, how many sites seeded tracks give it, what is measured."""

    shape: tuple[int, ...]
    num_sites: int
    modes: tuple[str, ...] = ("forward", "training_step")


# The published crop, the whole collection plane, and two volumes at the occupancy of 3-D events.
CASES = {
    "crop": Case((512, 512), 1835),
    "plane": Case((1008, 3456), 17400, modes=("forward",)),
    "volume": Case((64, 64, 64), 1500),
    "large_volume": Case((96, 96, 96), 4000, modes=("forward",)),
}
DEPTH = 5
LEARNING_RATE = 1e-3


def main(_: list[str]) -> None:
    """Measures every case and prints, and writes, the table."""
    if _CHILD.value:
        print(json.dumps(_memory_of(**json.loads(_CHILD.value))))
        return
    for name in _CASES.value:
        if name not in CASES:
            raise InputError(f"--cases has {name!r}: must be of {', '.join(CASES)}")
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        _cache_programs_in(cache)
        heads = ("sparse ms", "dense ms", "ratio", "sparse MB", "dense MB", "ratio")
        print(f"{'case':14}{'mode':15}{'sites':>7}{'pixels':>9}", *(f"{head:>9}" for head in heads))
        for name in _CASES.value:
            for mode in CASES[name].modes:
                row = _measure(name, mode, cache)
                rows.append(row)
                print(
                    f"{name:14}{mode:15}{row['sites']:7d}{row['pixels']:9d}",
                    f"{row['sparse_ms']:9.0f} {row['dense_ms']:9.0f} {row['time_ratio']:9.1f}",
                    f"{row['sparse_call_mb']:9.0f} {row['dense_call_mb']:9.0f}",
                    f"{row['memory_ratio']:9.1f}",
                    flush=True,
                )
    if _OUT.value:
        _OUT.value.write_text(json.dumps({"machine": _machine(), "rows": rows}, indent=2) + "\n")


def _measure(name: str, mode: str, cache: str) -> dict[str, Any]:
    """One row of the table."""
    image = _image(name)
    calls = {side: _call(side, mode, image) for side in ("sparse", "dense")}
    seconds = _times_in_turn(calls)
    row: dict[str, Any] = {
        "case": name,
        "mode": mode,
        "dtype": _DTYPE.value,
        "shape": list(image[2]),
        "sites": len(image[0]),
        "pixels": int(np.prod(image[2])),
    }
    for side in calls:
        row[f"{side}_ms"] = 1e3 * float(np.median(seconds[side]))
        row[f"{side}_calls"] = len(seconds[side])
    del calls
    for side in ("sparse", "dense"):
        row |= {
            f"{side}_{key}": value
            for key, value in _memory_in_child(name, mode, side, cache).items()
        }
    row["time_ratio"] = row["dense_ms"] / row["sparse_ms"]
    row["memory_ratio"] = row["dense_call_mb"] / row["sparse_call_mb"]
    return row


def _image(name: str) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    case = CASES[name]
    if _DATA.value and len(case.shape) == 2:
        crop_shape = case.shape if name == "crop" else None
        return event_of(_DATA.value, _EVENT.value, _VIEW.value, crop_shape)
    return *tracks(case.shape, case.num_sites), case.shape


def _call(
    side: str, mode: str, image: tuple[np.ndarray, np.ndarray, tuple[int, ...]]
) -> Callable[[], Any]:
    """A compiled call without arguments that ends when its result is there."""
    coords, values, shape = image
    network = published_network(dtype=_DTYPE.value, vocabulary=side)
    rows = np.concatenate([np.zeros((len(coords), 1), np.int32), coords], axis=1)
    labels = np.random.default_rng(1).integers(0, 5, len(coords)).astype(np.int32)
    x: Any
    if side == "sparse":
        capacities = tuple(ops.count_levels(rows, DEPTH))
        x = jaxsparse.sparse_tensor(rows, values[:, None], spatial_shape=shape, batch_size=1)
        geometry_of = whole_network.geometry(capacities)
        targets = labels
    else:
        features = np.zeros((1, *shape, 1), np.float32)
        features[tuple(rows.T)] = values[:, None]
        x = DenseTensor(jnp.asarray(features), mask=None, stride=(1,) * len(shape))
        geometry_of = functools.partial(dense_geometry, levels=DEPTH)
        targets = np.full((1, *shape), -1, np.int32)
        targets[tuple(rows.T)] = labels
    variables = published_variables(len(shape))

    if mode == "forward":
        function = whole_network.inference(network, geometry_of)
        arguments = jax.device_put((variables, x))
    else:
        function = whole_network.training_step(network, geometry_of)
        arguments = jax.device_put((variables, x, targets))
    compiled = jax.jit(function).lower(*arguments).compile()
    return lambda: jax.block_until_ready(compiled(*arguments))


def _times_in_turn(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds of every timed call; one untimed call of each comes first."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {side: [] for side in calls}
    start = time.perf_counter()
    for repeat in range(_REPEATS.value):
        if repeat >= 3 and time.perf_counter() - start > _BUDGET.value:
            break
        for side, call in calls.items():
            begin = time.perf_counter()
            call()
            seconds[side].append(time.perf_counter() - begin)
    return seconds


def _memory_in_child(name: str, mode: str, side: str, cache: str) -> dict[str, float]:
    """Peak memory of a fresh process that makes one call."""
    request = json.dumps({"name": name, "mode": mode, "side": side, "cache": cache})
    command = [sys.executable, "-m", "benchmarks.dense_twin", f"--child={request}"]
    command += [f"--{flag.name}={flag.value}" for flag in (_EVENT, _VIEW, _DTYPE)]
    if _DATA.value:
        command.append(f"--data={_DATA.value}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def _memory_of(name: str, mode: str, side: str, cache: str) -> dict[str, float]:
    _cache_programs_in(cache)
    call = _call(side, mode, _image(name))
    peak_before, before = resident_mb("VmHWM"), resident_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here: man 5 proc
    call()
    peak = resident_mb("VmHWM")
    return {"peak_mb": max(peak_before, peak), "call_mb": peak - before}


def _cache_programs_in(folder: str) -> None:
    """Fresh processes load what this one compiled: the compiler's memory is not the network's."""
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _machine() -> dict[str, Any]:
    device = jax.devices()[0]
    return {
        **machine.record("benchmarks.dense_twin"),
        "device": device.device_kind if device.platform != "cpu" else machine.cpu_name(),
        "jax": jax.__version__,
        "jaxsparse": jaxsparse.__version__,
    }


if __name__ == "__main__":
    command_line.run(main)
