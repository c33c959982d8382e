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


@pytest.mark.parametrize("layer", [linen.Dense(3), linen.Conv(3, (3,)), linen.LayerNorm()])
def test_layers_for_arrays_say_in_one_line_what_they_are_given(layer):
    with pytest.raises((InputError, AttributeError), match="a SparseTensor is no array: ") as error:
        layer.init_with_output(jax.random.key(0), tensor())
    assert "\n" not in str(error.value)
    assert "x.replace(features=layer(x.features))" in str(error.value)
