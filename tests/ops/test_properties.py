"""The whole surface of operations on random sites, against dictionaries in numpy.

Features and weights are small whole numbers, so that sums are exact in any order and most results
must be equal to the last bit. Every scene has the same capacity: one compilation for each case.
"""

import collections
import dataclasses
import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxsparse
from jaxsparse import InputError, ops, sparse_tensor

BATCH, CAPACITY, CHANNELS, OUT = 3, 24, 2, 4
PLANE = (6, 5)

few = settings(max_examples=12, deadline=None)


def whole_numbers(seed, *shape):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


@st.composite
def scenes(draw, shape, capacity=CAPACITY, stride=1) -> Any:
    """A tensor of none to as many sites as it holds, in events that may be empty."""
    cells = BATCH * int(np.prod(shape))
    count = draw(st.sampled_from([0, 1, 6, 15, CAPACITY]))
    chosen = draw(st.lists(st.integers(0, cells - 1), unique=True, min_size=count, max_size=count))
    coords = np.stack(np.unravel_index(np.array(chosen, int), (BATCH, *shape)), axis=1)
    features = whole_numbers(draw(st.integers(0, 99)), len(chosen), CHANNELS)
    x = sparse_tensor(coords, features, spatial_shape=shape, batch_size=BATCH, capacity=capacity)
    return dataclasses.replace(x, stride=(stride,) * len(shape))


def table(coords, features, count):
    """``{site: its row}`` of the active rows; what is beyond them must be -1 and 0."""
    coords, features = np.asarray(coords), np.asarray(features)
    assert (coords[count:] == -1).all()
    assert not features[count:].any()
    return dict(zip(map(tuple, coords[:count].tolist()), features[:count], strict=True))


def sites_of(x):
    return table(x.coords, x.features, int(x.num_active))


