"""The convolution against dense float64 oracles, its derivatives, and what it lowers to."""

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxsparse import InputError, from_dense, geometry, ops
from jaxsparse.ops import implementations, reference
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.xla import windows
from tests.ops import on_rows

SHAPE, BATCH, CAPACITY, IN, OUT = (13, 10), 3, 96, 3, 4
IMPLEMENTATIONS = implementations.names("convolution")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks and several windows already on a few dozen rows."""
    monkeypatch.setattr(windows, "WINDOW_BLOCK_ROWS", 32)
    monkeypatch.setattr(windows, "GRADIENT_BLOCK_ROWS", 32)


def images(seed, count, shape=SHAPE, channels=IN):
    """``count`` random active cells in events 0 and 2; event 1 has none."""
    rng = np.random.default_rng(seed)
    active = np.zeros((BATCH, *shape), bool)
    active[::2].reshape(-1)  # a copy: the cells are set through their indices
    cells = rng.choice(2 * int(np.prod(shape)), size=count, replace=False)
    event, *rest = np.unravel_index(cells, (2, *shape))
    active[(2 * event, *rest)] = True
    return active, np.where(active[..., None], rng.normal(size=(*active.shape, channels)), 0)


def weights(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@jax.jit
def build(x):
    return geometry(x, levels=2)


@functools.partial(jax.jit, static_argnames=("implementation", "compute_dtype"))
def three(x, w, w_down, w_up, implementation="auto", compute_dtype=None):
    """All three kinds of convolution on one batch."""
    built = geometry(x, levels=2)
    run = functools.partial(
        convolve_rows, implementation=implementation, compute_dtype=compute_dtype
    )
    fine: Any = built.levels[0]
    same = run(x.features, w, fine.kernel_maps[3])
    down = run(x.features, w_down, fine.down)
    up = run(down, w_up, fine.down.transpose())
    return tuple(built.tensor(i, f).to_dense() for i, f in ((0, same), (1, down), (0, up)))


W, W_DOWN, W_UP = weights(1, 9, IN, OUT), weights(2, 4, IN, OUT), weights(3, 4, OUT, IN)


def oracle(active, dense):
    down = reference.strided_convolution(dense, W_DOWN)
    return (
        reference.submanifold_convolution(dense, active, W, 3),
        down,
        reference.inverse_convolution(down, active, W_UP),
    )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.sampled_from([0, 1, 5, 40, 95, CAPACITY]))
def test_every_implementation_equals_the_dense_oracle(seed, count):
    active, dense = images(seed, count)
    x = from_dense(dense, capacity=CAPACITY)
    for implementation in IMPLEMENTATIONS:
        results = three(x, W, W_DOWN, W_UP, implementation=implementation)
        for result, expected in zip(results, oracle(active, dense), strict=True):
            np.testing.assert_allclose(result, expected, atol=1e-4)


def test_a_filled_volume_and_long_windows_equal_the_library_convolution():
    """Every site active: windows span several blocks; jax.lax agrees on the tap order."""
    dense = weights(4, 1, 6, 40, IN)
    x = from_dense(dense)
    layout = ("NHWC", "HWIO", "NHWC")
    expected = jax.lax.conv_general_dilated(
        dense, W.reshape(3, 3, IN, OUT), (1, 1), "SAME", dimension_numbers=layout
    )
    expected_down = jax.lax.conv_general_dilated(
        dense, W_DOWN.reshape(2, 2, IN, OUT), (2, 2), "VALID", dimension_numbers=layout
    )
    same, down, _ = three(x, W, W_DOWN, W_UP, implementation="windows")
    np.testing.assert_allclose(same, expected, atol=1e-4)
    np.testing.assert_allclose(down, expected_down, atol=1e-4)


def test_three_dimensions_equal_the_dense_oracle():
    active, dense = images(5, 60, shape=(6, 5, 4))
    x = from_dense(dense)
    w = weights(6, 27, IN, OUT)
    expected = reference.submanifold_convolution(dense, active, w, 3)
    level = build(x).levels[0]
    for implementation in IMPLEMENTATIONS:
        out = convolve_rows(x.features, w, level.kernel_maps[3], implementation=implementation)
        np.testing.assert_allclose(x.replace(out).to_dense(), expected, atol=1e-4)


def test_ones_count_the_neighbours():
    """Conformance case 6."""
    dense = np.zeros((1, 4, 4, 1))
    for site in [(0, 0), (0, 2), (1, 1), (2, 0), (3, 3)]:
        dense[(0, *site)] = 1
    x = from_dense(dense)
    out = convolve_rows(x.features, jnp.ones((9, 1, 1)), build(x).levels[0].kernel_maps[3])
    assert out[:, 0].tolist() == [2, 2, 4, 2, 1]


def test_one_dimension_has_the_values_of_the_peers_test():
    """Conformance case 5, its kernel 2 and stride 2."""
    x = from_dense(np.array([[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]]))
    w = jnp.array([[[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    built = build(x)
    out = convolve_rows(x.features, w, built.levels[0].down)
    assert out[:2].tolist() == [[2, 2], [3, 3]]
    assert (np.asarray(built.levels[1].coords)[:2, 1] * 2).tolist() == [0, 2]


def test_more_padding_and_the_input_order_change_nothing():
    _, dense = images(7, 50)
    rows = {
        capacity: three(from_dense(dense, capacity=capacity), W, W_DOWN, W_UP)
        for capacity in (50, CAPACITY)
    }
    for tight, padded in zip(*rows.values(), strict=True):
        np.testing.assert_allclose(tight, padded, atol=1e-5)


def test_padding_rows_are_zero_and_never_read():
    _, dense = images(8, 20)
    x = from_dense(dense, capacity=CAPACITY)
    level = build(x).levels[0]
    for implementation in IMPLEMENTATIONS:
        run = functools.partial(convolve_rows, implementation=implementation)
        clean = run(x.features, W, level.kernel_maps[3], bias=jnp.ones(OUT))
        assert not np.asarray(clean)[20:].any()
        # The absent read a row of their own, never a padding row.
        dirty = run(x.features.at[20:].set(jnp.nan), W, level.kernel_maps[3], bias=jnp.ones(OUT))
        np.testing.assert_array_equal(clean[:20], dirty[:20])


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_padding_rows_give_weights_no_gradient_whatever_their_slope(implementation):
    """The square root has an infinite slope at the zeros of padding rows."""
    _, dense = images(14, 20)
    x = from_dense(dense, capacity=CAPACITY)

    @jax.jit
    def gradients(x):
        fine: Any = geometry(x, levels=2).levels[0]
        wide = ops.strided_connection(x, ops.hypercube(3, 2), 2).kernel_map
        maps = (fine.kernel_maps[3], fine.down, fine.down.transpose(), wide, wide.transpose())

        def loss(w, made, groups, whole):
            inside = (jnp.arange(made.capacity_in) < made.num_in)[:, None]
            features = jnp.where(inside, jnp.ones((1, 4)), jnp.nan)
            flow = implementation if groups == 1 else "scan"
            out = convolve_rows(features, w, made, groups=groups, implementation=flow)
            active = (jnp.arange(made.capacity_out) < made.num_out)[:, None]
            return jnp.sum(jnp.sqrt(out if whole else jnp.where(active, out, 1)))

        return [
            [
                jax.grad(loss)(jnp.full((made.taps, 4 // groups, OUT), 0.5), made, groups, whole)
                for made in maps
                for groups in ((1, 2) if implementation == "table" else (1,))
            ]
            for whole in (True, False)
        ]

    for whole, sites in zip(*gradients(x), strict=True):
        np.testing.assert_allclose(whole, sites, rtol=1e-5)
        assert np.any(sites)


@pytest.mark.parametrize(
    ("implementation", "narrow"),
    [*((name, jnp.bfloat16) for name in IMPLEMENTATIONS), ("auto", jnp.float16)],
)
def test_narrow_types_stay_within_their_rounding(implementation, narrow):
    active, dense = images(9, 60)
    x = from_dense(dense, capacity=CAPACITY)
    scale = float(jnp.finfo(narrow).eps) / 2 * 9 * IN
    for source, dtype in ((x, narrow), (x.replace(x.features.astype(narrow)), None)):
        results = three(source, W, W_DOWN, W_UP, implementation=implementation, compute_dtype=dtype)
        assert {r.dtype for r in results} == {source.features.dtype}
        for result, expected in zip(results[:2], oracle(active, dense)[:2], strict=True):
            np.testing.assert_allclose(result.astype(np.float32), expected, atol=4 * scale)


@pytest.fixture(scope="module")
def batch():
    _, dense = images(10, 45)
    x = from_dense(dense, capacity=64)
    return x, geometry(x, levels=2)


def network(implementation, built):
    fine = built.levels[0]
    run = functools.partial(convolve_rows, implementation=implementation)

    def loss(features, w, w_down, w_up):
        hidden = jnp.tanh(run(features, w, fine.kernel_maps[3]))
        hidden = jnp.tanh(run(hidden, w_down, fine.down))
        return jnp.sum(run(hidden, w_up, fine.down.transpose()) ** 2)

    return loss


ARGUMENTS = (0.3 * W, 0.3 * weights(11, 4, OUT, 2), 0.3 * weights(12, 4, 2, 2))


@pytest.mark.parametrize(("implementation", "order"), [("table", 2), ("windows", 1), ("native", 2)])
def test_derivatives_agree_with_finite_differences(batch, implementation, order):
    x, built = batch
    loss = jax.jit(network(implementation, built))
    check_grads(
        loss, (x.features, *ARGUMENTS), order, modes=("fwd", "rev"), atol=5e-2, rtol=5e-2, eps=1e-2
    )


def test_gradients_of_the_implementations_agree_and_padding_gets_none(batch):
    x, built = batch
    grads = [
        jax.jit(jax.grad(network(name, built), argnums=(0, 1, 2, 3)))(x.features, *ARGUMENTS)
        for name in IMPLEMENTATIONS
    ]
    for others in grads[1:]:
        for one, other in zip(grads[0], others, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3, rtol=1e-3)
    assert not np.asarray(grads[0][0])[45:].any()


def test_the_adjoint_identity_holds(batch):
    x, built = batch
    down = built.levels[0].down
    y = weights(13, 64, OUT) * np.asarray(built.levels[1].mask)[:, None]
    forward = jnp.vdot(convolve_rows(x.features, W_DOWN, down), y)
    back = convolve_rows(y, np.swapaxes(W_DOWN, 1, 2), down.transpose())
    np.testing.assert_allclose(forward, jnp.vdot(x.features, back), rtol=1e-4)


def test_vmap_over_weights_and_features_remat_and_grad_of_vmap(batch):
    x, built = batch
    fine = built.levels[0].kernel_maps[3]
    many = jnp.stack([W, 2 * W])
    single = convolve_rows(x.features, W, fine)
    over_weights = jax.vmap(lambda w: convolve_rows(x.features, w, fine))(many)
    np.testing.assert_allclose(over_weights, jnp.stack([single, 2 * single]), atol=1e-4)
    over_rows = jax.vmap(lambda f: convolve_rows(f, W, fine))(jnp.stack([x.features, -x.features]))
    np.testing.assert_allclose(over_rows, jnp.stack([single, -single]), atol=1e-4)

    def loss(w):
        return jnp.sum(jax.checkpoint(lambda w: convolve_rows(x.features, w, fine))(w) ** 2)

    grads = jax.vmap(jax.grad(loss))(many)
    np.testing.assert_allclose(grads[1], 2 * grads[0], rtol=1e-3, atol=1e-3)


def test_pmap_and_shard_map_give_the_gradient_of_one_device(batch):
    x, built = batch
    features = jnp.stack([x.features * scale for scale in (1.0, 0.0, 2.0, -1.0)])
    loss = network("auto", built)

    def step(features, *w):
        gradient = jax.grad(loss, argnums=(1, 2, 3))(features, *w)
        return jax.lax.psum(gradient, "devices")

    one_device = jax.jit(jax.grad(loss, argnums=(1, 2, 3)))
    expected = jax.tree.map(lambda *g: sum(g), *[one_device(f, *ARGUMENTS) for f in features])
    mapped = jax.pmap(step, axis_name="devices", in_axes=(0, None, None, None), out_axes=None)
    mesh = jax.make_mesh((4,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    rows, all_ = jax.sharding.PartitionSpec("devices"), jax.sharding.PartitionSpec()
    sharded = jax.jit(
        jax.shard_map(
            lambda f, *w: step(f[0], *w),
            mesh=mesh,
            in_specs=(rows, all_, all_, all_),
            out_specs=all_,
            check_vma=False,
        )
    )
    for run in (mapped, sharded):
        for one, other in zip(run(features, *ARGUMENTS), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("operation", [on_rows.sum_pooling, lambda f, m: convolve_rows(f, W, m)])
def test_shard_map_is_refused_where_it_would_sum_gradients_over_one_device(batch, operation):
    x, built = batch
    mesh = jax.make_mesh((1,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    rows, all_ = jax.sharding.PartitionSpec("devices"), jax.sharding.PartitionSpec()
    run = jax.shard_map(operation, mesh=mesh, in_specs=(rows, all_), out_specs=rows)
    with pytest.raises(InputError, match=r"varies over the mesh axes devices: .* check_vma=False"):
        jax.eval_shape(run, x.features, built.levels[0].kernel_maps[3])


def test_a_training_step_exports_for_every_platform_without_scatter_add_or_64_bit(batch):
    x, _ = batch

    def step(x, *w):
        loss = network("auto", geometry(x, levels=2))
        return jax.value_and_grad(lambda w: loss(x.features, *w))(w)

    jax.export.register_pytree_node_serialization  # noqa: B018 - exists in every supported release
    flat, treedef = jax.tree_util.tree_flatten((x, *ARGUMENTS))
    exported = jax.export.export(
        jax.jit(lambda *leaves: step(*jax.tree_util.tree_unflatten(treedef, leaves))),
        platforms=("cpu", "cuda", "tpu"),
    )(*flat)
    loss, _ = exported.call(*flat)
    np.testing.assert_allclose(loss, step(x, *ARGUMENTS)[0], rtol=1e-4)
    for name in ("auto", *IMPLEMENTATIONS):
        program = jax.jit(jax.grad(network(name, batch[1]), argnums=(0, 1, 2, 3)))
        text = program.lower(x.features, *ARGUMENTS).as_text()
        assert "scatter" not in text
        assert not re.search(r"tensor<[^>]*(f64|i64|ui64)>", _without_attributes(text))
    assert not re.search(r"x?(f64)>", exported.mlir_module())


def _without_attributes(text):
    """Attributes (permutations, slice sizes) are written as i64 arrays; they are no data."""
    return re.sub(r"dense<[^>]*> : tensor<[^>]*i64>|array<i64[^>]*>", "", text)


def test_the_same_program_gives_the_same_bits(batch):
    x, built = batch
    program = jax.jit(jax.grad(network("auto", built), argnums=(0, 1, 2, 3)))
    first, second = (program(x.features, *ARGUMENTS) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_debugger_may_turn_jit_off(batch):
    x, built = batch
    expected = convolve_rows(x.features, W, built.levels[0].kernel_maps[3])
    pooled = on_rows.sum_pooling(x.features, built.levels[0].down)
    with jax.disable_jit():
        result = convolve_rows(x.features, W, built.levels[0].kernel_maps[3])
        np.testing.assert_array_equal(on_rows.sum_pooling(x.features, built.levels[0].down), pooled)
    np.testing.assert_array_equal(result, expected)


def test_wrong_shapes_and_names_are_one_line(batch):
    x, built = batch
    fine = built.levels[0].kernel_maps[3]
    run: Any = convolve_rows
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ((x.features, W[:4], fine), {}, r"weights has shape \(4, 3, 4\): must be \[9 taps"),
        ((x.features[:, :2], W, fine), {}, "features has shape"),
        ((x.features[:5], W, fine), {}, "features has shape"),
        (
            (x.features, W, fine),
            {"groups": 2},
            r"must be \(\d+, 6\), since weights .* \(9, 3, 4\) read 3 channels in each of 2 groups",
        ),
        ((x.features, W, fine), {"implementation": "fast"}, "auto, native, table, windows"),
        # What broadcasts is no bias either.
        *(
            ((x.features, W, fine), {"bias": np.ones(shape)}, r"bias has shape .*must be \[4\]")
            for shape in ((), (1,), (2,), (CAPACITY, OUT))
        ),
    ]
    for arguments, options, text in cases:
        with pytest.raises(InputError, match=text):
            run(*arguments, **options)
