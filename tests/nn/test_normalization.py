"""Batch norm: exact moments, running statistics, and devices that do not matter."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError
from jaxsparse.nn import BatchNorm, DenseTensor

CAPACITY = 12
CHANNELS = 3


def sites(features):
    """Features of one event on a line, padded."""
    count = len(features)
    coords = np.stack([np.zeros(count), np.arange(count)], axis=1).astype(np.int32)
    return jaxsparse.sparse_tensor(
        coords.reshape(count, 2),
        features,
        spatial_shape=(CAPACITY,),
        batch_size=1,
        capacity=CAPACITY,
    )


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(50.0, 3.0, (9, CHANNELS)).astype(np.float32)


@pytest.fixture(scope="module")
def variables():
    rng = np.random.default_rng(1)
    draw = {"scale": (0.5, 1.5), "bias": (-1, 1), "mean": (-1, 1), "variance": (0.5, 2)}
    made = {k: rng.uniform(*v, CHANNELS).astype(np.float32) for k, v in draw.items()}
    return {
        "params": {k: made[k] for k in ("scale", "bias")},
        "batch_stats": {k: made[k] for k in ("mean", "variance")},
    }


def normalised(values, mean, variance, params):
    return (values - mean) / np.sqrt(variance + 1e-4) * params["scale"] + params["bias"]


def test_fields_that_are_none_of_a_batch_norm_are_refused(values):
    norm: Any = BatchNorm  # what type checkers would refuse
    wrong: Any = [
        (norm(16), "train is an int: must be a bool, as in BatchNorm\\(train=True\\): the nu"),
        (norm("False"), "train is a str: must be a bool"),
        (norm(True, momentum=1.5), "momentum is 1.5: must be from 0 to 1, the share that"),
        (norm(True, momentum="0.9"), "momentum is '0.9': must be from 0 to 1"),
        (norm(True, epsilon=-1e-5), "epsilon is -1e-05: must be a number and not negative"),
    ]
    for layer, text in wrong:
        with pytest.raises(InputError, match=text):
            layer.init(jax.random.key(0), sites(values))


def test_training_normalises_by_the_moments_of_the_active_sites(values, variables):
    x = sites(values)
    y, state = BatchNorm(train=True, momentum=0.8).apply(variables, x, mutable=["batch_stats"])
    exact = values.astype(np.float64)
    mean, variance = exact.mean(axis=0), exact.var(axis=0)
    expected = normalised(exact, mean, variance, variables["params"])
    np.testing.assert_allclose(y.features[:9], expected, atol=1e-3)
    assert not np.any(y.features[9:])
    old = variables["batch_stats"]
    new = state["batch_stats"]
    np.testing.assert_allclose(new["mean"], 0.8 * old["mean"] + 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(new["variance"], 0.8 * old["variance"] + 0.2 * variance, rtol=1e-5)


def test_evaluation_uses_the_running_statistics_and_keeps_them(values, variables):
    x = sites(values)
    y, state = BatchNorm(train=False).apply(variables, x, mutable=["batch_stats"])
    stats = variables["batch_stats"]
    expected = normalised(values, stats["mean"], stats["variance"], variables["params"])
    np.testing.assert_allclose(y.features[:9], expected, rtol=1e-4)
    assert not np.any(y.features[9:])
    np.testing.assert_array_equal(state["batch_stats"]["mean"], stats["mean"])


def test_no_site_leaves_the_running_statistics_alone(variables):
    nothing = sites(np.zeros((0, CHANNELS), np.float32))
    y, state = BatchNorm(train=True).apply(variables, nothing, mutable=["batch_stats"])
    assert not np.any(y.features)
    for name, value in variables["batch_stats"].items():
        np.testing.assert_array_equal(state["batch_stats"][name], value)


def test_plain_images_are_normalised_over_every_pixel(values, variables):
    x = DenseTensor(jnp.asarray(values).reshape(1, 3, 3, CHANNELS), mask=None, stride=(1, 1))
    y, _ = BatchNorm(train=True).apply(variables, x, mutable=["batch_stats"])
    exact = values.astype(np.float64)
    expected = normalised(exact, exact.mean(axis=0), exact.var(axis=0), variables["params"])
    np.testing.assert_allclose(y.features.reshape(9, CHANNELS), expected, atol=1e-3)


@pytest.mark.parametrize("counts", [(5, 1, 0, 3), (0, 0, 0, 0)])
def test_four_unequal_devices_give_the_moments_and_gradients_of_one(values, variables, counts):
    devices = jax.local_devices()[:4]
    if len(devices) < 4:
        pytest.skip("needs four devices: set XLA_FLAGS=--xla_force_host_platform_device_count=4")
    norm = BatchNorm(train=True, axis_name="devices")
    weights = np.random.default_rng(2).normal(size=(9, CHANNELS)).astype(np.float32)

    def loss_of(norm):
        def loss(params, x, weights):
            y, state = norm.apply({**variables, "params": params}, x, mutable=["batch_stats"])
            return jnp.sum(weights.features * jnp.sin(y.features)), (y, state["batch_stats"])

        return jax.grad(loss, argnums=(0, 1), has_aux=True, allow_int=True)

    def on_each(params, x, weights):
        (by_params, by_x), aux = loss_of(norm)(params, x, weights)
        return (jax.lax.psum(by_params, "devices"), by_x.features), aux

    edges = np.cumsum([0, *counts])
    parts = list(itertools.pairwise(edges))
    stacked = jax.tree.map(lambda *rows: np.stack(rows), *[sites(values[a:b]) for a, b in parts])
    weight_parts = jax.tree.map(
        lambda *rows: np.stack(rows), *[sites(weights[a:b]) for a, b in parts]
    )
    mapped = jax.pmap(on_each, axis_name="devices", in_axes=(None, 0, 0), devices=devices)
    (by_params, by_rows), (y, state) = mapped(variables["params"], stacked, weight_parts)

    total = edges[-1]
    alone = loss_of(BatchNorm(train=True))
    (one_params, one_x), (one_y, one_state) = alone(
        variables["params"], sites(values[:total]), sites(weights[:total])
    )
    for device, (a, b) in enumerate(parts):
        np.testing.assert_allclose(y.features[device][: b - a], one_y.features[a:b], atol=1e-3)
        np.testing.assert_allclose(by_rows[device][: b - a], one_x.features[a:b], atol=1e-3)
        for name in one_state:
            np.testing.assert_allclose(state[name][device], one_state[name], rtol=1e-5)
        for name in one_params:
            np.testing.assert_allclose(by_params[name][device], one_params[name], atol=1e-3)
