"""Every field of a backbone, a head and the blocks' settings does something, or is refused."""

import dataclasses
import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.models import BACKBONES, HEADS
from jaxsparse.models.fields import settings_of
from jaxsparse.nn import BlockSettings, ConvolutionUnit, ResidualBlock, down
from tests.models.classifier_scenes import CAPACITY, SPARSE, geometries_of, two_views, view

BASE: dict[str, dict[str, Any]] = {
    "uresnet": {"views": 2, "filters": 2, "depth": 2, "blocks": 1},
    "mobilenet": {"views": 2, "width": 0.25, "stages": ((1, 16, 1, 2), (1, 16, 1, 1)),
                  "merge_stage": 1, "last_channels": 8},
    "fishnet": {"views": 2, "preset": "small"},
    "lifted_uresnet": {"views": 3, "filters": 2, "depth": 2, "blocks": 1, "vocabulary": "sparse"},
}  # fmt: skip
QUICK = {"vocabulary": "dense"}  # to trace
# Another value for each field; of a list of names one that is not the default.
OTHER: dict[str, Any] = {
    "views": 3, "filters": 3, "depth": 1, "blocks": 2, "kernel_size": 5, "momentum": 0.5,
    "width": 0.5, "stages": ((1, 16, 1, 1), (1, 16, 1, 1)), "merge_stage": 0, "reduction": 2,
    "last_channels": 16, "stem_stride": 2, "merge": "concatenate", "activation": "silu",
    "vocabulary": "sparse", "dtype": "bfloat16", "order": "convolution_first", "preset": "99",
    "planes": (16, 32, 64, 128, 128, 128, 96, 64, 80, 208, 256), "residual_blocks": (2,) + (1,) * 9,
    "transfer_blocks": (1, 1, 1, 1, 1, 0), "num_classes": 6, "pooling": "max", "dropout": 0.5,
    "implementation": "windows", "queries": 3, "channels": 16, "layers": 1,
    "directions": 4, "reach": 5, "hidden": 16,
}  # fmt: skip
OTHER_OF = {("lifted_uresnet", "views"): 2, ("lifted_uresnet", "vocabulary"): "dense"}
# Heads that a network of the dense vocabulary cannot have.
SPARSE_ALONE = tuple(name for name, head in HEADS.items() if head.tells_particles)
CASES = [
    *((name, "", key) for name, kind in BACKBONES.items() for key in settings_of(kind)),
    *(("uresnet", head, key) for head, kind in HEADS.items() for key in settings_of(kind)),
]


def program(model):
    """The text of a training step's forward pass, and the names of the parameters."""
    network = models.build(model)
    images = two_views(*SPARSE)
    if network.lifts:
        images = (*images, images[0])
    links = (jnp.arange(CAPACITY, dtype=jnp.int32),) * (2 if network.lifts else 0)

    def forward(key):
        inputs = images, geometries_of(network, images), links
        variables = network.init(key, *inputs, train=False)
        applied = network.apply(
            variables, *inputs, train=True, mutable=["batch_stats"],
            rngs={"dropout": key},
        )  # fmt: skip
        return applied, variables

    jaxpr, result = jax.make_jaxpr(forward, return_shape=True)(jax.random.key(0))
    # Functions in the text have addresses, which differ from trace to trace.
    return re.sub(r"0x[0-9a-f]+", "", str(jaxpr)), jax.tree.structure(result[1])


def model_of(name, head=""):
    """A small network that has the head."""
    heads: dict[str, dict] = {"event": {}, "semantic": {}, **({head: {}} if head else {})}
    quick = {} if head in SPARSE_ALONE else QUICK
    return {"name": name, **quick, **BASE[name], "heads": heads}


def changed(name, head, key):
    model = model_of(name, head)
    owner = model["heads"][head] if head else model
    default = settings_of(HEADS[head] if head else BACKBONES[name])[key].default
    owner[key] = OTHER_OF.get((name, key), OTHER.get(key, not default))
    return model


@pytest.fixture(scope="module")
def base():
    return functools.cache(lambda name, head: program(model_of(name, head)))


@pytest.mark.parametrize(("name", "head", "key"), CASES)
def test_every_field_of_a_network_changes_it_or_is_refused(name, head, key, base):
    try:
        other = program(changed(name, head, key))
    except InputError as error:
        assert key in str(error)  # noqa: PT017
        return
    assert other != base(name, head if head in SPARSE_ALONE else "")


@pytest.mark.parametrize("name", BASE)
def test_every_operation_with_several_data_flows_takes_that_of_its_network(name):
    fields = {**BASE[name], "implementation": "windows"}
    text, _ = program({"name": name, **fields, "heads": {"event": {}, "semantic": {}}})
    channelwise = {"scan"} if name == "mobilenet" else set()
    assert set(re.findall(r"implementation=(\w+)", text)) == {"windows", "xla"} | channelwise


SETTINGS: dict[str, Any] = {
    "train": False, "vocabulary": "dense", "order": "convolution_first", "kernel_size": 5,
    "dtype": "bfloat16", "momentum": 0.5, "axis_name": "devices", "activation": "tanh",
    "residual": False, "implementation": "windows",
}  # fmt: skip


@pytest.mark.parametrize("key", [each.name for each in dataclasses.fields(BlockSettings)])
def test_every_setting_of_a_block_changes_it_or_is_refused(key):
    x = view(0, SPARSE[0])
    base = BlockSettings(train=True)

    def block(settings):
        network = models.Network(
            models.UResNet(kernel_size=settings.kernel_size), {"semantic": models.SemanticHead()}
        )

        def run(key):
            (geometry,) = geometries_of(network, (x,))
            tensor, where = settings.layers.enter(x, geometry)
            module = ResidualBlock(2, settings)
            variables = module.init(key, tensor, where)
            return module.apply(variables, tensor, where, mutable=["batch_stats"])

        return re.sub(r"0x[0-9a-f]+", "", str(jax.make_jaxpr(run)(jax.random.key(0))))

    before = block(base)
    try:
        after = block(dataclasses.replace(base, **{key: SETTINGS[key]}))
    except NameError as error:  # JAX's, of an axis that no device mapping has
        assert key == "axis_name"
        assert "devices" in str(error)  # noqa: PT017
        return
    assert after != before


@pytest.mark.parametrize("convolution", ["SubmanifoldConv", "GeneralConv"])
@pytest.mark.parametrize("order", ["norm_first", "convolution_first"])
def test_a_unit_has_the_activation_of_its_settings(convolution, order):
    x = view(0, SPARSE[0])
    network = models.Network(models.UResNet(depth=2), {"semantic": models.SemanticHead()})
    (geometry,) = geometries_of(network, (x,))
    where = geometry if convolution == "SubmanifoldConv" else down(geometry, 0)
    results = []
    for activation in ("relu", "tanh"):
        settings = BlockSettings(train=False, order=order, activation=activation)
        unit = ConvolutionUnit(convolution, 3, settings)
        y, _ = jax.jit(unit.init_with_output)(jax.random.key(0), x, where)
        results.append(y.features)
    assert abs(results[0] - results[1]).max() > 0.01
