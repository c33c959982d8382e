"""Features that have not one row for each row of coordinates are refused by every operation.

The tables have every name of ``jaxsparse.ops`` and ``jaxsparse.nn`` that takes features on sites;
what does not is listed with the reason: an operation that is added belongs to one or the other.
"""

# mypy: disable-error-code="arg-type,assignment"
# What is passed here is wrong on purpose, or of every type that is taken.

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, geometry, nn, ops, sparse_tensor

X = sparse_tensor(
    [[0, 0], [0, 1], [0, 3]], np.ones((3, 2)), spatial_shape=(4,), batch_size=1, capacity=5
)


@functools.cache
def of_x():
    """The geometry, a connection between its levels and the map of points to sites."""
    built = jax.jit(lambda x: geometry(x, levels=2))(X)
    _, point_map, _ = ops.voxelize(
        [[0, 1], [0, 1]], jnp.ones((2, 1)), spatial_shape=(4,), batch_size=1, capacity=5,
        duplicates="sum",
    )  # fmt: skip
    return built, ops.down_connection(built, 0), point_map


def near():
    return nn.neighbours(of_x()[0], 0)


ONES, VECTORS = jnp.ones(2), jnp.ones((1, 2))
# By the name of what is public; the argument is a tensor with another number of rows of features.
OPERATIONS = {
    "average_pooling": lambda x: ops.average_pooling(x, down()),
    "average_unpooling": lambda x: ops.average_unpooling(x, down()),
    "batch_norm": lambda x: ops.batch_norm(x, ONES, ONES),
    "batch_norm_inference": lambda x: ops.batch_norm_inference(x, *[ONES] * 4),
    "batch_norm_with_moments": lambda x: ops.batch_norm_with_moments(x, ONES, ONES),
    "broadcast_add": lambda x: ops.broadcast_add(x, VECTORS),
    "broadcast_concatenate": lambda x: ops.broadcast_concatenate(x, VECTORS),
    "broadcast_multiply": lambda x: ops.broadcast_multiply(x, VECTORS),
    "concatenate_events": lambda x: ops.concatenate_events([X, x]),
    "convolution": lambda x: ops.convolution(x, jnp.ones((3, 2, 1)), near()),
    "crop": lambda x: ops.crop(x, (0,), (2,)),
    "dense_mask": ops.dense_mask,
    "features_at": lambda x: ops.features_at(x, jnp.array([[0, 1]])),
    "generated_sites": lambda x: ops.generated_sites(x, ops.hypercube(3, 1), 1),
    "generative_connection": lambda x: ops.generative_connection(x, ops.hypercube(3, 1), 1),
    "geometry": lambda x: ops.geometry(x, levels=2),
    "global_average_pooling": ops.global_average_pooling,
    "global_max_pooling": ops.global_max_pooling,
    "global_sum_pooling": ops.global_sum_pooling,
    "group_norm": lambda x: ops.group_norm(x, ONES, ONES, groups=1),
    "instance_norm": lambda x: ops.instance_norm(x, ONES, ONES),
    "interpolate": lambda x: ops.interpolate(x, jnp.ones((1, 2))),
    "intersection": lambda x: ops.intersection(x, X),
    "intersection with it": lambda x: ops.intersection(X, x),
    "layer_norm": lambda x: ops.layer_norm(x, ONES, ONES),
    "linear": lambda x: ops.linear(x, jnp.ones((2, 1))),
    "masked_moments": ops.masked_moments,
    "max_pooling": lambda x: ops.max_pooling(x, down()),
    "max_pooling_with_choice": lambda x: ops.max_pooling_with_choice(x, down()),
    "max_unpooling": lambda x: ops.max_unpooling(x, jnp.zeros((5, 2), jnp.int32), down()),
    "prune": lambda x: ops.prune(x, np.ones(5, bool)),
    "strided_connection": lambda x: ops.strided_connection(x, ops.hypercube(2, 1), 2),
    "strided_sites": lambda x: ops.strided_sites(x, ops.hypercube(2, 1), 2),
    "submanifold_connection": lambda x: ops.submanifold_connection(x, ops.hypercube(3, 1)),
    "stack": lambda x: ops.stack([X, x]),
    "unstack": lambda x: ops.unstack(ops.stack([X, x])),
    "sum_pooling": lambda x: ops.sum_pooling(x, down()),
    "sum_unpooling": lambda x: ops.sum_unpooling(x, down()),
    "target_connection": lambda x: ops.target_connection(x, X, ops.hypercube(3, 1)),
    "to_dense": ops.to_dense,
    "transposed_connection": lambda x: ops.transposed_connection(x, X, ops.hypercube(3, 1)),
    "union": lambda x: ops.union(x, X),
    "union with it": lambda x: ops.union(X, x),
    "Geometry": lambda x: of_x()[0].tensor(0, x.features),
    "Geometry, level of": lambda x: of_x()[0].level_of(x),
    "PointMap": lambda x: of_x()[2].restore(x.features),
    "Sites": lambda x: ops.Sites.of(X).tensor(x.features),
    "SparseTensor": lambda x: X.replace(x.features),
    "SparseTensor, to dense": lambda x: x.to_dense(),
}
WITHOUT_SITES = {
    "union_sites": "coordinates alone",
    "take_rows, sum_rows": "rows by number, of a table of any length",
    "voxelize, sparse_quantize, vote, from_dense": "make sites; their arguments have own tests",
    "given_sites, count_levels, submanifold_map, kernel_offsets": "coordinates alone",
    "down_connection": "a geometry alone",
    "hypercube, cross, Region": "no arrays",
    "BatchNormResult, Connection, KernelMap, Level, MaxPoolingResult, VoxelizeStatus": "results",
}


