"""Parameters of layers: drawn once, then taken as they are stored."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from jaxsparse import InputError, geometry, sparse_tensor
from jaxsparse import nn as layers
from jaxsparse.nn.parameters import parameter


class Scale(nn.Module):
    """One parameter of three numbers."""

    initializer: Callable[..., Any]

    @nn.compact
    def __call__(self):
        return parameter(self, "scale", self.initializer, (3,))


def test_an_initializer_is_not_even_traced_where_the_parameter_is_stored():
    calls = []

    def initializer(_, shape, dtype):
        calls.append(shape)
        return jnp.full(shape, 2.0, dtype)

    layer = Scale(initializer)
    variables = layer.init(jax.random.key(0))
    assert calls == [(3,)]
    stored = {"params": {"scale": jnp.array([5.0, 6.0, 7.0])}}
    assert jax.jit(layer.apply)(stored).tolist() == [5.0, 6.0, 7.0]
    assert calls == [(3,)]
    assert variables["params"]["scale"].tolist() == [2.0] * 3


def test_a_stored_parameter_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"^parameter scale of Scale has shape \(4,\): .*\(3,\)"):
        Scale(jax.nn.initializers.ones).apply({"params": {"scale": jnp.ones(4)}})


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            layers.Linear(6, name="head"),
            r"of Linear head has shape \(4, 6\): .* need \(2, 6\), give",
        ),
        (layers.SubmanifoldConv(6, name="stem"), r"of SubmanifoldConv stem has shape \(9, 4, 6\)"),
        (layers.SubmanifoldConv(6, groups=2, name="stem"), r"stem has shape \(9, 2, 6\)"),
    ],
)
def test_features_of_another_number_of_channels_are_told_by_layer_and_numbers(layer, text):
    class Network(nn.Module):
        @nn.compact
        def __call__(self, x):
            return layer.clone(parent=self)(x, geometry(x, levels=1))

    x = sparse_tensor([[0, 1, 1]], [[1.0] * 4], spatial_shape=(4, 4), batch_size=1)
    network = Network()
    variables = jax.jit(network.init)(jax.random.key(0), x)
    with pytest.raises(InputError, match=text) as caught:
        jax.eval_shape(network.apply, variables, x.replace(features=x.features[:, :2]))
    assert "give x 4 channels, not 2, or initialise the network with this x" in str(caught.value)
