"""Layers of both vocabularies: conventions, bias, precision and errors."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import nn, ops
from jaxsparse.errors import InputError
from jaxsparse.nn import blocks, dense, sparse
from jaxsparse.nn.dense_tensor import dense_geometry, rows_of, to_dense_tensor
from tests.random_views import random_cells

SHAPE = (5, 7)
COUNT = 14


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    coords = random_cells(rng, COUNT, (2, *SHAPE))
    features = rng.normal(size=(COUNT, 3)).astype(np.float32)
    return jaxsparse.sparse_tensor(coords, features, spatial_shape=SHAPE, batch_size=2, capacity=20)


@pytest.fixture(scope="module")
def geometry(x):
    return jax.jit(lambda x: jaxsparse.geometry(x, levels=2, kernels=(3,)))(x)


def parameters(*shapes):
    rng = np.random.default_rng(1)
    names = ("weights", "bias")
    return {
        "params": {
            name: rng.normal(size=shape).astype(np.float32)
            for name, shape in zip(names, shapes, strict=True)
        }
    }


def apply(layer, variables, *inputs) -> Any:
    return layer.apply(variables, *inputs)


def brute_force(x, weights, bias, offsets, outputs, stride):
    """``out[o] = bias + sum_k weights[k] . in[stride * o + offset[k]]``, float64, by dictionary."""
    count = int(x.num_active)
    rows = {
        tuple(site): row.astype(np.float64)
        for site, row in zip(
            np.asarray(x.coords)[:count].tolist(), np.asarray(x.features)[:count], strict=True
        )
    }
    result = []
    for event, *place in outputs:
        total = bias.astype(np.float64)
        for tap, offset in enumerate(offsets):
            site = (event, *(stride * p + o for p, o in zip(place, offset, strict=True)))
            if site in rows:
                total = total + rows[site] @ weights[tap]
        result.append(total)
    return np.array(result)


def test_submanifold_convolution_by_brute_force(x, geometry):
    variables = parameters((9, 3, 4), (4,))
    weights, bias = variables["params"].values()
    y = apply(sparse.SubmanifoldConv(4, use_bias=True), variables, x, geometry)
    offsets = list(itertools.product((-1, 0, 1), repeat=2))
    sites = np.asarray(x.coords)[:COUNT].tolist()
    expected = brute_force(x, weights, bias, offsets, sites, 1)
    np.testing.assert_allclose(y.features[:COUNT], expected, atol=1e-4)
    assert not np.any(y.features[COUNT:])


def test_strided_convolution_by_brute_force(x, geometry):
    variables = parameters((4, 3, 4), (4,))
    weights, bias = variables["params"].values()
    y = apply(sparse.StridedConv(4, use_bias=True), variables, x, geometry)
    coords = np.asarray(x.coords)[:COUNT]
    parents = np.unique(np.concatenate([coords[:, :1], coords[:, 1:] // 2], axis=1), axis=0)
    offsets = list(itertools.product((0, 1), repeat=2))
    expected = brute_force(x, weights, bias, offsets, parents.tolist(), 2)
    count = int(y.num_active)
    np.testing.assert_array_equal(np.asarray(y.coords)[:count], parents)
    np.testing.assert_allclose(y.features[:count], expected, atol=1e-4)
    assert not np.any(y.features[count:])
    assert (y.stride, y.spatial_shape) == ((2, 2), (3, 4))


def test_inverse_convolution_reads_the_one_parent(x, geometry):
    coarse = apply(sparse.StridedConv(3), parameters((4, 3, 3), (3,)), x, geometry)
    variables = parameters((4, 3, 2), (2,))
    weights, bias = variables["params"].values()
    y = apply(sparse.InverseConv(2, use_bias=True), variables, coarse, geometry)
    parent_rows = {
        tuple(c): row for c, row in zip(coarse.coords.tolist(), coarse.features, strict=True)
    }
    for (event, *place), row in zip(
        np.asarray(x.coords)[:COUNT].tolist(), y.features, strict=False
    ):
        tap = place[0] % 2 * 2 + place[1] % 2
        parent = parent_rows[(event, place[0] // 2, place[1] // 2)]
        np.testing.assert_allclose(row, parent @ weights[tap] + bias, atol=1e-4)
    assert not np.any(y.features[COUNT:])


@pytest.mark.parametrize("name", ["SubmanifoldConv", "StridedConv", "InverseConv"])
def test_masked_dense_layers_with_bias_equal_the_sparse_ones(x, geometry, name):
    if name == "InverseConv":
        x = apply(sparse.StridedConv(3), parameters((4, 3, 3), (3,)), x, geometry)
    taps = 9 if name == "SubmanifoldConv" else 4
    variables = parameters((taps, 3, 4), (4,))
    y = apply(getattr(sparse, name)(4, use_bias=True), variables, x, geometry)
    masks = dense_geometry(_images(geometry, 0), levels=2)
    images = _images(geometry, 1 if name == "InverseConv" else 0, x.features)
    z = apply(getattr(dense, name)(4, use_bias=True), variables, images, masks)
    np.testing.assert_allclose(rows_of(z.features, y), y.features, atol=1e-4)
    assert z.stride == y.stride
    assert not np.any(np.asarray(z.features)[~np.asarray(z.mask)])


def _images(geometry, level, features=None):
    sites = geometry.levels[level]
    if features is None:
        features = jnp.zeros((sites.capacity, 1))
    return to_dense_tensor(geometry.tensor(level, features), masked=True)


def test_linear_masks_its_bias(x):
    variables = parameters((3, 2), (2,))
    weights, bias = variables["params"].values()
    y = apply(sparse.Linear(2), variables, x)
    expected = np.asarray(x.features)[:COUNT] @ weights + bias
    np.testing.assert_allclose(y.features[:COUNT], expected, atol=1e-5)
    assert not np.any(y.features[COUNT:])


@pytest.mark.parametrize("use_bias", [True, False])
def test_linear_takes_no_gradient_from_padding(x, use_bias):
    """Neither from what its rows hold nor from an infinite slope there."""
    variables = parameters((3, 2), (2,))
    if not use_bias:
        del variables["params"]["bias"]
    positive = jnp.abs(x.features) + 0.1
    variables = jax.tree.map(np.abs, variables)

    def loss(variables, features, rows):
        y = apply(sparse.Linear(2, use_bias=use_bias), variables, x.replace(features))
        return jnp.sum(jnp.sqrt(y.features[:rows]))

    expected = jax.grad(loss)(variables, positive, COUNT)
    dirty = jax.grad(loss)(variables, positive.at[COUNT:].set(jnp.nan), x.capacity)
    for one, other in zip(jax.tree.leaves(dirty), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("layers", [sparse, dense], ids=["sparse", "dense"])
def test_bfloat16_operands_give_float32_features_and_gradients(x, geometry, layers):
    if layers is dense:
        x = _images(geometry, 0, x.features)
        geometry = dense_geometry(x, levels=2)

    def loss(variables, features, dtype):
        y = apply(
            layers.SubmanifoldConv(4, dtype=dtype),
            variables,
            x.replace(features=features),
            geometry,
        )
        return jnp.sum(jnp.sin(y.features)), y.features

    variables = parameters((9, 3, 4), (4,))
    del variables["params"]["bias"]
    gradient = jax.grad(loss, argnums=(0, 1), has_aux=True)
    exact, y = gradient(variables, x.features, None)
    rounded, z = gradient(variables, x.features, jnp.bfloat16)
    assert y.dtype == z.dtype == jnp.float32
    assert 0 < jnp.abs(y - z).max() < 0.1
    for a, b in zip(jax.tree.leaves(exact), jax.tree.leaves(rounded), strict=True):
        assert b.dtype == jnp.float32
        assert jnp.abs(a - b).max() < 0.05 * jnp.abs(a).max() + 0.05


@pytest.mark.parametrize(
    ("name", "taps", "fan_in"),
    [("SubmanifoldConv", 9, 9 * 64), ("StridedConv", 4, 4 * 64), ("InverseConv", 4, 64)],
)
def test_weights_start_he_normal(x, geometry, name, taps, fan_in):
    level = 1 if name == "InverseConv" else 0
    features = jnp.zeros((geometry.levels[level].capacity, 64))
    layer = getattr(sparse, name)(48)
    init = jax.jit(lambda key: layer.init(key, geometry.tensor(level, features), geometry))
    weights = init(jax.random.key(0))["params"]["weights"]
    assert weights.shape == (taps, 64, 48)
    assert weights.dtype == jnp.float32
    assert float(weights.std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)


def test_both_vocabularies_have_the_same_names():
    assert sparse.__all__ == dense.__all__


def test_any_number_of_tensors_is_joined_in_order(x):
    y, z = 2 * x, x.replace(features=3 * x.features[:, :1])
    joined = nn.concatenate(x, y, z).features
    np.testing.assert_array_equal(joined, np.hstack([x.features, y.features, z.features]))
    np.testing.assert_array_equal(nn.concatenate(x).features, x.features)
    together: Any = nn.concatenate  # as jnp.concatenate takes them
    with pytest.raises(InputError, match=r"x is a list: .* one by one, nn\.concatenate\(x, y\)"):
        together([x, y])


def test_an_array_of_whole_events_is_sent_to_layers_of_flax(x):
    pooled = nn.global_max_pooling(x)
    with pytest.raises(InputError, match=r"an array of whole events, .* goes into layers of flax"):
        nn.Linear(3).init(jax.random.key(0), pooled)


def test_a_kernel_of_one_site_is_sent_to_the_linear_layer(x, geometry):
    with pytest.raises(InputError, match=r"kernel_size is 1: take nn\.Linear"):
        nn.SubmanifoldConv(3, kernel_size=1).init(jax.random.key(0), x, geometry)


def test_unlike_tensors_cannot_be_joined(x, geometry):
    coarse = apply(sparse.StridedConv(3), parameters((4, 3, 3), (3,)), x, geometry)
    with pytest.raises(InputError, match=r"events and capacity \(\(1, 1\).*: y has \(\(2, 2\)"):
        sparse.concatenate(x, coarse)
    with pytest.raises(InputError, match="bring both to one level"):
        sparse.add(x, coarse)
    images = _images(geometry, 0)
    with pytest.raises(InputError, match="same sites"):
        dense.add(images, _images(geometry, 1))
    with pytest.raises(InputError, match="their masks must agree"):
        dense.add(images, images.replace(mask=~images.mask))
    with pytest.raises(InputError, match="their masks must agree"):
        dense.add(images, images.replace(mask=None))


def other_batches(x):
    """Tensors of the stride and capacity of ``x`` that lie on other sites."""
    pruned = ops.prune(x, jnp.arange(x.capacity) > 0)
    return {
        "shape": dataclasses.replace(x, spatial_shape=(5, 8)),
        "events": dataclasses.replace(x, batch_size=3),
        "coordinates": pruned,
        "rows at hand on the host": dataclasses.replace(x, coords=np.asarray(pruned.coords)),
    }


@pytest.mark.parametrize("name", ["shape", "events", "coordinates", "rows at hand on the host"])
def test_other_sites_of_the_same_size_are_refused(x, geometry, name):
    other = other_batches(x)[name]
    static = name in ("shape", "events")
    layer, variables = sparse.SubmanifoldConv(4), {"params": {"weights": np.ones((9, 3, 4))}}
    down = ops.down_connection(geometry, 0)
    for run, text in (
        (lambda x, y: sparse.add(x, y), "y has"),
        (lambda x, y: sparse.concatenate(x, y), "y has"),
        (lambda x, y: layer.apply(variables, y, geometry), "level 0 of the geometry has"),
        (lambda x, y: sparse.max_pooling(y, down), "the connection reads"),
    ):
        with pytest.raises(InputError, match=text) as error:
            run(x, other)
        assert "\n" not in str(error.value)
        if static:
            with pytest.raises(InputError, match=text):
                jax.eval_shape(run, x, other)
        else:
            jax.eval_shape(run, x, other)  # traced coordinates cannot be compared


def test_equal_sites_in_other_arrays_are_the_same(x):
    copy = dataclasses.replace(x, coords=np.array(x.coords))
    np.testing.assert_array_equal(sparse.add(x, copy).features, 2 * x.features)


def test_unknown_vocabulary_and_order_are_named():
    with pytest.raises(InputError, match="vocabulary is 'spars': must be one of sparse, dense"):
        blocks.vocabulary("spars")
    with pytest.raises(InputError, match="order is 'last'"):
        blocks.BlockSettings(train=True, order="last")


def test_the_channels_of_the_input_are_not_taken_for_another_field():
    layers: Any = nn  # what type checkers would refuse
    one_field = ["Linear", "GeneralConv", "SubmanifoldConv", "StridedConv", "InverseConv"]
    one_field += ["ChannelwiseConv", "Sinusoidal", "GroupNorm", "BatchNorm"]
    for name in one_field:
        with pytest.raises(TypeError, match=r"takes .*2 positional arguments but 3 were given"):
            getattr(layers, name)(3, 3)
    for name in ("InstanceNorm", "LayerNorm", "PReLU"):
        with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
            getattr(layers, name)(16)


@pytest.mark.parametrize("layer", [nn.Linear(-3), nn.Linear(0), nn.Sinusoidal(-3)])
def test_layers_without_a_positive_number_of_channels_are_refused(layer):
    x = jaxsparse.sparse_tensor([[0, 1]], [[1.0]], spatial_shape=(4,), batch_size=1)
    with pytest.raises(InputError, match=r"features is .*: must be at least 1"):
        layer.init(jax.random.key(0), x)
