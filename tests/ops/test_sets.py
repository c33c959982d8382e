"""Union, intersection, pruning and cropping against dictionaries in numpy."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError, sparse_tensor
from jaxsparse.ops import crop, intersection, prune, union, union_sites

SHAPE = (3, 4)


def some_sites(seed, shape=SHAPE, batch=4, share=0.4, extra=3, channels=2, dtype="float32"):
    """Random sites, none in the last event; the dictionary that they are."""
    rng = np.random.default_rng(seed)
    coords = np.argwhere(rng.random((batch, *shape)) < share)
    coords = coords[coords[:, 0] < batch - 1]
    features = np.asarray(jnp.asarray(rng.normal(size=(len(coords), channels)), dtype))
    x = sparse_tensor(
        coords, features, spatial_shape=shape, batch_size=batch, capacity=len(coords) + extra
    )
    return x, {tuple(c): f for c, f in zip(coords.tolist(), features, strict=True)}


def check(x, expected):
    """The tensor holds these sites in canonical order, and its padding is -1 and 0."""
    keys = sorted(expected)
    n = int(x.num_active)
    assert [tuple(c) for c in x.coords[:n].tolist()] == keys
    got = np.asarray(x.features, np.float32)
    for row, key in zip(got, keys, strict=False):
        np.testing.assert_array_equal(row, np.asarray(expected[key], np.float32))
    assert (np.asarray(x.coords[n:]) == -1).all()
    assert not got[n:].any()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_union_has_the_sites_of_both(dtype):
    (x, of_x), (y, of_y) = some_sites(0, dtype=dtype), some_sites(1, extra=0, dtype=dtype)
    zero = np.zeros(2, of_x[next(iter(of_x))].dtype)
    both = {k: (of_x.get(k, zero), of_y.get(k, zero)) for k in of_x | of_y}
    total = jax.jit(union)(x, y)
    check(total, {k: a + b for k, (a, b) in both.items()})
    assert (int(total.num_active), total.capacity) == (len(both), x.capacity + y.capacity)
    assert total.features.dtype == dtype
    beside = jax.jit(functools.partial(union, combine="concatenate"))(x, y)
    check(beside, {k: np.concatenate(pair) for k, pair in both.items()})
    largest = jax.jit(functools.partial(union, combine=lambda a, b: jnp.maximum(a, b) + 1))(x, y)
    check(largest, {k: np.maximum(a, b) + np.ones(2, a.dtype) for k, (a, b) in both.items()})

    shared = {k: of_x[k] + of_y[k] for k in of_x.keys() & of_y.keys()}
    common = jax.jit(intersection)(x, y)
    check(common, shared)
    assert common.capacity == x.capacity


def test_the_union_of_the_peers_tests_and_its_gradient():
    """Conformance case 11."""
    x = sparse_tensor([[0, 0, 0], [0, 0, 1]], [[1.0], [2.0]], spatial_shape=(2, 2), batch_size=1)
    y = sparse_tensor([[0, 0, 1], [0, 1, 1]], [[3.0], [4.0]], spatial_shape=(2, 2), batch_size=1)
    assert union(x, y).features.tolist() == [[1.0], [5.0], [4.0], [0.0]]

    def total(a, b):
        return jnp.sum(union(x.replace(features=a), y.replace(features=b)).features)

    for gradient in jax.grad(total, (0, 1))(x.features, y.features):
        assert gradient.tolist() == [[1.0], [1.0]]


def test_a_union_beyond_its_capacity_is_an_error_or_a_true_number():
    (x, of_x), (y, of_y) = some_sites(0), some_sites(1)
    sites = sorted(of_x | of_y)
    small = functools.partial(union, capacity=len(sites) - 1)
    part = jax.jit(small)(x, y)
    known = jax.jit(functools.partial(union_sites, capacity=len(sites) - 1))(x, y)
    assert (int(known.count), bool(known.fits)) == (len(sites), False)
    assert int(part.num_active) == len(sites) - 1
    assert [tuple(c) for c in part.coords.tolist()] == sites[:-1]
    with pytest.raises(InputError, match=f"the union has {len(sites)} sites"):
        small(x, y)
    full = jax.jit(functools.partial(union, capacity=len(sites)))(x, y)
    assert full.mask.all()


def test_pruning_keeps_the_order_and_ignores_padding():
    x, table = some_sites(2)
    keep = np.random.default_rng(3).random(x.capacity) < 0.5
    keep[int(x.num_active) :] = True
    wild = x.replace(features=jnp.where(x.mask[:, None], x.features, jnp.nan))
    kept = {k: v for i, (k, v) in enumerate(sorted(table.items())) if keep[i]}
    for source in (x, wild):
        check(jax.jit(prune)(source, keep), kept)
    check(prune(x, np.zeros(x.capacity, bool)), {})
    check(prune(x, np.ones(x.capacity, bool)), table)


@pytest.mark.parametrize(
    "start", [(1, 2), (-1, 1), (0, 0), (5, 5), (2**40, 0), (-(2**40), 0), "per event"]
)
def test_a_crop_moves_the_sites_of_its_box(start):
    x, table = some_sites(4, share=0.8)
    corners = np.broadcast_to([[0, 0], [1, 2], [-1, -1], [0, 1]] if start == "per event" else
                              [start] * 4, (4, 2))  # fmt: skip
    box = crop(x, corners if start == "per event" else start, (2, 3))
    expected = {}
    for (event, *p), value in table.items():
        moved = np.array(p) - corners[event]
        if (moved >= 0).all() and (moved < [2, 3]).all():
            expected[(event, *moved.tolist())] = value
    check(box, expected)
    assert (box.spatial_shape, box.stride, box.batch_size) == ((2, 3), (1, 1), 4)
    if np.abs(corners).max() < 2**31:
        traced = jax.jit(lambda s: crop(x, s, (2, 3)))(jnp.asarray(corners, jnp.int32))
        np.testing.assert_array_equal(traced.coords, box.coords)


def test_features_have_both_derivatives_of_second_order():
    (x, _), (y, _) = some_sites(5, batch=2), some_sites(6, batch=2)
    keep = np.arange(x.capacity) % 3 > 0

    def loss(a, b):
        first, second = x.replace(features=a), y.replace(features=b)
        joined = union(first, prune(second, jnp.ones(y.capacity, bool)))
        parts = (joined, intersection(first, second), crop(prune(first, keep), (0, 1), (3, 3)))
        return sum(jnp.sum(jnp.sin(part.features)) for part in parts)

    check_grads(
        jax.jit(loss), (x.features, y.features), 2, modes=("fwd", "rev"), atol=0.05, rtol=0.05,
        eps=1e-2,
    )  # fmt: skip


def test_nothing_joined_with_nothing_is_nothing():
    """Conformance case 14 for sets."""
    empty = sparse_tensor([], np.zeros((0, 2)), spatial_shape=SHAPE, batch_size=4, capacity=2)
    x, table = some_sites(7)

    @jax.jit
    @functools.partial(jax.value_and_grad, has_aux=True)
    def joined(features):
        own = empty.replace(features=features)
        results = (
            union(own, own), intersection(own, x), prune(own, own.mask),
            crop(own, (0, 0), (2, 2)), union(own, x),
        )  # fmt: skip
        return sum(jnp.sum(y.features**2) for y in results[:4]), results

    (value, results), gradient = joined(empty.features)
    for result in results[:4]:
        check(result, {})
    check(results[4], table)
    assert float(value) == 0
    assert not np.asarray(gradient).any()


@pytest.mark.parametrize(("batch", "shape"), [(256, (768,) * 3), (3, (70, 50, 60, 90000))])
def test_large_volumes_and_four_dimensions(batch, shape):
    rng = np.random.default_rng(8)
    pool = np.unique(np.stack([rng.integers(0, n, 300) for n in (batch, *shape)], 1), axis=0)
    of: Any = []
    for seed in (1, 2):
        coords = pool[np.random.default_rng(seed).random(len(pool)) < 0.6]
        ones = np.full((len(coords), 1), float(seed), np.float32)
        of.append(sparse_tensor(coords, ones, spatial_shape=shape, batch_size=batch))
    x, y = of
    sets: Any = [{tuple(c) for c in t.coords.tolist()} for t in of]
    total = jax.jit(union)(x, y)
    values = {k: [(k in sets[0]) + 2.0 * (k in sets[1])] for k in sets[0] | sets[1]}
    check(total, values)
    assert int(total.num_active) == len(values)
    check(jax.jit(intersection)(x, y), {k: [3.0] for k in sets[0] & sets[1]})


def test_devices_give_what_one_device_gives():
    x, _ = some_sites(9)
    y, _ = some_sites(10)
    scales = jnp.arange(1.0, 5.0)

    def scaled(scale):
        return union(x.replace(features=x.features * scale), y)

    alone = jax.jit(scaled)
    together = jax.pmap(scaled)(scales)
    for device in range(4):
        for a, b in zip(
            jax.tree.leaves(together), jax.tree.leaves(alone(scales[device])), strict=True
        ):
            np.testing.assert_array_equal(a[device], b)


def test_mistakes_are_one_line():
    """Conformance case 16 for sets."""
    x, _ = some_sites(0)
    other, _ = some_sites(0, shape=(3, 5))
    wide, _ = some_sites(0, channels=3)
    half: Any = (0.5, 0)
    requests: Any = [
        (lambda: union(x, other), "must be equal, make both with the same"),
        (lambda: intersection(x, other), "must be equal, make both with the same"),
        (lambda: union(x, wide), "2 and 3 channels"),
        (lambda: union(x, x, combine="multiply"), "must be one of add, concatenate"),
        (lambda: union(x, x, capacity=0), "at least 1"),
        (lambda: prune(x, np.ones(2, bool)), "must be bool"),
        (lambda: prune(x, np.ones(x.capacity)), "must be bool"),
        (lambda: crop(x, (0, 0), (2,)), "must be 2 lengths"),
        (lambda: crop(x, (0,), (2, 2)), "start has shape"),
        (lambda: crop(x, half, (2, 2)), "must be integers"),
        (lambda: crop(x, (0, 0), (2, 0)), "must be positive"),
    ]
    for request, text in requests:
        with pytest.raises(InputError, match=text) as caught:
            request()
        assert "\n" not in str(caught.value)


JOINS = {
    "quotient": lambda a, b: a / b,
    "root of the difference": lambda a, b: jnp.sqrt(jnp.abs(a - b)),
    "logarithm": lambda a, b: jnp.log(a * b),
    "distance": lambda a, b: jnp.linalg.norm(a - b, axis=1, keepdims=True),
}


@pytest.mark.parametrize("common", [0, 2])
@pytest.mark.parametrize("name", JOINS)
def test_a_function_need_have_a_derivative_at_common_sites_only(name, common):
    """Elsewhere, and on padding, it is not asked: neither features nor its own numbers get NaN."""
    coords = np.array([[0, 0], [0, 1], [0, 2]])
    x = sparse_tensor(coords, [[2.0], [3.0], [5.0]], spatial_shape=(9,), batch_size=1, capacity=5)
    y = sparse_tensor(
        coords + np.array([0, 3 - common]), [[1.0], [4.0], [7.0]], spatial_shape=(9,), batch_size=1
    )

    def loss(a, b, factor):
        one, other = x.replace(features=a), y.replace(features=b)
        joined = intersection(one, other, combine=lambda p, q: factor * JOINS[name](p, factor * q))
        return jnp.sum(joined.features)

    def direct(a, b, factor):
        a, b = a[3 - common : 3], b[:common]
        return jnp.sum(factor * JOINS[name](a, factor * b))

    arguments = (x.features, y.features, jnp.float32(0.7))
    gradients = jax.jit(jax.grad(loss, (0, 1, 2)))(*arguments)
    expected = jax.grad(direct, (0, 1, 2))(*arguments)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_function_of_a_union_is_asked_at_its_sites_only():
    """A tensor without the site gives zeros there, on purpose; padding rows are nobody's."""
    x = sparse_tensor([[0, 0]], [[4.0]], spatial_shape=(4,), batch_size=1, capacity=3)

    def loss(a, factor):
        root = union(x.replace(features=a), x, combine=lambda p, q: factor * jnp.sqrt(p + q - 4))
        return jnp.sum(root.features)

    by_features, by_factor = jax.grad(loss, (0, 1))(x.features, jnp.float32(3))
    assert by_features.tolist() == [[0.75], [0.0], [0.0]]  # 3 / (2 sqrt 4)
    assert float(by_factor) == 2.0
