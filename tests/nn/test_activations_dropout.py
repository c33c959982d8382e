"""Activations and dropout: values, what padding holds, gradients, both vocabularies."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, nn
from jaxsparse.nn.dense_tensor import rows_of, to_dense_tensor


def batch(capacity=30, channels=4, count=20, dtype=jnp.float32) -> Any:
    rng = np.random.default_rng(0)
    dense = np.zeros((2, 6, 6, channels))
    cells = rng.choice(72, count, replace=False)
    dense.reshape(72, channels)[cells] = 2 * rng.normal(size=(count, channels))
    x = from_dense(dense, capacity=capacity)
    return x.replace(x.features.astype(dtype))


def erf(z):
    return np.array([math.erf(v) for v in z.ravel()]).reshape(z.shape)


# The formulas of the papers, in float64.
FORMULAS: dict[str, Any] = {
    "celu": lambda z: np.maximum(z, 0) + np.minimum(np.expm1(z), 0),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_an_activation_is_its_formula_and_zero_on_padding(name, dtype):
    x = batch(dtype=dtype)
    y = nn.activation(name)(x)
    expected = FORMULAS[name](np.asarray(x.features, np.float64)[:20])
    tolerance = 1e-5 if dtype == jnp.float32 else 0.03
    assert y.features.dtype == dtype
    np.testing.assert_allclose(y.features[:20].astype(np.float32), expected, atol=tolerance)
    assert not np.asarray(y.features[20:], np.float32).any()


def test_mish_and_its_slope_are_right_over_the_whole_range():
    z = np.concatenate([np.linspace(-30, 30, 201), [-1e4, 1e4]])
    mish = nn.ACTIVATIONS["mish"]
    softplus = np.logaddexp(z, 0)
    sigmoid = np.exp(z - softplus)
    slope = np.tanh(softplus) + z * sigmoid * (1 - np.tanh(softplus) ** 2)
    x = jnp.asarray(z, jnp.float32)
    np.testing.assert_allclose(mish(x), z * np.tanh(softplus), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.grad(mish))(x), slope, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_masked_images_have_the_activations_of_the_sites(name):
    x = batch()
    y = nn.activation(name)(x)
    z = nn.activation(name)(to_dense_tensor(x, masked=True))
    np.testing.assert_allclose(rows_of(z.features, x), y.features, atol=1e-6)
    assert not np.asarray(z.features)[~np.asarray(z.mask)].any()


@pytest.mark.parametrize("function", [*nn.ACTIVATIONS, jnp.log, jnp.sqrt, jnp.reciprocal])
def test_padding_gets_no_gradient_whatever_the_function(function):
    x = batch()
    x = x.replace(jnp.abs(x.features))
    gradient = jax.grad(lambda f: nn.activation(function)(x.replace(f)).features.sum())
    result = np.asarray(gradient(x.features))
    assert np.isfinite(result).all()
    assert not result[20:].any()


def test_options_and_functions_are_passed_on():
    x = batch()
    np.testing.assert_allclose(
        nn.activation("elu", alpha=2.0)(x).features, jax.nn.elu(x.features, 2.0), atol=1e-6
    )
    shares = nn.activation(jax.nn.softmax)(x).features
    np.testing.assert_allclose(shares.sum(axis=1), [1.0] * 20 + [0.0] * 10, atol=1e-6)
    with pytest.raises(InputError, match="activation is 'rellu': must be a function or one of"):
        nn.activation("rellu")


@pytest.mark.parametrize(("per_channel", "size"), [(False, 1), (True, 4)])
def test_the_slope_of_prelu_is_learned(per_channel, size):
    x = batch()
    layer: Any = nn.PReLU(per_channel=per_channel)
    variables = layer.init(jax.random.key(0), x)
    assert variables["params"]["slope"].tolist() == [0.25] * size
    slope = np.linspace(0.1, 0.4, size, dtype=np.float32)
    y = layer.apply({"params": {"slope": slope}}, x)
    np.testing.assert_allclose(y.features, np.where(x.features > 0, x.features, slope * x.features))
    gradient = jax.grad(lambda s: layer.apply({"params": {"slope": s}}, x).features.sum())(slope)
    negative = np.minimum(np.asarray(x.features), 0)
    expected = negative.sum(axis=0) if per_channel else negative.sum(keepdims=True)[0]
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def dropped(x, rate, key=0):
    layer: Any = nn.Dropout(rate, train=True)
    return layer.apply({}, x, rngs={"dropout": jax.random.key(key)})


def test_dropout_keeps_the_expected_share_and_scales_it():
    x = batch(capacity=72, channels=64, count=72)
    ratio = np.asarray(dropped(x, 0.25).features / x.features)
    assert sorted({round(float(v), 3) for v in ratio.ravel()}) == [0.0, 1.333]
    # Of 4608 features; five standard deviations.
    assert abs((ratio == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / ratio.size)
    assert (dropped(x, 0.25, key=1).features != dropped(x, 0.25).features).any()


def test_more_padding_drops_the_same():
    tight, padded = dropped(batch(capacity=20), 0.5), dropped(batch(capacity=64), 0.5)
    np.testing.assert_array_equal(padded.features[:20], tight.features)
    assert not np.asarray(padded.features)[20:].any()


def test_dropout_is_idle_in_evaluation_and_needs_no_key_to_initialise():
    x = batch()
    evaluation: Any = nn.Dropout(0.5, train=False)
    np.testing.assert_array_equal(evaluation.apply({}, x).features, x.features)
    assert nn.Dropout(0.5, train=True).init(jax.random.key(0), x) == {}
    assert not np.asarray(dropped(x, 1.0).features).any()
    with pytest.raises(InputError, match=r"rate is 1.5: must be from 0 to 1"):
        dropped(x, 1.5)
