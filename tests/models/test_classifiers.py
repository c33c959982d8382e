"""MobileNetV2 and FishNet: the sparse network is the dense one, for any number of views."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import FishNet, MobileNetV2
from jaxsparse.nn.dense_tensor import geometry as dense_geometry
from jaxsparse.nn.dense_tensor import to_dense_tensor

SHAPE, EVENTS, CLASSES = (9, 7), 3, 4
CAPACITY = EVENTS * math.prod(SHAPE) + 3

STAGES = ((1, 16, 1, 1), (2, 24, 2, 2), (3, 32, 1, 2))
NETWORKS = {
    "mobilenet": MobileNetV2(
        num_classes=CLASSES, width=0.25, stages=STAGES, merge_stage=2, reduction=2
    ),
    # Every kind of block once. Two views are looked at where it matters: they take twice as long.
    "fishnet": FishNet(
        num_classes=CLASSES,
        views=1,
        planes=(4, 8, 8, 16, 16, 8, 8, 4, 8, 16, 24),
        residual_blocks=(1,) * 10,
        transfer_blocks=(1,) * 6,
    ),
}
both = pytest.mark.parametrize("name", NETWORKS)


def view(seed, fractions, capacity=CAPACITY):
    """Each pixel of an event is a site with the probability given for the event."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1).reshape(-1, 2)
    rows = []
    for event, fraction in enumerate(fractions):
        sites = grid[rng.random(len(grid)) < fraction]
        rows.append(np.concatenate([np.full((len(sites), 1), event), sites], axis=1))
    coords = np.concatenate(rows)
    features = rng.normal(size=(len(coords), 1)).astype(np.float32)
    return jaxsparse.sparse_tensor(
        coords, features, spatial_shape=SHAPE, batch_size=len(fractions), capacity=capacity
    )


def two_views(*fractions, **options):
    return tuple(view(seed, part, **options) for seed, part in enumerate(fractions))


# One view of an event is missing, then the other, and an event has nothing at all.
SPARSE = [(0.4, 0.0, 0.2), (0.3, 0.25, 0.0)]
FULL = [(1.0,) * EVENTS] * 2


def geometries_of(network, images):
    return tuple(
        jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels) for x in images
    )


@functools.cache
def variables_of(network):
    """Parameters away from their initial values, so that no scale is 1 and no bias 0."""
    images = two_views(*SPARSE)[: network.views]

    def make(key):
        return network.init(key, images, geometries_of(network, images), train=False)

    shapes = jax.eval_shape(make, jax.random.key(0))
    rng = np.random.default_rng(0)

    def draw(path, leaf):
        name = path[-1].key
        if name == "weights":
            fan_in = math.prod(leaf.shape[:-1])
            return (rng.normal(size=leaf.shape) * (2 / fan_in) ** 0.5).astype(np.float32)
        low, high = {"scale": (0.5, 1.5), "variance": (0.5, 2.0)}.get(name, (-0.3, 0.3))
        return rng.uniform(low, high, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes)


def sites_of(x):
    """Features by (event, pixel) of the active rows, in their order."""
    rows = zip(np.asarray(x.coords).tolist(), np.asarray(x.features), strict=True)
    return {tuple(place): value for place, value in rows if place[0] >= 0}


def make_step(network, geometries_of_images, images_of, *, gradients=True):
    """Logits, new statistics, and gradients by parameters and by features, of a training step."""

    def forward(params, features, variables, images):
        images = images_of(tuple(x.replace(f) for x, f in zip(images, features, strict=True)))
        (logits, _), state = network.apply(
            {**variables, "params": params},
            images,
            geometries_of_images(images),
            train=True,
            mutable=["batch_stats"],
        )
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
        network.copy(vocabulary="dense"),
        lambda images: tuple(dense_geometry(x, levels=network.levels) for x in images),
        lambda images: tuple(to_dense_tensor(x, masked=True) for x in images),
        gradients=isinstance(network, MobileNetV2),  # compiling FishNet's takes half a minute
    )


