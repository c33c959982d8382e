"""Inputs that no output reads: a connection counts them."""

import jax
import numpy as np
import pytest

from jaxsparse import geometry, ops, sparse_tensor
from jaxsparse.ops import given_sites, hypercube, strided_connection
from tests.ops.drawn_sites import TWO_TRIANGLES, pairs_of, random_sites


def every_place(shape):
    points = np.argwhere(np.ones((1, *shape)))
    return given_sites(points, spatial_shape=shape, batch_size=1, capacity=len(points) + 5)


def test_inputs_that_no_output_reads_are_counted():
    """Windows of 4 moved by a padding of 2 end at 13 of 16 places along every axis."""

    def lost(shape, padding, rule):
        def count(x):
            region = hypercube(4, len(shape), padding=padding)
            down = strided_connection(x, region, 4, output_sites=rule)
            return down.lost, down.transpose().lost

        return tuple(map(int, jax.jit(count)(every_place(shape))))

    assert lost((16, 16, 16), 2, "stride") == (16**3 - 14**3, 0) == (1352, 0)
    assert lost((16,), 0, "stride") == (0, 0)
    assert lost((16,), 2, "receptive_field") == (0, 0)


@pytest.mark.parametrize(("size", "stride"), [(1, 2), (2, 3), (3, 2)])
def test_lost_is_the_number_of_inputs_without_a_pair(size, stride):
    sites = random_sites(3, (7, 6))

    @jax.jit
    def build(x):
        built = strided_connection(x, hypercube(size, 2), stride)
        return built, built.lost, built.transpose().lost

    built, *lost = build(sites)
    for connection, number in zip((built, built.transpose()), lost, strict=True):
        read = {pair[0] for pair in pairs_of(connection)}
        assert int(number) == int(connection.source.num_active) - len(read)


def test_no_input_is_lost_between_the_levels_of_a_geometry():
    x = sparse_tensor(np.array(TWO_TRIANGLES), np.ones((16, 1)), spatial_shape=(5, 7), batch_size=2)

    @jax.jit
    def lost(x):
        built = geometry(x, levels=2)
        down = ops.down_connection(built, 0)
        same = ops.submanifold_connection(built.levels[0], hypercube(3, 2))
        return down.lost, down.transpose().lost, same.lost

    assert list(map(int, lost(x))) == [0, 0, 0]
