"""Layers over connections, per-event layers and merged views: sparse equals masked dense."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, from_dense, nn
from jaxsparse.nn import dense, sparse
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import dense_geometry, rows_of, to_dense_tensor

SHAPE, CHANNELS = (9, 6), 4


def batch(seed=0, fraction=0.4):
    """Three events, the second without a site, and some padding."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(3, *SHAPE, CHANNELS)) * (rng.random((3, *SHAPE, 1)) < fraction)
    image[1] = 0
    return from_dense(image.astype(np.float32), capacity=3 * 54 + 5)


def every_layer(layers, x, geometry):
    """``{name: result}``; layers get their parameters from their shapes."""

    def run(layer, *arguments):
        shapes = jax.eval_shape(layer.init, jax.random.key(0), *arguments)
        draw = np.random.default_rng(7).normal
        values = jax.tree.map(lambda s: jnp.asarray(draw(size=s.shape), s.dtype), shapes)
        return layer.apply(values, *arguments)

    same = layers.neighbours(geometry, 0)
    wide = layers.neighbours(geometry, 0, dilation=2)
    two, three = layers.down(geometry, 0), layers.down(geometry, 0, kernel_size=3)
    settings = BlockSettings(train=False, vocabulary=layers.__name__.split(".")[-1])
    half = layers.max_pooling(x, two)
    return {
        "same": run(layers.GeneralConv(6, use_bias=True), x, same),
        "dilated": run(layers.GeneralConv(6), x, wide),
        "groups": run(layers.GeneralConv(6, groups=2), x, same),
        "strided 2": run(layers.GeneralConv(6), x, two),
        "strided 3": run(layers.GeneralConv(6), x, three),
        "channelwise": run(layers.ChannelwiseConv(use_bias=True), x, wide),
        "channelwise strided": run(layers.ChannelwiseConv(multiplier=2), x, three),
        "max 2": half,
        "max 3": layers.max_pooling(x, three),
        "unpooled": layers.average_unpooling(half, two),
        "excitation": run(nn.SqueezeExcitation(2, settings), x),
        "coordinates": nn.append_coordinates(x),
        "reduced": nn.reduce_channels(x, 2),
    }


def test_every_layer_over_a_connection_equals_its_masked_dense_twin():
    @jax.jit
    def both(x):
        geometry = jaxsparse.geometry(x, levels=2)
        one = every_layer(sparse, x, geometry)
        images = to_dense_tensor(x, masked=True)
        twins = every_layer(dense, images, dense_geometry(images, levels=2))
        other = {name: rows_of(y.features, one[name]) for name, y in twins.items()}
        return one, other

    one, other = both(batch())
    for name, y in one.items():
        np.testing.assert_allclose(y.features, other[name], atol=1e-5, err_msg=name)
        assert not np.any(y.features[int(y.num_active) :]), name
        assert np.any(y.features), name


def test_global_pooling_of_both_vocabularies_is_over_active_sites():
    x = batch()
    images = to_dense_tensor(x, masked=True)
    plain = to_dense_tensor(x, masked=False)
    array = np.asarray(plain.features)
    for name in ("average", "max", "sum"):
        function = f"global_{name}_pooling"
        pooled = getattr(sparse, function)(x)
        np.testing.assert_allclose(getattr(dense, function)(images), pooled, atol=1e-6)
        reduce: Any = {"average": np.mean, "max": np.max, "sum": np.sum}[name]
        expected = reduce(array, axis=(1, 2))
        np.testing.assert_allclose(getattr(dense, function)(plain), expected, atol=1e-5)
        assert not np.any(pooled[1])  # the event without a site


@pytest.mark.parametrize("how", ["add", "concatenate"])
def test_views_are_merged_on_their_union_with_zeros_where_one_has_no_site(how):
    views = [batch(0), batch(1), batch(2, 0.1)]

    @jax.jit
    def merge(views):
        geometries = [jaxsparse.geometry(x, levels=2) for x in views]
        union = nn.merged_views(geometries, 0)
        coarse = [nn.max_pooling(x, nn.down(g, 0)) for x, g in zip(views, geometries, strict=True)]
        return union.merge(views, how), coarse, union.merge(coarse, how), union.geometry.fits

    fine, coarse, merged, fits = merge(views)
    assert fits
    assert fine.capacity == 3 * 9 * 6  # one for each pixel, fewer than the rows of all views
    for parts, whole in ((views, fine), (coarse, merged)):
        dense_parts = [np.asarray(x.to_dense()) for x in parts]
        expected = sum(dense_parts) if how == "add" else np.concatenate(dense_parts, -1)
        np.testing.assert_allclose(whole.to_dense(), expected, atol=1e-6)
        active = sum((np.abs(part).max(-1) > 0).astype(int) for part in dense_parts) > 0
        assert int(whole.num_active) == active.sum()


def test_coordinates_are_centres_of_pixels_from_minus_one_to_one():
    x = nn.append_coordinates(batch())
    rows = np.asarray(x.features)[: int(x.num_active), -2:]
    expected = (2 * np.asarray(x.coords)[: len(rows), 1:] + 1) / np.array(SHAPE) - 1
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    plain = nn.append_coordinates(to_dense_tensor(batch(), masked=False)).features[0, ..., -2:]
    np.testing.assert_allclose(plain[0, 0], [-8 / 9, -5 / 6], atol=1e-6)
    np.testing.assert_allclose(plain[-1, -1], [8 / 9, 5 / 6], atol=1e-6)


def test_what_cannot_be_is_named():
    x = batch()
    geometry = jaxsparse.geometry(x, levels=1)
    images = to_dense_tensor(x, masked=False)
    plain = dense_geometry(images, levels=2)
    for layers, levels in ((sparse, geometry), (dense, plain)):
        with pytest.raises(InputError, match="kernel_size is 2: must be odd"):
            layers.neighbours(levels, 0, kernel_size=2)
        with pytest.raises(InputError, match="kernel_size is 4: must be 2 or odd"):
            layers.down(levels, 0, kernel_size=4)
        with pytest.raises(InputError, match="more levels"):
            layers.down(levels, 5, kernel_size=3)
    three = dense.down(plain, 0, kernel_size=3)
    with pytest.raises(InputError, match="must be equal, so that a pixel has one parent"):
        dense.average_unpooling(dense.max_pooling(images, three), three)
    with pytest.raises(InputError, match="the connection reads stride"):
        dense.max_pooling(dense.max_pooling(images, three), three)
    with pytest.raises(InputError, match="features is 3: must divide the 4 channels"):
        nn.reduce_channels(x, 3)
    with pytest.raises(InputError, match="merge is 'max': must be one of add, concatenate"):
        nn.merged_views([geometry, geometry], 0).merge([x, x], "max")
