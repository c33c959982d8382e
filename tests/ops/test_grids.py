"""Grids and sites are two forms of one thing, in one to four dimensions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError, ops, sparse_tensor
from jaxsparse.ops import dense_mask, from_dense, to_dense

SHAPES = [(7,), (3, 4), (3, 2, 3), (2, 3, 2, 2)]


def some_grid(shape, dtype="float32", seed=0):
    """A grid with a last event and a channel here and there that are zero."""
    rng = np.random.default_rng(seed)
    grid = rng.normal(size=(3, *shape, 2)) * (rng.random((3, *shape, 1)) < 0.4)
    grid[-1] = 0
    grid[..., 1] *= rng.random((3, *shape)) < 0.5
    return np.asarray(jnp.asarray(grid, dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_there_and_back_is_the_identity(shape, dtype):
    grid = some_grid(shape, dtype)
    sites = np.argwhere((grid != 0).any(axis=-1))

    @jax.jit
    def there_and_back(grid):
        x = from_dense(grid, capacity=len(sites) + 2)
        return x, to_dense(x), dense_mask(x)

    x, back, mask = there_and_back(grid)
    n = int(x.num_active)
    assert (n, x.spatial_shape, x.batch_size) == (len(sites), shape, 3)
    np.testing.assert_array_equal(x.coords[:n], sites)
    np.testing.assert_array_equal(x.features[:n], grid[tuple(sites.T)])
    assert (np.asarray(x.coords[n:]) == -1).all()
    assert not np.asarray(x.features[n:], np.float32).any()
    np.testing.assert_array_equal(back, grid)
    np.testing.assert_array_equal(mask, (grid != 0).any(axis=-1))
    np.testing.assert_array_equal(back, x.to_dense())


def test_a_threshold_or_a_mask_says_what_a_site_is():
    grid = some_grid((3, 4))
    x = from_dense(grid, capacity=36, threshold=0.5)
    large = (np.abs(grid) > 0.5).any(axis=-1)
    np.testing.assert_array_equal(x.coords[: large.sum()], np.argwhere(large))
    mask = np.random.default_rng(1).random((3, 3, 4)) < 0.5
    x = from_dense(grid, mask=mask)  # sites may hold zeros
    assert int(x.num_active) == x.capacity == mask.sum()
    np.testing.assert_array_equal(dense_mask(x), mask)
    np.testing.assert_array_equal(to_dense(x), grid * mask[..., None])
    hole = np.zeros((1, 3, 1), np.float32)
    hole[0, 1] = np.nan
    assert int(from_dense(hole).num_active) == 1  # NaN is not quietly dropped


def test_too_many_sites_are_an_error_or_cut_off():
    grid = np.ones((1, 3, 1), np.float32)
    x = jax.jit(functools.partial(from_dense, capacity=2))(grid)
    assert (x.coords.tolist(), int(x.num_active)) == ([[0, 0], [0, 1]], 2)
    with pytest.raises(InputError, match="capacity is None under jit"):
        jax.jit(from_dense)(grid)
    with pytest.raises(InputError, match="capacity is 2 but array has 3 sites"):
        from_dense(grid, capacity=2)
    with pytest.raises(InputError, match="at least 1"):
        from_dense(grid, capacity=0)
    with pytest.raises(InputError, match="array has shape"):
        from_dense(grid[0], capacity=2)
    with pytest.raises(InputError, match="mask has shape"):
        from_dense(grid, capacity=2, mask=np.ones((1, 2), bool))
    huge = sparse_tensor([[0, 0, 0]], [[1.0]], spatial_shape=(2**16, 2**16), batch_size=1)
    for function in (to_dense, dense_mask):
        with pytest.raises(InputError, match="4294967296 cells"):
            function(huge)


def test_nothing_is_zero_with_a_zero_gradient_and_padding_is_not_read():
    empty = sparse_tensor([], np.zeros((0, 2)), spatial_shape=(3, 4), batch_size=2, capacity=3)

    def total(features):
        return jnp.sum(to_dense(empty.replace(features=features)) ** 2)

    value, gradient = jax.jit(jax.value_and_grad(total))(jnp.full((3, 2), jnp.nan))
    assert float(value) == 0
    assert not np.asarray(gradient).any()
    x = from_dense(np.zeros((2, 3, 4, 2), np.float32), capacity=3)
    assert int(x.num_active) == 0
    np.testing.assert_array_equal(x.coords, empty.coords)


def test_both_have_derivatives_of_second_order():
    grid = some_grid((3, 4))
    mask = (grid != 0).any(axis=-1)

    def loss(grid):
        x = from_dense(grid, capacity=20, mask=mask)
        return jnp.sum(jnp.sin(to_dense(x.replace(features=x.features**2))))

    check_grads(jax.jit(loss), (grid,), 2, modes=("fwd", "rev"), atol=0.05, rtol=0.05, eps=1e-2)


def test_vmap_and_devices_agree_with_one_at_a_time():
    grid = some_grid((3, 4))
    x = from_dense(grid, capacity=40)
    several = jnp.stack([x.features * k for k in range(4)])

    def dense(features):
        return to_dense(x.replace(features=features))

    for together in (jax.vmap(dense)(several), jax.pmap(dense)(several)):
        for k in range(4):
            np.testing.assert_array_equal(together[k], grid * k)
    assert ops.to_dense is to_dense