@functools.cache
def sparse_result(name):
    network = NETWORKS[name]
    return sparse_step(network)(variables_of(network), two_views(*SPARSE)[: network.views])


@functools.cache
def evaluation(network):
    @jax.jit
    def evaluate(variables, images):
        return network.apply(variables, images, geometries_of(network, images), train=False)

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
    dense, _ = evaluation(network.copy(vocabulary="dense", remat=True))(variables, images)
    assert np.ptp(logits) > 0.1
    assert_trees_close(logits, dense, 1e-4)


@both
def test_events_without_sites_have_the_bias_as_logits_and_finite_gradients(name):
    network = NETWORKS[name]
    variables = variables_of(network)
    nothing = two_views((0.0,) * EVENTS, (0.0,) * EVENTS)[: network.views]
    logits, statistics, gradients = sparse_step(network)(variables, nothing)
    bias = variables["params"]["head"]["scores"]["bias"]
    np.testing.assert_allclose(logits, np.tile(bias, (EVENTS, 1)), atol=1e-6)
    assert logits.dtype == jnp.float32
    assert_trees_close(statistics, variables["batch_stats"], 1e-6)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


def test_rows_and_gradients_of_padding_are_zero_and_more_padding_changes_nothing():
    network = NETWORKS["mobilenet"]
    variables, images = variables_of(network), two_views(*SPARSE)
    for by_features, x in zip(sparse_result("mobilenet")[2][1], images, strict=True):
        assert not np.any(by_features[int(x.num_active) :])
    wider = two_views(*SPARSE, capacity=CAPACITY + 21)
    logits, inner = evaluation(network)(variables, wider)
    np.testing.assert_allclose(logits, evaluation(network)(variables, images)[0], atol=1e-5)
    for tensor in inner.values():
        assert not np.any(tensor.features[int(tensor.num_active) :])


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
    network = NETWORKS["mobilenet"]
    again = sparse_step(network.copy(remat=True))(variables_of(network), two_views(*SPARSE))
    assert_trees_close(again, sparse_result("mobilenet"), 1e-5)


def test_bfloat16_products_stay_near_float32():
    network = NETWORKS["mobilenet"]
    variables, images = variables_of(network), two_views(*FULL)
    exact, _ = evaluation(network)(variables, images)
    logits, _ = evaluation(network.copy(dtype="bfloat16"))(variables, images)
    difference = float(jnp.abs(logits - exact).max() / jnp.abs(exact).max())
    assert logits.dtype == jnp.float32
    assert 0 < difference < 0.1


def test_fishnet_merges_two_bodies_on_the_union_of_their_sites():
    network = NETWORKS["fishnet"].copy(views=2)
    logits, inner = evaluation(network)(variables_of(network), two_views(*SPARSE))
    assert np.all(np.isfinite(logits))
    towers, merged = [inner[f"body_2_view_{view}"] for view in range(2)], inner["merged"]
    rows = [sites_of(x) for x in towers]
    assert list(sites_of(merged)) == sorted(set(rows[0]) | set(rows[1]))
    for place, value in sites_of(merged).items():
        expected = sum(found[place] for found in rows if place in found)
        np.testing.assert_allclose(value, expected, atol=1e-6)


def shapes_of(network, channels, side=32):
    """Shapes of the parameters; the dense vocabulary is the quicker one to trace."""
    network = network.copy(vocabulary="dense")
    image = to_dense_tensor(
        jaxsparse.sparse_tensor(
            [[0, 0, 0]], [[1.0] * channels], spatial_shape=(side, side), batch_size=1
        ),
        masked=False,
    )
    views = (image,) * network.views
    geometries = tuple(dense_geometry(x, levels=network.levels) for x in views)
    make = functools.partial(network.init, train=False)
    return jax.eval_shape(make, jax.random.key(0), views, geometries)["params"]


