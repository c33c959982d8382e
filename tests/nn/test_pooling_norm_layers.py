"""Pooling of tensors and the layers of group, instance and layer norm: sites and parameters.

Their values are those of the operations, which have oracle tests of their own.
"""

from typing import Any

import jax
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, geometry, nn, ops


@pytest.fixture(scope="module")
def x() -> Any:
    rng = np.random.default_rng(0)
    return from_dense(rng.normal(size=(2, 7, 6, 4)) * (rng.random((2, 7, 6, 1)) < 0.3), capacity=40)


@pytest.fixture(scope="module")
def down(x):
    return jax.jit(lambda x: ops.strided_connection(x, ops.hypercube(3, 2), 2))(x)


POOLINGS: dict[str, Any] = {
    "max": (nn.max_pooling, np.max, 0),
    "average": (nn.average_pooling, np.mean, 0),
    "sum": (nn.sum_pooling, np.sum, 0),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_a_pooled_tensor_is_the_pooling_of_each_window(x, down, name):
    pool, reduce, _ = POOLINGS[name]
    y = pool(x, down)
    count = int(x.num_active)
    rows = {tuple(c): f for c, f in zip(np.asarray(x.coords)[:count].tolist(), x.features[:count],
                                        strict=True)}  # fmt: skip
    sites = np.asarray(y.coords)[: int(y.num_active)].tolist()
    assert sites == [list(s) for s in sorted({(e, i // 2, j // 2) for e, i, j in rows})]
    for (e, i, j), row in zip(sites, y.features, strict=False):
        window = [rows[s] for a in (-1, 0, 1) for b in (-1, 0, 1)
                  if (s := (e, 2 * i + a, 2 * j + b)) in rows]  # fmt: skip
        np.testing.assert_allclose(row, reduce(np.stack(window), axis=0), atol=1e-5)
    assert y.stride == (2, 2)
    assert not np.asarray(y.features)[int(y.num_active) :].any()


def test_unpooling_comes_back_to_the_sites(x, down):
    y, choice = nn.max_pooling_with_choice(x, down)
    np.testing.assert_array_equal(y.features, nn.max_pooling(x, down).features)
    for back in (
        nn.max_unpooling(y, choice, down),
        nn.sum_unpooling(y, down),
        nn.average_unpooling(y, down),
    ):
        np.testing.assert_array_equal(back.coords, x.coords)
        assert back.stride == x.stride
        assert not np.asarray(back.features)[int(x.num_active) :].any()


def test_the_levels_of_a_geometry_are_connected(x):
    built = jax.jit(lambda x: geometry(x, levels=2))(x)
    known = ops.down_connection(built, 0)
    found = jax.jit(
        lambda x: ops.strided_connection(x, ops.hypercube(2, 2), 2, capacity=x.capacity)
    )(x)
    np.testing.assert_array_equal(known.target.coords, found.target.coords)
    np.testing.assert_allclose(
        nn.sum_pooling(x, known).features, nn.sum_pooling(x, found).features, atol=1e-6
    )
    layer: Any = nn.GeneralConv(features=3)
    one, variables = layer.init_with_output(jax.random.key(0), x, known)
    np.testing.assert_allclose(one.features, layer.apply(variables, x, found).features, atol=1e-5)
    assert (known.taps_per_target, known.taps_per_source) == (
        found.taps_per_target, found.taps_per_source,
    )  # fmt: skip
    with pytest.raises(InputError, match="level is 1: a geometry of 2 levels leads down from 0"):
        ops.down_connection(built, 1)


def test_a_tensor_on_other_sites_is_refused(x, down):
    y = nn.max_pooling(x, down)
    with pytest.raises(InputError, match="the connection reads"):
        nn.sum_pooling(y, down)
    with pytest.raises(InputError, match="the connection makes"):
        nn.sum_unpooling(x, down)


NORMS: dict[str, Any] = {
    "group": (nn.GroupNorm(groups=2), lambda *a: ops.group_norm(*a, groups=2)),
    "site": (nn.GroupNorm(groups=2, over="site"),
             lambda *a: ops.group_norm(*a, groups=2, over="site")),
    "instance": (nn.InstanceNorm(), ops.instance_norm),
    "layer": (nn.LayerNorm(), ops.layer_norm),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_layer_learns_scale_and_bias(x, name):
    layer, operation = NORMS[name]
    shapes = jax.tree.map(lambda a: a.shape, layer.init(jax.random.key(0), x))
    assert shapes == {"params": {"scale": (4,), "bias": (4,)}}
    scale, bias = np.linspace(0.5, 2, 8, dtype=np.float32).reshape(2, 4)
    y = layer.apply({"params": {"scale": scale, "bias": bias}}, x)
    np.testing.assert_array_equal(y.features, operation(x, scale, bias).features)
    assert not np.asarray(y.features)[int(x.num_active) :].any()


def test_squeeze_and_excitation_is_four_lines(x):
    """Global pooling, a dense layer on events, a sigmoid and a product: arXiv:1709.01507."""
    weights = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)

    @jax.jit
    def excite(x):
        gates = jax.nn.sigmoid(nn.global_average_pooling(x) @ weights)
        return nn.broadcast_multiply(x, gates)

    y = np.asarray(excite(x).features)
    event = np.asarray(x.coords)[:, 0]
    rows = np.asarray(x.features, np.float64)
    for b in range(2):
        gate = 1 / (1 + np.exp(-rows[event == b].mean(axis=0) @ weights))
        np.testing.assert_allclose(y[event == b], rows[event == b] * gate, atol=1e-5)
