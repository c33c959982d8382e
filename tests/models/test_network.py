"""Backbones and heads together: several heads in one pass, pixels of every view, any views."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import EventHead, Network, SemanticHead, UResNet
from jaxsparse.nn.dense_tensor import dense_geometry, rows_of, to_dense_tensor
from jaxsparse.ops.native import compiler
from tests.models.classifier_scenes import CLASSES, EVENTS, NETWORKS, SPARSE, two_views, view
from tests.models.random_variables import random_variables
from tests.models.variants import variant

BOTH = {"event": EventHead(CLASSES), "semantic": SemanticHead(3)}
SCENES = {
    "uresnet": Network(UResNet(views=2, filters=2, depth=2, blocks=1), BOTH),
    "mobilenet": variant(NETWORKS["mobilenet"], BOTH),
    "mobilenet with stride": variant(NETWORKS["mobilenet"], BOTH, stem_stride=2, merge_stage=0),
    "fishnet": variant(NETWORKS["fishnet"], BOTH),
}


def geometries_of(network, images):
    return tuple(
        jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels) for x in images
    )


def images_of(network):
    return two_views(*SPARSE)[: network.views]


def variables_of(network, images):
    return random_variables(
        jax.eval_shape(
            lambda key: network.init(key, images, geometries_of(network, images), train=False),
            jax.random.key(0),
        )
    )


@functools.partial(jax.jit, static_argnames="network")
def outputs_of(variables, images, network):
    return network.apply(variables, images, geometries_of(network, images), train=False)[0]


@functools.partial(jax.jit, static_argnames="network")
def masked_dense_outputs_of(variables, images, network):
    dense = tuple(to_dense_tensor(x, masked=True) for x in images)
    geometries = tuple(dense_geometry(x, levels=network.levels) for x in dense)
    outputs, _ = network.apply(variables, dense, geometries, train=False)
    rows = [rows_of(scores, x) for scores, x in zip(outputs["semantic"], images, strict=True)]
    return {**outputs, "semantic": tuple(rows)}


@pytest.mark.parametrize(
    ("fields", "device", "expected"),
    [
        ({}, ("cpu", "cpu"), "kernels for float32 made here"),
        ({"dtype": "bfloat16"}, ("cpu", "cpu"), "kernels for bfloat16 made here"),
        ({"implementation": "native"}, ("cpu", "cpu"), "kernels for float32 made here"),
        ({"implementation": "windows"}, ("cpu", "cpu"), "XLA for cpu"),
        ({"vocabulary": "dense"}, ("cpu", "cpu"), "XLA for cpu"),
        ({}, ("cuda", "NVIDIA H200"), "XLA for NVIDIA H200"),
    ],
)
def test_a_network_knows_what_computes_its_sums(fields, device, expected, monkeypatch):
    monkeypatch.setattr(compiler, "instruction_set", "{} made here".format)
    network = Network(UResNet(**fields), {"semantic": SemanticHead(3)})
    platform, kind = device
    assert network.computed_by(SimpleNamespace(platform=platform, device_kind=kind)) == expected


def test_without_kernels_xla_computes_the_sums(monkeypatch):
    monkeypatch.setattr(compiler, "_variant", lambda _: None)
    network = Network(UResNet(), {"semantic": SemanticHead(3)})
    assert network.computed_by(jax.devices("cpu")[0]) == "XLA for cpu"


@pytest.mark.parametrize("name", SCENES)
def test_both_heads_of_one_pass_are_those_of_the_masked_dense_twin(name):
    network = SCENES[name]
    images = images_of(network)
    variables = variables_of(network, images)
    outputs = outputs_of(variables, images, network)
    dense = masked_dense_outputs_of(variables, images, variant(network, vocabulary="dense"))
    assert outputs["event"].shape == (EVENTS, CLASSES)
    for scores, x in zip(outputs["semantic"], images, strict=True):
        assert scores.shape == (x.capacity, 3)
        assert scores.dtype == jnp.float32
        assert not np.any(scores[int(x.num_active) :])
        assert np.ptp(scores[: int(x.num_active)], axis=0).min() > 1e-3
    for one, other in zip(jax.tree.leaves(outputs), jax.tree.leaves(dense), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * float(np.abs(one).max()))


def test_a_head_beside_another_gives_what_it_gives_alone():
    network = SCENES["uresnet"]
    images = images_of(network)
    variables = variables_of(network, images)
    together = outputs_of(variables, images, network)
    for name, head in BOTH.items():
        alone = Network(network.backbone, {name: head})
        needed = jax.eval_shape(lambda alone=alone: variables_of(alone, images))["params"]
        here = variables["params"]
        kept = {part: {k: here[part][k] for k in needed[part]} for part in needed}
        result = outputs_of({**variables, "params": kept}, images, alone)
        for one, other in zip(result[name], together[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_backbone_has_no_parameters_that_no_head_reads():
    def parts(name, **heads):
        network = Network(SCENES[name].backbone, heads)
        params = variables_of(network, images_of(network))["params"]
        own = params["backbone"]
        tower = own.get("tower", own.get("tower_view_0", {}))
        return set(params["heads"]), {part.split("_")[0] for part in (*own, *tower)}

    event, pixels = EventHead(CLASSES), SemanticHead(3)
    assert parts("uresnet", event=event) == (
        {"event"},
        {"stem", "tower", "encoder", "down", "bottom"},
    )
    assert parts("uresnet", semantic=pixels) == (
        {"semantic"}, {"stem", "tower", "encoder", "down", "up", "decoder"},
    )  # fmt: skip
    assert parts("mobilenet", semantic=pixels)[1] == {"stem", "tower", "stage"}
    assert parts("fishnet", semantic=pixels)[1] == {"stem", "tower", "tail", "bridge", "body"}


def test_views_of_different_shapes_are_those_of_two_networks_of_one_view():
    """Each view has its own weights: a view's parameters serve a network of that view alone."""
    network = variant(SCENES["uresnet"], {"semantic": SemanticHead(3)})
    first = view(0, SPARSE[0])
    other = jaxsparse.sparse_tensor(
        [[0, 1, 9], [0, 2, 9], [2, 3, 8]], [[1.0], [2.0], [3.0]], spatial_shape=(4, 10),
        batch_size=EVENTS,
    )  # fmt: skip
    images = (first, other)
    variables = variables_of(network, images)
    together = outputs_of(variables, images, network)["semantic"]
    single = variant(network, views=1)
    for number, x in enumerate(images):

        def own(tree, number=number):
            suffix = f"_view_{number}"
            mine = {k.removesuffix(suffix): v for k, v in tree.items() if k.endswith(suffix)}
            return mine or {k: own(v, number) for k, v in tree.items()}

        alone = outputs_of(own(variables), (x,), single)["semantic"][0]
        np.testing.assert_allclose(together[number], alone, atol=1e-5)


def test_views_that_share_all_have_the_parameters_of_one_view_and_its_scores():
    single = variant(SCENES["uresnet"], {"semantic": SemanticHead(3)}, views=1)
    shared = variant(single, views=2, shared_stem=True, shared_stages=True)
    images = two_views(*SPARSE)
    variables = variables_of(single, images[:1])
    assert jax.tree.map(np.shape, variables) == jax.tree.map(np.shape, variables_of(shared, images))
    together = outputs_of(variables, images, shared)["semantic"]
    for scores, x in zip(together, images, strict=True):
        alone = outputs_of(variables, (x,), single)["semantic"][0]
        np.testing.assert_allclose(scores, alone, atol=1e-5)


def test_an_image_that_is_no_tuple_is_named_with_its_remedy():
    x = view(0, SPARSE[0])
    with pytest.raises(InputError, match=r"images is a SparseTensor .* \(x,\) for one view"):
        SCENES["uresnet"].apply({}, x, None, train=False)


def test_a_network_without_heads_is_refused():
    with pytest.raises(InputError, match=r"heads is \{\}: must have at least one head"):
        Network(UResNet(), {})