def count_of(shapes):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def test_mobilenet_has_the_published_number_of_parameters():
    stages = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]
    count, channels = 27 * 32 + 2 * 32, 32
    for expansion, out, blocks in stages:
        for _ in range(blocks):
            inner = expansion * channels
            expand = 0 if expansion == 1 else channels * inner + 2 * inner
            count += expand + 9 * inner + 2 * inner + inner * out + 2 * out
            channels = out
    count += 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    network = MobileNetV2(num_classes=1000, views=1, stem_stride=2)
    assert count_of(shapes_of(network, 3)) == count == 3_504_872
    assert round(count / 1e6, 1) == 3.5


def fish_parameters(residual, transfer):
    """Those of the published network, block by block."""

    def block(before, after, *, up=False):
        inner = after // 4
        count = 2 * before + before * inner + 2 * inner + 9 * inner**2 + 2 * inner + inner * after
        return count + (0 if up or before == after else 2 * before + before * after)

    def stage(before, after, blocks, *, up=False):
        return block(before, after, up=up) + (blocks - 1) * block(after, after)

    count = 9 * (3 * 32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64)
    tail_and_bridge = [(64, 128), (128, 256), (256, 512), (1024, 512)]
    body, head = [(512, 512), (768, 384), (512, 256)], [(320, 320), (832, 832), (1600, 1600)]
    plan = zip(tail_and_bridge + body + head, residual, strict=True)
    for index, ((before, after), blocks) in enumerate(plan):
        count += stage(before, after, blocks, up=4 <= index < 7)
    for channels, blocks in zip((256, 128, 64, 512, 768, 512), transfer, strict=True):
        count += stage(channels, channels, blocks)
    count += 2 * 512 + 512 * 256 + 2 * 256 + 256 * 1024 + 1024  # bridge: to its wide features
    count += 2 * 1024 + 1024 * 32 + 32 + 32 * 512 + 512  # and its gate
    return count + 2 * 2112 + 2112 * 1056 + 2 * 1056 + 1056 * 1000 + 1000


@pytest.mark.parametrize(
    ("preset", "residual", "transfer", "millions"),
    [
        ("99", (2, 2, 6, 2, 1, 1, 1, 1, 2, 2), (1, 1, 1, 1, 1, 4), 16.63),
        ("150", (2, 4, 8, 4, 2, 2, 2, 2, 2, 4), (2, 2, 2, 2, 2, 4), 24.96),
        ("201", (3, 4, 12, 4, 2, 2, 2, 2, 3, 10), (2, 2, 2, 2, 2, 9), 44.58),
    ],
)
def test_fishnet_has_the_published_number_of_parameters(preset, residual, transfer, millions):
    network = FishNet(num_classes=1000, views=1, preset=preset, stem_stride=4)
    count = count_of(shapes_of(network, 3))
    assert count == fish_parameters(residual, transfer)
    assert round(count / 1e6, 2) == millions


def test_the_small_fish_of_two_views_has_a_million_parameters():
    assert 0.5e6 < count_of(shapes_of(FishNet(preset="small"), 1)) < 2e6


@both
def test_options_change_the_parameters_as_they_say(name):
    network = NETWORKS[name].copy(views=2)
    base = shapes_of(network, 1)
    stems = [base[key] for key in base if key.startswith("stem")]
    shared = shapes_of(network.copy(shared_stem=True, coordinate_inputs=True, stem_stride=2), 1)
    (stem,) = [shared[key] for key in shared if key.startswith("stem")]
    (first,) = [leaf for leaf in jax.tree.leaves(stem) if leaf.shape[:2] == (9, 3)]
    two_channels = 9 * 2 * first.shape[2]  # the coordinates
    assert len(stems) == 2
    assert count_of(base) - count_of(shared) == count_of(stems[0]) - two_channels
    wide = shapes_of(network.copy(merge="concatenate", residual=False), 1)
    if name == "mobilenet":
        # 8 channels become 16 on the way into six times as many and, narrow again, out of them.
        before, after = (tree["stage_2_block_0"] for tree in (base, wide))
        assert after["expand"]["convolution"]["weights"].shape == (16, 48)
        assert before["expand"]["convolution"]["weights"].shape == (8, 24)
    else:
        assert "projection" in base["tail_0_view_0_block_0"]
        assert "projection" not in wide["tail_0_view_0_block_0"]
        assert wide["head_0_block_0"]["squeeze"]["convolution"]["weights"].shape[0] == 16


