"""Meshes whose axes are part of types (``AxisType.Explicit``): what passes, and what does not.

The cookbook says so under "What does not pass".
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxsparse
from jaxsparse import nn, ops

DEVICES = 4


def event(number):
    cells = np.sort(np.random.default_rng(number).choice(64, 12, replace=False))
    coords = np.stack([0 * cells, cells // 8, cells % 8], axis=1)
    values = 1.0 + cells[:, None] % 5
    return jaxsparse.sparse_tensor(coords, values, spatial_shape=(8, 8), batch_size=1, capacity=16)


def charge(x):
    weights = jnp.ones((9, 1, 1))
    y = ops.convolution(x, weights, nn.neighbours(jaxsparse.geometry(x, levels=1), 0))
    return ops.global_average_pooling(y)


@pytest.fixture(scope="module")
def batches():
    if len(jax.devices()) < DEVICES:
        pytest.skip("needs four devices: set XLA_FLAGS=--xla_force_host_platform_device_count=4")
    return ops.stack([event(number) for number in range(DEVICES)])


@pytest.fixture(scope="module")
def expected(batches):
    return jax.jit(jax.vmap(charge))(batches)


def mesh(axis_type):
    return jax.make_mesh((DEVICES,), ("devices",), axis_types=(axis_type,))


def split(batches, mesh):
    return jax.device_put(batches, NamedSharding(mesh, P("devices")))


def test_a_split_batch_passes_over_automatic_axes_and_not_over_explicit_ones(batches, expected):
    found = jax.jit(jax.vmap(charge))(split(batches, mesh(AxisType.Auto)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    explicit = mesh(AxisType.Explicit)
    with jax.set_mesh(explicit), pytest.raises(Exception, match=r"sharded the same|replicated"):
        jax.jit(jax.vmap(charge))(split(batches, explicit))


def test_auto_axes_takes_a_function_into_an_explicit_mesh(batches, expected):
    explicit = mesh(AxisType.Explicit)
    over_all = jax.sharding.auto_axes(jax.vmap(charge), out_sharding=P("devices"))
    with jax.set_mesh(explicit):
        found = jax.jit(over_all)(split(batches, explicit))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_shard_map_and_what_every_device_has_pass_within_an_explicit_mesh(batches, expected):
    explicit = mesh(AxisType.Explicit)

    def on_a_device(batches):
        return charge(jax.tree.map(lambda leaf: leaf[0], batches))[None]

    with jax.set_mesh(explicit):
        mapped = jax.shard_map(
            on_a_device, in_specs=P("devices"), out_specs=P("devices"), check_vma=False
        )
        np.testing.assert_allclose(jax.jit(mapped)(split(batches, explicit)), expected, rtol=1e-6)
        copied = jax.device_put(event(2), NamedSharding(explicit, P()))
        np.testing.assert_allclose(jax.jit(charge)(copied), expected[2], rtol=1e-6)
