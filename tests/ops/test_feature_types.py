"""Features of a type whose sums would be wrong are refused where they enter an operation."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, geometry, nn, ops, sparse_tensor
from tests.ops import on_rows

X = sparse_tensor([[0, 0], [0, 1], [0, 3]], np.ones((3, 2)), spatial_shape=(4,), batch_size=1)
LEVEL = jax.jit(lambda x: geometry(x, levels=2))(X).levels[0]
FINE, DOWN = LEVEL.kernel_maps[3], LEVEL.down
NEAR = ops.submanifold_connection(LEVEL, ops.hypercube(3, 1))
ONES, ROWS = jnp.ones(2), np.zeros(3, np.int32)

OPERATIONS = {
    "convolution": lambda x: ops.convolution(x, jnp.ones((3, 2, 1)), NEAR),
    "linear": lambda x: nn.Linear(2).init(jax.random.key(0), x),
    "sum_pooling": lambda x: on_rows.sum_pooling(x.features, FINE),
    "average_pooling": lambda x: on_rows.average_pooling(x.features, DOWN),
    "max_pooling": lambda x: on_rows.max_pooling(x.features, DOWN),
    "max_unpooling": lambda x: on_rows.max_unpooling(x.features, jnp.ones((3, 2), jnp.int32), DOWN),
    "global_sum_pooling": ops.global_sum_pooling,
    "global_average_pooling": ops.global_average_pooling,
    "global_max_pooling": ops.global_max_pooling,
    "broadcast_add": lambda x: ops.broadcast_add(x, jnp.ones((1, 2))),
    "broadcast_multiply": lambda x: ops.broadcast_multiply(x, jnp.ones((1, 2))),
    "broadcast_concatenate": lambda x: ops.broadcast_concatenate(x, jnp.ones((1, 2))),
    "vectors": lambda x: ops.broadcast_add(X, x.features[:1]),
    "group_norm": lambda x: ops.group_norm(x, ONES, ONES, groups=1),
    "batch_norm": lambda x: ops.batch_norm(x, ONES, ONES),
    "batch_norm_inference": lambda x: ops.batch_norm_inference(x, *[ONES] * 4),
    "masked_moments": ops.masked_moments,
    "interpolate": lambda x: ops.interpolate(x, jnp.ones((1, 2))),
    "sum_rows": lambda x: ops.sum_rows(x.features, ROWS, 2),
}


@pytest.mark.parametrize("dtype", ["int32", "int8", "bool", "complex64"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_types_that_would_be_rounded_are_refused(name, dtype):
    x = X.replace(X.features.astype(dtype))
    with pytest.raises(InputError, match=f"has type {dtype}: must be one of float32, bfloat16, f"):
        jax.eval_shape(OPERATIONS[name], x)


def test_float64_is_refused_where_jax_has_it():
    with jax.enable_x64(True):
        x = X.replace(jnp.ones((3, 2), jnp.float64))
        for operation in OPERATIONS.values():
            with pytest.raises(InputError, match="has type float64"):
                jax.eval_shape(operation, x)


def test_factors_of_products_have_a_type_of_features():
    for dtype in ("int8", "complex64", bool):
        with pytest.raises(InputError, match="compute_dtype has type"):
            ops.convolution(X, jnp.ones((3, 2, 1)), NEAR, compute_dtype=dtype)
        with pytest.raises(InputError, match="dtype has type"):
            nn.Linear(2, dtype=dtype).init(jax.random.key(0), X)
    with pytest.raises(InputError, match="weights has type complex64"):
        ops.convolution(X, jnp.ones((3, 2, 1), complex), NEAR)


def test_a_list_of_points_takes_real_numbers_only():
    def make(features):
        return sparse_tensor([[0, 1]], features, spatial_shape=(4,), batch_size=1).features

    for given in (np.int64, bool, np.float64, np.longdouble, np.float32):
        assert make(np.ones((1, 1), given)).dtype == jnp.float32
    for kept in (jnp.bfloat16, jnp.float16):
        assert make(np.ones((1, 1), kept)).dtype == kept
    for wrong in (np.complex64, jnp.float8_e4m3fn):
        with pytest.raises(InputError, match="features has type"):
            make(np.ones((1, 1), wrong))
    with pytest.raises(InputError, match="features has type"):
        make([["charge"]])


def test_rows_of_any_type_may_be_moved():
    x = X.replace(jnp.arange(6, dtype=jnp.int32).reshape(3, 2))
    kept = ops.prune(x, jnp.array([False, True, True]))
    assert kept.features.tolist() == [[2, 3], [4, 5], [0, 0]]


def test_coordinates_that_were_converted_with_the_features_are_refused():
    x = jax.tree.map(lambda array: array.astype(jnp.bfloat16), X)
    for name, operation in OPERATIONS.items():
        if name not in ("vectors", "sum_pooling", "average_pooling", "max_pooling", "max_unpooling",
                        "sum_rows"):  # fmt: skip
            with pytest.raises(InputError, match="coords has type bfloat16: must be int32, conv"):
                operation(x)
    for function in (
        nn.relu,
        nn.activation("tanh"),
        lambda x: x + x,
        lambda x: 2 * x,
        ops.to_dense,
    ):
        for run in (function, jax.jit(function)):
            with pytest.raises(InputError, match="coords has type bfloat16: must be int32, conv"):
                run(x)


def test_wide_numbers_of_numpy_become_float32_where_features_are_replaced():
    rows: Any = [[1.0, 1.0]] * 3
    for given in (np.ones((3, 2)), rows):
        x = X.replace(features=given)
        assert x.dtype == jnp.float32
        assert ops.convolution(x, jnp.ones((3, 2, 1)), NEAR).dtype == jnp.float32
    values: Any = np.ones((3, 2))
    wide = dataclasses.replace(X, features=values)
    for operation in (OPERATIONS["convolution"], OPERATIONS["linear"], OPERATIONS["batch_norm"]):
        with pytest.raises(InputError, match="features has type float64: must be one of"):
            operation(wide)
