"""jaxsparse: every case is one compiled program with its maps, or its sites, as arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen  # noqa: F401  # part of the start, where memory is counted

import jaxsparse
from benchmarks import whole_network
from benchmarks.engines import cases
from benchmarks.engines.cases import DEPTH, Call, Layer, Workload
from benchmarks.parameters import published_network, published_variables
from benchmarks.programs import lower
from benchmarks.whole_network import padded_tensor
from jaxsparse import ops
from jaxsparse.ops.convolve import convolve_rows


def set_up(threads: int, cache: str) -> dict[str, str]:
    """Keeps compiled programs in the folder ``cache``, and finds those of an earlier process there.

    XLA takes its threads from the cores that the process may use.
    """
    if cache:
        jax.config.update("jax_compilation_cache_dir", cache)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return {"jaxsparse": jaxsparse.__version__, "jax": jax.__version__}


def check() -> None:
    """The tests of the library compare it with dense convolutions."""


def prepare(case: str, workload: Workload, parameters: Path, dtype: str = "float32") -> Call:
    """A compiled call of ``case``, with features of ``dtype``."""
    if case in cases.MAPS:
        return _maps(case, workload)
    if case in cases.LAYERS:
        return _layer(cases.LAYERS[case], workload, dtype)
    return network_call(case, workload, parameters, dtype=dtype)


def write_parameters(path: Path, dim: int) -> None:
    """Parameters of the network for every engine, one array a name."""
    drawn: dict[str, Any] = flax.traverse_util.flatten_dict(published_variables(dim), sep="/")
    np.savez(path, **drawn)


def _call(function: Any, *arguments: Any, arrays: Callable) -> Call:
    program = lower(function, *jax.device_put(arguments)).compile()
    return Call(lambda: jax.block_until_ready(program.start()), arrays, dict(program.facts))


def _maps(case: str, workload: Workload) -> Call:
    x, capacities = padded_tensor(workload)
    if case == "layer_map":
        one = functools.partial(
            ops.submanifold_map, batch_size=x.batch_size, spatial_shape=x.spatial_shape
        )
        return _call(one, x.coords, x.num_active, arrays=lambda found: _counts([found]))
    build = functools.partial(jaxsparse.geometry, levels=DEPTH, capacities=capacities)
    return _call(
        build, x, arrays=lambda found: _counts([level.kernel_maps[3] for level in found.levels])
    )


def _counts(maps: list[ops.KernelMap]) -> dict[str, np.ndarray]:
    """Sites of every level, and how many have a neighbour at each tap before the central one."""
    early = [np.asarray(found.table[: found.taps // 2]) for found in maps]
    return {
        "sites": np.array([int(found.num_out) for found in maps]),
        "pairs": np.array(
            [(table < found.columns).sum(1) for table, found in zip(early, maps, strict=True)]
        ),
    }


def _layer(layer: Layer, workload: Workload, dtype: str) -> Call:
    x, capacities = padded_tensor(workload)
    geometry = jax.jit(functools.partial(jaxsparse.geometry, levels=2, capacities=capacities[:2]))(
        x
    )
    fine = geometry.levels[0]
    kernel_map = fine.kernel_maps[3] if layer.kind == "submanifold" else fine.down
    if layer.kind == "inverse":
        kernel_map = kernel_map.transpose()
    rows_in, rows_out = int(kernel_map.num_in), int(kernel_map.num_out)
    features = jnp.asarray(
        _padded(cases.layer_features(layer, rows_in), kernel_map.capacity_in), dtype
    )
    weights = cases.layer_weights(layer, workload.dim)
    cotangent = jnp.asarray(
        _padded(cases.layer_cotangent(layer, rows_out), kernel_map.capacity_out), dtype
    )
    if not layer.gradients:
        return _call(
            convolve_rows,
            features,
            weights,
            kernel_map,
            arrays=lambda out: {"out": np.asarray(out, np.float32)[:rows_out]},
        )

    def with_gradients(features: Any, weights: Any, kernel_map: Any, cotangent: Any) -> Any:
        out, back = jax.vjp(lambda x, w: convolve_rows(x, w, kernel_map), features, weights)
        return out, *back(cotangent)

    return _call(
        with_gradients,
        features,
        weights,
        kernel_map,
        cotangent,
        arrays=lambda result: {
            "out": np.asarray(result[0], np.float32)[:rows_out],
            "input gradient": np.asarray(result[1], np.float32)[:rows_in],
            "weight gradient": np.asarray(result[2]),
        },
    )


def _padded(rows: np.ndarray, capacity: int) -> np.ndarray:
    return np.pad(rows, ((0, capacity - len(rows)), *((0, 0),) * (rows.ndim - 1)))


def network_call(case: str, workload: Workload, parameters: Path, **fields: str) -> Call:
    """The compiled published network, or its training step, with these fields of its backbone."""
    x, capacities = padded_tensor(workload)
    x = jax.device_put(x)
    network, geometry_of = published_network(**fields), whole_network.geometry(capacities)
    variables = _read_parameters(parameters)
    rows = len(workload.coords)
    size = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))

    if case == "inference":
        function = whole_network.inference(network, geometry_of)
        call = _call(
            function, variables, x, arrays=lambda logits: {"logits": np.asarray(logits)[:rows]}
        )
        call.facts["parameters"] = size
        return call

    function = whole_network.training_step(network, geometry_of)
    targets = jax.device_put(whole_network.padded_labels(workload, x.capacity))
    program = lower(function, variables, x, targets, donate_argnums=0).compile()
    state = [variables]

    def step() -> Any:
        state[0], value = jax.block_until_ready(program.compiled(state[0], x, targets))
        return value

    def arrays(value: Any) -> dict[str, np.ndarray]:
        stem = np.asarray(state[0]["params"]["backbone"]["stem"]["weights"])
        with np.load(parameters, allow_pickle=False) as initial:
            return {
                "loss": np.asarray(value),
                "update": stem - initial["params/backbone/stem/weights"],
            }

    return Call(step, arrays, {**program.facts, "parameters": size})


def _read_parameters(path: Path) -> Any:
    """One array after the other, so that no two copies of all are in memory."""
    with np.load(path, allow_pickle=False) as arrays:
        leaves = {name: jnp.array(arrays[name]) for name in arrays.files}
    return flax.traverse_util.unflatten_dict(leaves, sep="/")
