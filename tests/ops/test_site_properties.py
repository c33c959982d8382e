"""Sets of sites, points and levels on random sites, against dictionaries in numpy."""

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

import jaxsparse
from jaxsparse import InputError, ops, sparse_tensor
from jaxsparse.ops.convolve import convolve_rows
from tests.ops import on_rows
from tests.ops.random_scenes import (
    BATCH,
    CAPACITY,
    CHANNELS,
    PLANE,
    few,
    same,
    scenes,
    sites_of,
    table,
    whole_numbers,
)

POLICIES: dict[str, Any] = {"sum": np.sum, "mean": np.mean, "max": np.max,
                            "first": lambda rows, axis: rows[0]}  # fmt: skip


@jax.jit
def parts(x, y, keep, start):
    """Sets of sites out of sets of sites."""
    total = ops.union(x, y)
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
    back = ops.from_dense(ops.to_dense(x), capacity=CAPACITY, mask=ops.dense_mask(x))
    return ops.interpolate(x, points), ops.features_at(x, points), back


@few
@given(scenes(PLANE), st.integers(0, 99))
def test_features_are_found_between_sites_and_on_them(x, seed):
    rng = np.random.default_rng(seed)
    # Quarters of a pixel: weights are exact.
    points = np.round(rng.uniform([0, -2, -2], [BATCH, 8, 7], (16, 3)) * 4) / 4
    points[:, 0] = rng.integers(-1, BATCH + 1, 16)
    rows = sites_of(x)
    values, (nearest, found), back = looked_up(x, np.float32(points))
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
        features = convolve_rows(features, w, down)
        coarse: Any = collections.defaultdict(lambda: np.zeros(CHANNELS))
        for (e, i, j), row in rows.items():
            coarse[e, i // 2, j // 2] += row @ w[2 * (i % 2) + j % 2]
        rows = dict(coarse)
        upper = by_bitmap.levels[level + 1]
        same(table(upper.coords, features, int(upper.num_active)), rows)
    finest = by_bitmap.levels[0].down
    count = int(x.num_active)
    ones = jnp.asarray(by_bitmap.levels[1].mask[:, None], jnp.float32)
    copied = on_rows.sum_unpooling(ones, finest)
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