def layer(module, *arguments):
    return lambda x: module.init(jax.random.key(0), x, *(make() for make in arguments))


def built():
    return of_x()[0]


def down():
    return of_x()[1]


def train():
    return nn.BlockSettings(train=True)


LAYERS = {
    "AlphaDropout": lambda x: nn.AlphaDropout(0.5, train=True).apply(
        {}, x, rngs={"dropout": jax.random.key(0)}
    ),
    "BatchNorm": layer(nn.BatchNorm(train=True)),
    "BatchNorm, evaluation": layer(nn.BatchNorm(train=False)),
    "ChannelwiseConv": layer(nn.ChannelwiseConv(), down),
    "ConvolutionUnit": layer(nn.ConvolutionUnit("StridedConv", 3, train()), built),
    "ConvolutionUnit, of a connection": layer(nn.ConvolutionUnit("GeneralConv", 3, train()), down),
    "Dropout": lambda x: nn.Dropout(0.5, train=True).apply(
        {}, x, rngs={"dropout": jax.random.key(0)}
    ),
    "EventGate": layer(nn.EventGate(2, 1, train())),
    "FishBlock": layer(nn.FishBlock(2, train()), down),
    "FishBridge": layer(nn.FishBridge(2, 1, train()), down),
    "FishStem": layer(nn.FishStem(2, train()), down, down),
    "GeneralConv": layer(nn.GeneralConv(3), down),
    "GroupNorm": layer(nn.GroupNorm(1)),
    "InstanceNorm": layer(nn.InstanceNorm()),
    "InverseConv": layer(nn.InverseConv(3), built),
    "InvertedResidual": layer(nn.InvertedResidual(2, 1, train()), down),
    "LayerNorm": layer(nn.LayerNorm()),
    "Linear": layer(nn.Linear(3)),
    "MergedViews": lambda x: nn.merged_views([built(), built()], 0).merge([X, x], "add"),
    "PReLU": layer(nn.PReLU()),
    "RReLU": layer(nn.RReLU(train=False)),
    "ResidualBlock": layer(nn.ResidualBlock(2, train()), built),
    "Sinusoidal": layer(nn.Sinusoidal(3)),
    "SqueezeExcitation": layer(nn.SqueezeExcitation(2, train())),
    "StridedConv": layer(nn.StridedConv(3), built),
    "SubmanifoldConv": layer(nn.SubmanifoldConv(3), built),
    "activation": nn.activation("sigmoid"),
    "activation, a function": nn.activation(jnp.log),
    "add": lambda x: nn.add(X, x),
    "append_coordinates": nn.append_coordinates,
    "concatenate": lambda x: nn.concatenate(x, X),
    "reduce_channels": lambda x: nn.reduce_channels(x, 1),
    "relu": nn.relu,
    "DenseTensor": lambda x: nn.DenseTensor(X.features, X.mask, (1,)).replace(features=x.features),
}
# Made on the level below, and of sites that the tables' tensor is not on.
COARSE = {"nn.InverseConv", "average_unpooling", "max_unpooling", "sum_unpooling"}
NOT_LAYERS = {
    "ACTIVATIONS, MERGES, BlockSettings, DenseConnection, DenseGeometry": "no features",
    "dense, sparse, vocabulary": "where the layers are",
    "down, neighbours, merged_views": "geometries alone",
    "average_pooling, max_pooling, max_pooling_with_choice, sum_pooling": "of ops",
    "average_unpooling, max_unpooling, sum_unpooling": "of ops",
    "broadcast_add, broadcast_concatenate, broadcast_multiply": "of ops",
    "global_average_pooling, global_max_pooling, global_sum_pooling": "of ops",
}


def wrong(rows, name):
    if name in COARSE:
        sites = of_x()[1].target
        tensor = sites.tensor(jnp.zeros((sites.capacity, 2)))
    else:
        tensor = X
    return dataclasses.replace(tensor, features=jnp.ones((rows, 2)))


@pytest.mark.parametrize("rows", [1, 3, 7])
@pytest.mark.parametrize("name", [*OPERATIONS, *(f"nn.{name}" for name in LAYERS)])
def test_another_number_of_rows_is_refused_in_a_line_with_both_numbers(name, rows):
    """One row would be read as all of them, three as if the rest were zero."""
    of_x()  # made outside of a trace
    run = LAYERS[name.removeprefix("nn.")] if name.startswith("nn.") else OPERATIONS[name]
    x = wrong(rows, name)
    with pytest.raises(InputError) as caught:
        jax.eval_shape(run, x)
    (line,) = str(caught.value).splitlines()
    assert re.search(rf"\b{rows}\b.*\b5\b", line), line


