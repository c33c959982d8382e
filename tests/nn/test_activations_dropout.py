"""Activations and dropout: values, what padding holds, gradients, both vocabularies."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, nn, sparse_tensor
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
    "hard_shrink": lambda z: np.where(np.abs(z) > 0.5, z, 0),
    "hard_sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "hard_swish": lambda z: z * np.clip(z / 6 + 0.5, 0, 1),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "log_sigmoid": lambda z: -np.log1p(np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "soft_shrink": lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0),
    "soft_sign": lambda z: z / (1 + np.abs(z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "tanh_shrink": lambda z: z - np.tanh(z),
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


# Where a formula of two or three pieces has no slope.
KINKS = {"hard_shrink": [-0.5, 0.5], "soft_shrink": [-0.5, 0.5], "hard_tanh": [-1, 1]}


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_the_slope_of_an_activation_is_that_of_its_formula(name):
    z = np.linspace(-7, 7, 57)  # in steps of a quarter
    kinks = np.array(KINKS.get(name, [0, -3, 3, 6]))
    z = z[np.abs(z[:, None] - kinks).min(axis=1) > 0.1]
    slope = (FORMULAS[name](z + 1e-6) - FORMULAS[name](z - 1e-6)) / 2e-6
    gradient = jax.vmap(jax.grad(nn.ACTIVATIONS[name]))(jnp.asarray(z, jnp.float32))
    np.testing.assert_allclose(gradient, slope, atol=1e-5)


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


def test_the_numbers_inside_a_function_get_no_nan_of_padding():
    """Padding has the numbers of the first site, where the function must have a derivative."""
    x = sparse_tensor(
        [[0, 0], [0, 1]], [[1.0, 3.0], [2.0, 4.0]], spatial_shape=(4,), batch_size=1, capacity=4
    )

    def loss(features, factor):
        def spread(z):
            return factor * jnp.log(jnp.std(factor * z, axis=1, keepdims=True)) * z

        return jnp.sum(nn.activation(spread)(x.replace(features)).features)

    by_features, by_factor = jax.grad(loss, (0, 1))(x.features, jnp.float32(2))
    assert np.isfinite(by_features).all()
    # Of f log(f) times the sum of z, where the deviation of either site is 1.
    np.testing.assert_allclose(by_factor, (np.log(2.0) + 1) * 10, rtol=1e-6)
    assert by_features[2:].tolist() == [[0.0, 0.0]] * 2


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


def drawn(layer, x, key=0):
    return layer.apply({}, x, rngs={"dropout": jax.random.key(key)})


def dropped(x, rate, key=0):
    return drawn(nn.Dropout(rate, train=True), x, key)


def test_dropout_keeps_the_expected_share_and_scales_it():
    x = batch(capacity=72, channels=64, count=72)
    ratio = np.asarray(dropped(x, 0.25).features / x.features)
    assert sorted({round(float(v), 3) for v in ratio.ravel()}) == [0.0, 1.333]
    # Of 4608 features; five standard deviations.
    assert abs((ratio == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / ratio.size)
    assert (dropped(x, 0.25, key=1).features != dropped(x, 0.25).features).any()


RANDOM_LAYERS = [nn.Dropout(0.5, True), nn.AlphaDropout(0.5, True), nn.RReLU(train=True)]


@pytest.mark.parametrize("layer", RANDOM_LAYERS, ids=lambda layer: type(layer).__name__)
def test_more_padding_draws_the_same(layer):
    tight, padded = (drawn(layer, batch(capacity=capacity)) for capacity in (20, 64))
    np.testing.assert_array_equal(padded.features[:20], tight.features)
    assert not np.asarray(padded.features)[20:].any()
    assert (drawn(layer, batch(), key=1).features[:20] != tight.features).any()


@pytest.mark.parametrize("layer", RANDOM_LAYERS, ids=lambda layer: type(layer).__name__)
def test_random_layers_keep_the_type_and_need_no_key_to_initialise(layer):
    assert drawn(layer, batch(dtype=jnp.bfloat16)).features.dtype == jnp.bfloat16
    assert layer.init(jax.random.key(0), batch()) == {}


@pytest.mark.parametrize("layer", RANDOM_LAYERS, ids=lambda layer: type(layer).__name__)
def test_random_layers_act_on_masked_images_as_on_sites(layer):
    x = to_dense_tensor(batch(), masked=True)
    y = np.asarray(drawn(layer, x).features)
    assert (y != np.asarray(x.features)).any()
    assert not y[~np.asarray(x.mask)].any()


def test_dropout_is_idle_in_evaluation_and_drops_all_at_rate_one():
    x = batch()
    evaluation: Any = nn.Dropout(0.5, train=False)
    np.testing.assert_array_equal(evaluation.apply({}, x).features, x.features)
    assert not np.asarray(dropped(x, 1.0).features).any()
    words: Any = "False"
    for layer in (nn.Dropout(0.5, words), nn.AlphaDropout(0.5, words), nn.RReLU(words)):
        with pytest.raises(InputError, match="train is a str: must be a bool"):
            layer.init(jax.random.key(0), x)
    with pytest.raises(InputError, match=r"rate is 1.5: must be from 0 to 1"):
        dropped(x, 1.5)


def test_the_slopes_of_rrelu_are_uniform_between_their_limits():
    x = batch(capacity=72, channels=64, count=72)
    slopes = np.asarray(drawn(nn.RReLU(True, 0.1, 0.5), x).features / x.features)
    positive = np.asarray(x.features) > 0
    np.testing.assert_array_equal(slopes[positive], 1)
    below = np.sort(slopes[~positive])
    # The largest distance between the distribution and the uniform one: Kolmogorov's, at 1e-4.
    distance = np.abs((below - 0.1) / 0.4 - (np.arange(below.size) + 0.5) / below.size).max()
    assert distance < 2.23 / math.sqrt(below.size)
    y = drawn(nn.RReLU(train=False), x).features
    expected = np.where(positive, x.features, (1 / 8 + 1 / 3) / 2 * np.asarray(x.features))
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    gradient = jax.grad(lambda f: drawn(nn.RReLU(True, 0.1, 0.5), x.replace(f)).features.sum())
    np.testing.assert_allclose(gradient(x.features), slopes, rtol=1e-5)
    with pytest.raises(InputError, match=r"lower is 0.5: must not be above upper, 0.1"):
        drawn(nn.RReLU(True, 0.5, 0.1), x)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = batch(capacity=72, channels=512, count=72)
    x = x.replace(x.features / 2)  # standard normal
    y = np.asarray(drawn(nn.AlphaDropout(rate, True), x).features)
    saturation = np.float64(jax.nn.selu(-40.0))
    slope = ((1 - rate) * (1 + rate * saturation**2)) ** -0.5
    low = slope * (saturation - rate * saturation)
    lost = np.isclose(y, low, atol=1e-5)
    kept = slope * (np.asarray(x.features) - rate * saturation)
    np.testing.assert_allclose(y[~lost], kept[~lost], atol=1e-5)
    # Of 36,864 features; five standard deviations of each estimate.
    error = 5 / math.sqrt(y.size)
    assert abs(lost.mean() - rate) < error * math.sqrt(rate * (1 - rate))
    assert abs(y.mean()) < error
    assert abs(y.var() - 1) < error * math.sqrt(2)


def test_alpha_dropout_is_idle_in_evaluation_and_drops_all_at_rate_one():
    x = batch()
    for layer in (nn.AlphaDropout(0.5, train=False), nn.AlphaDropout(0.0, train=True)):
        np.testing.assert_array_equal(drawn(layer, x).features, x.features)
    assert not np.asarray(drawn(nn.AlphaDropout(1.0, True), x).features).any()
    with pytest.raises(InputError, match=r"rate is -0.1: must be from 0 to 1"):
        drawn(nn.AlphaDropout(-0.1, True), x)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_sinusoidal_is_its_formula_in_both_vocabularies(dtype):
    x = batch(dtype=dtype)
    layer: Any = nn.Sinusoidal(3)
    variables: Any = layer.init(jax.random.key(0), x)
    p = jax.tree.map(np.float64, variables["params"])
    assert all(leaf.min() >= 0 and leaf.max() < 1 for leaf in jax.tree.leaves(p))

    def phase(features):
        return np.asarray(features, np.float64) @ p["weights"] + p["bias"]

    y: Any = layer.apply(variables, x)
    tolerance = 1e-5 if dtype == jnp.float32 else 0.05
    assert y.features.dtype == dtype
    expected = p["amplitude"] * np.sin(phase(x.features[:20].astype(jnp.float32)))
    np.testing.assert_allclose(y.features[:20].astype(np.float32), expected, atol=tolerance)
    assert not np.asarray(y.features[20:], np.float32).any()
    z: Any = layer.apply(variables, to_dense_tensor(x, masked=True))
    np.testing.assert_array_equal(rows_of(z.features, x), y.features)
    if dtype == jnp.float32:
        gradient = jax.grad(lambda v: jnp.sum(layer.apply({"params": v}, x).features))
        slopes = gradient(variables["params"])
        wave = p["amplitude"] * np.cos(phase(x.features[:20]))
        np.testing.assert_allclose(slopes["bias"], wave.sum(axis=0), atol=1e-4)
        weights = np.asarray(x.features[:20], np.float64).T @ wave
        np.testing.assert_allclose(slopes["weights"], weights, atol=1e-4)
