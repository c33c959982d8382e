"""Layers over connections: shapes, parameters and what they refuse."""

import jax
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, nn, ops


def test_down_and_back_keeps_the_sites_and_shares_one_map():
    rng = np.random.default_rng(1)
    x = from_dense(rng.normal(size=(2, 6, 7, 4)) * (rng.random((2, 6, 7, 1)) < 0.3), capacity=40)

    @jax.jit
    def run(x):
        down = ops.strided_connection(x, ops.hypercube(3, 2), 2)
        keys = jax.random.split(jax.random.key(0), 3)
        conv = nn.GeneralConv(features=6, groups=2, use_bias=True)
        y, first = conv.init_with_output(keys[0], x, down)
        z, second = nn.ChannelwiseConv(multiplier=2).init_with_output(keys[1], y, down.transpose())
        return y, z, first, second

    y, z, first, second = run(x)
    assert y.stride == (2, 2)
    np.testing.assert_array_equal(z.coords, x.coords)
    assert z.features.shape == (40, 12)
    assert not np.asarray(z.features)[int(x.num_active) :].any()
    assert first["params"]["weights"].shape == (9, 2, 6)
    assert second["params"]["weights"].shape == (9, 1, 12)


def test_a_tensor_on_other_sites_is_refused():
    x = from_dense(np.eye(4)[None, :, :, None])
    other = from_dense(np.eye(5)[None, :, :, None])
    connection = jax.eval_shape(lambda x: ops.strided_connection(x, ops.hypercube(2, 2), 2), x)
    with pytest.raises(InputError, match="the connection reads"):
        nn.GeneralConv(features=1).init(jax.random.key(0), other, connection)
    with pytest.raises(InputError, match="groups is 2"):
        nn.GeneralConv(features=2, groups=2).init(jax.random.key(0), x, connection)
