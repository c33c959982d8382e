"""Operators of tensors, of both kinds: what they compute, what padding holds, what they refuse."""

import operator
from typing import Any

import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, ops, sparse_tensor
from jaxsparse.nn.dense_tensor import to_dense_tensor

ROWS = np.array([[1.0, -2.0], [3.0, 4.0], [5.0, 0.5]], np.float32)
COORDS = [[0, 1], [1, 0], [1, 3]]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv]


def tensor(rows=ROWS, coords=COORDS) -> Any:
    return sparse_tensor(coords, rows, spatial_shape=(4,), batch_size=2, capacity=5)


@pytest.mark.parametrize("operation", OPERATORS)
@pytest.mark.parametrize("other", [2, 0.5, np.float64(3), np.array([2.0, 4.0]), "tensor"])
def test_features_are_combined_site_by_site_and_padding_stays_zero(operation, other):
    x = tensor()
    y, values = (tensor(ROWS + 7), ROWS + 7) if isinstance(other, str) else (other, other)
    for left, right, expected in ((x, y, operation(ROWS, values)), (y, x, operation(values, ROWS))):
        result = jax.jit(operation)(left, right) if left is x else operation(left, right)
        np.testing.assert_allclose(result.features[:3], expected, rtol=1e-6)
        assert not np.asarray(result.features[3:]).any()
        assert result.dtype == jnp.float32
    assert (-x).features.tolist() == (-x.features).tolist()


@pytest.mark.parametrize("operation", OPERATORS)
def test_padding_gives_no_gradient_that_is_no_number(operation):
    def loss(features):
        return jnp.sum(operation(1.0, tensor().replace(features)).features)

    assert np.isfinite(jax.grad(loss)(tensor().features)).all()


def test_narrow_features_stay_narrow():
    assert (2 * tensor(ROWS.astype(jnp.bfloat16))).dtype == jnp.bfloat16


def test_whole_images_have_the_same_operators():
    x = tensor()
    for masked in (True, False):
        images = to_dense_tensor(x, masked=masked)
        shifted = np.asarray((2 * images + images + 1).features)
        ones = np.asarray(ops.dense_mask(x))[..., None] if masked else 1
        expected = 3 * np.asarray(x.to_dense()) + ones
        np.testing.assert_allclose(shifted, expected)


def test_what_cannot_be_combined_is_named():
    x = tensor()
    elsewhere = tensor(coords=[[0, 1], [1, 0], [1, 2]])
    with pytest.raises(InputError, match=r"x has site \[1, 3\] in row 2: y has \[1, 2\] there"):
        x + elsewhere
    for other in (np.ones((5, 2)), jnp.ones((5, 2)), np.ones(3), "two", None):
        for wrong in (lambda o=other: x * o, lambda o=other: o * x):
            with pytest.raises(InputError, match="must be a tensor on the same sites, a number or"):
                wrong()
    with pytest.raises(InputError, match="y is a DenseTensor: must be a SparseTensor"):
        x + to_dense_tensor(x, masked=False)
    with pytest.raises(InputError, match="one operand has 2 channels and the other 1"):
        x + x.replace(features=x.features[:, :1])
    for read in (np.asarray, jnp.asarray, jnp.sum):
        with pytest.raises((InputError, TypeError)) as caught:
            read(x)
        assert len(str(caught.value)) < 400, "no coordinates in the message"


LAYERS = [linen.Dense(3), linen.Conv(3, (3,)), linen.BatchNorm(False)]
FUNCTIONS: list[Any] = [
    jnp.tanh, jnp.sum, jnp.max, jnp.asarray, jnp.log1p, jax.nn.relu, jax.nn.softmax,
    lambda x: jnp.where(True, x, 0), lambda x: jnp.concatenate([x, x]),
    lambda x: jnp.matmul(x, jnp.ones((2, 3))), lambda x: x.sum(), lambda x: x.at[0].set(1),
    lambda x: x @ np.ones((2, 3)), lambda x: jnp.ones((3, 2)) @ x, lambda x: np.ones((3, 2)) @ x,
    lambda x: x**2, lambda x: 2**x, lambda x: x > 0, lambda x: x <= 0, abs, np.exp, np.add.reduce,
    lambda x: np.ones(2) > x, lambda x: x % 2,
]  # fmt: skip


@pytest.mark.parametrize("make", [tensor, lambda: to_dense_tensor(tensor(), masked=True)])
def test_layers_and_functions_of_arrays_say_in_one_line_what_to_write(make):
    def applied(layer):
        return lambda x: layer.init_with_output(jax.random.key(0), x)

    x = make()
    for function in (*map(applied, LAYERS), *FUNCTIONS, *map(jax.jit, FUNCTIONS[:6])):
        with pytest.raises((InputError, AttributeError)) as error:
            function(x)
        first, *rest = str(error.value).splitlines()
        assert first.startswith(f"a {type(x).__name__} is no array: ")
        assert "x.replace(features=jnp.tanh(x.features))" in first
        assert not rest or rest[0].startswith("----")  # where JAX has its own frames


def test_arrays_leave_operators_to_the_tensor():
    x = tensor()
    for run in (lambda f, *a: f(*a), lambda f, *a: jax.jit(f)(*a)):
        for two in (jnp.float32(2), jnp.full(2, 2.0)):
            np.testing.assert_array_equal(run(operator.mul, two, x).features, 2 * x.features)
            np.testing.assert_array_equal(run(operator.sub, two, x).features[:3], 2 - ROWS)
    for two in (np.float32(2), np.full(2, 2.0)):
        np.testing.assert_array_equal((two * x).features, 2 * x.features)
        np.testing.assert_array_equal((two - x).features[:3], 2 - ROWS)
        np.testing.assert_array_equal(np.subtract(x, two).features[:3], ROWS - 2)
        np.testing.assert_array_equal((two / x).features[:3], 2 / ROWS)
    for ones in (jnp.ones(2), np.ones(2)):
        assert ones != x
        assert not ones == x  # noqa: SIM201


def test_the_names_of_other_libraries_are_translated():
    x = tensor()
    with pytest.raises(AttributeError, match=r"it is .features, of one event x\[event\].features$"):
        x.decomposed_features  # noqa: B018
    names = {
        "F": "features",
        "feats": "features",
        "C": "coords",
        "tensor_stride": "stride",
        "dense": r"to_dense\(\)",
    }
    for name, ours in names.items():
        with pytest.raises(AttributeError, match=rf"no attribute '{name}': here it is .{ours}$"):
            getattr(x, name)
    with pytest.raises(AttributeError, match=r"no attribute 'foo'$"):
        x.foo  # noqa: B018


def test_tensors_of_two_levels_are_told_how_to_come_to_one():
    x = tensor()
    down = ops.strided_connection(x, ops.hypercube(2, 1), 2)
    z = ops.max_pooling(x, down)
    for together in (operator.add, ops.union, ops.intersection):
        with pytest.raises(InputError, match="bring both to one level: down by"):
            together(x, z)
