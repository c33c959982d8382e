"""Every operation over a connection, on random sites, against dictionaries in numpy."""

import collections
import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsparse import ops, sparse_tensor
from tests.ops.random_scenes import (
    BATCH,
    CAPACITY,
    CHANNELS,
    OUT,
    PLANE,
    few,
    same,
    scenes,
    sites_of,
    table,
    whole_numbers,
)

# One relation for all: fine = stride * coarse + offset. The last column says which side is the
# input, and what makes the output sites.
CASES: dict[str, Any] = {
    "line": ((21,), ops.hypercube(4, 1, padding=2), (3,), "receptive_field"),
    "dilated": (PLANE, ops.hypercube((3, 2), 2, dilation=(1, 2)), (2, 1), "stride"),
    "custom": (PLANE, ops.Region(((0, 2), (-1, 0), (3, -3), (0, 0))), (1, 1), "same"),
    "cross": ((4, 3, 3), ops.cross(3, 3), (1, 1, 1), "same"),
    "children": ((3, 2, 3, 2), ops.hypercube(2, 4), (2,) * 4, "stride"),
    "generative": (PLANE, ops.hypercube(3, 2), (2, 2), "generative"),
}


def connect(name, x):
    _, region, stride, rule = CASES[name]
    if rule == "same":
        return ops.submanifold_connection(x, region)
    if rule == "generative":
        return ops.generative_connection(x, region, stride)
    return ops.strided_connection(x, region, stride, output_sites=rule)


@functools.partial(jax.jit, static_argnums=0)
def pass_through(name, x, w):
    """Every operation over one connection."""
    connection = connect(name, x)
    out = ops.convolution(x, w, connection)
    largest, choice = ops.max_pooling_with_choice(x, connection)
    return connection, {
        "convolution": out.features,
        "grouped": ops.convolution(x, w[:, :1], connection, groups=2).features,
        "bias": ops.convolution(x, w, connection, bias=jnp.arange(OUT) + 1.0).features,
        "back": ops.convolution(out, jnp.swapaxes(w, 1, 2), connection.transpose()).features,
        "sum": ops.sum_pooling(x, connection).features,
        "average": ops.average_pooling(x, connection).features,
        "share": ops.average_pooling(x, connection, divisor="kernel").features,
        "max": largest.features,
        "sum back": ops.sum_unpooling(largest, connection).features,
        "max back": ops.max_unpooling(largest, choice, connection).features,
    }


def expected_sites(name, rows, shape_out):
    _, region, stride, rule = CASES[name]
    if rule == "same":
        return set(rows)
    if rule == "stride":
        return {(e, *np.floor_divide(p, stride).tolist()) for e, *p in rows}
    if rule == "generative":
        reached = {
            (e, *np.add(np.multiply(stride, p), o).tolist())
            for (e, *p), o in itertools.product(rows, region.offsets)
        }
        inside = itertools.product(range(BATCH), *map(range, shape_out))
        return reached.intersection(inside)
    return {
        (e, *p)
        for e, *p in itertools.product(range(BATCH), *map(range, shape_out))
        if any((e, *np.add(np.multiply(stride, p), o).tolist()) in rows for o in region.offsets)
    }


def expected_pairs(name, rows, outputs):
    """``{output site: [(tap, input site)]}``."""
    _, region, stride, rule = CASES[name]
    fine, coarse = (outputs, rows) if rule == "generative" else (rows, outputs)
    found = collections.defaultdict(list)
    for (e, *p), (tap, offset) in itertools.product(coarse, enumerate(region.offsets)):
        there = (e, *np.add(np.multiply(stride, p), offset).tolist())
        if there in fine:
            out, source = (there, (e, *p)) if rule == "generative" else ((e, *p), there)
            found[out].append((tap, source))
    return {site: sorted(found[site]) for site in outputs}


