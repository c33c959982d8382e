"""Every operation under every transformation of JAX: a table of one by the other.

A row of the table is a loss that smoothly depends on a dictionary of float arrays; sites and maps
are given, or made inside. What an operation computes is tested elsewhere: here every
transformation must agree with the plain gradient, and that with finite differences.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import ops
from jaxsparse.ops import pooling
from tests.ops import operation_cases
from tests.ops.operation_cases import CAPACITY, OPERATIONS, Loss, coordinates_alone, sites, spread


@pytest.fixture(autouse=True)
def short_steps(monkeypatch):
    """Loops over taps of several steps already for four taps, and quicker to compile."""
    monkeypatch.setattr(pooling, "UNROLLED_TAPS", 2)


@functools.cache
def case(name: str) -> tuple[Loss, Any, Any, Any]:
    """The loss, where, the compiled value and gradient, and a direction."""
    loss, arguments = OPERATIONS[name]()
    arguments = jax.tree.map(np.asarray, arguments)
    leaves, treedef = jax.tree.flatten(arguments)
    # Padding rows of features stay zero.
    steps = [np.sign(spread(i, *leaf.shape)) * (leaf != 0) for i, leaf in enumerate(leaves)]
    gradient = jax.jit(jax.value_and_grad(loss))
    return loss, arguments, gradient, jax.tree.unflatten(treedef, steps)


# Between compiled programs numpy: an operation of JAX on its own compiles for every shape.


def moved(arguments, direction, step):
    return jax.tree.map(lambda a, d: a + np.float32(step) * d, arguments, direction)


def inner(one, other, library: Any = np):
    pairs = zip(*map(jax.tree.leaves, (one, other)), strict=True)
    return sum(library.vdot(a, b) for a, b in pairs)


def close(one, other, tolerance=1e-4):
    for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True):
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def several(arguments):
    """Four sets of parameters, stacked; one has ties everywhere."""
    return jax.tree.map(lambda a: np.stack([a, a / 2, -a, np.float32(0.25) * (a != 0)]), arguments)


def one_by_one(gradient, arguments):
    results = [gradient(jax.tree.map(lambda a, i=i: a[i], several(arguments))) for i in range(4)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)


def jit(loss, arguments, gradient, direction):
    """Compiled once, finite, and the same bits every time."""
    first, second = (gradient(arguments) for _ in range(2))
    for a, b in zip(*map(jax.tree.leaves, (first, second)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.isfinite(a).all()


def grad(loss, arguments, gradient, direction):
    step = 2.0**-8
    ends = [gradient(moved(arguments, direction, sign * step))[0] for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    expected = inner(gradient(arguments)[1], direction)
    np.testing.assert_allclose(slope, expected, rtol=2e-2, atol=2e-2)


def padding(loss, arguments, gradient, direction):
    """What padding rows of features hold reaches no site and no gradient; theirs is zero."""

    def filled(number):
        def fill(a):
            rows = a.any(axis=-1, keepdims=True) if a.ndim == 2 else True
            return np.where(rows, a, np.float32(number))

        return jax.tree.map(fill, arguments)

    expected = gradient(arguments)  # with zeros there
    for number in (np.nan, np.inf, 7.0):
        value, slopes = gradient(filled(number))
        np.testing.assert_allclose(value, expected[0], rtol=1e-6)
        close(slopes, expected[1], 1e-6)


def jvp(loss, arguments, gradient, direction):
    forward = jax.jit(lambda a, d: jax.jvp(loss, (a,), (d,))[1])(arguments, direction)
    expected = inner(gradient(arguments)[1], direction)
    np.testing.assert_allclose(forward, expected, rtol=1e-3, atol=1e-3)


def grad_of_grad(loss, arguments, gradient, direction):
    """The Hessian times a vector, reverse over reverse, against finite differences."""
    step = 2.0**-8
    ends = [gradient(moved(arguments, direction, sign * step))[1] for sign in (1, -1)]
    slope = jax.tree.map(lambda a, b: (np.asarray(a) - np.asarray(b)) / (2 * step), *ends)
    product = jax.jit(jax.grad(lambda a: inner(jax.grad(loss)(a), direction, jnp)))(arguments)
    close(slope, product, 3e-2)


def vmap(loss, arguments, gradient, direction):
    together = jax.jit(jax.vmap(jax.value_and_grad(loss)))(several(arguments))
    close(together, one_by_one(gradient, arguments))


def remat(loss, arguments, gradient, direction):
    close(jax.jit(jax.value_and_grad(jax.checkpoint(loss)))(arguments), gradient(arguments))


def pmap(loss, arguments, gradient, direction):
    together = jax.pmap(jax.value_and_grad(loss), devices=jax.devices()[:4])(several(arguments))
    close(together, one_by_one(gradient, arguments))


def shard_map(loss, arguments, gradient, direction):
    mesh = jax.make_mesh((4,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.PartitionSpec("devices")

    def shard(a):
        one = jax.tree.map(lambda leaf: leaf[0], a)
        return jax.tree.map(lambda leaf: leaf[None], jax.value_and_grad(loss)(one))

    mapped = jax.shard_map(shard, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)
    close(jax.jit(mapped)(several(arguments)), one_by_one(gradient, arguments))


PLATFORMS = ("cpu", "cuda", "tpu")


def lowering(loss, arguments, gradient, direction):
    """Value and gradient lower for platforms that are not here, without 64-bit floats."""
    exported = jax.export.export(gradient, platforms=PLATFORMS)(arguments)
    assert exported.platforms == PLATFORMS
    assert "f64" not in exported.mlir_module()


TRANSFORMATIONS = (jit, grad, padding, jvp, grad_of_grad, vmap, remat, pmap, shard_map, lowering)


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=lambda t: t.__name__)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_under_a_transformation(name, transformation):
    if transformation in (pmap, shard_map) and len(jax.devices()) < 4:
        pytest.skip("needs four devices: set XLA_FLAGS=--xla_force_host_platform_device_count=4")
    transformation(*case(name))


def test_coordinates_lower_for_every_platform_and_batch_under_vmap():
    coarse = dataclasses.replace(sites(1), stride=(2, 2))
    labels = np.arange(CAPACITY, dtype=np.int32) % 3
    leaves, treedef = jax.tree.flatten((sites(), coarse, labels))

    @jax.jit
    def run(*leaves):
        return jax.tree.leaves(coordinates_alone(*jax.tree.unflatten(treedef, leaves)))

    assert jax.export.export(run, platforms=PLATFORMS)(*leaves).platforms == PLATFORMS
    twice = jax.jit(jax.vmap(run))(*(np.stack([leaf, leaf]) for leaf in leaves))
    for one, both in zip(run(*leaves), twice, strict=True):
        np.testing.assert_array_equal(both, np.stack([one, one]))


def test_the_table_has_every_operation():
    """An operation that is added to ``jaxsparse.ops`` belongs into ``operation_cases.py``."""
    text = "".join(Path(file).read_text() for file in (__file__, operation_cases.__file__))
    on_the_host = {"count_levels", "given_sites", "kernel_offsets", "sparse_quantize"}
    # Called by others that are here.
    inside = {"down_connection", "generated_sites", "strided_sites", "submanifold_map",
              "target_connection", "batch_norm_with_moments", "union_sites"}  # fmt: skip
    functions = {name for name in ops.__all__ if name[0].islower()} - on_the_host - inside
    assert {name for name in functions if name not in text} == set()
