"""A lifted network: candidates see the features of the pixels that show them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.models import EventHead, LiftedUResNet, Network, SemanticHead, UResNet
from tests.models.random_variables import random_variables

EVENTS, SHAPES = 3, ((8, 6), (8, 7), (8, 6, 7))
SMALL: dict[str, Any] = {"filters": 3, "depth": 2, "blocks": 1}
NETWORK = Network(LiftedUResNet(views=3, **SMALL), {"semantic": SemanticHead(4)})


def images_of(seed=0, room=5):
    """Two planes and candidates of three events, the second without any site."""
    rng = np.random.default_rng(seed)
    made = []
    for shape in SHAPES:
        grid = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)
        some = [grid[rng.random(len(grid)) < 0.3] if event != 1 else grid[:0] for event in range(3)]
        coords = np.concatenate(
            [np.insert(own, 0, event, axis=1) for event, own in enumerate(some)]
        )
        values = rng.normal(size=(len(coords), 1)).astype(np.float32)
        made.append(
            jaxsparse.sparse_tensor(
                coords, values, spatial_shape=shape, batch_size=EVENTS, capacity=len(coords) + room
            )
        )
    return tuple(made)


def links_of(images, seed=1):
    """For every candidate a pixel of its event in each plane, or none."""
    rng = np.random.default_rng(seed)
    last = np.asarray(images[-1].coords[:, 0])
    found = []
    for image in images[:-1]:
        events = np.asarray(image.coords[:, 0])
        rows = np.full(len(last), -1, np.int32)
        for number, event in enumerate(last):
            own = np.flatnonzero(events == event)
            if event >= 0 and rng.random() < 0.8:
                rows[number] = rng.integers(len(own))
        found.append(jnp.asarray(rows))
    return tuple(found)


def geometries_of(images):
    return tuple(jaxsparse.geometry(x, levels=2, kernels=(3,)) for x in images)


@pytest.fixture(scope="module")
def scene():
    images = images_of()
    links = links_of(images)

    def make(key):
        return NETWORK.init(key, images, geometries_of(images), links, train=False)

    return images, links, random_variables(jax.eval_shape(make, jax.random.key(0)))


def applied(variables, images, links):
    outputs, _ = NETWORK.apply(variables, images, geometries_of(images), links, train=False)
    return outputs["semantic"]


def test_planes_are_those_of_a_network_of_planes_alone(scene):
    images, links, variables = scene
    planes = Network(UResNet(views=2, **SMALL), {"semantic": SemanticHead(4)})
    own = {
        "params": {
            "backbone": {
                name: tree
                for name, tree in variables["params"]["backbone"].items()
                if "volume" not in name
            },
            "heads": variables["params"]["heads"],
        },
        "batch_stats": variables["batch_stats"],
    }
    alone, _ = planes.apply(own, images[:2], geometries_of(images[:2]), train=False)
    both = applied(variables, images, links)
    for one, other in zip(alone["semantic"], both, strict=False):
        np.testing.assert_array_equal(one, other)


def test_candidates_see_what_a_network_sees_that_is_given_the_features(scene):
    """The oracle gathers the planes' features with numpy and runs a network of one view."""
    images, links, variables = scene
    _, named = NETWORK.apply(variables, images, geometries_of(images), links, train=False)
    volume = images[-1]
    columns = [np.asarray(volume.features)]
    for view, own_rows in enumerate(links):
        event = np.asarray(volume.coords[:, 0])
        first = np.array([np.argmax(np.asarray(images[view].coords[:, 0]) == one) for one in event])
        rows = np.where(np.asarray(own_rows) >= 0, first + own_rows, -1)
        found = np.asarray(named[f"decoder_0_view_{view}"].features)
        columns.append(np.where(rows[:, None] >= 0, found[np.maximum(rows, 0)], 0))
    given = volume.replace(features=jnp.asarray(np.concatenate(columns, axis=1)))
    params, moments = variables["params"], variables["batch_stats"]
    alone = Network(UResNet(views=1, **SMALL), {"semantic": SemanticHead(4)})
    own = {
        "params": {
            "backbone": {
                "stem": params["backbone"]["stem_volume"],
                "tower": params["backbone"]["tower_volume"],
            },
            "heads": {"semantic": {
                name.removesuffix("_view_2"): tree
                for name, tree in params["heads"]["semantic"].items()
                if name.endswith("_view_2")
            }},
        },
        "batch_stats": {
            "backbone": {"tower": moments["backbone"]["tower_volume"]},
            "heads": {"semantic": {
                name.removesuffix("_view_2"): tree
                for name, tree in moments["heads"]["semantic"].items()
                if name.endswith("_view_2")
            }},
        },
    }  # fmt: skip
    expected, _ = alone.apply(own, (given,), geometries_of((given,)), train=False)
    np.testing.assert_allclose(
        applied(variables, images, links)[-1], expected["semantic"][0], rtol=1e-5, atol=1e-5
    )


