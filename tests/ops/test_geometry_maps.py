"""Levels, look-ups and kernel maps against brute force."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, geometry, sparse_tensor
from jaxsparse.ops import coordinates, count_levels, down_connection, kernel_map, lookup

TRIANGLE = [(0, 3), (1, 2), (1, 4), *((2, i) for i in range(1, 6))]


def tensor(points, shape, batch=1, capacity=None):
    points = np.asarray(points, np.int32).reshape(-1, 1 + len(shape))
    ones = np.ones((len(points), 1), np.float32)
    return sparse_tensor(points, ones, spatial_shape=shape, batch_size=batch, capacity=capacity)


def random_points(seed, batch, shape, share=0.3):
    rng = np.random.default_rng(seed)
    return np.argwhere(rng.random((batch, *shape)) < share)


@functools.partial(jax.jit, static_argnums=1)
def one_map(x, strategy):
    return geometry(x, levels=1, strategy=strategy).levels[0].kernel_maps[3]


def pairs_of(table, absent):
    return {
        (int(row), int(tap), int(out))
        for tap, reads in enumerate(np.asarray(table))
        for out, row in enumerate(reads)
        if row != absent
    }


@pytest.mark.parametrize(
    ("shape", "kernel"), [((9, 7), 3), ((9, 7), 5), ((11,), 7), ((5, 4, 6), 3)]
)
def test_a_submanifold_map_holds_every_pair_and_no_other(shape, kernel):
    """``in = out + offset[k]`` for every pair; by brute force no pair missing and none extra."""
    points = random_points(len(shape), 3, shape)
    points = points[points[:, 0] != 1]  # an event without sites between two others
    x = tensor(points, shape, batch=3, capacity=len(points) + 5)
    row_of = {tuple(p): i for i, p in enumerate(points.tolist())}
    expected = set()
    for tap, offset in enumerate(itertools.product(range(kernel), repeat=len(shape))):
        for out, (event, *p) in enumerate(points.tolist()):
            there = (event, *(a + o - kernel // 2 for a, o in zip(p, offset, strict=True)))
            if there in row_of:
                expected.add((row_of[there], tap, out))
    tables = []
    for strategy in ("bitmap", "search"):
        built = jax.jit(
            lambda x, s=strategy: kernel_map.submanifold_map(
                x.coords, x.num_active, batch_size=3, spatial_shape=shape, kernel_size=kernel,
                strategy=s,
            )
        )(x)  # fmt: skip
        assert pairs_of(built.table, x.capacity) == expected
        turned = pairs_of(built.transpose().table, x.capacity)
        assert turned == {(out, tap, row) for row, tap, out in expected}
        tables.append(np.asarray(built.table))
    np.testing.assert_array_equal(tables[0], tables[1])


def test_levels_are_the_distinct_halves_by_grid_and_by_sort():
    points = random_points(3, 2, (7, 10, 5), 0.1)
    x = tensor(points, (7, 10, 5), batch=2, capacity=len(points) + 3)
    halves = np.unique(np.concatenate([points[:, :1], points[:, 1:] // 2], axis=1), axis=0)
    for strategy in ("grid", "sort"):
        coarse, count, parent, child = jax.jit(
            lambda x, s=strategy: coordinates.downsample(
                x.coords, x.num_active, batch_size=2, spatial_shape=x.spatial_shape,
                capacity=len(halves) + 4, strategy=s,
            )
        )(x)  # fmt: skip
        assert int(count) == len(halves)
        np.testing.assert_array_equal(coarse[: len(halves)], halves)
        assert (np.asarray(coarse[len(halves) :]) == -1).all()
        n = len(points)
        np.testing.assert_array_equal(halves[np.asarray(parent[:n])][:, 1:], points[:, 1:] // 2)
        odd = points[:, 1:] % 2
        np.testing.assert_array_equal(child[:n], odd[:, 0] * 4 + odd[:, 1] * 2 + odd[:, 2])
        assert (np.asarray(parent[n:]) == len(halves) + 4).all()
    assert count_levels(np.asarray(x.coords), 2) == [len(points), len(halves)]


def test_the_triangle_has_the_sites_and_pairs_of_the_peers_tests():
    """Conformance cases 3 and 4: stride-2 sites, 16 pairs for k2 s2 and 64 for 3x3."""
    points = [(event, *p) for event in range(2) for p in TRIANGLE]
    x = tensor(points, (3, 6), batch=2)
    built = jax.jit(lambda x: geometry(x, levels=2))(x)
    fine, coarse = built.levels
    sites = np.asarray(coarse.coords)[: int(coarse.num_active)]
    assert [tuple(s) for s in sites * [1, 2, 2]] == [
        (event, *p) for event in range(2) for p in [(0, 2), (0, 4), (2, 0), (2, 2), (2, 4)]
    ]
    assert len(pairs_of(fine.down.table, x.capacity)) == 16
    assert len(pairs_of(fine.kernel_maps[3].table, x.capacity)) == 64
    assert coarse.spatial_shape == (2, 3)
    assert coarse.stride == (2, 2)
    assert built.level_of(built.tensor(1, jnp.zeros((16, 1)))) == 1


def test_events_never_mix_and_line_ends_are_no_neighbours():
    # (0; 0, 4) and (0; 1, 0) are next to each other in memory, (0; 2, 4) and (1; 0, 0) as well.
    x = tensor([(0, 0, 4), (0, 1, 0), (0, 2, 4), (1, 0, 0)], (3, 5), batch=2)
    for strategy in ("bitmap", "search"):
        built = one_map(x, strategy)
        assert pairs_of(built.table, 4) == {(i, 4, i) for i in range(4)}


def test_a_volume_beyond_one_word_finds_the_same_rows_as_brute_force():
    """256 events of 768^3 cells need 37 bits, four dimensions 72: several int32 words."""
    assert len(coordinates.key_groups(256, (768,) * 3)) == 2
    assert len(coordinates.key_groups(256, (65536,) * 4)) == 4  # 256 events fit beside one axis
    for shape in ((768,) * 3, (65536,) * 4):
        rng = np.random.default_rng(5)
        centres = np.concatenate(
            [rng.integers(0, 256, (6, 1)), rng.integers(1, min(shape) - 1, (6, len(shape)))], axis=1
        )
        around = rng.integers(-1, 2, (6, 5, len(shape)))
        points = np.repeat(centres[:, None], 5, 1)
        points[..., 1:] += around
        points = np.unique(points.reshape(-1, 1 + len(shape)), axis=0).astype(np.int32)
        assert lookup.choose_strategy("auto", 256, shape) == "search"

        @jax.jit
        def find(points, queries, shape=shape):
            count = jnp.int32(len(points))
            rows = lookup.Lookup(points, count, batch_size=256, spatial_shape=shape)
            return rows(queries, jnp.ones(len(queries), bool))

        queries = points.copy()
        queries[::2, -1] += 1
        row_of = {tuple(p): i for i, p in enumerate(points.tolist())}
        expected = [row_of.get(tuple(q), len(points)) for q in queries.tolist()]
        assert find(points, queries).tolist() == expected


def test_wrong_requests_are_refused_with_one_line():
    x = tensor([(0, 0, 0), (0, 2, 2)], (4, 4))
    with pytest.raises(InputError, match="levels is 0"):
        geometry(x, levels=0)
    with pytest.raises(InputError, match="needs an odd one"):
        geometry(x, levels=1, kernels=(4,))
    no_sequences: list[Any] = [3, "3"]
    for kernels in no_sequences:
        with pytest.raises(InputError, match=r"kernels is '?3'?: must be a sequence of sizes"):
            geometry(x, levels=1, kernels=kernels)
    for levels, each in ((3, "[(5,), (3,), (3,)]"), (2, "[(5,), (3,)]"), (1, "[(5,)]")):
        with pytest.raises(
            InputError, match=r"kernels is \[5, 3, 3\]: a size .*=\(5, 3\),"
        ) as error:
            geometry(x, levels=levels, kernels=[5, 3, 3])
        assert str(error.value).endswith(f"or a sequence a level, kernels={each}")
    with pytest.raises(InputError, match="capacities is"):
        geometry(x, levels=2, capacities=(3, 1))
    with pytest.raises(InputError, match="strategy is 'hash'"):
        geometry(x, levels=1, strategy="hash")
    with pytest.raises(InputError, match="more than int32 can number"):
        lookup.choose_strategy("bitmap", 256, (768,) * 3)
    with pytest.raises(InputError, match="build the geometry with more levels"):
        jax.eval_shape(lambda x: geometry(x, levels=1).level_of(coarser(x)), x)


def coarser(x):
    return geometry(x, levels=2).tensor(1, jnp.zeros((2, 1)))


def test_a_capacity_that_is_too_small_is_reported():
    x = tensor([(0, 0, 0), (0, 2, 2)], (4, 4))
    fits = jax.jit(lambda x, rows: geometry(x, levels=2, capacities=rows).fits, static_argnums=1)
    assert not fits(x, (2, 1))
    assert fits(x, (2, 2))
    assert geometry(x, levels=2, capacities=(2, 2)).fits
    with pytest.raises(InputError, match=r"capacities is \(2, 1\) but level 1 has 2 sites"):
        geometry(x, levels=2, capacities=(2, 1))


def test_a_connection_of_an_over_full_level_does_not_fit():
    x = tensor([(0, 0, 0), (0, 2, 2)], (4, 4))
    built = jax.jit(lambda x: geometry(x, levels=2, capacities=(2, 1)))(x)
    connection = down_connection(built, 0)
    assert (int(built.levels[1].count), int(built.levels[1].num_active)) == (2, 1)
    assert connection.source.fits
    assert not connection.fits
    assert not connection.transpose().fits
