"""One family of convolutions: of a geometry or a connection, sparse or dense; its refusals."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, from_dense, nn, ops
from jaxsparse.nn import dense, sparse
from jaxsparse.nn.dense_tensor import dense_geometry, rows_of, to_dense_tensor
from jaxsparse.ops.native import compiler

KERNELS = [((3, (3, 2), 5)), (3,)]


@pytest.fixture(scope="module")
def x() -> Any:
    rng = np.random.default_rng(1)
    return from_dense(rng.normal(size=(2, 6, 7, 4)) * (rng.random((2, 6, 7, 1)) < 0.4), capacity=50)


@pytest.fixture(scope="module")
def built(x):
    return jax.jit(lambda x: jaxsparse.geometry(x, levels=2, kernels=KERNELS))(x)


# By the fields that are not the defaults of the layer; "up" starts from the coarse level.
LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "submanifold": (nn.SubmanifoldConv, {"features": 6, "use_bias": True}),
    "dilated": (nn.SubmanifoldConv, {"features": 6, "dilation": 2}),
    "size 5": (nn.GeneralConv, {"features": 6, "kernel_size": 5}),
    "groups": (nn.SubmanifoldConv, {"features": 6, "groups": 2}),
    "strided": (nn.StridedConv, {"features": 6, "use_bias": True}),
    "strided, size 3": (nn.StridedConv, {"features": 6, "kernel_size": 3}),
    "strided, dilated": (nn.StridedConv, {"features": 6, "kernel_size": 3, "dilation": 2}),
    "channelwise": (nn.ChannelwiseConv, {"kernel_size": 3, "dilation": 2, "use_bias": True}),
    "channelwise, strided": (nn.ChannelwiseConv, {"kernel_size": 3, "stride": 2, "multiplier": 2}),
    "up": (nn.InverseConv, {"features": 6, "use_bias": True}),
    "up, size 3": (nn.InverseConv, {"features": 6, "kernel_size": 3}),
    "up, size 3, dilated": (nn.InverseConv, {"features": 6, "kernel_size": 3, "dilation": 2}),
    "up, groups": (nn.InverseConv, {"features": 6, "kernel_size": 3, "groups": 2}),
}


def connection_of(name, fields, built):
    """What the geometry stands for, made by hand."""
    size, dilation = fields.get("kernel_size", 3), fields.get("dilation", 1)
    fine, coarse = built.levels
    if name.startswith("up") or "strided" in name:
        size = fields.get("kernel_size", 2)
        region = ops.hypercube(size, 2, dilation=dilation)
        made = ops.target_connection(fine, coarse, region)
        return made.transpose() if name.startswith("up") else made
    return ops.submanifold_connection(fine, ops.hypercube(size, 2, dilation=dilation))


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_does_the_same_by_geometry_by_connection_and_on_masked_images(x, built, name):
    kind, fields = LAYERS[name]
    layer = kind(**fields)

    @jax.jit
    def every_way(x, built):
        here = (
            built.tensor(1, jnp.sin(jnp.arange(200.0)).reshape(50, 4))
            if name.startswith("up")
            else x
        )
        level = built.level_of(here)
        here = here.replace(jnp.where(here.mask[:, None], here.features, 0))
        shapes = jax.eval_shape(layer.init, jax.random.key(0), here, built)
        variables = jax.tree.map(lambda s: jnp.cos(jnp.arange(float(s.size))).reshape(s.shape),
                                 shapes)  # fmt: skip
        one = layer.apply(variables, here, built)
        other = layer.apply(variables, here, connection_of(name, fields, built))
        images = to_dense_tensor(here, masked=True)
        finest = to_dense_tensor(built.tensor(0, jnp.ones((50, 1))), masked=True)
        levels = dense_geometry(finest, levels=2)
        assert levels.level_of(images) == level
        twin = layer.apply(variables, images, levels)
        return one, other, rows_of(twin.features, one)

    one, other, twin = every_way(x, built)
    np.testing.assert_allclose(one.features, other.features, atol=1e-5)
    np.testing.assert_allclose(one.features, twin, atol=1e-5)
    assert np.any(one.features)
    assert one.stride == ((2, 2) if "strided" in name else (1, 1))
    assert not np.any(one.features[int(one.num_active) :])


def test_a_region_of_any_shape_has_its_offsets(x, built):
    region = ops.Region(((0, 0), (1, 2), (-2, 1)))
    for stride in (1, 2):
        layer = nn.GeneralConv(3, region=region, stride=stride)
        y, variables = layer.init_with_output(jax.random.key(0), x, built)
        connection = ops.target_connection(x, built.levels[stride - 1], region)
        expected = ops.convolution(x, variables["params"]["weights"], connection)
        np.testing.assert_allclose(y.features, expected.features, atol=1e-6)


def test_fan_in_counts_the_taps_that_can_reach_a_site(x, built):
    coarse = built.tensor(1, jnp.zeros((50, 4)))
    for size, taps in ((2, 1), (3, 4)):
        layer = nn.InverseConv(2000, kernel_size=size)
        weights = layer.init(jax.random.key(0), coarse, built)["params"]["weights"]
        assert float(weights.std()) == pytest.approx((2 / (4 * taps)) ** 0.5, rel=0.03)


def test_the_data_flow_is_that_which_was_asked_for(x, built):
    def program(**options):
        layer = nn.SubmanifoldConv(6, **options)
        variables = {"params": {"weights": np.ones((9, 4, 6), np.float32)}}
        return jax.jit(layer.apply).lower(variables, x, built).as_text()

    kernel = compiler.target(compiler.APPLY) if compiler.lanes() else "no kernel here"
    for name in ("table", "windows"):
        assert kernel not in program(implementation=name)
    if compiler.lanes():
        assert kernel in program(implementation="native")
        assert kernel in program()
    with pytest.raises(InputError, match="implementation is 'fast': of the convolution it must be"):
        program(implementation="fast")
    with pytest.raises(InputError, match="implementation is 'fast': of the column moments"):
        nn.BatchNorm(train=True, implementation="fast").init(jax.random.key(0), x)


def test_what_a_layer_cannot_take_is_named(x, built):
    images = to_dense_tensor(x, masked=False)
    plain = dense_geometry(images, levels=2)
    same = ops.submanifold_connection(x, ops.hypercube(5, 2))
    cross = ops.cross(3, 2)
    coarse = built.tensor(1, jnp.zeros((50, 4)))
    wrong: Any = [
        (nn.SubmanifoldConv(3), x, x, "was given a SparseTensor: must be the geometry"),
        (nn.SubmanifoldConv(3), x, None, "SubmanifoldConv was given no geometry: must"),
        (nn.SubmanifoldConv(3), x.features, built, "is a jax.Array: must be a SparseTensor"),
        (nn.SubmanifoldConv(3), x, plain, "must be a DenseTensor"),
        (nn.SubmanifoldConv(3), images, built, "x is a DenseTensor: must be a SparseTensor"),
        (nn.GeneralConv(3), x, built, "kernel_size of GeneralConv is None: with a geometry say"),
        (nn.SubmanifoldConv(3, kernel_size=2), x, built, "must be odd to stay on the same sites"),
        (nn.SubmanifoldConv(3, kernel_size=7), x, built,
         r"maps \[3, \(3, 2\), 5\] alone, build it with kernels=\[\(3, \(3, 2\), 5, 7\)\] \* "
         r"levels, or on this level alone kernels=\[\(3, \(3, 2\), 5, 7\), \(3,\)\]\n"),
        (nn.SubmanifoldConv(3, dilation=2), coarse, built,
         r"level 1 .* \[3\] alone, build it with kernels=\[\(3, \(3, 2\)\)\] \* levels"),
        (nn.StridedConv(3), coarse, built, r"level 1 of the 2 .* none has stride \(4, 4\), build"),
        (nn.InverseConv(3), x, built, "level 0 .* no finer level to lead back to by 2; give a te"),
        (nn.SubmanifoldConv(3), x, same, "has 25 taps: the kernel of this SubmanifoldConv has 9"),
        (nn.SubmanifoldConv(3, region=cross), images, plain, "region is given: whole images take"),
        (nn.SubmanifoldConv(3, groups=3), x, built, "groups is 3: must divide 4 input"),
    ]  # fmt: skip
    for layer, tensor, where, text in wrong:
        with pytest.raises(InputError, match=text) as caught:
            layer.init(jax.random.key(0), tensor, where)
        first, *rest = str(caught.value).splitlines()
        assert len(first) < 400
        assert not rest or rest[0].startswith("----")


def test_a_connection_of_another_kind_than_the_layer_is_refused(x, built):
    down, wide = ops.down_connection(built, 0), ops.hypercube(3, 2, dilation=2)
    coarse = built.tensor(1, jnp.zeros((50, 4)))
    three = ops.strided_connection(x, ops.hypercube(3, 2), 2)
    uneven = ops.strided_connection(x, ops.hypercube(3, 2), (2, 1))
    plain = nn.neighbours(built, 0)
    reached = ops.generative_connection(x, ops.hypercube(3, 2), 1)
    images = to_dense_tensor(x, masked=False)
    levels = dense_geometry(images, levels=2)
    wrong: Any = [
        (nn.InverseConv(3), x, down,
         r"from stride \(1, 1\) to \(2, 2\): InverseConv has .* leads to a level finer by 2, take"),
        (nn.StridedConv(3), coarse, down.transpose(), "StridedConv has .* level coarser"),
        (nn.StridedConv(3), images, dense.neighbours(levels, 0), "StridedConv has .* leads to"),
        (nn.InverseConv(3), images, dense.down(levels, 0), "InverseConv has .* leads to"),
        (nn.SubmanifoldConv(3), x, three,
         "has stride 1 and stays on one level, take nn.Gen.* with stride=2, or"),
        (nn.SubmanifoldConv(3), x, reached, "the connection makes .* keeps the sites of x"),
        (nn.GeneralConv(3, kernel_size=3, stride=2), x, plain,
         "GeneralConv has stride 2 and leads to a level coa"),
        (nn.GeneralConv(3, stride=2), x, plain, "stride 2 and leads to a level coarser by 2"),
        (nn.GeneralConv(3, kernel_size=3), x, three,
         "the connection has stride 2, from .*: GeneralConv has stride 1 and .*, give it stride=2, "
         "or take nn.GeneralConv without kernel_size and stride, which takes any connection"),
        (nn.GeneralConv(3, kernel_size=2), coarse, down.transpose(),
         "give it stride=2, transposed=True, or"),
        (nn.GeneralConv(3, kernel_size=3), x, uneven,
         r"has stride \(2, 1\), from .* one level, take nn.GeneralConv without"),
        (nn.ChannelwiseConv(kernel_size=3, stride=2), x, plain, "take nn.ChannelwiseConv without"),
        (nn.SubmanifoldConv(3, dilation=2), x, plain, "kernel_size 3 and dilation 2, make one"),
        (nn.SubmanifoldConv(3, dilation=2), images, dense.neighbours(levels, 0), "dilation 2"),
        (nn.GeneralConv(3, dilation=2), x, plain, "dilation is 2 and kernel_size of Gen"),
        (nn.GeneralConv(3, region=wide), x, plain,
         r"reads the offsets \(-1, -1\), \(-1, 0\), \(-1, 1\), ...: the region of this"),
        (nn.GeneralConv(3, kernel_size=5), x, plain, "has 25, make one for it, or .* without ker"),
    ]  # fmt: skip
    for layer, tensor, where, text in wrong:
        with pytest.raises(InputError, match=text):
            layer.init(jax.random.key(0), tensor, where)


def test_a_connection_says_its_padding_and_the_layer_its_spacing(x):
    for region in (ops.hypercube(3, 2, padding=0), ops.hypercube(3, 2, padding=2)):
        down = ops.strided_connection(x, region, 2)
        assert nn.StridedConv(3, kernel_size=3).init(jax.random.key(0), x, down)
    corner = ops.submanifold_connection(x, ops.hypercube(3, 2, padding=0))
    assert nn.SubmanifoldConv(3).init(jax.random.key(0), x, corner)


def test_a_field_that_no_convolution_has_is_named(x, built):
    layers: Any = nn  # what type checkers would refuse
    wrong: Any = [
        (layers.SubmanifoldConv(0), "features is 0: must be at least 1"),
        (layers.SubmanifoldConv(3.0), "features is 3.0: must be an integer"),
        (layers.ChannelwiseConv(0, kernel_size=3), "multiplier is 0: must be at least 1"),
        (
            layers.SubmanifoldConv(2, stride=3),
            "stride of SubmanifoldConv is 3: must be 1, take nn.StridedConv",
        ),
        (
            layers.StridedConv(3, kernel_size=3, stride=3),
            "stride is 3: a level .* coarser by 2 than",
        ),
        (layers.InverseConv(3, stride=3), "stride is 3: a level .* coarser by 2 than"),
        (layers.StridedConv(3, stride=(2, 2)), r"stride is \(2, 2\): must be one integer for all"),
        (
            layers.SubmanifoldConv(3, kernel_size=(3, 3)),
            r"kernel_size is \(3, 3\): .* give region=ops",
        ),
        (
            layers.GeneralConv(3, kernel_size=(3, 5)),
            r"kernel_size is \(3, 5\): must be one integer",
        ),
        (layers.SubmanifoldConv(3, dilation=(1, 2)), r"dilation is \(1, 2\): must be one integer"),
        (layers.SubmanifoldConv(3, kernel_size=-3), "kernel_size is -3: must be at least 1"),
    ]
    for layer, text in wrong:
        with pytest.raises(InputError, match=text):
            layer.init(jax.random.key(0), x, built)
    with pytest.raises(InputError, match="GeneralConv was given no geometry: must be"):
        layers.GeneralConv(3).init(jax.random.key(0), x)
    with pytest.raises(InputError, match=r"kernel_size is \(3, 3\): must be an integer"):
        layers.neighbours(built, 0, kernel_size=(3, 3))


def test_both_vocabularies_have_one_family():
    for name in ("SubmanifoldConv", "StridedConv", "InverseConv", "GeneralConv", "ChannelwiseConv"):
        assert getattr(sparse, name) is getattr(dense, name) is getattr(nn, name)


def test_down_and_back_keeps_the_sites_and_shares_one_map(x):
    @jax.jit
    def run(x):
        down = ops.strided_connection(x, ops.hypercube(3, 2), 2)
        keys = jax.random.split(jax.random.key(0), 3)
        conv = nn.GeneralConv(features=6, groups=2, use_bias=True)
        y, first = conv.init_with_output(keys[0], x, down)
        z, second = nn.ChannelwiseConv(multiplier=2).init_with_output(keys[1], y, down.transpose())
        return y, z, first, second

    y, z, first, second = run(x)
    assert y.stride == (2, 2)
    np.testing.assert_array_equal(z.coords, x.coords)
    assert z.features.shape == (50, 12)
    assert not np.asarray(z.features)[int(x.num_active) :].any()
    assert first["params"]["weights"].shape == (9, 2, 6)
    assert second["params"]["weights"].shape == (9, 1, 12)


def test_a_tensor_on_other_sites_is_refused():
    x = from_dense(np.eye(4)[None, :, :, None])
    other = from_dense(np.eye(5)[None, :, :, None])
    connection = jax.eval_shape(lambda x: ops.strided_connection(x, ops.hypercube(2, 2), 2), x)
    with pytest.raises(InputError, match="the connection reads"):
        nn.GeneralConv(features=1).init(jax.random.key(0), other, connection)
