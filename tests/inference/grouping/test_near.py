"""Pixels near each other, against all pairs of them."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from jaxsparse.inference.grouping.near import Near
from tests.random_views import random_cells

CASES = [
    (seed, shape, radius, euclidean)
    for seed, shape in enumerate([(30, 40), (9, 200), (12, 11, 10), (400,)])
    for radius in (1, 3)
    for euclidean in (False, True)
]


def pixels(seed, shape):
    """Cells somewhere in the plane, in any order, of two layers."""
    rng = np.random.default_rng(seed)
    coords = rng.permutation(random_cells(rng, 60, shape)) - 5
    return coords, rng.integers(0, 2, 60)


def all_pairs(coords, layer, euclidean):
    distance = cdist(coords, coords, "euclidean" if euclidean else "chebyshev")
    return np.where(layer[:, None] == layer, distance, np.inf)


def same_partition(one, two):
    return np.array_equal(one[:, None] == one, two[:, None] == two)


@pytest.mark.parametrize(("seed", "shape", "radius", "euclidean"), CASES)
def test_components_counts_and_nearest_are_those_of_all_pairs(seed, shape, radius, euclidean):
    coords, layer = pixels(seed, shape)
    near = Near(coords, layer, radius, euclidean=euclidean)
    distance = all_pairs(coords, layer, euclidean)[near.order][:, near.order]
    _, expected = connected_components(distance <= radius)
    found = near.components()
    assert same_partition(found, expected)
    assert np.unique(found, return_index=True)[1].tolist() == sorted(
        np.unique(expected, return_index=True)[1].tolist()
    )  # numbered by the first pixel
    assert near.counts().tolist() == (distance <= radius).sum(0).tolist()

    targets = np.random.default_rng(seed).random(60) < 0.4
    straight = all_pairs(coords, layer, euclidean=True)[near.order][:, near.order]
    reached = np.where((distance <= radius) & targets[None], straight, np.inf)
    nearest = np.where(np.isinf(reached.min(1)), -1, reached.argmin(1))
    assert near.nearest(targets).tolist() == nearest.tolist()


def test_links_are_few_however_full_the_image_is():
    coords = np.stack(np.meshgrid(np.arange(40), np.arange(40)), axis=-1).reshape(-1, 2)
    near = Near(coords, np.zeros(1600, int), 14)
    assert len(near.links()[0]) <= 2 * 15 * 1600  # of 400,000 pairs within 14 pixels
    assert not near.components().any()


def test_no_pixel_has_no_component():
    near = Near(np.zeros((0, 2), int), np.zeros(0, int), 3)
    assert len(near.components()) == len(near.counts()) == 0
    assert len(near.nearest(np.zeros(0, bool))) == 0
