"""The nearest site in every direction, against all pairs."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from jaxsparse import sparse_tensor
from jaxsparse.errors import InputError
from jaxsparse.ops.directions import nearest_in_directions

SHAPE = (17, 23)


def sites(share, seed=0):
    """Three events, the second of which is empty."""
    occupied = np.random.default_rng(seed).random((3, *SHAPE)) < share
    occupied[1] = False
    return np.argwhere(occupied).astype(np.int32)


def tensor(coords, more=0, features=None):
    features = np.ones((len(coords), 1)) if features is None else features
    return sparse_tensor(
        coords, features, spatial_shape=SHAPE, batch_size=3, capacity=len(coords) + 1 + more
    )


def by_all_pairs(coords, directions, reach):
    """Row by row, -1 for none."""
    found = np.full((len(coords), directions), -1)
    for one, (event, *place) in enumerate(coords.tolist()):
        best = [np.inf] * directions
        for other in range(one + 1, len(coords)):
            if coords[other, 0] != event:
                break
            down, across = coords[other, 1:] - place
            square = down**2 + across**2
            # Rounded, so that edges of directions belong to the one that begins there.
            turn = np.round(np.arctan2(down, across) / np.pi * directions, 9)
            if square <= reach**2 and square < best[int(turn)]:
                best[int(turn)], found[one, int(turn)] = square, other
    return found


@pytest.mark.parametrize(
    ("directions", "reach", "share"),
    [(2, 3, 0.3), (4, 5, 0.2), (6, 4, 0.4), (8, 40, 0.05), (10, 1, 0.5), (8, 9, 1.0)],
)
def test_every_direction_has_its_nearest_site(directions, reach, share):
    coords = sites(share)
    x = tensor(coords, more=4)
    rows = np.asarray(nearest_in_directions(x, directions, reach))
    assert rows.dtype == np.int32
    expected = by_all_pairs(coords, directions, reach)
    expected[expected < 0] = len(rows)
    np.testing.assert_array_equal(rows[: len(coords)], expected)
    assert (rows[len(coords) :] == len(rows)).all()


def test_sites_hang_together_where_they_do_in_all_pairs():
    coords = sites(0.06, seed=2)
    rows = np.asarray(nearest_in_directions(tensor(coords), 4, 4))[: len(coords)]
    one, direction = np.nonzero(rows <= len(coords) - 1)
    square = ((coords[:, None] - coords) * [1000, 1, 1]) ** 2
    near = np.argwhere(square.sum(axis=2) <= 4**2)

    def components(pairs):
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(coords),) * 2)
        return connected_components(graph, directed=False)

    number, label = components(np.stack([one, rows[one, direction]], axis=1))
    expected, same = components(near)
    assert number == expected > 5
    np.testing.assert_array_equal(label, same)


@pytest.mark.parametrize("coords", [np.zeros((0, 3), np.int32), np.array([[1, 2, 3]], np.int32)])
def test_no_site_and_one_site_have_no_others(coords):
    x = tensor(coords, more=2)
    assert (np.asarray(nearest_in_directions(x, 4, 5)) == len(x.coords)).all()


def test_the_order_in_which_sites_are_given_changes_nothing():
    coords = sites(0.2)
    other = coords[np.random.default_rng(1).permutation(len(coords))]
    np.testing.assert_array_equal(
        nearest_in_directions(tensor(coords), 4, 6), nearest_in_directions(tensor(other), 4, 6)
    )


def test_what_has_no_directions_is_refused_in_one_line():
    with pytest.raises(InputError, match="directions is 3 and reach 4"):
        nearest_in_directions(tensor(sites(0.2)), 3, 4)
    x = sparse_tensor([[0, 1, 1, 1]], [[1.0]], spatial_shape=(4, 4, 4), batch_size=1)
    with pytest.raises(InputError, match=r"spatial_shape is \(4, 4, 4\): directions are those of"):
        nearest_in_directions(x, 4, 4)
