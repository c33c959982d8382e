"""MobileNetV2 and FishNet: the sparse network is the dense one, for any number of views."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse.models import EventHead, MobileNetV2
from jaxsparse.nn.dense_tensor import dense_geometry, to_dense_tensor
from tests.models.classifier_scenes import (
    CAPACITY,
    CLASSES,
    EVENTS,
    FULL,
    NETWORKS,
    SHAPE,
    SMALL,
    SPARSE,
    geometries_of,
    two_views,
    variables_of,
)
from tests.models.variants import variant

both = pytest.mark.parametrize("name", NETWORKS)


def sites_of(x):
    """Features by (event, pixel) of the active rows, in their order."""
    rows = zip(np.asarray(x.coords).tolist(), np.asarray(x.features), strict=True)
    return {tuple(place): value for place, value in rows if place[0] >= 0}


def make_step(network, geometries_of_images, images_of, *, gradients=True):
    """Logits, new statistics, and gradients by parameters and by features, of a training step."""

    def forward(params, features, variables, images):
        images = images_of(tuple(x.replace(f) for x, f in zip(images, features, strict=True)))
        (outputs, _), state = network.apply(
            {**variables, "params": params},
            images,
            geometries_of_images(images),
            train=True,
            mutable=["batch_stats"],
        )
        logits = outputs["event"]
        weights = jnp.cos(jnp.arange(logits.size, dtype=jnp.float32)).reshape(logits.shape)
        return jnp.sum(weights * jnp.sin(logits)), (logits, state["batch_stats"])

    @jax.jit
    def step(variables, images):
        features = tuple(x.features for x in images)
        if not gradients:
            return forward(variables["params"], features, variables, images)[1]
        gradient = jax.value_and_grad(forward, argnums=(0, 1), has_aux=True)
        (_, (logits, statistics)), slopes = gradient(
            variables["params"], features, variables, images
        )
        return logits, statistics, slopes

    return step


@functools.cache
def sparse_step(network):
    return make_step(network, functools.partial(geometries_of, network), lambda images: images)


@functools.cache
def dense_step(network):
    """Of the masked dense twin, which computes on whole images what the sparse network does."""
    return make_step(
        variant(network, vocabulary="dense"),
        lambda images: tuple(dense_geometry(x, levels=network.levels) for x in images),
        lambda images: tuple(to_dense_tensor(x, masked=True) for x in images),
        gradients=isinstance(
            network.backbone, MobileNetV2
        ),  # compiling FishNet's takes half a minute
    )


@functools.cache
def sparse_result(name):
    network = NETWORKS[name]
    return sparse_step(network)(variables_of(network), two_views(*SPARSE)[: network.views])


@functools.cache
def evaluation(network):
    @jax.jit
    def evaluate(variables, images):
        outputs, named = network.apply(
            variables, images, geometries_of(network, images), train=False
        )
        return outputs["event"], named

    return evaluate


def structure(tree) -> Any:
    return jax.tree.structure(tree)


def assert_trees_close(one, other, tolerance):
    assert structure(one) == structure(other)
    leaves = jax.tree_util.tree_leaves_with_path(one)
    largest = max(float(np.max(np.abs(leaf), initial=0)) for _, leaf in leaves)
    for (path, a), b in zip(leaves, jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(
            a, b, atol=tolerance * largest, rtol=0, err_msg=jax.tree_util.keystr(path)
        )


@both
def test_sparse_equals_masked_dense_in_logits_and_statistics_and_mobilenet_in_gradients(name):
    network = NETWORKS[name]
    images = two_views(*SPARSE)[: network.views]
    sparse, dense = sparse_result(name), dense_step(network)(variables_of(network), images)
    assert np.ptp(sparse[0]) > 0.1
    for one, other in zip(sparse, dense, strict=name == "mobilenet"):
        assert_trees_close(one, other, 1e-4)


@both
def test_an_image_with_every_pixel_active_gives_the_logits_of_the_plain_dense_twin(name):
    network = NETWORKS[name]
    variables, images = variables_of(network), two_views(*FULL)[: network.views]
    logits, _ = evaluation(network)(variables, images)
    # The dense vocabulary takes the sparse batch, as plain whole images.
    dense, _ = evaluation(variant(network, vocabulary="dense", remat=True))(variables, images)
    assert np.ptp(logits) > 0.1
    assert_trees_close(logits, dense, 1e-4)


@both
def test_events_without_sites_have_the_bias_as_logits_and_finite_gradients(name):
    network = NETWORKS[name]
    variables = variables_of(network)
    nothing = two_views((0.0,) * EVENTS, (0.0,) * EVENTS)[: network.views]
    logits, statistics, gradients = sparse_step(network)(variables, nothing)
    bias = variables["params"]["heads"]["event"]["scores"]["bias"]
    np.testing.assert_allclose(logits, np.tile(bias, (EVENTS, 1)), atol=1e-6)
    assert logits.dtype == jnp.float32
    assert_trees_close(statistics, variables["batch_stats"], 1e-6)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


def test_rows_and_gradients_of_padding_are_zero():
    network = NETWORKS["mobilenet"]
    images = two_views(*SPARSE)
    for by_features, x in zip(sparse_result("mobilenet")[2][1], images, strict=True):
        assert not np.any(by_features[int(x.num_active) :])
    for tensor in evaluation(network)(variables_of(network), images)[1].values():
        assert not np.any(tensor.features[int(tensor.num_active) :])


def test_more_padding_changes_nothing():
    variables, images = variables_of(SMALL), two_views(*SPARSE)
    logits, _ = evaluation(SMALL)(variables, images)
    wider, _ = evaluation(SMALL)(variables, two_views(*SPARSE, capacity=CAPACITY + 21))
    assert np.ptp(logits) > 0.01
    np.testing.assert_allclose(wider, logits, atol=1e-5)


def test_permuted_events_have_permuted_logits():
    network = NETWORKS["mobilenet"]
    variables, images = variables_of(network), two_views(*SPARSE)
    order = np.array([2, 0, 1])  # of an event, where it goes

    def permuted(x):
        count = int(x.num_active)
        coords = np.array(x.coords)[:count]
        coords[:, 0] = order[coords[:, 0]]
        return jaxsparse.sparse_tensor(
            coords,
            np.asarray(x.features)[:count],
            spatial_shape=SHAPE,
            batch_size=EVENTS,
            capacity=CAPACITY,
        )

    logits, _ = evaluation(network)(variables, images)
    moved, _ = evaluation(network)(variables, tuple(permuted(x) for x in images))
    np.testing.assert_allclose(moved[order], logits, atol=1e-5)
    assert np.ptp(logits, axis=0).min() > 1e-3


def test_rematerialisation_gives_the_same_numbers():
    variables, images = variables_of(SMALL), two_views(*SPARSE)
    once, again = (
        sparse_step(variant(SMALL, remat=remat))(variables, images) for remat in (False, True)
    )
    assert_trees_close(again, once, 1e-5)


def test_bfloat16_products_stay_near_float32():
    variables, images = variables_of(SMALL), two_views(*SPARSE)
    exact, _ = evaluation(SMALL)(variables, images)
    logits, _ = evaluation(variant(SMALL, dtype="bfloat16"))(variables, images)
    difference = float(jnp.abs(logits - exact).max() / jnp.abs(exact).max())
    assert logits.dtype == jnp.float32
    assert 0 < difference < 0.1


def test_fishnet_merges_two_bodies_on_the_union_of_their_sites():
    network = variant(NETWORKS["fishnet"], views=2)
    logits, inner = evaluation(network)(variables_of(network), two_views(*SPARSE))
    assert np.all(np.isfinite(logits))
    towers, merged = [inner[f"body_2_view_{view}"] for view in range(2)], inner["merged"]
    rows = [sites_of(x) for x in towers]
    assert list(sites_of(merged)) == sorted(set(rows[0]) | set(rows[1]))
    for place, value in sites_of(merged).items():
        expected = sum(found[place] for found in rows if place in found)
        np.testing.assert_allclose(value, expected, atol=1e-6)


def test_a_network_whose_views_share_all_does_not_know_which_is_which():
    network = variant(NETWORKS["mobilenet"], shared_stem=True, shared_stages=True, last_channels=40)
    own = NETWORKS["mobilenet"]
    shared, base = (
        {
            key
            for key in variables_of(one)["params"]["backbone"]
            if key.startswith(("stem", "tower"))
        }
        for one in (network, own)
    )
    assert shared == {"stem", "tower"}
    assert base == {f"{part}_view_{v}" for part in ("stem", "tower") for v in range(2)}
    variables, (first, second) = variables_of(network), two_views(*SPARSE)
    assert variables["params"]["heads"]["event"]["scores"]["weights"].shape == (40, CLASSES)
    logits, inner = evaluation(network)(variables, (first, second))
    swapped, _ = evaluation(network)(variables, (second, first))
    np.testing.assert_allclose(swapped, logits, atol=1e-5)
    assert {"stage_0_view_0", "stage_0_view_1", "stage_1"} <= set(inner)


def test_dropout_draws_from_its_own_stream_and_only_in_training():
    network = variant(SMALL, {"event": EventHead(CLASSES, dropout=0.5)})
    images = two_views(*SPARSE)
    variables = variables_of(network)

    @jax.jit
    def logits(key):
        (outputs, _), _ = network.apply(
            variables,
            images,
            geometries_of(network, images),
            train=True,
            mutable=["batch_stats"],
            rngs={"dropout": key},
        )
        return outputs["event"]

    first, second = logits(jax.random.key(0)), logits(jax.random.key(1))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(first, logits(jax.random.key(0)))
    needs_no_key, _ = jax.eval_shape(evaluation(network), variables, images)
    assert needs_no_key.shape == (EVENTS, CLASSES)


def test_two_devices_have_the_logits_and_statistics_of_one():
    variables = variables_of(SMALL)
    fractions = np.array([(0.4, 0.2, 0.1, 0.0), (0.1, 0.3, 0.2, 0.0)])

    def forward(network, variables, images):
        (outputs, _), state = network.apply(
            variables, images, geometries_of(network, images), train=True, mutable=["batch_stats"]
        )
        return outputs["event"], state["batch_stats"]

    whole = two_views(*fractions)
    expected = jax.jit(functools.partial(forward, SMALL))(variables, whole)

    def shard(x, first):
        rows = np.asarray(x.coords)[:, 0]
        mine = (rows >= first) & (rows < first + 2)
        return jaxsparse.sparse_tensor(
            np.asarray(x.coords)[mine] - [first, 0, 0],
            np.asarray(x.features)[mine],
            spatial_shape=SHAPE,
            batch_size=2,
            capacity=CAPACITY,
        )

    shards = [tuple(shard(x, first) for x in whole) for first in (0, 2)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *shards)
    parallel = jax.pmap(
        functools.partial(forward, variant(SMALL, axis_name="devices")),
        axis_name="devices",
        in_axes=(None, 0),
        devices=jax.devices()[:2],
    )
    logits, statistics = parallel(variables, stacked)
    np.testing.assert_allclose(logits.reshape(4, CLASSES), expected[0], atol=1e-5)
    for device in range(2):
        mine = jax.tree.map(lambda leaf, device=device: leaf[device], statistics)
        assert_trees_close(mine, expected[1], 1e-5)
