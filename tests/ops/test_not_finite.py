"""Infinite and undefined numbers: every data flow adds up the pairs that exist, by IEEE's rules.

A pair that does not exist contributes nothing, whatever its weight or cotangent is, and neither
does padding; that of results is zero. The oracle takes the pairs one tap after the other, in
float64.
"""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import geometry, ops, sparse_tensor
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.kernel_map import identity_map
from jaxsparse.ops.native import compiler
from jaxsparse.ops.xla import table, windows

SITES, CAPACITY, IN, OUT = 90, 100, 3, 4
# Implementation, type of the features, of the factors.
FLOWS = [
    ("native", "float32", "float32"),
    ("native", "float32", "bfloat16"),
    ("native", "bfloat16", "bfloat16"),
    ("windows", "float32", "float32"),
    ("windows", "bfloat16", "bfloat16"),
    ("table", "float32", "float32"),
    ("table", "bfloat16", "bfloat16"),
]
# Of active rows; the tap misses many of them, where there are several.
SPOTS: dict[str, Any] = {"x": (7, 1), "w": (-1, 1, 3), "g": (5, 2)}


def maps_of(cells, capacity):
    coords = np.stack([np.zeros_like(cells), *np.unravel_index(cells, (15, 15))], axis=1)
    x = sparse_tensor(
        coords, np.ones((len(cells), 1)), spatial_shape=(15, 15), batch_size=1, capacity=capacity
    )
    fine = geometry(x, levels=2).levels[0]
    assert fine.down is not None
    strided = ops.strided_connection(x, ops.hypercube(3, 2), 2).kernel_map
    return {
        "submanifold": fine.kernel_maps[3],
        "down": fine.down,
        "up": fine.down.transpose(),
        "general": strided,
        "expanding": strided.transpose(),
        "identity": identity_map(jnp.int32(len(cells)), capacity),
    }


@pytest.fixture(scope="module")
def maps():
    cells = np.sort(np.random.default_rng(0).choice(15 * 15, size=SITES, replace=False))
    return maps_of(cells, CAPACITY)


def factors(kernel_map, groups=1):
    rng = np.random.default_rng(1)
    sizes = {
        "x": (kernel_map.capacity_in, IN * groups),
        "w": (kernel_map.taps, IN, OUT * groups),
        "g": (kernel_map.capacity_out, OUT * groups),
    }
    found = {name: rng.normal(size=size) for name, size in sizes.items()}
    found["x"][int(kernel_map.num_in) :] = 0
    # What bfloat16 holds too: the flows then agree to the rounding of sums.
    return {name: np.asarray(jnp.asarray(a, jnp.bfloat16), np.float64) for name, a in found.items()}


def oracle(kernel_map, x, w, g, groups=1):
    """The convolution and both of its gradients."""
    table, num_out = np.asarray(kernel_map.table_of_outputs()), int(kernel_map.num_out)
    out, by_x, by_w = np.zeros_like(g), np.zeros_like(x), np.zeros_like(w)
    for tap, line in enumerate(table):
        rows = np.flatnonzero(line[:num_out] < int(kernel_map.num_in))
        for group in range(groups):
            inputs = slice(group * IN, (group + 1) * IN)
            outputs = slice(group * OUT, (group + 1) * OUT)
            own, weights = x[line[rows], inputs], w[tap][:, outputs]
            out[rows, outputs] += own @ weights
            by_x[line[rows], inputs] += g[rows, outputs] @ weights.T  # a tap reads a row once
            by_w[tap][:, outputs] = own.T @ g[rows, outputs]
    return out, by_x, by_w


@functools.partial(jax.jit, static_argnames=("flow", "groups"))
def every_kind(kernel_maps, given, flow, groups=1):
    implementation, _, compute_dtype = flow

    def results(kernel_map, x, w, g):
        convolve = functools.partial(
            convolve_rows, kernel_map=kernel_map, groups=groups, compute_dtype=compute_dtype,
            implementation=implementation,
        )  # fmt: skip
        out, back = jax.vjp(lambda x, w: convolve(x, w), x, w)
        return out, *back(g)

    return {kind: results(kernel_maps[kind], **given[kind]) for kind in kernel_maps}


def compare(maps, flow, groups=1, places=None):
    """Checks results and gradients against the oracle, one odd number at a time."""
    features, tolerance = (flow[1], 1e-4 if flow[1] == "float32" else 0.05)
    clean = {kind: factors(kernel_map, groups) for kind, kernel_map in maps.items()}
    # Padding may hold anything, also of cotangents.
    places = places or [*SPOTS.items(), ("x", (-1, 0)), ("g", (-1, 2))]
    for (name, spot), odd in itertools.product(places, (np.inf, np.nan)):
        given = {kind: {**arrays, name: arrays[name].copy()} for kind, arrays in clean.items()}
        for arrays in given.values():
            arrays[name][spot] = odd
        types = {"x": features, "w": "float32", "g": features}
        typed = {
            kind: {key: jnp.asarray(a, types[key]) for key, a in arrays.items()}
            for kind, arrays in given.items()
        }
        found = every_kind(maps, typed, flow, groups)
        for kind, kernel_map in maps.items():
            with np.errstate(invalid="ignore"):
                expected = oracle(kernel_map, **given[kind], groups=groups)
            for what, result, wanted in zip(
                ("result", "gradient of x", "gradient of w"), found[kind], expected, strict=True
            ):
                message = f"{what} of {kind} with {odd} in {name}"
                np.testing.assert_allclose(
                    np.asarray(result, np.float64), wanted, atol=tolerance, err_msg=message
                )


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Loops over several blocks, also of so few rows."""
    monkeypatch.setattr(windows, "WINDOW_BLOCK_ROWS", 32)
    monkeypatch.setattr(windows, "GRADIENT_BLOCK_ROWS", 32)
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture
def _large_products(monkeypatch):
    """Every product of ``"table"`` counts as large, and takes the way of large ones first."""
    monkeypatch.setattr(table, "SMALL_BYTES", 0)


@pytest.mark.usefixtures("_large_products")
@pytest.mark.parametrize("flow", FLOWS, ids=" ".join)
def test_pairs_that_exist_are_added_up_and_no_others(maps, flow):
    if flow[0] == "native" and not compiler.lanes():
        pytest.skip("no kernels on this platform")
    compare(maps, flow)


def test_small_products_add_up_the_pairs_that_exist(maps):
    compare(maps, ("table", "float32", "float32"))


@pytest.mark.usefixtures("_large_products")
def test_a_tap_is_left_out_where_it_is_absent_of_levels_without_padding():
    block = np.flatnonzero(np.pad(np.ones((9, 10)), ((0, 6), (0, 5))))
    full = {kind: maps_of(block, SITES)[kind] for kind in ("submanifold", "general")}
    compare(full, ("table", "float32", "float32"), places=[("w", (tap, 0, 1)) for tap in range(9)])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("implementation", ["native", "scan"])
def test_groups_add_up_the_pairs_that_exist(maps, implementation, dtype, monkeypatch):
    few = {kind: maps[kind] for kind in ("submanifold", "up")}
    flow = (implementation, dtype, dtype)
    if flow == ("scan", "float32", "float32"):
        compare(few, flow, groups=2)
    monkeypatch.setitem(globals(), "IN", 1)
    monkeypatch.setitem(globals(), "OUT", 1)
    monkeypatch.setitem(globals(), "SPOTS", {"x": (7, 1), "w": (-1, 0, 1), "g": (5, 2)})
    if implementation == "scan" or compiler.lanes():
        compare(few, flow, groups=3)
