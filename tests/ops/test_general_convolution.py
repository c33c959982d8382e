"""Any kernel, stride and pair of coordinate sets, against brute force and jax.lax."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, from_dense, ops, sparse_tensor
from jaxsparse.ops import (
    cross,
    given_sites,
    hypercube,
    implementations,
)
from jaxsparse.ops.xla import windows
from tests.ops.drawn_sites import TWO_TRIANGLES, brute_force, pairs_of, random_sites, rows_of

IMPLEMENTATIONS = implementations.names("convolution")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks and several windows already on a few dozen rows."""
    monkeypatch.setattr(windows, "WINDOW_BLOCK_ROWS", 32)
    monkeypatch.setattr(windows, "GRADIENT_BLOCK_ROWS", 32)


def test_three_pairs_between_two_given_sets():
    """Conformance case 3, shifted by one: events never mix."""
    x = given_sites([(0, 2, 0), (0, 3, 2)], spatial_shape=(5, 5), batch_size=2)
    y = given_sites([(0, 2, 1), (0, 2, 3), (1, 3, 2)], spatial_shape=(5, 5), batch_size=2)
    found = {(i, o) for i, _, o in pairs_of(ops.target_connection(x, y, hypercube(3, 2)))}
    assert found == {
        ((0, 2, 0), (0, 2, 1)), ((0, 3, 2), (0, 2, 1)), ((0, 3, 2), (0, 2, 3))
    }  # fmt: skip


def test_the_triangle_has_the_sites_and_pairs_of_the_peers_tests():
    """Conformance case 4: 16, 26 and 64 pairs; 5 sites an event by one rule, 6 by the other."""
    x = given_sites(TWO_TRIANGLES, spatial_shape=(4, 8), batch_size=2)
    strided = jax.jit(ops.strided_connection, static_argnums=(1, 2), static_argnames="output_sites")
    small, large = (strided(x, hypercube(size, 2), 2) for size in (2, 3))
    places = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    for built, pairs in ((small, 16), (large, 26)):
        assert rows_of(built.target) == [(e, *p) for e in range(2) for p in places]
        assert len(pairs_of(built)) == pairs
    assert len(pairs_of(ops.submanifold_connection(x, hypercube(3, 2)))) == 64
    touched = strided(x, hypercube(3, 2), 2, output_sites="receptive_field").target
    assert int(touched.count) == 2 * 6


