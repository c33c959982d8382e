"""A whole network leaves as a file and comes back; what its products keep on an accelerator."""

import functools

import jax
import numpy as np
import pytest

from jaxsparse import geometry, models, sparse_tensor
from tests.models.classifier_scenes import (
    CLASSES,
    EVENTS,
    NETWORKS,
    SPARSE,
    geometries_of,
    two_views,
)
from tests.models.random_variables import random_variables
from tests.models.variants import variant
from tests.random_views import random_cells

LEVELS, CAPACITIES = 3, (160, 140, 100)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    coords = random_cells(rng, 150, (2, 24, 24))
    x = sparse_tensor(
        coords,
        rng.normal(size=(150, 1)),
        spatial_shape=(24, 24),
        batch_size=2,
        capacity=CAPACITIES[0],
    )
    backbone = models.UResNet(filters=4, depth=LEVELS, blocks=1)
    model = models.Network(backbone, {"semantic": models.SemanticHead(5)})
    built = geometry(x, levels=LEVELS, capacities=CAPACITIES)
    init = functools.partial(model.init, train=False)
    variables = random_variables(jax.eval_shape(init, jax.random.key(0), (x,), (built,)))
    leaves, treedef = jax.tree.flatten((variables, x))

    def logits(variables, x):
        built = geometry(x, levels=LEVELS, capacities=CAPACITIES)
        return model.apply(variables, (x,), (built,), train=False)[0]["semantic"][0]

    def scores(*leaves):
        return logits(*jax.tree.unflatten(treedef, leaves))

    def gradients(*leaves):
        variables, x = jax.tree.unflatten(treedef, leaves)
        return jax.grad(lambda variables: (logits(variables, x) ** 2).sum())(variables)["params"]

    return leaves, scores, gradients


def test_a_network_comes_back_from_its_file_with_the_same_results(network):
    """Named for three platforms; run on the CPU, without the kernels made for this processor."""
    leaves, *functions = network
    for function in functions:
        platforms = ("cpu", "cuda", "tpu")
        exported = jax.export.export(jax.jit(function), platforms=platforms)(*leaves)
        back = jax.export.deserialize(exported.serialize())
        results, expected = back.call(*leaves), jax.jit(function)(*leaves)
        if not isinstance(expected, jax.Array):
            results, expected = jax.tree.leaves(results), jax.tree.leaves(expected)
        for one, other in zip(results, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4 * max(np.abs(other).max(), 1e-3))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_float32_products_keep_all_digits_unless_the_user_gives_them_away(network, platform):
    leaves, *functions = network
    for function in functions:
        lower = functools.partial(jax.export.export, platforms=(platform,))
        text = lower(jax.jit(function))(*leaves).mlir_module()
        products = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
        assert products
        assert all("precision = [HIGHEST, HIGHEST]" in line for line in products)
        with jax.default_matmul_precision("tensorfloat32"):
            text = lower(jax.jit(lambda *leaves, f=function: f(*leaves)))(*leaves).mlir_module()
        given_away = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
        assert len(given_away) == len(products)
        assert all("precision = [HIGH, HIGH]" in line for line in given_away)


@pytest.mark.parametrize("vocabulary", ["sparse", "dense"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_classifier_lowers_for_every_platform(name, vocabulary):
    """Shapes alone go in: nothing is compiled. Products of float32 keep their digits here too."""
    network = variant(NETWORKS[name], vocabulary=vocabulary)
    images = two_views(*SPARSE)[: network.views]

    def logits(variables, images):
        geometries = geometries_of(network, images)
        return network.apply(variables, images, geometries, train=False)[0]["event"]

    def variables(images):
        geometries = geometries_of(network, images)
        return network.init(jax.random.key(0), images, geometries, train=False)

    leaves, treedef = jax.tree.flatten((jax.eval_shape(variables, images), images))

    def scores(*leaves):
        return logits(*jax.tree.unflatten(treedef, leaves))

    exported = jax.export.export(jax.jit(scores), platforms=("cpu", "cuda", "tpu"))(*leaves)
    assert exported.platforms == ("cpu", "cuda", "tpu")
    assert [result.shape for result in exported.out_avals] == [(EVENTS, CLASSES)]
    products = [s for s in exported.mlir_module().splitlines() if "stablehlo.dot_general" in s]
    assert products
    assert all("precision = [HIGHEST, HIGHEST]" in line for line in products)