# These take features alone, or a tensor and features.
OF_FEATURES = {"Geometry", "PointMap", "Sites", "SparseTensor", "DenseTensor"}


@pytest.mark.parametrize("name", [*OPERATIONS, *(f"nn.{name}" for name in LAYERS)])
def test_features_where_a_tensor_belongs_are_refused_by_the_names_of_both(name):
    if name.removeprefix("nn.") in OF_FEATURES:
        pytest.skip("takes features")
    of_x()
    run = LAYERS[name.removeprefix("nn.")] if name.startswith("nn.") else OPERATIONS[name]
    for wrong_kind in (X.features, np.ones((5, 2)), None):
        with pytest.raises((InputError, AttributeError)) as caught:
            run(wrong_kind)
        first = str(caught.value).splitlines()[0]
        if isinstance(caught.value, AttributeError):  # where the table itself asks for features
            assert "test_rows_of_features" in str(caught.traceback[-1].path), first
        else:
            assert re.search(r" is a [\w.]+: must be a (Sparse|Dense)Tensor", first), first


def test_a_tensor_where_something_else_belongs_is_refused_by_the_names_of_both():
    built, down, point_map = of_x()
    weights = jnp.ones((3, 2, 1))
    fine = built.levels[0].kernel_maps[3]
    for run in (
        lambda: X.replace(X),
        lambda: built.tensor(0, X),
        lambda: down.source.tensor(X),
        lambda: point_map.restore(X),
        lambda: ops.take_rows(X, [0]),
    ):
        with pytest.raises(
            InputError, match=r"features is a SparseTensor: must be an array .* its"
        ):
            run()
    for run, text in (
        (lambda: ops.convolution(X, weights, fine), "connection is a KernelMap: must be a Connec"),
        (lambda: ops.convolution(X, X, near()), "weights is a SparseTensor: must be an array"),
        (lambda: ops.max_pooling(X, built), "connection is a Geometry: must be a Connection, such"),
        (lambda: ops.sum_unpooling(X, fine), "connection is a KernelMap: must be a Connection"),
        (lambda: ops.down_connection(X, 0), "geometry is a SparseTensor: must be a Geometry"),
        (lambda: nn.neighbours(down, 0), "geometry is a Connection: must be a Geometry"),
        (lambda: ops.strided_sites(built, ops.hypercube(2, 1), 2), "x is a Geometry: must be a Sp"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            run()
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("module", "table", "others"), [(ops, OPERATIONS, WITHOUT_SITES), (nn, LAYERS, NOT_LAYERS)]
)
def test_the_tables_have_every_public_name(module, table, others):
    listed = {name for names in others for name in names.split(", ")}
    tried = {name.split(", ")[0].removesuffix(" with it") for name in table}
    assert set(module.__all__) - tried == listed
    assert listed.isdisjoint(tried)


def test_features_without_coordinates_have_as_many_rows_as_there_are_sites():
    x = sparse_tensor([[0, 0]], jnp.ones((1, 2)), spatial_shape=(4,), batch_size=1, capacity=3)

    def counted(number):
        return dataclasses.replace(x, num_active=number)

    for run in (
        lambda n: ops.batch_norm(counted(n), ONES, ONES),
        lambda n: ops.batch_norm_inference(counted(n), *[ONES] * 4),
        lambda n: ops.masked_moments(counted(n)),
    ):
        for number in (5, np.int64(2**32 + 1), jnp.int32(-1)):
            with pytest.raises(
                InputError, match=f"num_active is {number}: must be from 0 to the 3"
            ):
                run(number)
        with pytest.raises(InputError, match=r"num_active has shape \(1,\)"):
            run(np.ones(1, int))
    for name, run in {
        "scale": lambda v: ops.batch_norm(x, v, ONES),
        "bias": lambda v: ops.batch_norm_inference(x, ONES, v, ONES, ONES),
        "mean": lambda v: ops.batch_norm_inference(x, ONES, ONES, v, ONES),
    }.items():
        with pytest.raises(InputError, match=rf"{name} has shape \(1,\): must be \[2\]"):
            run(jnp.ones(1))


def test_what_combines_features_must_return_as_many_rows():
    for join in (ops.union, ops.intersection):
        with pytest.raises(InputError, match=r"what combine returned has shape \(1, 2\)"):
            join(X, X, combine=lambda a, b: (a + b)[:1])


def test_a_stack_of_batches_is_sent_through_vmap():
    stack = ops.stack([X, X])
    for run in (nn.relu, ops.global_sum_pooling, lambda x: geometry(x, levels=1)):
        with pytest.raises(
            InputError, match=r"goes through jax\.vmap, ops\.unstack takes it apart$"
        ):
            run(stack)
