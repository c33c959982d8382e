"""JAX's strict modes raise nowhere inside of our operations, nor in their gradients.

Types and ranks must not be promoted, no tracer may leak, no NaN may appear, no key be used twice.
Promotion is a matter of tracing and lowering, so that nothing is compiled for it. That compiled
programs give no NaN is part of ``test_transformations.py``.
"""

# mypy: disable-error-code="arg-type,assignment"
# What is passed here is wrong on purpose, or of every type that is taken.

import contextlib
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import geometry, nn, ops
from jaxsparse.models import EventHead, Network, SemanticHead, UResNet
from tests.models.classifier_scenes import NETWORKS, SPARSE, geometries_of, two_views
from tests.models.variants import variant
from tests.ops import operation_cases as table


@contextlib.contextmanager
def strict():
    with contextlib.ExitStack() as modes:
        modes.enter_context(jax.numpy_dtype_promotion("strict"))
        modes.enter_context(jax.numpy_rank_promotion("raise"))
        modes.enter_context(jax.debug_key_reuse(True))
        yield


def lower(function, *arguments):
    """For here and for accelerators, whose data flow is another one."""
    with strict(), jax.check_tracer_leaks():
        program = jax.jit(function)
        program.lower(*arguments)
        jax.export.export(program, platforms=("cpu", "cuda"))(*arguments)


@pytest.fixture(scope="module", autouse=True)
def _scenes():
    """Made outside of a trace, by strict programs too."""
    for made in (table.maps, table.sites):
        made.cache_clear()
    with strict():
        table.sites(), table.sites(1), table.maps()


@pytest.mark.parametrize("name", table.OPERATIONS)
def test_an_operation_and_its_gradient_promote_nothing(name):
    loss, arguments = table.OPERATIONS[name]()
    lower(jax.value_and_grad(loss), jax.tree.map(np.float32, arguments))


def test_sites_connections_and_votes_promote_nothing():
    coarse = dataclasses.replace(table.sites(1), stride=(2, 2))
    labels = np.arange(table.CAPACITY, dtype=np.int32) % 3
    lower(table.coordinates_alone, table.sites(), coarse, labels)
    for strategy in ("search", "bitmap"):
        lower(lambda x, s=strategy: geometry(x, levels=2, strategy=s), table.sites())


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_promotes_nothing(name):
    for module in (nn.activation(name), nn.activation(nn.ACTIVATIONS[name])):
        lower(jax.grad(lambda f, m=module: m(table.sites().replace(f)).features.sum()),
              table.sites().features)  # fmt: skip


def gradients(network, inputs, **options):
    def step(key, x):
        first, other = jax.random.split(key)
        built = inputs(x)
        variables = network.init(first, x, built, train=False)

        def loss(params):
            (outputs, _), _ = network.apply(
                {**variables, "params": params}, x, built, train=True, mutable=["batch_stats"],
                rngs={"dropout": other}, **options,
            )  # fmt: skip
            return sum(jnp.sum(scores**2) for scores in jax.tree.leaves(outputs))

        return jax.grad(loss)(variables["params"])

    return step


@pytest.mark.parametrize("vocabulary", ["sparse", "dense"])
@pytest.mark.parametrize("name", ["uresnet", "convolution first", *NETWORKS])
def test_a_training_step_promotes_nothing(name, vocabulary):
    key = jax.random.key(0)
    if name in NETWORKS:
        heads = {"event": EventHead(4, dropout=0.5), "semantic": SemanticHead(3)}
        network = variant(NETWORKS[name], heads, vocabulary=vocabulary)
        images = two_views(*SPARSE)[: network.views]
        lower(gradients(network, lambda x: geometries_of(network, x)), key, images)
        return
    order = "norm_first" if name == "uresnet" else "convolution_first"
    backbone = UResNet(filters=2, depth=2, blocks=1, order=order, vocabulary=vocabulary)
    network = Network(backbone, {"semantic": SemanticHead(3)})
    lower(gradients(network, lambda x: (geometry(x[0], levels=2),)), key, (table.sites(),))


def test_single_operations_give_no_nan():
    """Outside of a program every intermediate value is looked at, those of padding too."""
    x, y = table.sites(), table.sites(1)
    y = y.replace(jnp.where(y.mask[:, None], y.features + np.float32(0.01), 0))  # never zero
    ones = np.ones(table.CHANNELS, np.float32)

    def loss(features):
        one = x.replace(features)
        return table.total(
            ops.intersection(one, y, combine=jnp.divide).features,
            ops.group_norm(one, ones, ones, groups=1).features,
            ops.batch_norm(one, ones, ones).features,
            nn.activation(lambda z: jnp.log(jnp.abs(z) + np.float32(0.1)))(one).features,
        )

    with jax.debug_nans(True):
        jax.value_and_grad(loss)(x.features)
