"""A convolution of kernel 1: no row reads another."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError
from jaxsparse.ops import implementations, linear
from jaxsparse.ops.native import compiler
from tests.ops.on_rows import tensor

RNG = np.random.default_rng(0)
ROWS, ACTIVE = 40, 33
X, G = (RNG.normal(size=(ROWS, width)).astype(np.float32) for width in (6, 19))
X[ACTIVE:] = G[ACTIVE:] = 0
WEIGHTS, BIAS = RNG.normal(size=(6, 19)).astype(np.float32), RNG.normal(size=19).astype(np.float32)


@pytest.mark.parametrize("implementation", implementations.names("convolution"))
def test_every_data_flow_gives_the_matrix_product_and_its_gradients(implementation):
    if implementation == "native" and not compiler.lanes():
        pytest.skip("no kernels on this platform")

    @jax.jit
    def both(x, weights, bias):
        def product(x, weights, bias):
            y = linear(tensor(x, ACTIVE), weights, bias=bias, implementation=implementation)
            return y.features

        y, back = jax.vjp(product, x, weights, bias)
        return y, *back(G)

    y, by_x, by_weights, by_bias = both(X, WEIGHTS, BIAS)
    x, g, weights = (array.astype(np.float64) for array in (X, G, WEIGHTS))
    np.testing.assert_allclose(y[:ACTIVE], (x @ weights + BIAS)[:ACTIVE], atol=1e-5)
    assert not np.asarray(y[ACTIVE:]).any()
    np.testing.assert_allclose(by_x, g @ weights.T, atol=1e-5)
    np.testing.assert_allclose(by_weights, x.T @ g, atol=1e-5)
    np.testing.assert_allclose(by_bias, g.sum(axis=0), atol=1e-5)


@pytest.mark.parametrize("implementation", ["table", "windows"])
def test_no_row_is_gathered(implementation):
    def product(x, weights):
        return linear(tensor(x, ACTIVE), weights, implementation=implementation).features

    text = jax.jit(jax.grad(lambda *a: product(*a).sum(), (0, 1))).lower(X, WEIGHTS).as_text()
    assert "gather" not in text
    assert "dot_general" in text


def test_weights_of_another_rank_are_refused():
    with pytest.raises(InputError, match=r"weights has shape \(1, 6, 19\): must be \[in, out\]"):
        linear(tensor(jnp.asarray(X), ACTIVE), jnp.asarray(WEIGHTS[None]))
