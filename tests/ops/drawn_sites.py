"""Sites to build connections on, and what a connection holds, as Python has it."""

import itertools

import numpy as np

from jaxsparse.ops import given_sites

TRIANGLE = [(0, 3), (1, 2), (1, 4), *((2, i) for i in range(1, 6))]
TWO_TRIANGLES = [(event, *p) for event in range(2) for p in TRIANGLE]


def random_sites(seed, shape, batch=2, share=0.3, stride=1, spare=3):
    points = np.argwhere(np.random.default_rng(seed).random((batch, *shape)) < share)
    return given_sites(
        points, spatial_shape=shape, batch_size=batch, capacity=len(points) + spare, stride=stride
    )


def rows_of(sites):
    return [tuple(p) for p in np.asarray(sites.coords)[: int(sites.num_active)].tolist()]


def pairs_of(connection):
    """(input site, tap, output site) of every entry of the table."""
    inputs, outputs = rows_of(connection.source), rows_of(connection.target)
    return {
        (inputs[row], tap, outputs[out])
        for tap, reads in enumerate(np.asarray(connection.kernel_map.table))
        for out, row in enumerate(reads)
        if row != connection.source.capacity
    }


def brute_force(fine, coarse, region, stride):
    """``fine = stride * coarse + offset[k]`` in the same event."""
    found, fine = set(), set(fine)
    for tap, (event, *place) in itertools.product(range(region.taps), coarse):
        there = (event, *np.add(np.multiply(stride, place), region.offsets[tap]).tolist())
        if there in fine:
            found.add((there, tap, (event, *place)))
    return found
