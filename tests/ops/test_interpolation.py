"""Features between and at sites, against loops in numpy."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError, sparse_tensor
from jaxsparse.ops import features_at, interpolate

TRIANGLE = [(0, 3), (1, 2), (1, 4), *((2, i) for i in range(1, 6))]


def some_sites(shape=(4, 5), batch=3, capacity=40, seed=0, dtype="float32"):
    """Random sites, none in the last event; the dictionary that they are."""
    rng = np.random.default_rng(seed)
    coords = np.argwhere(rng.random((batch, *shape)) < 0.5)
    coords = coords[coords[:, 0] < batch - 1][:capacity]
    features = np.asarray(jnp.asarray(rng.normal(size=(len(coords), 2)), dtype))
    x = sparse_tensor(
        coords, features, spatial_shape=shape, batch_size=batch, capacity=len(coords) + 3
    )
    table = {tuple(c): f.astype(float) for c, f in zip(coords.tolist(), features, strict=True)}
    return x, table


def some_points(x, number=30, seed=1):
    """Points inside of and a little beyond the volume, also in events that do not exist."""
    rng = np.random.default_rng(seed)
    event = rng.integers(-1, x.batch_size + 1, number)
    where = rng.uniform(-1.5, np.array(x.spatial_shape) + 0.5, (number, x.dim))
    where[::5] = np.floor(where[::5])
    return np.concatenate([event[:, None], where], axis=1).astype(np.float32)


def oracle(table, points, normalized):
    out = np.zeros((len(points), 2))
    for row, (event, *where) in enumerate(points.astype(float)):
        total = 0.0
        for corner in itertools.product(*((np.floor(w), np.floor(w) + 1) for w in where)):
            weight = np.prod(1 - np.abs(np.array(where) - corner))
            if (event, *corner) in table:
                out[row] += weight * table[(event, *corner)]
                total += weight
        if normalized and total:
            out[row] /= total
    return out


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("shape", [(9,), (4, 5), (3, 2, 3, 2)])
def test_values_are_the_weighted_corners(shape, normalized):
    x, table = some_sites(shape)
    points = some_points(x)
    got = jax.jit(functools.partial(interpolate, normalized=normalized))(x, points)
    np.testing.assert_allclose(got, oracle(table, points, normalized), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_types_are_summed_in_float32(dtype):
    x, table = some_sites(dtype=dtype)
    points = some_points(x)
    got = jax.jit(interpolate)(x, points)
    assert got.dtype == dtype
    expected = oracle(table, points, False)
    np.testing.assert_allclose(np.asarray(got, np.float32), expected, rtol=8e-3, atol=1e-6)


def test_the_point_of_the_peers_tests():
    """Conformance case 13."""
    coords = [(0, *p) for p in TRIANGLE]
    x = sparse_tensor(
        coords, np.arange(16.0).reshape(8, 2), spatial_shape=(3, 6), batch_size=1, capacity=9
    )
    np.testing.assert_allclose(interpolate(x, jnp.array([[0, 0.1, 2.7]])), [[0.06, 0.72]], 1e-5)


def test_both_arguments_have_derivatives_of_second_order():
    x, _ = some_sites()
    points = some_points(x, 8)
    points[:, 0] = np.arange(8) % 2
    points[:, 1:] = np.floor(points[:, 1:]) + 0.4  # away from the kinks

    def loss(features, where):
        full = jnp.concatenate([points[:, :1], where], axis=1)
        return jnp.sum(jnp.sin(interpolate(x.replace(features=features), full)))

    arguments = (x.features, points[:, 1:])
    check_grads(jax.jit(loss), arguments, 2, modes=("fwd", "rev"), atol=0.05, rtol=0.05, eps=1e-2)
    assert not np.asarray(jax.grad(loss)(*arguments))[int(x.num_active) :].any()


def test_padding_and_strategy_change_no_bit():
    x, _ = some_sites()
    n = int(x.num_active)
    wide = sparse_tensor(
        np.asarray(x.coords[:n]), np.asarray(x.features[:n]), spatial_shape=(4, 5), batch_size=3,
        capacity=64,
    )  # fmt: skip
    points = some_points(x)
    got = jax.jit(interpolate)(x, points)
    np.testing.assert_array_equal(got, jax.jit(interpolate)(wide, points))
    search = jax.jit(functools.partial(interpolate, strategy="search"))
    np.testing.assert_array_equal(got, search(x, points))


def test_what_is_not_finite_is_nan_and_nothing_gives_zero_with_zero_gradients():
    """Conformance cases 14 and 16."""
    empty = sparse_tensor([], np.zeros((0, 2)), spatial_shape=(4, 5), batch_size=3, capacity=2)
    points = jnp.array([[0, 1.5, 2.5], [2, 0, 0]])

    def total(features, points):
        y = interpolate(empty.replace(features=features), points, normalized=True)
        return jnp.sum(y**2)

    value, gradients = jax.jit(jax.value_and_grad(total, (0, 1)))(empty.features, points)
    assert float(value) == 0
    assert all(not np.asarray(g).any() for g in gradients)
    assert interpolate(empty, jnp.zeros((0, 3))).shape == (0, 2)
    bad = jnp.array([[0, jnp.nan, 1], [0, jnp.inf, 1], [0.5, 1, 1], [0, 1e30, 1]])
    got = np.isnan(np.asarray(interpolate(empty, bad)))[:, 0]
    assert got.tolist() == [True, True, False, False]
    for function in (interpolate, features_at):
        with pytest.raises(InputError, match="points has shape"):
            function(empty, jnp.zeros((2, 2)))
        with pytest.raises(InputError, match="points has type bool"):
            function(empty, jnp.zeros((2, 3), bool))


def test_the_nearest_site_is_found_or_said_to_be_absent():
    x, table = some_sites()
    points = some_points(x, 60)
    points[0] = [0, np.nextafter(np.float32(0.5), np.float32(0)), 0]
    nearest = np.floor(points.astype(float) + np.array([0, 0.5, 0.5])).astype(int)
    for queries in (points, nearest.astype(np.int32)):
        features, found = jax.jit(features_at)(x, queries)
        assert found.tolist() == [tuple(q) in table for q in nearest.tolist()]
        expected = [table.get(tuple(q), np.zeros(2)) for q in nearest.tolist()]
        np.testing.assert_array_equal(features, np.array(expected, np.float32))
    _, found = features_at(x, jnp.array([[0.5, 0, 0], [0, np.nan, 0], [0, np.inf, 0]]))
    assert not found.any()
    own, found = features_at(x, x.coords)
    np.testing.assert_array_equal(own, x.features)
    np.testing.assert_array_equal(found, x.mask)


def test_large_volumes_are_read_without_wrapping():
    coords = np.array([[0, 0, 0, 0], [255, 767, 767, 767]])
    x = sparse_tensor(coords, [[1.0], [2.0]], spatial_shape=(768,) * 3, batch_size=256)
    points = np.array([[255, 766.5, 767, 767], [0, 0, 0, 0.25], [1, 0, 0, 0]], np.float32)
    assert jax.jit(interpolate)(x, points)[:, 0].tolist() == [1.0, 0.75, 0.0]
    wrapped = np.array([[2**32, 0, 0, 0], [0, -(2**32), 0, 0]])
    assert features_at(x, wrapped)[1].tolist() == [False, False]
    coords[0, 3] = 768  # the next line's first cell, were it not out of range
    assert features_at(x, coords)[1].tolist() == [False, True]


def test_vmap_over_features_and_devices_agree_with_one_at_a_time():
    x, _ = some_sites()
    points = some_points(x, 8)
    several = jnp.stack([x.features * k for k in range(1, 5)])

    def at_points(features, points):
        return interpolate(x.replace(features=features), points)

    one = jax.jit(at_points)
    together = jax.vmap(at_points, (0, None))(several, points)
    shared = jax.pmap(at_points, in_axes=(0, None))(several, points)
    for k in range(4):
        np.testing.assert_allclose(together[k], one(several[k], points), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(shared[k], one(several[k], points), rtol=1e-6, atol=1e-7)
