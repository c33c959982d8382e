"""Pooling over kernel maps and back, against numpy and the peers' published cases."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError, geometry, sparse_tensor
from jaxsparse.ops import given_sites, hypercube, strided_connection
from tests.ops.on_rows import (
    average_pooling,
    average_unpooling,
    max_pooling,
    max_pooling_with_choice,
    max_unpooling,
    sum_pooling,
    sum_unpooling,
)
from tests.random_views import random_cells

TRIANGLE = [(0, 3), (1, 2), (1, 4), *((2, i) for i in range(1, 6))]


def batch(sites=40, capacity=48, events=3, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    coords = random_cells(rng, sites, (events, 8, 8))
    return sparse_tensor(coords, rng.normal(size=(sites, channels)), spatial_shape=(8, 8),
                         batch_size=events, capacity=capacity)  # fmt: skip


def maps_of(x):
    level = geometry(x, levels=2).levels[0]
    assert level.down is not None
    strided = strided_connection(x, hypercube(3, 2), 2).kernel_map
    return {
        "submanifold": level.kernel_maps[3], "down": level.down, "up": level.down.transpose(),
        "general": strided, "general back": strided.transpose(),
    }  # fmt: skip


def pairs(kernel_map):
    """``(input row, tap, output row)``, from the table as it is documented."""
    forward = kernel_map.transpose() if kernel_map.kind == "up" else kernel_map
    table = np.asarray(forward.table)
    found = [
        (int(table[tap, row]), tap, row)
        for tap, row in np.ndindex(table.shape)
        if table[tap, row] < forward.capacity_in
    ]
    return [(o, t, i) for i, t, o in found] if kernel_map.kind == "up" else found


def inputs_of(kernel_map, seed=1, channels=2):
    x = np.random.default_rng(seed).normal(size=(kernel_map.capacity_in, channels))
    active = np.arange(kernel_map.capacity_in) < int(kernel_map.num_in)
    return jnp.asarray(x * active[:, None], jnp.float32)


KINDS = ("submanifold", "down", "up", "general", "general back")


@pytest.mark.parametrize("kind", KINDS)
def test_pooling_is_that_of_the_pairs(kind):
    kernel_map = maps_of(batch())[kind]
    x = inputs_of(kernel_map)
    reached: list[list] = [[] for _ in range(kernel_map.capacity_out)]
    for row, tap, out in sorted(pairs(kernel_map), key=lambda pair: pair[1]):
        reached[out].append((np.asarray(x[row]), tap))
    zero = np.zeros(2, np.float32)
    values = [np.stack([v for v, _ in r]) if r else zero[None] for r in reached]
    np.testing.assert_allclose(sum_pooling(x, kernel_map), [v.sum(0) for v in values], atol=1e-6)
    np.testing.assert_allclose(
        average_pooling(x, kernel_map), [v.mean(0) for v in values], atol=1e-6
    )
    np.testing.assert_allclose(
        average_pooling(x, kernel_map, divisor="kernel"),
        [v.sum(0) / kernel_map.taps for v in values], atol=1e-6,
    )  # fmt: skip
    largest, choice = max_pooling_with_choice(x, kernel_map)
    np.testing.assert_array_equal(largest, [v.max(0) for v in values])
    taps = [[r[i][1] for i in v.argmax(0)] if r else [kernel_map.taps] * 2
            for r, v in zip(reached, values, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(choice, taps)


def test_the_published_triangle():
    """Conformance case 9: kernel 3, stride 2 on two events of eight sites."""
    coords = [(event, *place) for event in range(2) for place in TRIANGLE]
    sites = given_sites(coords, spatial_shape=(6, 6), batch_size=2)
    down = strided_connection(sites, hypercube(3, 2), 2)
    x = jnp.arange(32, dtype=jnp.float32).reshape(16, 2)
    first = down.target.coords[:5]
    assert first.tolist() == [[0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    pooled = sum_pooling(x, down.kernel_map)[:5]
    assert pooled.tolist() == [[2, 4], [4, 6], [6, 7], [26, 30], [40, 44]]
    pooled = average_pooling(x, down.kernel_map)[:5]
    assert pooled.tolist() == [[1, 2], [2, 3], [6, 7], [6.5, 7.5], [10, 11]]
    pooled = max_pooling(x, down.kernel_map)[:5]
    assert pooled.tolist() == [[2, 3], [4, 5], [6, 7], [10, 11], [14, 15]]


@pytest.mark.parametrize("kind", ["submanifold", "down", "general"])
def test_unpooling_is_the_transpose(kind):
    kernel_map = maps_of(batch())[kind]
    x = inputs_of(kernel_map)
    g = inputs_of(kernel_map.transpose(), seed=2)
    dot = functools.partial(np.testing.assert_allclose, rtol=1e-5)
    dot(jnp.vdot(sum_pooling(x, kernel_map), g), jnp.vdot(x, sum_unpooling(g, kernel_map)))
    largest, choice = max_pooling_with_choice(x, kernel_map)
    dot(jnp.vdot(largest, g), jnp.vdot(x, max_unpooling(g, choice, kernel_map)))
    back = average_unpooling(g, kernel_map)
    np.testing.assert_allclose(back, average_pooling(g, kernel_map.transpose()))


@pytest.mark.parametrize("pool", [sum_pooling, average_pooling, max_pooling])
@pytest.mark.parametrize("kind", ["down", "general back"])
def test_derivatives_of_both_modes_and_of_second_order(pool, kind):
    kernel_map = maps_of(batch(sites=12, capacity=14, events=1))[kind]
    x = inputs_of(kernel_map)
    check_grads(lambda x: pool(x, kernel_map) ** 2, (x,), order=2, modes=("fwd", "rev"),
                atol=0.02, rtol=0.02, eps=1e-3)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_backward_pass_scatters_floats(kind):
    kernel_map = maps_of(batch(sites=12, capacity=14, events=1))[kind]

    def loss(x):
        return (sum_pooling(x, kernel_map) * max_pooling(x, kernel_map)).sum()

    text = jax.jit(jax.grad(loss)).lower(inputs_of(kernel_map)).as_text()
    assert "scatter" not in text


def test_padding_may_hold_anything():
    x = batch(sites=20, capacity=30)
    kernel_map = maps_of(x)["submanifold"]
    dirty = x.features.at[20:].set(jnp.nan)
    for pool in (sum_pooling, average_pooling, max_pooling):
        np.testing.assert_array_equal(pool(dirty, kernel_map), pool(x.features, kernel_map))


def test_nothing_in_nothing_out():
    x = sparse_tensor(np.zeros((0, 3), int), np.zeros((0, 2)), spatial_shape=(4, 4),
                      batch_size=3, capacity=4)  # fmt: skip
    down = geometry(x, levels=2).levels[0].down
    for pool in (sum_pooling, average_pooling, max_pooling):
        value, gradient = jax.value_and_grad(lambda f, pool=pool: pool(f, down).sum())(x.features)
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize(("dtype", "last"), [(jnp.bfloat16, 256.0), (jnp.float16, 2048.0)])
def test_sums_of_narrow_types_are_float32(dtype, last):
    sites = given_sites([[0, i] for i in range(9)], spatial_shape=(9,), batch_size=1)
    connection = strided_connection(sites, hypercube(9, 1, padding=0), 9)
    x = jnp.array([last] + [1.0] * 8, dtype)[:, None]
    pooled = sum_pooling(x, connection.kernel_map)
    assert pooled.dtype == dtype
    assert float(pooled[0, 0]) == last + 8  # one by one in that type it stays at the first


@pytest.mark.parametrize("pool", [sum_pooling, max_pooling])
def test_vmap_and_pmap_and_remat(pool):
    kernel_map = maps_of(batch())["down"]
    xs = jnp.stack([inputs_of(kernel_map, seed) for seed in range(2)])

    def one(x):
        return pool(x, kernel_map)

    def loss(x):
        return (one(x) ** 2).sum()

    expected = jnp.stack([one(x) for x in xs])
    np.testing.assert_array_equal(jax.vmap(one)(xs), expected)
    np.testing.assert_array_equal(jax.pmap(one, devices=jax.devices()[:2])(xs), expected)
    np.testing.assert_array_equal(jax.grad(jax.checkpoint(loss))(xs[0]), jax.grad(loss)(xs[0]))


def test_what_does_not_belong_together():
    kernel_map = maps_of(batch())["down"]
    with pytest.raises(InputError, match="features has shape"):
        sum_pooling(jnp.zeros((3, 2)), kernel_map)
    with pytest.raises(InputError, match="divisor is 'all': must be one of active, kernel"):
        average_pooling(inputs_of(kernel_map), kernel_map, divisor="all")
    with pytest.raises(InputError, match=r"choice has shape .* pass what max_pooling_with_choice"):
        max_unpooling(inputs_of(kernel_map.transpose()), jnp.zeros((3, 2), jnp.int32), kernel_map)
