"""Per-event reductions, broadcasts and norms against numpy, one event at a time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError, sparse_tensor
from jaxsparse.ops import event_reduction as reduction
from jaxsparse.ops import group_normalization as norms

CHANNELS = 4


def batch(counts, capacity=None, seed=0, order=None) -> Any:
    """Events with these numbers of sites."""
    rng = np.random.default_rng(seed)
    coords = np.array([(b, i) for b, n in enumerate(counts) for i in range(n)]).reshape(-1, 2)
    features = (rng.normal(size=(len(coords), CHANNELS)) + 3).astype(np.float32)
    if order is not None:
        shuffled = np.random.default_rng(order).permutation(len(coords))
        coords, features = coords[shuffled], features[shuffled]
    return sparse_tensor(
        coords.astype(np.int32), features, spatial_shape=(600,), batch_size=len(counts),
        capacity=capacity,
    )  # fmt: skip


def by_event(x, function):
    """``function`` of the float64 rows of every event, 0 for an empty one."""
    event = np.asarray(x.coords)[:, 0]
    values = np.asarray(x.features, np.float64)
    return np.array(
        [
            function(values[event == b]) if (event == b).any() else np.zeros(CHANNELS)
            for b in range(x.batch_size)
        ]
    )


POOLS: Any = {
    "sum": (reduction.global_sum_pooling, lambda rows: rows.sum(0)),
    "average": (reduction.global_average_pooling, lambda rows: rows.mean(0)),
    "max": (reduction.global_max_pooling, lambda rows: rows.max(0)),
}
COUNTS = [
    ((3, 0, 5, 0), None),
    ((3, 0, 5, 0), 20),
    ((0, 0), 3),
    ((1,), None),
    ((15, 16, 17, 1, 270, 0, 2), 400),
    ((1,) * 40, 64),
]


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize(("counts", "capacity"), COUNTS)
def test_global_pooling_equals_numpy_event_by_event(name, counts, capacity):
    pool, oracle = POOLS[name]
    x = batch(counts, capacity)
    np.testing.assert_allclose(jax.jit(pool)(x), by_event(x, oracle), rtol=1e-5, atol=1e-5)
    gradient = jax.jit(jax.grad(lambda f: jnp.sum(pool(x.replace(f)) ** 2)))(x.features)
    assert np.isfinite(gradient).all()
    assert not np.asarray(gradient)[sum(counts) :].any()


@pytest.mark.parametrize("name", POOLS)
def test_input_order_and_what_padding_holds_change_nothing(name):
    pool = jax.jit(POOLS[name][0])
    x, shuffled = (batch((7, 0, 40), 64, order=order) for order in (None, 1))
    expected = pool(x)
    np.testing.assert_array_equal(pool(shuffled), expected)
    np.testing.assert_array_equal(pool(x.replace(x.features.at[47:].set(jnp.nan))), expected)
    np.testing.assert_array_equal(pool(x), expected)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("name", POOLS)
def test_sums_of_narrow_types_are_float32(name, dtype):
    pool, oracle = POOLS[name]
    x = batch((300, 2), 320)
    x = x.replace(x.features.astype(dtype))
    result = pool(x)
    assert result.dtype == dtype
    np.testing.assert_allclose(result.astype(np.float32), by_event(x, oracle), rtol=2**-8)


def triangle():
    """Conformance case 4: two events of eight sites, features 0 to 31."""
    sites = [(0, 3), (1, 2), (1, 4), *((2, y) for y in range(1, 6))]
    coords = [(event, *site) for event in range(2) for site in sites]
    features = np.arange(32, dtype=np.float32).reshape(16, 2)
    return sparse_tensor(coords, features, spatial_shape=(3, 6), batch_size=2)


def test_the_triangle_has_the_values_of_the_peers_test():
    """Conformance case 10."""
    x = triangle()
    assert reduction.global_sum_pooling(x).tolist() == [[56, 64], [184, 192]]
    assert reduction.global_average_pooling(x).tolist() == [[7, 8], [23, 24]]
    assert reduction.global_max_pooling(x).tolist() == [[14, 15], [30, 31]]


def test_a_maximum_of_minus_infinity_and_of_nan_is_passed_on():
    x = batch((2, 2))
    features = jnp.full((4, CHANNELS), -jnp.inf).at[3, 0].set(jnp.nan)
    result = reduction.global_max_pooling(x.replace(features))
    assert np.isneginf(result[0]).all()
    assert np.isnan(result[1, 0])


def test_of_equal_sites_the_first_gets_the_gradient():
    x = batch((3,))
    gradient = jax.grad(lambda f: reduction.global_max_pooling(x.replace(f)).sum())(
        jnp.ones((3, CHANNELS))
    )
    assert gradient[:, 0].tolist() == [1, 0, 0]


def everything(features, vectors, scale):
    x = batch((3, 0, 4), 9).replace(features)
    y = reduction.broadcast_add(x, jnp.tanh(vectors))
    y = reduction.broadcast_multiply(y, reduction.global_max_pooling(y))
    y = norms.group_norm(y, scale, scale, groups=2)
    y = reduction.broadcast_concatenate(y, reduction.global_average_pooling(y))
    return jnp.sum(jnp.tanh(y.features) * reduction.event_spread(
        jnp.sin(reduction.global_sum_pooling(y)), reduction.EventRows.of(y)
    ))  # fmt: skip


def test_derivatives_of_first_and_second_order_agree_with_finite_differences():
    x = batch((3, 0, 4), 9)
    vectors: Any = np.random.default_rng(1).normal(size=(3, CHANNELS)).astype(np.float32)
    features = np.array(x.features) * 0.5
    scale = jnp.arange(1.0, 5.0) / 4

    def active(features, vectors, scale):
        return everything(features * x.mask[:, None], vectors, scale)

    check_grads(
        jax.jit(active), (features, vectors, scale), 2, modes=("fwd", "rev"),
        atol=5e-2, rtol=5e-2, eps=3e-3,
    )  # fmt: skip


def test_vmap_remat_pmap_and_the_lowered_program():
    x = batch((3, 0, 4), 9)
    vectors: Any = np.random.default_rng(1).normal(size=(3, CHANNELS)).astype(np.float32)
    scale = jnp.ones(CHANNELS)
    many = jnp.stack([vectors, 2 * vectors, 0 * vectors, -vectors])
    loss = jax.checkpoint(lambda v: everything(x.features, v, scale))
    gradient = jax.jit(jax.grad(loss))
    expected = jnp.stack([gradient(v) for v in many])
    np.testing.assert_allclose(jax.vmap(jax.grad(loss))(many), expected, atol=1e-4)
    np.testing.assert_allclose(jax.pmap(jax.grad(loss))(many), expected, atol=1e-4)
    text = jax.jit(jax.grad(everything, argnums=(0, 1, 2))).lower(
        x.features, vectors, scale
    ).as_text()  # fmt: skip
    assert "scatter" not in text
    assert "f64" not in text


def test_vmap_over_whole_batches():
    batches = [batch(counts, 9) for counts in ((3, 0, 4), (0, 0, 9), (0, 0, 0))]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches)

    def gradient(x):
        return jax.grad(lambda f: jnp.sum(reduction.global_sum_pooling(x.replace(f)) ** 2))(
            x.features
        )

    expected = jnp.stack([gradient(x) for x in batches])
    np.testing.assert_allclose(jax.vmap(gradient)(stacked), expected, rtol=1e-5)


def test_broadcasts_equal_numpy_and_keep_padding_zero():
    x = batch((3, 0, 4), 9)
    x = x.replace(x.features.at[7:].set(jnp.nan))  # what stands on padding must not matter
    vectors: Any = np.random.default_rng(1).normal(size=(3, CHANNELS)).astype(np.float32)
    event = np.asarray(x.coords)[:7, 0]
    rows, given = np.asarray(x.features)[:7], vectors[event]
    for function, expected in (
        (reduction.broadcast_add, rows + given),
        (reduction.broadcast_multiply, rows * given),
        (reduction.broadcast_concatenate, np.concatenate([rows, given], 1)),
    ):
        y = function(x, vectors)
        np.testing.assert_allclose(y.features[:7], expected, rtol=1e-6)
        assert not np.asarray(y.features)[7:].any()
        with pytest.raises(InputError, match="one row for each event"):
            function(x, vectors[:2])
    with pytest.raises(InputError, match=r"\[3, 4\]"):
        reduction.broadcast_add(x, vectors[:, :2])


SCALE: Any = np.linspace(0.5, 2, CHANNELS, dtype=np.float32)
BIAS: Any = np.ones(CHANNELS, np.float32)


def normalised(rows, groups):
    """Of float64 ``[sites, channels]``, the moments over all sites and a group's channels."""
    if not len(rows):
        return rows
    grouped = rows.reshape(len(rows), groups, -1)
    mean, variance = grouped.mean((0, 2), keepdims=True), grouped.var((0, 2), keepdims=True)
    return ((grouped - mean) / np.sqrt(variance + 1e-5)).reshape(rows.shape) * SCALE + BIAS


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize(
    ("groups", "over"), [(1, "event"), (2, "event"), (4, "event"), (2, "site")]
)
def test_group_norm_equals_numpy(groups, over, dtype):
    x = batch((20, 0, 1, 7), 40)
    x = x.replace(x.features.astype(dtype))
    rows = np.asarray(x.features, np.float64)[:28]
    starts = (20, 20, 21) if over == "event" else range(1, 28)
    expected = [normalised(part, groups) for part in np.split(rows, starts)]
    y = jax.jit(lambda x: norms.group_norm(x, SCALE, BIAS, groups=groups, over=over))(x)
    assert y.features.dtype == dtype
    tolerance = 1e-3 if dtype == jnp.float32 else 5e-2
    got = np.asarray(y.features, np.float32)
    np.testing.assert_allclose(got[:28], np.concatenate(expected), atol=tolerance)
    assert not got[28:].any()


