"""Infinite and undefined numbers: data flows give a finite result in the same places.

A pair of rows that does not exist contributes nothing, whatever its weight or cotangent is, and
padding stays zero. ``"table"`` alone multiplies it as zeros, and may say NaN more often. The oracle
takes the pairs of the table one tap after the other, in float64.
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
from jaxsparse.ops.native import compiler
from jaxsparse.ops.xla import windows

SITES, CAPACITY, IN, OUT = 90, 100, 3, 4
FLOWS = [("native", "float32"), ("native", "bfloat16"), ("windows", "float32")]
SPOTS: dict[str, Any] = {
    "x": (7, 1),
    "w": (2, 1, 3),
    "g": (5, 2),
}  # of active rows; the tap misses many of them


@pytest.fixture(scope="module")
def maps():
    cells = np.sort(np.random.default_rng(0).choice(15 * 15, size=SITES, replace=False))
    coords = np.stack([np.zeros_like(cells), *np.unravel_index(cells, (15, 15))], axis=1)
    x = sparse_tensor(
        coords, np.ones((SITES, 1)), spatial_shape=(15, 15), batch_size=1, capacity=CAPACITY
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
    }


def factors(kernel_map, groups=1):
    rng = np.random.default_rng(1)
    sizes = {
        "x": (kernel_map.capacity_in, IN * groups),
        "w": (kernel_map.taps, IN, OUT * groups),
        "g": (kernel_map.capacity_out, OUT * groups),
    }
    found = {name: rng.normal(size=size) for name, size in sizes.items()}
    found["x"][int(kernel_map.num_in) :] = 0  # as all features are
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


@functools.partial(jax.jit, static_argnames=("implementation", "dtype", "groups"))
def every_kind(kernel_maps, given, implementation, dtype, groups=1):
    def results(kernel_map, x, w, g):
        convolve = functools.partial(
            convolve_rows, kernel_map=kernel_map, groups=groups, compute_dtype=dtype,
            implementation=implementation,
        )  # fmt: skip
        out, back = jax.vjp(lambda x, w: convolve(x, w), x, w)
        return out, *back(g)

    return {kind: results(kernel_maps[kind], **given[kind]) for kind in kernel_maps}


def compare(maps, implementation, dtype, groups=1, check=None):
    clean = {kind: factors(kernel_map, groups) for kind, kernel_map in maps.items()}
    places = [*SPOTS.items(), ("g", (-1, 2))]  # padding of cotangents may hold anything
    for (name, spot), odd in itertools.product(places, (np.inf, np.nan)):
        given = {
            kind: {key: a.copy() for key, a in arrays.items()} for kind, arrays in clean.items()
        }
        for arrays in given.values():
            arrays[name][spot] = odd
        single = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), given)
        found = every_kind(maps, single, implementation, dtype, groups)
        for kind, kernel_map in maps.items():
            with np.errstate(invalid="ignore"):
                expected = oracle(kernel_map, **given[kind], groups=groups)
            for what, result, wanted in zip(
                ("result", "gradient of x", "gradient of w"), found[kind], expected, strict=True
            ):
                message = f"{what} of {kind} with {odd} in {name}"
                (check or same)(np.asarray(result), wanted, message)


def not_lost(result, wanted, message):
    assert not np.isfinite(result[~np.isfinite(wanted)]).any(), message


def same(result, wanted, message):
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(np.isfinite(result), finite, message)
    np.testing.assert_allclose(
        np.where(finite, result, 0), np.where(finite, wanted, 0), atol=1e-4, err_msg=message
    )
    # The sum of a matrix product may be undefined where that of the pairs is infinite.
    wrong = ~np.isnan(result) & ~finite & (result != wanted)
    assert not wrong.any(), message


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Loops over several blocks, also of so few rows."""
    monkeypatch.setattr(windows, "WINDOW_BLOCK_ROWS", 32)
    monkeypatch.setattr(windows, "GRADIENT_BLOCK_ROWS", 32)
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.parametrize(("implementation", "dtype"), FLOWS)
def test_pairs_that_do_not_exist_contribute_nothing(maps, implementation, dtype):
    if implementation == "native" and not compiler.lanes():
        pytest.skip("no kernels on this platform")
    compare(maps, implementation, dtype)


def test_a_product_of_whole_tables_may_spread_what_is_not_finite_but_never_loses_it(maps):
    compare(maps, "table", "float32", check=not_lost)


@pytest.mark.parametrize("implementation", ["native", "scan"])
def test_nor_do_those_of_groups(maps, implementation, monkeypatch):
    few = {kind: maps[kind] for kind in ("submanifold", "up")}
    if implementation == "scan":
        compare(few, implementation, "float32", groups=2)
    monkeypatch.setitem(globals(), "IN", 1)
    monkeypatch.setitem(globals(), "OUT", 1)
    monkeypatch.setitem(globals(), "SPOTS", {"x": (7, 1), "w": (2, 0, 1), "g": (5, 2)})
    if implementation == "scan" or compiler.lanes():
        compare(few, implementation, "float32", groups=3)
