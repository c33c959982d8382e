"""A loop whose length is data makes a GPU ask the host after every step: there must be none."""

import jax
import numpy as np
import pytest

from jaxsparse import geometry, ops, sparse_tensor
from jaxsparse.ops.directions import nearest_in_directions

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
}


def down(x):
    return ops.strided_connection(x, ops.hypercube(2, 2), 2)


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_accelerator_is_given_no_loop(name):
    program = jax.jit(PROGRAMS[name]).trace(X).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.while" not in program


def test_rows_are_added_to_the_same_bits_without_a_loop(monkeypatch):
    values = np.random.default_rng(1).normal(size=(len(SITES), 3)).astype(np.float32)
    rows = np.random.default_rng(2).permutation(len(SITES)) % 9  # several points a row, unsorted
    in_a_loop = ops.sum_rows(values, rows, 12)
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *, cpu, default: default())
    jax.clear_caches()
    np.testing.assert_array_equal(in_a_loop, ops.sum_rows(values, rows, 12))
