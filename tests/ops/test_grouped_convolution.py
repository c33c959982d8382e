"""Groups of channels against the block-diagonal kernel, on every kind of map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, geometry, ops
from jaxsparse.ops.convolve import convolve_rows


@pytest.fixture(scope="module")
def maps():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(2, 6, 7, 4)) * (rng.random((2, 6, 7, 1)) < 0.4)
    x = from_dense(dense, capacity=50)

    @jax.jit
    def build(x):
        fine = geometry(x, levels=2).levels[0]
        assert fine.down is not None
        down = ops.strided_connection(x, ops.hypercube(3, 2), 2).kernel_map
        return fine.kernel_maps[3], fine.down, fine.down.transpose(), down, down.transpose()

    return build(x)


def block_diagonal(w, groups):
    """``[taps, in, out]`` with zeros between the groups."""
    taps, channels, out = w.shape
    full = jnp.zeros((taps, groups, channels, groups, out // groups))
    for g in range(groups):
        part = w[:, :, g * (out // groups) : (g + 1) * (out // groups)]
        full = full.at[:, g, :, g].set(part)
    return full.reshape(taps, groups * channels, out)


@pytest.mark.parametrize(("groups", "out"), [(2, 6), (4, 4), (4, 8)])
def test_groups_equal_the_block_diagonal_kernel_with_all_derivatives(maps, groups, out):
    rng = np.random.default_rng(2)

    def everything(run, x, w):
        def loss(x, w):
            return jnp.sum(jnp.sin(run(x, w)))

        gradient = jax.grad(loss, argnums=(0, 1))
        forward = jax.jvp(loss, (x, w), (x, w))[1]
        second = jax.grad(lambda w: jnp.sum(gradient(x, w)[0] ** 2))(w)
        return run(x, w), gradient(x, w), forward, second

    @jax.jit
    def both(arguments):
        results = []
        for kernel_map, x, w in arguments:
            one = everything(lambda x, w, m=kernel_map: convolve_rows(x, w, m, groups=groups),
                             x, w)  # fmt: skip
            other = everything(
                lambda x, w, m=kernel_map: convolve_rows(x, block_diagonal(w, groups), m), x, w
            )
            results.append((one, other))
        return results

    arguments = []
    for kernel_map in maps:
        mask = np.arange(kernel_map.capacity_in) < int(kernel_map.num_in)
        x = rng.normal(size=(kernel_map.capacity_in, 4)) * mask[:, None]
        w = rng.normal(size=(kernel_map.taps, 4 // groups, out))
        arguments.append((kernel_map, *(jnp.asarray(a, jnp.float32) for a in (x, w))))
    for one, other in both(arguments):
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-3)


def test_a_channelwise_gradient_has_no_scatter_and_no_matrix_product(maps):
    def loss(x, w):
        return jnp.sum(convolve_rows(x, w, maps[0], groups=4) ** 2)

    x, w = jnp.ones((maps[0].capacity_in, 4)), jnp.ones((9, 1, 4))
    text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(x, w).as_text()
    assert "scatter" not in text
    assert "dot_general" not in text
    many = jax.vmap(jax.grad(loss, argnums=1), (None, 0))(x, jnp.stack([w, 2 * w]))
    np.testing.assert_allclose(many[1], 2 * many[0], rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 5, 24, 144])
def test_native_channelwise_kernels_equal_a_sum_over_the_taps(maps, channels):
    rng = np.random.default_rng(channels)

    @jax.jit
    def everything(kernel_map, x, w, cotangent):
        y, back = jax.vjp(
            lambda x, w: convolve_rows(x, w, kernel_map, groups=channels, implementation="native"),
            x,
            w,
        )
        return y, *back(cotangent)

    for kernel_map in maps if channels == 24 else maps[:1]:
        rows, out = kernel_map.capacity_in, kernel_map.capacity_out
        inside, made = np.arange(rows) < int(kernel_map.num_in), int(kernel_map.num_out)
        x = rng.normal(size=(rows, channels)).astype(np.float32) * inside[:, None]
        g = rng.normal(size=(out, channels)).astype(np.float32)
        w = rng.normal(size=(kernel_map.taps, 1, channels)).astype(np.float32)
        y, by_x, by_w = everything(kernel_map, x, w, g)
        # The pairs (in, tap, out), by what a one-hot feature of every input row gives.
        one_hot = convolve_rows(
            jnp.eye(rows) * inside,
            jnp.tile(jnp.eye(rows), (kernel_map.taps, 1, 1))
            * (jnp.arange(kernel_map.taps)[:, None, None] + 1.0),
            kernel_map,
            implementation="table",
        )
        expected, back, weights = np.zeros((out, channels)), np.zeros_like(x), np.zeros_like(w)
        for target, source in np.argwhere(np.asarray(one_hot)[:made] > 0):
            tap = round(float(one_hot[target, source])) - 1
            expected[target] += x[source].astype(np.float64) * w[tap, 0]
            back[source] += g[target] * w[tap, 0]
            weights[tap, 0] += x[source] * g[target]
        np.testing.assert_allclose(y, expected, atol=1e-5)
        np.testing.assert_allclose(by_x, back, atol=1e-4)
        np.testing.assert_allclose(by_w, weights, atol=1e-4)
        assert not np.any(y[made:])


def test_groups_that_do_not_divide_are_refused(maps):
    with pytest.raises(InputError, match="groups is 3"):
        convolve_rows(jnp.ones((50, 3)), jnp.ones((9, 1, 4)), maps[0], groups=3)