def test_a_network_whose_views_share_all_does_not_know_which_is_which():
    network = NETWORKS["mobilenet"].copy(shared_stem=True, shared_stages=True, last_channels=40)
    own = NETWORKS["mobilenet"]
    shared, base = (
        {key for key in variables_of(one)["params"] if key.startswith("stage_0")}
        for one in (network, own)
    )
    assert shared == {"stage_0_block_0"}
    assert base == {"stage_0_view_0_block_0", "stage_0_view_1_block_0"}
    variables, (first, second) = variables_of(network), two_views(*SPARSE)
    assert variables["params"]["head"]["scores"]["weights"].shape == (40, CLASSES)
    logits, inner = evaluation(network)(variables, (first, second))
    swapped, _ = evaluation(network)(variables, (second, first))
    np.testing.assert_allclose(swapped, logits, atol=1e-5)
    assert {"stage_0_view_1", "stage_1_view_0", "stage_2"} <= set(inner)


def test_dropout_draws_from_its_own_stream_and_only_in_training():
    network = MobileNetV2(
        num_classes=CLASSES, views=1, width=0.25, stages=STAGES[:1], merge_stage=1, dropout=0.5
    )
    images = two_views(*SPARSE)[:1]
    variables = variables_of(network)

    @jax.jit
    def logits(key):
        (out, _), _ = network.apply(
            variables,
            images,
            geometries_of(network, images),
            train=True,
            mutable=["batch_stats"],
            rngs={"dropout": key},
        )
        return out

    first, second = logits(jax.random.key(0)), logits(jax.random.key(1))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(first, logits(jax.random.key(0)))
    assert evaluation(network)(variables, images)[0].shape == (EVENTS, CLASSES)  # needs no key


def test_two_devices_have_the_logits_and_statistics_of_one():
    network = MobileNetV2(num_classes=CLASSES, width=0.25, stages=STAGES[:1], merge_stage=0)
    variables = variables_of(network)
    fractions = np.array([(0.4, 0.2, 0.1, 0.0), (0.1, 0.3, 0.2, 0.0)])

    def forward(network, variables, images):
        (logits, _), state = network.apply(
            variables, images, geometries_of(network, images), train=True, mutable=["batch_stats"]
        )
        return logits, state["batch_stats"]

    whole = two_views(*fractions)
    expected = jax.jit(functools.partial(forward, network))(variables, whole)

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
        functools.partial(forward, network.copy(axis_name="devices")),
        axis_name="devices",
        in_axes=(None, 0),
        devices=jax.devices()[:2],
    )
    logits, statistics = parallel(variables, stacked)
    np.testing.assert_allclose(logits.reshape(4, CLASSES), expected[0], atol=1e-5)
    for device in range(2):
        mine = jax.tree.map(lambda leaf, device=device: leaf[device], statistics)
        assert_trees_close(mine, expected[1], 1e-5)


@both
def test_another_number_of_views_is_named(name):
    network = NETWORKS[name]
    images = two_views(*SPARSE, SPARSE[0])
    message = f"3 images and 3 geometries: the network has views={network.views}"
    with pytest.raises(InputError, match=message):
        network.apply({}, images, geometries_of(network, images), train=False)


def test_views_of_different_shapes_are_named():
    network = MobileNetV2(num_classes=2, width=0.25, stages=STAGES[:1], merge_stage=0)
    first = view(0, SPARSE[0])
    other = jaxsparse.sparse_tensor([[0, 1, 1]], [[1.0]], spatial_shape=(9, 8), batch_size=EVENTS)
    images = (first, other)
    with pytest.raises(InputError, match="views that are merged must have the same"):
        jax.eval_shape(
            lambda key: network.init(key, images, geometries_of(network, images), train=False),
            jax.random.key(0),
        )
