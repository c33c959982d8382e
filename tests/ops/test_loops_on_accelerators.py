"""A loop whose length is data makes a GPU ask the host after every step: there must be none.

Nor may a way that is chosen have any loop: XLA cannot record it, and the host would choose.
"""

import jax
import numpy as np
import pytest

from jaxsparse import geometry, ops, sparse_tensor
from jaxsparse.ops.directions import nearest_in_directions
from jaxsparse.ops.xla import table

SITES = np.argwhere(np.random.default_rng(0).random((2, 6, 6)) < 0.4).astype(np.int32)
X = sparse_tensor(SITES, np.ones((len(SITES), 2)), spatial_shape=(6, 6), batch_size=2)
ROWS = np.arange(len(SITES)) // 3


def voxels(policy):
    place = {"spatial_shape": (6, 6), "batch_size": 2, "duplicates": policy}
    return lambda x: ops.voxelize(x.coords, x.features, **place)[0].features


PROGRAMS = {
    "maps by search": lambda x: geometry(x, levels=3, strategy="search"),
    "maps by bitmap": lambda x: geometry(x, levels=3, strategy="bitmap"),
    "voxelize, sum": voxels("sum"),
    "voxelize, max": voxels("max"),
    "take rows": jax.grad(lambda x: ops.take_rows(x.features, ROWS).sum(), allow_int=True),
    "sum rows": lambda x: ops.sum_rows(x.features, ROWS, 4),
    "global average pooling": ops.global_average_pooling,
    "global maximum pooling": ops.global_max_pooling,
    "nearest in directions": lambda x: nearest_in_directions(x, 4, 3),
    "max pooling": lambda x: ops.max_pooling(x, down(x)),
    "sum pooling": lambda x: ops.sum_pooling(x, down(x)),
    "submanifold convolution": lambda x: convolved(x, near(x)),
    "strided convolution": lambda x: convolved(x, down(x)),
    "its inverse": lambda x: convolved(x, near(x), down(x), down(x).transpose()),
}


def down(x):
    return ops.strided_connection(x, ops.hypercube(2, 2), 2)


def near(x):
    return ops.submanifold_connection(x, ops.hypercube(3, 2))


def convolved(x, *connections):
    """Result of convolutions one after the other, and its gradients."""

    def results(features, weights):
        y = x.replace(features)
        for connection in connections:
            taps = connection.kernel_map.taps
            y = ops.convolution(y, weights[:taps], connection)
        return y.features.sum()

    return jax.value_and_grad(results, (0, 1))(x.features, jax.numpy.ones((9, 2, 2)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_accelerator_is_given_no_loop(name, monkeypatch):
    monkeypatch.setattr(table, "SMALL_BYTES", 0)  # convolutions with both ways in them
    program = jax.jit(PROGRAMS[name]).trace(X).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.while" not in program


def test_rows_are_added_to_the_same_bits_without_a_loop(monkeypatch):
    values = np.random.default_rng(1).normal(size=(len(SITES), 3)).astype(np.float32)
    rows = np.random.default_rng(2).permutation(len(SITES)) % 9  # several points a row, unsorted
    in_a_loop = ops.sum_rows(values, rows, 12)
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *, cpu, default: default())
    jax.clear_caches()
    np.testing.assert_array_equal(in_a_loop, ops.sum_rows(values, rows, 12))
