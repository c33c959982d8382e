"""Neighbours and halved sites by every data flow against brute force, and where kernels refuse."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import geometry, sparse_tensor
from jaxsparse.ops import Region, cross, hypercube, site_tables
from jaxsparse.ops.native import compiler, maps

FLOWS = {
    "xla": (
        lambda *operands: [site_tables.neighbours_of_xla(*operands)],
        site_tables.halved_by_xla,
    ),
    "native": (maps.neighbours, maps.halved),
}
SPARE = 5  # rows that are no sites


@pytest.fixture(params=FLOWS)
def flow(request):
    """(neighbours, halved) of a data flow, compiled."""
    if request.param == "native" and not compiler.lanes(compiler.SITE_TABLES):
        pytest.skip("no kernels on this platform")
    return tuple(
        functools.partial(jax.jit, static_argnums=(2, 3, 4))(call) for call in FLOWS[request.param]
    )


def sites(seed, shape, share):
    """Sites of three events, none in the second, many of them at the rims; padding rows behind."""
    cells = np.random.default_rng(seed).random((3, *shape)) < share
    cells[1] = False
    coords = np.argwhere(cells).astype(np.int32)
    padding = np.full((SPARE, coords.shape[1]), -1, np.int32)
    return jnp.asarray(np.concatenate([coords, padding])), len(coords)


def rows_by_place(coords):
    return {tuple(place): row for row, place in enumerate(np.asarray(coords).tolist())}


@pytest.mark.parametrize(
    ("shape", "region"),
    [
        ((9, 7), hypercube(3, 2)),
        ((31,), hypercube(5, 1)),
        ((5, 4, 6), hypercube(3, 3, dilation=2)),
        ((3, 4, 3, 5), cross(3, 4)),
        ((9, 7), Region(((0, 2), (-3, 1), (0, 0), (3, -1), (0, -2)))),  # in no order
        ((9, 7), hypercube(1, 2)),
    ],
)
def test_a_neighbour_is_the_row_at_the_place_that_a_tap_reads(flow, shape, region):
    coords, active = sites(len(shape), shape, 0.4)
    table = flow[0](coords, active, 3, shape, region)[0]
    rows = rows_by_place(coords[:active])
    expected = np.full(table.shape, len(coords))
    for tap, offset in enumerate(region.offsets):
        for place, row in rows.items():
            there = (place[0], *np.add(place[1:], offset))
            expected[tap, row] = rows.get(there, len(coords))
    np.testing.assert_array_equal(table, expected)


@pytest.mark.parametrize("shape", [(9, 7), (5,), (5, 4, 7), (3, 4, 3, 5)])
@pytest.mark.parametrize("missing", [-4, 2])
def test_halved_sites_are_distinct_in_order_and_know_their_children(flow, shape, missing):
    coords, active = sites(7, shape, 0.4)
    parents = sorted({(e, *(n // 2 for n in place)) for e, *place in coords[:active].tolist()})
    capacity, taps = len(parents) - missing, 2 ** len(shape)
    coarse, count, slot, children = flow[1](coords, active, 3, shape, capacity)
    expected = np.full(coarse.shape, -1)
    expected[: len(parents)] = parents[:capacity]
    np.testing.assert_array_equal(coarse, expected)
    assert count == len(parents)  # the true count, also where it exceeds the capacity
    slots, table = np.full(len(coords), capacity * taps), np.full((taps, capacity), len(coords))
    for row, (event, *place) in enumerate(coords[:active].tolist()):
        parent = parents.index((event, *(n // 2 for n in place)))
        child = functools.reduce(lambda number, n: 2 * number + n % 2, place, 0)
        if parent < capacity:
            slots[row], table[child, parent] = parent * taps + child, row
    np.testing.assert_array_equal(slot, slots)
    np.testing.assert_array_equal(children, table)


@pytest.mark.parametrize("active", [0, 1])
def test_no_site_and_one_site(flow, active):
    coords = jnp.full((4, 3), -1, jnp.int32).at[:active].set(jnp.array([2, 5, 6]))
    table = flow[0](coords, active, 3, (8, 8), hypercube(3, 2))[0]
    assert np.argwhere(table != 4).tolist() == [[4, 0]] * active
    coarse, count, slot, children = flow[1](coords, active, 3, (8, 8), 2)
    assert count == active
    assert coarse[:active].tolist() == [[2, 2, 3]] * active
    assert slot.tolist() == [2] * active + [8] * (4 - active)
    assert np.argwhere(children != 4).tolist() == [[2, 0]] * active


def test_rows_that_are_no_sites_of_the_volume_do_no_harm():
    """The kernels are handed what a program has: nothing outside of their arrays is touched."""
    if not compiler.lanes(compiler.SITE_TABLES):
        pytest.skip("no kernels on this platform")
    rng = np.random.default_rng(0)
    limits = np.iinfo(np.int32)
    coords = rng.integers(limits.min, limits.max, (500, 3), dtype=np.int32)
    coords[::2] %= 40
    for active in (-3, 500, 2**31 - 1):
        table = maps.neighbours(jnp.asarray(coords), active, 2, (8, 8), hypercube(3, 2))[0]
        assert ((table >= 0) & (table <= 500)).all()
        _, count, slot, children = maps.halved(jnp.asarray(coords), active, 2, (8, 8), 9)
        assert 0 <= count <= 32
        assert ((slot >= 0) & (slot <= 36)).all()
        assert ((children >= 0) & (children <= 500)).all()


def test_every_shape_that_a_kernel_refuses_is_served_by_xla():
    coords = jnp.array([[0, 1, 2, 3], [1, 1, 2, 3]], jnp.int32)
    huge = (2, (2**20,) * 3)
    assert "62 bits" in str(maps.refuses_neighbours(coords, 2, 32, huge[1], hypercube(3, 3)))
    assert "cells" in str(maps.refuses_halving(coords, 2, *huge, 4))
    assert maps.refuses_halving(coords, 2, 2, (8, 8, 8), 0) == "0 coarse rows"
    assert maps.refuses_neighbours(coords[:0], 0, 2, (8, 8, 8), hypercube(3, 3)) == "no rows"
    coarse, count, _, _ = site_tables.halved(
        coords, jnp.int32(2), batch_size=2, spatial_shape=huge[1], capacity=4
    )
    assert (coarse[:2].tolist(), int(count)) == ([[0, 0, 1, 1], [1, 0, 1, 1]], 2)


def test_tables_under_vmap_are_those_of_every_batch():
    batches = [sites(seed, (6, 6), 0.3) for seed in (1, 2)]
    rows = min(active for _, active in batches)
    coords = jnp.stack([coords[:rows] for coords, _ in batches])
    active = jnp.array([rows, rows - 1])

    def tables(coords, active):
        place: Any = {"batch_size": 3, "spatial_shape": (6, 6)}
        table = site_tables.neighbours(coords, active, region=hypercube(3, 2), **place)
        return table, *site_tables.halved(coords, active, capacity=rows, **place)

    together = jax.jit(jax.vmap(tables))(coords, active)
    for index in range(2):
        for one, all_ in zip(tables(coords[index], active[index]), together, strict=True):
            np.testing.assert_array_equal(one, all_[index])


def test_a_geometry_of_kernels_is_that_of_an_exported_program():
    """Which holds XLA's operations alone, and no kernel."""
    coords, active = sites(3, (12, 10), 0.3)
    x = sparse_tensor(
        np.asarray(coords[:active]), np.ones((active, 1)), spatial_shape=(12, 10), batch_size=3
    )
    build = jax.jit(functools.partial(geometry, levels=3, kernels=(3,)))
    exported = jax.export.export(build)(x)
    assert "jaxsparse_" not in str(exported.mlir_module())
    jax.tree.map(np.testing.assert_array_equal, exported.call(x), build(x))
