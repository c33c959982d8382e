"""Integers that int32 does not hold never become other ones: looked at before they are narrowed."""

# mypy: disable-error-code="arg-type,assignment"
# What is passed here is wrong on purpose, or of every type that is taken.

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, ops, sparse_tensor
from tests.ops import on_rows

BEYOND = (2**32 + 1, -(2**32) + 1, 2**63 - 1)  # cut to 32 bits the first two are 1, the third -1
X = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)


def in_and_out_of_jit(function, numbers):
    """The result for numpy's integers, and for traced ones of JAX with 64 bits."""
    wide = np.asarray(numbers, np.int64)
    results = [function(wide)]
    with jax.enable_x64(True):
        results.append(jax.jit(function)(jnp.asarray(wide)))
    return results


@pytest.mark.parametrize("number", BEYOND)
def test_a_row_that_int32_does_not_hold_is_no_row(number):
    for read in in_and_out_of_jit(lambda rows: ops.take_rows(X.features, rows), [1, number]):
        assert read.tolist() == [[2.0], [0.0]]
    for total in in_and_out_of_jit(lambda rows: ops.sum_rows(X.features, rows, 2), [1, number]):
        assert total.tolist() == [[0.0], [1.0]]
    unsigned = np.array([1, 2**32 + 1], np.uint64)
    assert ops.take_rows(X.features, unsigned).tolist() == [[2.0], [0.0]]
    # uint32 is the widest that JAX has without 64 bits.
    largest = jax.jit(lambda rows: ops.take_rows(X.features, rows))(
        np.array([2**32 - 1], np.uint32)
    )
    assert largest.tolist() == [[0.0]]


@pytest.mark.parametrize("number", BEYOND)
def test_a_point_that_int32_does_not_hold_is_outside(number):
    def at(points):
        return ops.features_at(X, points)[1]

    for found in in_and_out_of_jit(at, [[0, 1], [0, number], [number, 1]]):
        assert found.tolist() == [True, False, False]
    read = ops.interpolate(X, np.array([[0, 1], [0, number]]))
    assert read.tolist() == [[2.0], [0.0]]


@pytest.mark.parametrize("number", BEYOND)
def test_a_voxel_that_int32_does_not_hold_is_outside(number):
    make: Any = functools.partial(
        ops.voxelize, features=np.ones((2, 1)), spatial_shape=(4,), batch_size=1
    )

    def count(points, valid):
        x, _, status = make(points, valid=valid)
        return x.num_active, status.num_outside

    points, valid = np.array([[0, 1], [0, number]]), np.ones(2, bool)
    # Only the mask is traced: numpy's numbers are known, and narrowed all the same.
    assert [int(n) for n in jax.jit(lambda valid: count(points, valid))(valid)] == [1, 1]
    floats = points + np.array([0, 0.5])
    assert [int(n) for n in jax.jit(lambda valid: count(floats, valid))(valid)] == [1, 1]
    with jax.enable_x64(True):
        assert [int(n) for n in jax.jit(count)(jnp.asarray(points), valid)] == [1, 1]
    with pytest.raises(InputError, match=r"axis 0 must be in \[0, 4\)"):
        make(points)


def test_floats_are_rounded_down_before_they_are_narrowed():
    """float32 makes 2**24 of 2**24 + 0.9999."""
    points, valid = np.array([[0, 2.0**24 - 0.001]]), np.ones(1, bool)

    def make(valid):
        return ops.voxelize(
            points, np.ones((1, 1)), spatial_shape=(2**25,), batch_size=1, valid=valid
        )[0].coords

    assert make(valid).tolist() == jax.jit(make)(valid).tolist() == [[0, 2**24 - 1]]


@pytest.mark.parametrize("number", BEYOND)
def test_a_box_that_int32_cannot_reach_is_empty(number):
    for box in in_and_out_of_jit(lambda start: ops.crop(X, start, (2,)), [number]):
        assert int(box.num_active) == 0
    with pytest.raises(InputError, match="start has type float64: must be integers"):
        ops.crop(X, (0.5,), (2,))


def test_a_choice_that_is_no_tap_chooses_nothing():
    down = ops.strided_connection(X, ops.hypercube(2, 1), 2, capacity=1).kernel_map
    for back in in_and_out_of_jit(
        lambda choice: on_rows.max_unpooling(np.ones((1, 1), np.float32), choice, down), [[2**32]]
    ):
        assert back.tolist() == [[0.0], [0.0]]


def test_labels_that_int32_does_not_hold_are_refused():
    _, point_map, _ = ops.voxelize([[0, 1]], np.ones((1, 1)), spatial_shape=(4,), batch_size=1)
    for number in BEYOND:
        with pytest.raises(InputError, match=f"labels reach from {number} .*int32 holds"):
            ops.vote(np.array([number]), point_map)
        for name in ("ignore_label", "conflict"):
            with pytest.raises(InputError, match=f"{name} is {number}: must be an integer that"):
                ops.vote(np.array([1]), point_map, **{name: number})
    with jax.enable_x64(True), pytest.raises(InputError, match="labels has type int64 inside jit"):
        jax.jit(ops.vote)(jnp.array([1]), point_map)


@pytest.mark.parametrize("number", [2**31 - 1, 2**40])
def test_sizes_that_int32_cannot_count_are_refused(number):
    box = ops.hypercube(3, 1)
    for run in (
        lambda: ops.union(X, X, capacity=number),
        lambda: ops.strided_sites(X, box, 2, capacity=number),
        lambda: ops.from_dense(np.ones((1, 2, 1)), capacity=number),
        lambda: ops.sum_rows(X.features, [0, 1], number),
        lambda: ops.voxelize(
            [[0, 1]], np.ones((1, 1)), spatial_shape=(4,), batch_size=1, capacity=number
        ),
        lambda: sparse_tensor(
            [[0, 1]], np.ones((1, 1)), spatial_shape=(4,), batch_size=1, capacity=number
        ),
    ):
        with pytest.raises(InputError, match=f"capacity is {number}: must be at least [01] and"):
            run()
    for run in (lambda: ops.strided_sites(X, box, number), lambda: ops.hypercube(number, 1)):
        with pytest.raises(InputError, match=f"is {number}: must be an integer from 1 to below"):
            run()


def test_coordinates_that_int32_does_not_hold_make_no_map():
    coords = np.array([[0, 1], [0, 2**32 + 2]])
    with pytest.raises(InputError, match="coords reach from 0 to 4294967298"):
        ops.submanifold_map(coords, 2, batch_size=1, spatial_shape=(4,))
    with pytest.raises(InputError, match="num_active is 3: must be from 0 to the 2 rows"):
        ops.submanifold_map(coords % 4, 3, batch_size=1, spatial_shape=(4,))
