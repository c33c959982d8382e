"""Whether the device computes what a CPU does, and the same bits every time.

The reference is the CPU's own data flow; where the device is a CPU itself, XLA's ``"table"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from benchmarks import whole_network
from benchmarks.accelerator.field import REGION, padded
from benchmarks.engines import cases
from benchmarks.engines.cases import Workload
from benchmarks.parameters import published_network, published_variables
from benchmarks.programs import Program, compile_together, fingerprint, lower
from jaxsparse import ops
from jaxsparse.ops.convolve import convolve_rows

LIMIT = 1e-5  # float32: the largest difference, over the largest value
# A ReLU opens on one side of a rounding error, so a gradient through many differs by 1e-3 between
# any two orders of summation. With a smooth activation it can be compared.
SMOOTH = "gelu"


def compare_layers(
    workload: Workload, channels: tuple[tuple[int, int], ...], dtype: str, threads: int
) -> dict[str, Any]:
    """Map, output and gradients of a layer of kernel 3 for pairs of channels."""
    x, _ = padded(workload, 1, "stride")
    rows = len(workload.coords)

    def layers(implementation: str) -> Callable[..., Any]:
        def run(x: Any, operands: Any) -> Any:
            near = ops.submanifold_connection(x, REGION).kernel_map
            results = []
            for features, weights, cotangent in operands:
                out, back = jax.vjp(
                    lambda f, w: convolve_rows(
                        f, w, near, compute_dtype=dtype, implementation=implementation
                    ),
                    features,
                    weights,
                )
                results.append((out, *back(cotangent)))
            names = ("output", "input gradient", "weight gradient")
            return {"map": near.table, **dict(zip(names, zip(*results, strict=True), strict=True))}

        return run

    operands = []
    for channels_in, channels_out in channels:
        layer = cases.Layer("submanifold", channels_in, channels_out)
        drawn = cases.layer_features(layer, rows), cases.layer_cotangent(layer, rows)
        features, cotangent = (np.pad(one, ((0, x.capacity - rows), (0, 0))) for one in drawn)
        operands.append((features, cases.layer_weights(layer, workload.dim), cotangent))
    found, reference = _on_both({"layers": (layers, (x, operands))}, threads)
    return _record(dtype, found["layers"].start(), reference["layers"].start())


def compare_network(
    workload: Workload, fields: Mapping[str, Any], dtype: str, threads: int, runs: int
) -> dict[str, Any]:
    """Logits of the published network; loss and gradient with a smooth activation, hashed."""
    network = published_network(**fields)
    x, capacities = whole_network.padded_tensor(workload, network.levels)
    geometry_of = whole_network.geometry(capacities)
    variables = published_variables(workload.dim, **fields)
    labels = whole_network.padded_labels(workload, x.capacity)

    def logits(implementation: str) -> Callable[..., Any]:
        network = published_network(**fields, dtype=dtype, implementation=implementation)
        return whole_network.inference(network, geometry_of)

    def gradient(implementation: str) -> Callable[..., Any]:
        network = published_network(
            **fields, dtype=dtype, implementation=implementation, activation=SMOOTH
        )
        return whole_network.gradient(network, geometry_of)

    found, reference = _on_both(
        {"logits": (logits, (variables, x)), "gradient": (gradient, (variables, x, labels))},
        threads,
    )
    values = [_values(programs) for programs in (found, reference)]
    hashes = {fingerprint(found["gradient"].start()) for _ in range(runs)}
    return {**_record(dtype, *values), "runs": runs, "hashes": len(hashes)}


def _values(programs: Mapping[str, Program]) -> dict[str, Any]:
    loss, statistics, gradient = programs["gradient"].start()
    logits = programs["logits"].start()
    return {"logits": logits, "loss": loss, "statistics": statistics, "gradient": gradient}


def _on_both(
    functions: Mapping[str, tuple[Callable[[str], Callable[..., Any]], tuple[Any, ...]]],
    threads: int,
) -> tuple[dict[str, Program], dict[str, Program]]:
    """Programs by name for the device and for the reference.

    Args:
      functions: of the data flow a function, and its arguments.
      threads: programs that are compiled at a time.
    """
    device, cpu = jax.devices()[0], jax.devices("cpu")[0]
    places = {"device": (device, "auto"), "cpu": (cpu, "table" if device == cpu else "auto")}
    lowered = {
        f"{place} {name}": lower(function(flow), *jax.device_put(arguments, where))
        for place, (where, flow) in places.items()
        for name, (function, arguments) in functions.items()
    }
    compiled = {name: result() for name, result in compile_together(lowered, threads).items()}
    of_device, of_cpu = (
        {name: compiled[f"{place} {name}"] for name in functions} for place in places
    )
    return of_device, of_cpu


def _record(dtype: str, found: Any, reference: Any) -> dict[str, Any]:
    errors = {name: difference(found[name], reference[name]) for name in reference}
    equal = all(error <= LIMIT for error in errors.values())  # NaN is not
    return {"dtype": dtype, "errors": errors, "equal": equal}


def difference(found: Any, reference: Any) -> float:
    """The largest difference of two trees of arrays, over the largest value of the second.

    >>> difference([np.array([1, 2.0]), np.array([4])], [np.array([1.0, 2.5]), np.array([5])])
    0.2
    """
    one, other = (
        np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)])
        for tree in (found, reference)
    )
    return float(np.abs(one - other).max() / (np.abs(other).max() or 1.0))
