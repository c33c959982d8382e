"""JAX with 64 bits (``jax_enable_x64``): the same types, and no wider one in a program of ours.

What makes a tensor narrows wider numbers, what computes with features refuses them, and parameters
are float32.
"""

# mypy: disable-error-code="arg-type,assignment"
# What is passed here is wrong on purpose, or of every type that is taken.

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, geometry, nn, ops, sparse_tensor
from tests.ops import operation_cases as table

X = sparse_tensor([[0, 0], [0, 1], [0, 3]], np.ones((3, 2)), spatial_shape=(4,), batch_size=1)
LEVEL = jax.jit(lambda x: geometry(x, levels=2))(X).levels[0]
NEAR = ops.submanifold_connection(LEVEL, ops.hypercube(3, 1))
KEPT = ("float32", "bfloat16", "float16")


def makers(values):
    """Features of every function that makes a tensor of numbers."""
    coords, sizes = [[0, 1], [0, 2]], {"spatial_shape": (4,), "batch_size": 1}
    grid = values[None]
    return {
        "sparse_tensor": lambda: sparse_tensor(coords, np.asarray(values), **sizes).features,
        "voxelize": lambda: ops.voxelize(coords, values, **sizes)[0].features,
        "from_dense": lambda: from_dense(np.asarray(grid)).features,
        "from_dense, capacity": lambda: from_dense(grid, capacity=2).features,
    }


@pytest.mark.parametrize("wide", [False, True])
def test_what_makes_a_tensor_has_one_rule_for_types(wide):
    with jax.enable_x64(wide):
        for dtype in (np.float64, np.longdouble, np.int64, np.uint8, bool, *KEPT):
            expected = dtype if dtype in KEPT else "float32"
            for name, make in makers(np.ones((2, 3), dtype)).items():
                assert make().dtype == expected, (name, dtype)
        for name, make in makers(np.full((2, 3), 2**40)).items():
            assert (make() == 2.0**40).all(), name  # JAX alone would make 0 of it
        for name in ("voxelize", "from_dense, capacity"):  # traced numbers as well
            traced = jax.jit(lambda values, name=name: makers(values)[name]())
            for dtype in (float, int):
                assert traced(jnp.ones((2, 3), dtype)).dtype == jnp.float32
        for make in makers(np.ones((2, 3), complex)).values():
            with pytest.raises(InputError, match=r"(features|array) has type complex"):
                make()


ONES = np.ones(2, np.float32)
VECTORS = {
    "weights": lambda v: ops.convolution(X, jnp.ones((3, 2, 2), jnp.float32) * v, NEAR),
    "bias": lambda v: ops.convolution(X, jnp.ones((3, 2, 2), jnp.float32), NEAR, bias=v),
    "scale of batch norm": lambda v: ops.batch_norm(X, v, ONES),
    "bias of batch norm": lambda v: ops.batch_norm(X, ONES, v),
    "mean": lambda v: ops.batch_norm_inference(X, ONES, ONES, v, ONES),
    "variance": lambda v: ops.batch_norm_inference(X, ONES, ONES, ONES, v),
    "scale of group norm": lambda v: ops.group_norm(X, v, ONES, groups=1),
    "bias of group norm": lambda v: ops.layer_norm(X, ONES, v),
    "vectors": lambda v: ops.broadcast_add(X, v[None]),
    "values": lambda v: ops.sum_rows(v[None], np.zeros(1, int), 1),
}


@pytest.mark.parametrize("name", VECTORS)
def test_what_computes_refuses_wider_numbers_whatever_they_are(name):
    with jax.enable_x64(True):
        with pytest.raises(InputError, match=f"{name.split()[0]} has type float64: must be one of"):
            VECTORS[name](jnp.ones(2, jnp.float64))
        VECTORS[name](jnp.ones(2, jnp.float32))


def test_parameters_and_results_of_layers_stay_float32():
    settings = nn.BlockSettings(train=True)
    with jax.enable_x64(True):
        built = geometry(X, levels=2)
        down = ops.down_connection(built, 0)
        layers = [
            (nn.SubmanifoldConv(3, use_bias=True), built), (nn.Linear(3), None),
            (nn.StridedConv(3, use_bias=True), built), (nn.BatchNorm(train=True), None),
            (nn.GeneralConv(3, use_bias=True), down), (nn.GroupNorm(2), None),
            (nn.ChannelwiseConv(2, use_bias=True), down), (nn.InstanceNorm(), None),
            (nn.LayerNorm(), None), (nn.PReLU(per_channel=True), None), (nn.Sinusoidal(3), None),
            (nn.ResidualBlock(3, settings), built), (nn.SqueezeExcitation(2, settings), None),
        ]  # fmt: skip
        keys = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
        results = [
            jax.eval_shape(layer.init_with_output, keys, X, *(() if of is None else (of,)))
            for layer, of in layers
        ]
        images, images_geometry = nn.dense.enter(X, built)
        dense = nn.dense.SubmanifoldConv(3, use_bias=True)
        results.append(jax.eval_shape(dense.init_with_output, keys, images, images_geometry))
        for layer in (nn.RReLU(True), nn.Dropout(0.5, True), nn.AlphaDropout(0.5, True)):
            draw = functools.partial(layer.apply, {}, X, rngs=keys)
            results.append(jax.eval_shape(draw))
    for leaf in jax.tree.leaves(results):
        assert leaf.dtype in (jnp.float32, jnp.int32)


def types_in(jaxpr):
    """Of all arrays of a program and of those inside it; scalars JAX makes of Python's numbers."""
    found = {
        variable.aval.dtype.name
        for equation in jaxpr.eqns
        for variable in (*equation.invars, *equation.outvars)
        if getattr(variable.aval, "ndim", 0)
    }
    for equation in jaxpr.eqns:
        for parameter in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                found |= types_in(inner)
    return found


@pytest.mark.parametrize("name", table.OPERATIONS)
def test_no_program_of_ours_has_a_wider_type(name):
    loss, arguments = table.OPERATIONS[name]()
    arguments = jax.tree.map(np.float32, arguments)
    table.sites(), table.sites(1), table.maps()  # made outside of the trace
    with jax.enable_x64(True):
        program = jax.make_jaxpr(jax.value_and_grad(loss))(arguments)
        lowered = jax.jit(jax.value_and_grad(loss)).lower(arguments).as_text()
    assert types_in(program.jaxpr) & {"float64", "int64", "uint64", "complex128"} == set()
    assert "xf64" not in lowered