@pytest.mark.parametrize("name", CASES)
@few
@given(data=st.data())
def test_what_passes_through_a_connection_is_what_its_pairs_say(name, data):
    shape, region, _, rule = CASES[name]
    x = data.draw(scenes(shape, stride=2 if rule == "generative" else 1))
    w = whole_numbers(data.draw(st.integers(0, 99)), region.taps, CHANNELS, OUT)
    connection, results = pass_through(name, x, w)
    rows, target = sites_of(x), connection.target
    count = int(target.num_active)
    outputs = expected_sites(name, rows, target.spatial_shape)
    assert target.fits
    assert [tuple(c) for c in np.asarray(target.coords)[:count].tolist()] == sorted(outputs)
    pairs = expected_pairs(name, rows, outputs)
    zero = np.zeros(CHANNELS)

    def reduced(reduce):
        return {o: reduce([rows[i] for _, i in p]) if p else zero for o, p in pairs.items()}

    convolved = {o: sum((rows[i] @ w[k] for k, i in p), np.zeros(OUT)) for o, p in pairs.items()}
    grouped = {
        o: sum((np.repeat(rows[i], 2) * w[k, 0] for k, i in p), np.zeros(OUT))
        for o, p in pairs.items()
    }
    largest = reduced(lambda r: np.max(r, axis=0))
    onto_inputs: dict[str, Any] = {
        "back": {i: np.zeros(CHANNELS) for i in rows},
        "sum back": {i: np.zeros(CHANNELS) for i in rows},
        "max back": {i: np.zeros(CHANNELS) for i in rows},
    }
    for out, reads in pairs.items():
        chosen = np.argmax([rows[i] for _, i in reads], axis=0) if reads else None
        for number, (tap, source) in enumerate(reads):
            onto_inputs["back"][source] += w[tap] @ convolved[out]
            onto_inputs["sum back"][source] += largest[out]
            onto_inputs["max back"][source] += np.where(chosen == number, largest[out], 0)
    onto_outputs = {
        "convolution": convolved,
        "grouped": grouped,
        "bias": {o: v + np.arange(OUT) + 1 for o, v in convolved.items()},
        "sum": reduced(lambda r: np.sum(r, axis=0)),
        "average": reduced(lambda r: np.mean(r, axis=0)),
        "share": reduced(lambda r: np.sum(r, axis=0) / region.taps),
        "max": largest,
    }
    for key, expected in onto_outputs.items():
        same(table(target.coords, results[key], count), expected, 1e-5)
    for key, expected in onto_inputs.items():
        same(table(x.coords, results[key], len(rows)), expected, 1e-5)


@few
@given(scenes(PLANE), st.integers(0, 99), st.integers(0, 9))
def test_input_order_padding_and_what_it_holds_change_nothing(x, seed, shuffle):
    rows = sites_of(x)
    w = whole_numbers(seed, 6, CHANNELS, OUT)
    _, expected = pass_through("dilated", x, w)
    order = np.random.default_rng(shuffle).permutation(len(rows))
    coords = np.array(list(rows), int).reshape(-1, 3)[order]
    values = np.array(list(rows.values()), np.float32).reshape(-1, CHANNELS)[order]
    shuffled, padded = (
        sparse_tensor(coords, values, spatial_shape=PLANE, batch_size=BATCH, capacity=capacity)
        for capacity in (CAPACITY, 2 * CAPACITY)
    )
    dirty = x.replace(jnp.where(x.mask[:, None], x.features, jnp.nan))
    for other in (shuffled, padded, dirty):
        connection, results = pass_through("dilated", other, w)
        count = int(connection.target.num_active)
        for key, value in results.items():
            active = len(rows) if "back" in key else count
            np.testing.assert_array_equal(value[:active], expected[key][:active])


@few
@given(scenes((21,)), st.integers(1, 3), st.integers(0, 99))
def test_a_shift_by_the_stride_shifts_the_output(x, steps, seed):
    w = whole_numbers(seed, 4, CHANNELS, OUT)
    first, results = pass_through("line", x, w)
    rows = sites_of(x)
    moved = sparse_tensor(
        np.array([(e, i + 3 * steps) for e, i in rows], int).reshape(-1, 2),
        np.array(list(rows.values()), np.float32).reshape(-1, CHANNELS),
        spatial_shape=(30,), batch_size=BATCH, capacity=CAPACITY,
    )  # fmt: skip
    second, shifted = pass_through("line", moved, w)
    here, there = (
        table(c.target.coords, r["convolution"], int(c.target.num_active))
        for c, r in ((first, results), (second, shifted))
    )
    same(there, {(e, i + steps): row for (e, i), row in here.items()})