def test_instance_and_layer_norm_are_group_norms():
    x = batch((20, 0, 1, 7), 40)
    rows = np.asarray(x.features, np.float64)[:28]
    for function, groups, starts in (
        (norms.instance_norm, CHANNELS, (20, 20, 21)),
        (norms.layer_norm, 1, range(1, 28)),
    ):
        expected = np.concatenate([normalised(part, groups) for part in np.split(rows, starts)])
        np.testing.assert_allclose(function(x, SCALE, BIAS).features[:28], expected, atol=1e-3)


@pytest.mark.parametrize("counts", [(1, 0), (0, 0)])
def test_instance_norm_of_one_site_and_of_none_is_finite(counts):
    """Conformance cases 14 and 15."""
    x = batch(counts, 3)
    value = norms.instance_norm(x, SCALE, BIAS).features
    gradient = jax.grad(
        lambda f: jnp.sum(norms.instance_norm(x.replace(f), SCALE, BIAS).features ** 2)
    )(x.features)
    np.testing.assert_allclose(value[: sum(counts)], BIAS[None][: sum(counts)], atol=1e-6)
    assert np.isfinite(gradient).all()


def test_wrong_groups_domains_and_parameters_are_one_line():
    x = batch((2,))
    with pytest.raises(InputError, match="must divide the 4 channels"):
        norms.group_norm(x, SCALE, BIAS, groups=3)
    with pytest.raises(InputError, match="event, site"):
        norms.group_norm(x, SCALE, BIAS, groups=2, over="batch")
    with pytest.raises(InputError, match=r"scale has shape \(1,\): must be \[4\]"):
        norms.layer_norm(x, SCALE[:1], BIAS)
    with pytest.raises(InputError, match=r"bias has shape \(2, 4\): must be \[4\]"):
        norms.instance_norm(x, SCALE, jnp.ones((2, 4)))


@pytest.mark.parametrize("over", ["event", "site"])
def test_padding_has_no_part_in_a_norm_without_epsilon(over):
    """Its variance is zero, and the root of that has an infinite slope."""
    x = sparse_tensor(
        [[0, 0], [0, 1]], [[1.0, 3.0], [2.0, 6.0]], spatial_shape=(4,), batch_size=2, capacity=5
    )

    def loss(features, scale):
        y = norms.group_norm(x.replace(features), scale, scale, groups=1, over=over, epsilon=0.0)
        return jnp.sum(jnp.sin(y.features))

    for gradient in jax.jit(jax.grad(loss, (0, 1)))(x.features, jnp.ones(2)):
        assert np.isfinite(gradient).all()
