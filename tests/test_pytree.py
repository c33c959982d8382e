"""Public pytrees in the signature of an exported program: written to a file, read back, called."""

import dataclasses
import functools
import json
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from jax import export

import jaxsparse
from jaxsparse import InputError, geometry, nn, ops, sparse_tensor
from jaxsparse.nn import dense
from jaxsparse.nn.views import DenseMergedViews
from jaxsparse.pytree import read_static, write_static


@functools.cache
def values():
    """One of every public pytree."""
    x = sparse_tensor(
        [[0, 0], [0, 1], [1, 3]], np.ones((3, 2)), spatial_shape=(4,), batch_size=2, capacity=4
    )
    built = jax.jit(lambda x: geometry(x, levels=2, kernels=(3, 5)))(x)
    down = ops.strided_connection(x, ops.hypercube(3, 1), 2)
    _, point_map, status = ops.voxelize(
        [[0, 1]], jnp.ones((1, 1)), spatial_shape=(4,), batch_size=1
    )
    ones = jnp.ones(2)
    images, images_geometry = dense.enter(x, built)
    return {
        "SparseTensor": x,
        "Geometry": built,
        "Level": built.levels[0],
        "KernelMaps": built.levels[0].kernel_maps,
        "KernelMap": built.levels[0].down,
        "Connection": down,
        "Sites": down.target,
        "PointMap": point_map,
        "VoxelizeStatus": status,
        "EventRows": ops.event_reduction.EventRows.of(x),
        "MaxPoolingResult": ops.max_pooling_with_choice(x, down),
        "BatchNormResult": ops.batch_norm_with_moments(x, ones, ones),
        "DenseTensor": images,
        "DenseGeometry": images_geometry,
        "DenseConnection": nn.dense.down(images_geometry, 0),
        "MergedViews": nn.merged_views([built, built], 0),
        "DenseMergedViews": DenseMergedViews(images_geometry),
    }


def same(one, other):
    structures: list[Any] = [jax.tree.structure(tree) for tree in (one, other)]
    assert structures[0] == structures[1]
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def moved(value):
    return jax.tree.map(lambda leaf: leaf ^ True if leaf.dtype == bool else leaf + 1, value)


@pytest.mark.parametrize("name", list(values()))
def test_a_pytree_goes_in_and_out_of_an_exported_program(name):
    value = values()[name]
    assert type(value).__name__ == name
    written = export.export(jax.jit(moved))(value).serialize()
    result = export.deserialize(written).call(value)
    assert type(result) is type(value)
    same(result, moved(value))


@pytest.mark.parametrize("name", [name for name in values() if name != "KernelMaps"])
def test_a_pytree_prints_shortly_and_compares_without_an_error(name):
    value = values()[name]
    copy, other = jax.tree.map(np.array, value), moved(value)
    differ = bool(jax.tree.leaves(value))  # whole images without masks are their shapes alone
    text = repr(value)
    assert text.startswith(f"{name}(")
    assert "Array" not in text
    assert len(text) < 120 * len(jax.tree.leaves(value)) + 300
    assert (value == value, value == copy, value == other) == (True, True, not differ)
    assert (value != copy, value != other, value == "another", value != "another") == (
        False, differ, False, True,
    )  # fmt: skip
    inside = jax.jit(lambda a, b: (a == b, a != b))
    assert [bool(flag) for flag in inside(value, copy)] == [True, False]
    assert [bool(flag) for flag in inside(value, other)] == [not differ, differ]


def test_every_public_pytree_is_tried():
    without_arrays = {ops.Region, nn.BlockSettings, jaxsparse.LoadedProgram}
    for module in (jaxsparse, ops, nn):
        for name in module.__all__:
            kind: Any = getattr(module, name)
            if not isinstance(kind, type) or issubclass(kind, linen.Module):
                continue
            if hasattr(kind, "_fields") or dataclasses.is_dataclass(kind):
                assert kind in {type(value) for value in values().values()} | without_arrays, name


def test_a_network_is_exported_with_the_batch_in_its_signature_and_its_gradient_too():
    x = values()["SparseTensor"]
    weights = jnp.ones((3, 2, 2))

    @jax.jit
    def layer(weights, x, built):
        near = ops.submanifold_connection(built.levels[0], ops.hypercube(3, x.dim))
        return ops.convolution(x, weights, near)

    built = values()["Geometry"]
    back = export.deserialize(export.export(layer)(weights, x, built).serialize(vjp_order=1))
    same(back.call(weights, x, built), layer(weights, x, built))

    def loss(call, weights):
        return jnp.sum(call(weights, x, built).features ** 2)

    one, other = (jax.grad(functools.partial(loss, call))(weights) for call in (back.call, layer))
    np.testing.assert_allclose(one, other)


def test_a_file_of_another_version_is_refused_in_a_line():
    names, static = ["spatial_shape", "stride"], ((4, 5), (1, 1))
    text = write_static(names, static)
    assert read_static("Sites", names, text) == static
    found = json.loads(text)
    for change in ({"version": 1}, {"static": {"shape": [4, 5]}}):
        with pytest.raises(InputError, match=r"has Sites of version .* export it again"):
            read_static("Sites", names, json.dumps(found | change).encode())


def test_a_module_may_be_loaded_again():
    """As notebooks do after an edit."""
    code = "import importlib, jaxsparse.ops.kernel_map as m; importlib.reload(m)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
