"""The pairs and sites of any kernel, stride and two coordinate sets, against brute force."""

import functools
import itertools

import jax
import numpy as np
import pytest

from jaxsparse import geometry, ops, sparse_tensor
from jaxsparse.ops import cross, given_sites, hypercube
from tests.ops.drawn_sites import brute_force, pairs_of, random_sites, rows_of


@pytest.mark.parametrize(
    ("shape", "stride", "region"),
    [
        ((9, 8), (2, 3), hypercube((3, 4), 2, dilation=(2, 1))),
        ((30,), (2,), hypercube(7, 1, padding=1)),
        ((9, 8), (1, 1), ops.Region(((0, 2), (-1, 0), (3, -3)))),
        ((5, 6, 4), (1, 2, 3), cross(5, 3)),
    ],
)
def test_a_general_map_holds_every_pair_and_no_other(shape, stride, region):
    """Conformance case 8, both ways and by both look-ups; onto given sites and back."""
    fine = random_sites(1, shape)
    coarse = random_sites(2, [-(-n // s) for n, s in zip(shape, stride, strict=True)],
                          stride=stride)  # fmt: skip
    expected = brute_force(rows_of(fine), rows_of(coarse), region, stride)
    assert expected
    for strategy in ("bitmap", "search"):
        there = jax.jit(functools.partial(ops.target_connection, strategy=strategy),
                        static_argnums=2)(fine, coarse, region)  # fmt: skip
        assert pairs_of(there) == expected
        turned = {(out, tap, row) for row, tap, out in expected}
        assert pairs_of(there.transpose()) == turned
        assert pairs_of(there.transpose().transpose()) == expected
    back = jax.jit(ops.transposed_connection, static_argnums=2)(coarse, fine, region)
    assert pairs_of(back) == turned


@pytest.mark.parametrize(
    "region",
    [hypercube((5, 3), 2, dilation=(1, 2)), hypercube(7, 2), cross(5, 2), hypercube(2, 2)],
)
def test_a_submanifold_map_of_any_region_holds_every_pair_and_no_other(region):
    sites = random_sites(3, (9, 8))
    built = jax.jit(ops.submanifold_connection, static_argnums=1)(sites, region)
    assert built.kernel_map.kind == ("submanifold" if region.symmetric else "general")
    expected = brute_force(rows_of(sites), rows_of(sites), region, (1, 1))
    assert pairs_of(built) == expected
    assert pairs_of(built.transpose()) == {(out, tap, row) for row, tap, out in expected}


def test_both_rules_make_their_sites_in_canonical_order():
    """By brute force on three kernels; the bound on the capacity always holds."""
    x = random_sites(4, (9, 8), share=0.1)
    for region, stride in (
        (hypercube(3, 2), (2, 2)),
        (hypercube((2, 3), 2, dilation=2, padding=(0, 1)), (3, 1)),
        (hypercube(4, 2, padding=2), (2, 3)),
    ):
        make = jax.jit(ops.strided_sites, static_argnums=(1, 2), static_argnames="output_sites")
        floor = make(x, region, stride)
        expected = {(e, *np.floor_divide(p, stride).tolist()) for e, *p in rows_of(x)}
        assert rows_of(floor) == sorted(expected)
        touched = make(x, region, stride, output_sites="receptive_field")
        shape = touched.spatial_shape
        every = itertools.product(range(2), *(range(n) for n in shape))
        expected = {out for _, _, out in brute_force(rows_of(x), list(every), region, stride)}
        assert rows_of(touched) == sorted(expected)
        assert floor.fits
        assert touched.fits
        assert touched.stride == stride


def test_stride_two_of_a_line_around_zero():
    """Conformance case 1, shifted by two strides."""
    x = given_sites([[0, i + 4] for i in range(-3, 4)], spatial_shape=(8,), batch_size=1)
    y = ops.strided_sites(x, hypercube(2, 1), 2)
    assert [2 * place - 4 for _, place in rows_of(y)] == [-4, -2, 0, 2]


def test_a_level_gives_the_map_that_it_has():
    x = sparse_tensor(
        [[0, 1, 2], [0, 2, 2], [1, 5, 4]], np.ones((3, 1)), spatial_shape=(6, 5), batch_size=2
    )
    level = geometry(x, levels=1, kernels=[(3, (3, 2))]).levels[0]
    for dilation, key in ((1, 3), (2, (3, 2))):
        near = ops.submanifold_connection(level, hypercube(3, 2, dilation=dilation))
        assert near.kernel_map is level.kernel_maps[key]
    assert ops.submanifold_connection(level, cross(3, 2)).taps == 5