def same(one, other, tolerance=0.0):
    assert list(one) == sorted(other)
    for site, row in one.items():
        np.testing.assert_allclose(row, other[site], atol=tolerance)


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
    kernel_map, back = connection.kernel_map, connection.kernel_map.transpose()
    out = ops.convolution(x.features, w, kernel_map)
    largest, choice = ops.max_pooling(x.features, kernel_map)
    return connection, {
        "convolution": out,
        "grouped": ops.convolution(x.features, w[:, :1], kernel_map, groups=2),
        "bias": ops.convolution(x.features, w, kernel_map, bias=jnp.arange(OUT) + 1.0),
        "back": ops.convolution(out, jnp.swapaxes(w, 1, 2), back),
        "sum": ops.sum_pooling(x.features, kernel_map),
        "average": ops.average_pooling(x.features, kernel_map),
        "share": ops.average_pooling(x.features, kernel_map, divisor="kernel"),
        "max": largest,
        "sum back": ops.sum_unpooling(largest, kernel_map),
        "max back": ops.max_unpooling(largest, choice, kernel_map),
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
@given(scenes(PLANE), st.integers(0, 99))
def test_events_never_mix(x, seed):
    """A batch gives what its events give one by one."""
    w = whole_numbers(seed, 6, CHANNELS, OUT)
    whole = per_event(x, w)
    for event in range(BATCH):
        alone = jax.jit(ops.prune)(x, x.coords[:, 0] == event)
        for key, value in per_event(alone, w).items():
            np.testing.assert_allclose(value[event], whole[key][event], atol=1e-5)


@jax.jit
def per_event(x, w):
    """Grids and vectors whose first axis is the event."""
    connection = connect("dilated", x)
    vectors = jnp.stack([ops.global_sum_pooling(x), ops.global_average_pooling(x),
                         ops.global_max_pooling(x)], axis=1)  # fmt: skip
    shared = ops.broadcast_concatenate(
        ops.broadcast_multiply(ops.broadcast_add(x, vectors[:, 0]), vectors[:, 1]), vectors[:, 2]
    )
    one, zero = jnp.ones(CHANNELS), jnp.zeros(CHANNELS)
    normal = ops.instance_norm(x, one, zero)
    out = connection.target.tensor(ops.convolution(x.features, w, connection.kernel_map))
    return {
        "vectors": vectors,
        "shared": ops.to_dense(shared),
        "normal": ops.to_dense(normal),
        "convolution": ops.to_dense(out),
        "mask": ops.dense_mask(out),
    }


@few
@given(scenes(PLANE))
def test_vectors_of_events_are_those_of_numpy(x):
    result = per_event(x, np.zeros((6, CHANNELS, OUT), np.float32))
    event = np.asarray(x.coords)[:, 0]
    for b in range(BATCH):
        rows = np.asarray(x.features, np.float64)[event == b]
        expected = np.zeros((3, CHANNELS))
        if len(rows):
            expected = np.stack([rows.sum(0), rows.mean(0), rows.max(0)])
            shared = (rows + expected[0]) * expected[1]
            cells = tuple(np.asarray(x.coords)[event == b].T)
            got = np.asarray(result["shared"])[cells]
            np.testing.assert_allclose(got[:, :CHANNELS], shared, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(got[:, CHANNELS:], np.tile(expected[2], (len(rows), 1)))
            spread = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
            np.testing.assert_allclose(np.asarray(result["normal"])[cells], spread, atol=1e-3)
        np.testing.assert_allclose(result["vectors"][b], expected, atol=1e-5)


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


@jax.jit
def parts(x, y, keep, start):
    """Sets of sites out of sets of sites."""
    total, _ = ops.union(x, y)
    return ops.prune(x, keep), (total, ops.intersection(x, y)), ops.crop(x, start, (3, 4))


@few
@given(scenes(PLANE), scenes(PLANE), st.integers(0, 99))
def test_sets_of_sites_are_those_of_dictionaries(x, y, seed):
    rng = np.random.default_rng(seed)
    keep = rng.random(CAPACITY) < 0.5
    start = rng.integers(-4, 8, (BATCH, 2)).astype(np.int32)
    kept, (total, common), box = parts(x, y, keep, start)
    of_x, of_y, zero = sites_of(x), sites_of(y), np.zeros(CHANNELS)
    same(sites_of(kept), {s: of_x[s] for s, k in zip(of_x, keep, strict=False) if k})
    same(sites_of(total), {s: of_x.get(s, zero) + of_y.get(s, zero) for s in of_x | of_y})
    same(sites_of(common), {s: of_x[s] + of_y[s] for s in of_x.keys() & of_y.keys()})
    moved = {(e, i - start[e][0], j - start[e][1]): row for (e, i, j), row in of_x.items()}
    same(sites_of(box), {s: row for s, row in moved.items() if 0 <= s[1] < 3 and 0 <= s[2] < 4})


@functools.partial(jax.jit, static_argnames="policy")
def gathered(points, features, labels, valid, policy):
    x, point_map, status = ops.voxelize(
        points, features, spatial_shape=PLANE, batch_size=BATCH, valid=valid, duplicates=policy
    )
    return x, point_map.restore(x.features), ops.vote(labels, point_map), status


POLICIES: dict[str, Any] = {"sum": np.sum, "mean": np.mean, "max": np.max,
                            "first": lambda rows, axis: rows[0]}  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@few
@given(st.integers(0, 999), st.integers(0, CAPACITY), st.booleans())
def test_points_become_sites_and_come_back(policy, seed, used, outside):
    rng = np.random.default_rng(seed)
    low, high = (-1.0, 1.0) if outside else (0.0, 0.0)
    points = rng.uniform([0, low, low], [BATCH, 3 + high, 2 + high], (CAPACITY, 3))
    points[:, 0] = np.floor(points[:, 0])
    features, labels = whole_numbers(seed, CAPACITY, CHANNELS), rng.integers(-1, 3, CAPACITY)
    valid = np.arange(CAPACITY) < used
    x, restored, votes, status = gathered(np.float32(points), features, labels, valid, policy)
    members = collections.defaultdict(list)
    for number, point in enumerate(np.floor(np.float32(points[:used])).astype(int).tolist()):
        if min(point) >= 0 and point[1] < PLANE[0] and point[2] < PLANE[1]:
            members[tuple(point)].append(number)
    expected = {s: POLICIES[policy](features[m], axis=0) for s, m in members.items()}
    same(sites_of(x), expected, 1e-6)
    placed = sum(map(len, members.values()))
    assert int(status.num_outside) == used - placed
    assert int(status.num_repeated) == placed - len(members)
    assert bool(status.ok) == (placed == used)
    for site, numbers in members.items():
        np.testing.assert_allclose(
            np.asarray(restored)[numbers], [expected[site]] * len(numbers), atol=1e-6
        )
    for row, site in enumerate(sorted(members)):
        ballots = [int(labels[m]) for m in members[site] if labels[m] >= 0]
        elected = min(set(ballots), key=lambda v: (-ballots.count(v), v)) if ballots else -1
        assert int(votes[row]) == elected


@jax.jit
def looked_up(x, points):
    back, number = ops.from_dense(ops.to_dense(x), capacity=CAPACITY, mask=ops.dense_mask(x))
    return ops.interpolate(x, points), ops.features_at(x, points), back, number


@few
@given(scenes(PLANE), st.integers(0, 99))
def test_features_are_found_between_sites_and_on_them(x, seed):
    rng = np.random.default_rng(seed)
    # Quarters of a pixel: weights are exact.
    points = np.round(rng.uniform([0, -2, -2], [BATCH, 8, 7], (16, 3)) * 4) / 4
    points[:, 0] = rng.integers(-1, BATCH + 1, 16)
    rows = sites_of(x)
    values, (nearest, found), back, number = looked_up(x, np.float32(points))
    for p, value, near, there in zip(points, values, nearest, found, strict=True):
        lower = np.floor(p[1:])
        total = np.zeros(CHANNELS)
        for corner in itertools.product((0, 1), repeat=2):
            weight = np.prod(1 - np.abs(p[1:] - lower - corner))
            total += weight * rows.get((int(p[0]), *(lower + corner).astype(int).tolist()), 0)
        np.testing.assert_allclose(value, total, atol=1e-5)
        site = (int(p[0]), *np.floor(p[1:] + 0.5).astype(int).tolist())
        assert bool(there) == (site in rows)
        np.testing.assert_array_equal(near, rows.get(site, np.zeros(CHANNELS)))
    same(sites_of(back), rows)
    assert int(number) == len(rows)


@functools.partial(jax.jit, static_argnames="strategy")
def build(x, strategy):
    return jaxsparse.geometry(x, levels=3, strategy=strategy)


@few
@given(scenes(PLANE), st.integers(0, 99))
def test_a_geometry_is_the_same_by_either_look_up_and_leads_down_and_back(x, seed):
    by_bitmap, by_search = build(x, "bitmap"), build(x, "search")
    for one, other in zip(jax.tree.leaves(by_bitmap), jax.tree.leaves(by_search), strict=True):
        np.testing.assert_array_equal(one, other)
    assert bool(by_bitmap.fits)
    w = whole_numbers(seed, 4, CHANNELS, CHANNELS)
    features, rows = x.features, sites_of(x)
    for level in range(2):
        down = by_bitmap.levels[level].down
        features = ops.convolution(features, w, down)
        coarse: Any = collections.defaultdict(lambda: np.zeros(CHANNELS))
        for (e, i, j), row in rows.items():
            coarse[e, i // 2, j // 2] += row @ w[2 * (i % 2) + j % 2]
        rows = dict(coarse)
        upper = by_bitmap.levels[level + 1]
        same(table(upper.coords, features, int(upper.num_active)), rows)
    finest = by_bitmap.levels[0].down
    count = int(x.num_active)
    ones = jnp.asarray(by_bitmap.levels[1].mask[:, None], jnp.float32)
    copied = ops.sum_unpooling(ones, finest)
    np.testing.assert_array_equal(copied[:, 0], np.arange(CAPACITY) < count)


@few
@given(st.lists(st.tuples(*(st.integers(-1, n) for n in (BATCH, *PLANE))), max_size=20),
       st.sampled_from(["error", *POLICIES]), st.integers(0, 99))  # fmt: skip
def test_a_list_of_points_is_merged_or_refused(points, policy, seed):
    features = whole_numbers(seed, len(points), CHANNELS)
    members = collections.defaultdict(list)
    for point, row in zip(points, features, strict=True):
        members[point].append(row)
    wrong = any(not 0 <= i < n for p in points for i, n in zip(p, (BATCH, *PLANE), strict=True))
    make = functools.partial(
        sparse_tensor, points, features, spatial_shape=PLANE, batch_size=BATCH, duplicates=policy
    )
    if wrong or (policy == "error" and len(members) < len(points)):
        with pytest.raises(InputError):
            make()
        return
    merge = POLICIES.get(policy, POLICIES["first"])
    expected = {site: merge(np.array(rows), axis=0) for site, rows in members.items()}
    same(sites_of(make()), expected, 1e-6)
