"""Parameters of layers: drawn once, then taken as they are stored."""

from collections.abc import Callable
from typing import Any

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

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
    with pytest.raises(flax.errors.ScopeParamShapeError, match=r"\(4,\)"):
        Scale(jax.nn.initializers.ones).apply({"params": {"scale": jnp.ones(4)}})