def test_one_dimension_has_the_values_of_the_peers_test():
    """Conformance case 5: k2 s2 and k2 s1."""
    x = from_dense(np.array([[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]]))
    w = jnp.array([[[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    for stride, expected in ((2, [[2, 2], [3, 3]]), (1, [[2, 2], [2, 3], [3, 3]])):
        built = ops.strided_connection(x, hypercube(2, 1), stride)
        out = ops.convolution(x, w, built).features
        assert out[: len(expected)].tolist() == expected


def test_a_convolution_leads_from_the_sites_that_are_read_to_those_that_are_made():
    x = sparse_tensor(
        [[0, 1, 2], [0, 2, 2], [1, 5, 4]], np.ones((3, 1)), spatial_shape=(6, 5), batch_size=2
    )
    down = ops.strided_connection(x, hypercube(2, 2), 2)
    y = ops.convolution(x, jnp.ones((4, 1, 1)), down)
    assert y.coords is down.target.coords
    assert (y.stride, y.spatial_shape) == ((2, 2), (3, 3))
    with pytest.raises(InputError, match=r"x has stride, .* the connection reads"):
        ops.convolution(y, jnp.ones((4, 1, 1)), down)


@pytest.mark.parametrize(
    ("shape", "region"), [((4, 3, 5, 4), hypercube(3, 4)), ((7, 8), cross(5, 2, dilation=(1, 2)))]
)
def test_four_dimensions_and_a_cross_equal_a_dense_sum(shape, region):
    """In float64 over the padded grid, tap by tap."""
    rng = np.random.default_rng(9)
    active = rng.random((2, *shape)) < 0.25
    dense = np.where(active[..., None], rng.normal(size=(*active.shape, 2)), 0)
    weights = rng.normal(size=(region.taps, 2, 3))
    reach = 4
    padded = np.pad(dense, [(0, 0), *[(reach, reach)] * len(shape), (0, 0)])
    expected = np.zeros((*active.shape, 3))
    for offset, matrix in zip(region.offsets, weights, strict=True):
        window = (slice(reach + o, reach + o + n) for o, n in zip(offset, shape, strict=True))
        expected += padded[(slice(None), *window)] @ matrix
    x = from_dense(dense, capacity=int(active.sum()) + 3)

    @jax.jit
    def run(x, w):
        near = ops.submanifold_connection(x, region)
        return [ops.convolution(x, w, near, implementation=implementation).features
                for implementation in IMPLEMENTATIONS]  # fmt: skip

    for out in run(x, weights.astype(np.float32)):
        np.testing.assert_allclose(out[: active.sum()], expected[active], atol=1e-4)


@functools.partial(jax.jit, static_argnums=(3, 4, 5, 6))
def sparse_run(x, w, seed_gradient, region, stride, rule, implementation):
    """Output on the grid, and the gradients of its product with ``seed_gradient``."""
    built = ops.strided_connection(x, region, stride, output_sites=rule)

    def dense_output(features, w):
        y = x.replace(features)
        return ops.convolution(y, w, built, implementation=implementation).to_dense()

    out, back = jax.vjp(dense_output, x.features, w)
    d_features, d_w = back(seed_gradient)
    ones = built.target.tensor(jnp.ones((built.target.capacity, 1)) * built.target.mask[:, None])
    return out, x.replace(d_features).to_dense(), d_w, ones.to_dense()


def drawn(seed):
    """Kernel 2 or 3, stride 1 to 3, padding 0 to 2, dilation 1 to 3 an axis; the rules in turn."""
    rng = np.random.default_rng(seed)
    numbers = (tuple(rng.integers(*ends, 2).tolist()) for ends in ((2, 4), (1, 4), (0, 3), (1, 4)))
    return ((15, 14), 40, 3, *numbers, ops.sites.OUTPUT_SITES[seed % 2])


@pytest.mark.parametrize(
    ("shape", "count", "channels", "size", "stride", "padding", "dilation", "rule"),
    [
        ((19, 18, 17), 1500, 32, (3, 3, 3), (2, 2, 2), (1, 1, 1), (1, 1, 1), "receptive_field"),
        ((19, 18, 17), 300, 32, (2, 3, 2), (3, 1, 2), (0, 2, 1), (1, 2, 3), "stride"),
        ((15, 14), 40, 4, (3, 2), (1, 3), (2, 1), (3, 1), "receptive_field"),
        ((15, 14), 40, 4, (4, 5), (2, 2), (0, 2), (1, 1), "stride"),
        *(drawn(seed) for seed in range(4)),
    ],
)
def test_output_and_gradients_equal_the_dense_convolution(
    shape, count, channels, size, stride, padding, dilation, rule
):
    """Conformance case 7: at the output sites, atol 1e-4 in units of the largest value."""
    rng = np.random.default_rng(5)
    dense = np.zeros((2, *shape, channels), np.float32)
    cells = np.unravel_index(rng.choice(2 * int(np.prod(shape)), count, replace=False),
                             (2, *shape))  # fmt: skip
    dense[cells] = rng.normal(size=(count, channels))
    x = from_dense(dense, capacity=count + 20)
    region = hypercube(size, len(shape), dilation=dilation, padding=padding)
    w = rng.normal(size=(region.taps, channels, 6)).astype(np.float32)
    target = jax.eval_shape(
        lambda x: ops.strided_sites(x, region, stride, output_sites=rule), x
    ).spatial_shape
    # The dense twin zero-pads on the right until it has as many outputs.
    extents = zip(target, stride, dilation, size, shape, padding, strict=True)
    pads = [(p, (t - 1) * s + d * (k - 1) + 1 - n - p) for t, s, d, k, n, p in extents]
    letters = "DHW"[-len(shape) :]

    @jax.jit
    def dense_run(dense, w, seed_gradient, mask):
        def output(dense, w):
            out = jax.lax.conv_general_dilated(
                dense, w.reshape(*size, channels, 6), stride, pads, rhs_dilation=dilation,
                dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
            )  # fmt: skip
            return out * mask

        out, back = jax.vjp(output, dense, w)
        return out, *back(seed_gradient)

    seed_gradient = rng.normal(size=(2, *target, 6)).astype(np.float32)
    for implementation in IMPLEMENTATIONS:
        out, d_dense, d_w, mask = sparse_run(
            x, w, seed_gradient, region, stride, rule, implementation
        )
        expected = dense_run(dense, w, seed_gradient, mask)
        active = np.any(dense != 0, axis=-1, keepdims=True)
        for one, other in zip(
            (out, d_dense, d_w), (expected[0], expected[1] * active, expected[2]), strict=True
        ):
            scale = max(float(np.abs(other).max()), 1.0)
            np.testing.assert_allclose(one / scale, other / scale, atol=1e-4)


@pytest.fixture(scope="module")
def batch():
    """A map onto fewer rows; its transpose goes onto more."""
    x = random_sites(6, (12, 10))
    built = jax.jit(ops.strided_connection, static_argnums=(1, 2))(x, hypercube(3, 2), 2)
    rng = np.random.default_rng(7)
    features = rng.normal(size=(x.capacity, 3)) * np.asarray(x.mask)[:, None]
    w = 0.3 * rng.normal(size=(9, 3, 2))
    return built, jnp.asarray(features, jnp.float32), jnp.asarray(w, jnp.float32)


def round_trip(built, implementation="auto"):
    """There and back through the same weights."""
    run = functools.partial(ops.convolution, implementation=implementation)

    def loss(features, w):
        down = run(built.source.tensor(features), w, built)
        down = down.replace(jnp.tanh(down.features))
        up = run(down, jnp.swapaxes(w, 1, 2), built.transpose())
        return jnp.sum(jnp.sin(up.features))

    return loss


def test_derivatives_of_all_data_flows_agree_in_every_mode(batch):
    built, features, w = batch
    results = []
    for name in IMPLEMENTATIONS:
        loss = round_trip(built, name)

        @jax.jit
        def derivatives(features, w, loss=loss):
            gradient = jax.grad(loss, argnums=(0, 1))
            forward = jax.jvp(loss, (features, w), (features, w))[1]
            inner = jnp.sum(gradient(features, w)[0] * features) + jnp.vdot(
                gradient(features, w)[1], w
            )
            second = jax.grad(lambda w: jnp.sum(gradient(features, w)[1] ** 2))(w)
            many = jax.vmap(jax.grad(loss, argnums=1), (None, 0))(features, jnp.stack([w, -w]))
            return forward, inner, second, many, gradient(features, w)

        text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(features, w).as_text()
        assert "scatter" not in text
        results.append(derivatives(features, w))
        forward, inner, _, many, gradient = results[-1]
        np.testing.assert_allclose(forward, inner, rtol=1e-3)
        np.testing.assert_allclose(many[0], gradient[1], atol=1e-4)
    for one, *others in zip(*map(jax.tree.leaves, results), strict=True):
        for other in others:
            np.testing.assert_allclose(one, other, atol=1e-3, rtol=1e-3)


def test_pmap_gives_the_gradient_of_one_device(batch):
    built, features, w = batch
    scales = jnp.array([1.0, 0.0, 2.0, -1.0])
    gradient = jax.grad(round_trip(built), argnums=1)
    mapped = jax.pmap(
        lambda scale, w: jax.lax.psum(gradient(scale * features, w), "devices"),
        axis_name="devices", in_axes=(0, None), out_axes=None,
    )(scales, w)  # fmt: skip
    one_device = jax.jit(gradient)
    expected = sum(one_device(scale * features, w) for scale in scales)
    np.testing.assert_allclose(mapped, expected, rtol=1e-3, atol=1e-3)


def test_a_generative_convolution_makes_every_site_that_an_input_reaches():
    x = random_sites(8, (4, 5), stride=2)
    for size in (2, 3):
        region = hypercube(size, 2)
        built = jax.jit(ops.generative_connection, static_argnums=(1, 2))(x, region, 2)
        reached = {
            (event, *np.add(np.multiply(2, place), offset).tolist())
            for event, *place in rows_of(x)
            for offset in region.offsets
        }
        reached = {site for site in reached if min(site) >= 0}
        assert rows_of(built.target) == sorted(reached)
        assert built.target.stride == (1, 1)
        turned = brute_force(reached, rows_of(x), region, (2, 2))
        assert pairs_of(built) == {(out, tap, row) for row, tap, out in turned}
        assert built.taps_per_target == {2: 1, 3: 4}[size]


def test_nothing_in_gives_nothing_out():
    """Conformance case 14: k2 s2 and its inverse on zero rows, three events."""
    x = given_sites([], spatial_shape=(6, 6), batch_size=3, capacity=4)

    @jax.jit
    def run(x, features, w):
        built = ops.strided_connection(x, hypercube(2, 2), 2)
        grads = jax.grad(round_trip(built), argnums=(0, 1))(features, w)
        return built.target.count, ops.convolution(x.tensor(features), w, built).features, grads

    count, out, grads = run(x, jnp.zeros((4, 3)), jnp.ones((4, 3, 2)))
    assert int(count) == 0
    assert not any(np.any(leaf) for leaf in jax.tree.leaves((out, grads)))  # NaN counts as any


def test_a_capacity_that_is_too_small_is_reported():
    x = given_sites(TWO_TRIANGLES, spatial_shape=(4, 6), batch_size=2)
    make = jax.jit(ops.strided_sites, static_argnums=(1, 2), static_argnames="capacity")
    small, enough = (make(x, hypercube(3, 2), 2, capacity=rows) for rows in (9, 10))
    assert (int(small.count), bool(small.fits), int(small.num_active)) == (10, False, 9)
    assert enough.fits
    with pytest.raises(InputError, match="capacity is 9 but there are 10 sites"):
        ops.strided_sites(x, hypercube(3, 2), 2, capacity=9)


def test_what_cannot_be_right_is_refused_in_one_line():
    """Conformance case 16, and connections that make no sense."""
    x = given_sites([[0, 1, 1]], spatial_shape=(4, 6), batch_size=1)
    wide = given_sites([[0, 1]], spatial_shape=(2**31 - 2,), batch_size=1, stride=4)
    huge = given_sites([[0, 1, 1]], spatial_shape=(2**16, 2**16), batch_size=1)
    box = hypercube(3, 2)
    half: Any = 1.5
    size: Any = 3
    for make, text in (
        (lambda: given_sites([[0, 4, 1]], spatial_shape=(4, 6), batch_size=1), "axis 0 must be"),
        (lambda: given_sites([[-1, 1, 1]], spatial_shape=(4, 6), batch_size=1), "event index"),
        (lambda: sparse_tensor([[0, 1]], [[1.0]], spatial_shape=(2**31,), batch_size=1), "below"),
        (lambda: ops.submanifold_connection(huge, box, strategy="bitmap"), "more than int32"),
        (lambda: ops.generated_sites(wide, hypercube(3, 1), 4), "would pass 2"),
        (lambda: ops.generated_sites(x, box, 2), r"sites that .*replace\(x, stride=\(2, 2\)\)$"),
        (lambda: ops.generated_sites(x, box, 1, spatial_shape=(2**31, 4)), "lengths below"),
        (lambda: ops.generated_sites(x, box, 1, spatial_shape=(half, 4)), "spatial_shape is"),
        (lambda: ops.strided_sites(x, box, 2, capacity=half), "capacity is 1.5"),
        (lambda: ops.strided_sites(x, box, half), "stride is 1.5: must be an integer from 1"),
        (lambda: ops.strided_sites(x, box, 2, output_sites="all"), "stride, receptive_field"),
        (lambda: ops.strided_sites(x, hypercube(3, 1), 2), "region has 1 axes"),
        (lambda: ops.strided_connection(x, size, 2), r"region is an int: .* ops.hypercube\(3, 2"),
        (lambda: ops.generative_connection(x, size, 1), "region is an int: must be a Region, such"),
        (lambda: ops.submanifold_connection(x, size), "region is an int: must be a Region, such"),
        (lambda: ops.target_connection(x, x, size), "region is an int: must be a Region, such"),
        (lambda: given_sites([[0, 1, 1]] * 2, spatial_shape=(4, 6), batch_size=1),
         r"unique, give each once: np.unique\(coords, axis=0\)$"),
        (lambda: jax.jit(lambda c: given_sites(c, spatial_shape=(4, 6), batch_size=1))(x.coords),
         "coords is traced by .*: given_sites works on the host, call it before, or take"),
        (lambda: ops.strided_sites(x, hypercube(7, 2, padding=0), 2,
                                   output_sites="receptive_field"), "no output has room"),
        (lambda: ops.target_connection(x, wide, box), "must be the same"),
        (lambda: ops.transposed_connection(x, given_sites([[0, 1, 1]], spatial_shape=(4, 6),
                                           batch_size=1, stride=2), box), "multiple of the fine"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=text) as error:
            make()
        assert "\n" not in str(error.value).split("\n---")[0]
