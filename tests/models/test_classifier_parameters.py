"""MobileNetV2 and FishNet: how many parameters they have, what options do, what they refuse."""

import functools
import math

import jax
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import EventHead, FishNet, MobileNetV2, Network
from jaxsparse.nn.dense_tensor import dense_geometry, to_dense_tensor
from tests.models.classifier_scenes import (
    EVENTS,
    NETWORKS,
    SMALL,
    SPARSE,
    geometries_of,
    two_views,
    view,
)
from tests.models.variants import variant

both = pytest.mark.parametrize("name", NETWORKS)


def shapes_of(network, channels, side=32):
    """Shapes of the parameters; the dense vocabulary is the quicker one to trace."""
    network = variant(network, vocabulary="dense")
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
    network = Network(MobileNetV2(stem_stride=2), {"event": EventHead(1000)})
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
    network = Network(FishNet(preset=preset, stem_stride=4), {"event": EventHead(1000)})
    count = count_of(shapes_of(network, 3))
    assert count == fish_parameters(residual, transfer)
    assert round(count / 1e6, 2) == millions


def test_the_small_fish_of_two_views_has_a_million_parameters():
    assert (
        0.5e6
        < count_of(shapes_of(Network(FishNet(preset="small", views=2), {"event": EventHead(5)}), 1))
        < 2e6
    )


@both
def test_options_change_the_parameters_as_they_say(name):
    network = variant(NETWORKS[name], views=2)
    base = shapes_of(network, 1)["backbone"]
    stems = [base[key] for key in base if key.startswith("stem")]
    shared = shapes_of(
        variant(network, shared_stem=True, coordinate_inputs=True, stem_stride=2), 1
    )["backbone"]
    (stem,) = [shared[key] for key in shared if key.startswith("stem")]
    (first,) = [leaf for leaf in jax.tree.leaves(stem) if leaf.shape[:2] == (9, 3)]
    two_channels = 9 * 2 * first.shape[2]  # the coordinates
    assert len(stems) == 2
    assert count_of(base) - count_of(shared) == count_of(stems[0]) - two_channels
    wide = shapes_of(variant(network, merge="concatenate", residual=False), 1)["backbone"]
    if name == "mobilenet":
        # 8 channels become 16 on the way into three times as many.
        before, after = (tree["merged"]["stage_1_block_0"] for tree in (base, wide))
        assert after["expand"]["convolution"]["weights"].shape == (16, 48)
        assert before["expand"]["convolution"]["weights"].shape == (8, 24)
    else:
        assert "projection" in base["tower_view_0"]["tail_0_block_0"]
        assert "projection" not in wide["tower_view_0"]["tail_0_block_0"]
        assert wide["merged"]["head_0_block_0"]["squeeze"]["convolution"]["weights"].shape[0] == 16


@both
def test_another_number_of_views_is_named(name):
    network = NETWORKS[name]
    images = two_views(*SPARSE, SPARSE[0])
    message = f"3 images and 3 geometries: the network has views={network.views}"
    with pytest.raises(InputError, match=message):
        network.apply({}, images, geometries_of(network, images), train=False)


def test_views_of_different_shapes_are_named():
    first = view(0, SPARSE[0])
    other = jaxsparse.sparse_tensor([[0, 1, 1]], [[1.0]], spatial_shape=(9, 8), batch_size=EVENTS)
    images = (first, other)
    with pytest.raises(InputError, match="views that are merged must have the same"):
        jax.eval_shape(
            lambda key: SMALL.init(key, images, geometries_of(SMALL, images), train=False),
            jax.random.key(0),
        )