def test_a_loss_of_candidates_trains_the_planes(scene):
    images, links, variables = scene
    row = int(np.flatnonzero(np.asarray(links[0]) >= 0)[0])

    def loss(params):
        return applied({**variables, "params": params}, images, links)[-1][row].sum()

    gradient = jax.grad(loss)(variables["params"])["backbone"]
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(gradient["stem_view_0"])) > 0


def test_no_event_sees_another(scene):
    images, links, variables = scene
    volume = images[-1]
    before = applied(variables, images, links)
    first = np.asarray(images[0].coords[:, 0]) == 0
    changed = images[0].replace(features=jnp.where(first[:, None], 7.0, images[0].features))
    after = applied(variables, (changed, *images[1:]), links)
    others = np.asarray(volume.coords[:, 0]) != 0
    np.testing.assert_array_equal(before[-1][others], after[-1][others])
    assert (before[-1][~others] != after[-1][~others]).any()


def test_more_padding_changes_nothing(scene):
    images, links, variables = scene
    wider = images_of(room=40)
    rows = tuple(
        jnp.pad(own, (0, len(wider[-1].coords) - len(own)), constant_values=-1) for own in links
    )
    for one, other in zip(
        applied(variables, images, links), applied(variables, wider, rows), strict=True
    ):
        np.testing.assert_allclose(one, other[: len(one)], rtol=1e-5, atol=1e-5)
        assert not np.asarray(other[len(one) :]).any()


def test_it_names_events_and_works_in_bfloat16_and_under_jit(scene):
    images, links, _ = scene
    network = Network(
        LiftedUResNet(views=3, dtype="bfloat16", **SMALL),
        {"event": EventHead(2), "semantic": SemanticHead(4)},
    )

    @jax.jit
    def made(key, images, links):
        return network.init_with_output(key, images, geometries_of(images), links, train=False)[0]

    outputs, _ = made(jax.random.key(0), images, links)
    assert outputs["event"].shape == (EVENTS, 2)
    assert [scores.dtype for scores in outputs["semantic"]] == [jnp.float32] * 3
    assert np.isfinite(outputs["event"]).all()


def test_what_does_not_go_together_is_one_line(scene):
    images, links, variables = scene
    with pytest.raises(InputError, match=r"model\.views is 1: a lifted network needs planes"):
        LiftedUResNet(views=1)
    with pytest.raises(InputError, match=r"model\.vocabulary is 'dense': candidates"):
        LiftedUResNet(views=3, vocabulary="dense")
    with pytest.raises(InputError, match="1 links for 2 planes"):
        applied(variables, images, links[:1])


def test_a_config_gives_the_last_view_one_axis_more():
    config: dict[str, Any] = {
        "name": "lifted_uresnet",
        "views": 3,
        "dim": 3,
        "heads": {"semantic": {}},
        **SMALL,
    }
    config["in_channels"] = 1
    assert models.view_axes(config) == (2, 2, 3)
    variables = jax.eval_shape(models.initializer(config), jax.random.key(0))
    kernel = variables["params"]["backbone"]["stem_volume"]
    assert {leaf.shape for leaf in jax.tree.leaves(kernel)} == {(27, 1 + 2 * 3, 3)}
