"""Points to sites on the host: what ``voxelize`` makes, without a program for every number."""

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, ops

SHAPE: Any = {"spatial_shape": (5, 4), "batch_size": 3, "capacity": 70}


def cloud(number, points=90):
    rng = np.random.default_rng(number)
    events = rng.integers(0, 2, size=(points, 1))  # the last has none
    places = np.concatenate([events, rng.uniform(0, (5, 4), (points, 2))], axis=1)
    return places, rng.normal(size=(points, 2)), rng.integers(-1, 3, size=points)


@pytest.mark.parametrize("policy", ["sum", "mean", "max", "first"])
def test_the_sites_and_their_points_are_those_of_the_traceable_way(policy):
    points, features, _ = cloud(0)
    x, point_map = ops.sparse_quantize(points, features, **SHAPE, duplicates=policy)
    expected, expected_map, _ = ops.voxelize(points, features, **SHAPE, duplicates=policy)
    assert isinstance(point_map.rows, np.ndarray)
    assert x.dtype == jnp.float32
    np.testing.assert_array_equal(x.coords, expected.coords)
    np.testing.assert_allclose(x.features, expected.features, atol=1e-5)
    for ours, theirs in zip(*map(jax.tree.leaves, (point_map, expected_map)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == np.int32
    cells = np.floor(points).astype(int)
    np.testing.assert_array_equal(np.asarray(x.coords)[point_map.rows], cells)


@pytest.mark.parametrize("conflict", [None, 9])
def test_sites_get_the_label_of_most_of_their_points(conflict):
    points, features, labels = cloud(1)
    x, point_map = ops.sparse_quantize(points, features, **SHAPE, duplicates="sum")
    found = ops.vote(labels, point_map, conflict=conflict)
    expected = np.full(70, -1)
    for row in range(int(x.num_active)):
        votes = Counter(labels[(point_map.rows == row) & (labels >= 0)].tolist())
        if votes:
            most = max(votes.values())
            expected[row] = min(label for label, count in votes.items() if count == most)
        if conflict is not None and len(votes) > 1:
            expected[row] = conflict
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, expected)
    extremes = np.where(labels > 0, 2**31 - 1, -(2**31))
    assert set(np.unique(ops.vote(extremes, point_map))) == {-(2**31), -1, 2**31 - 1}


def test_no_points_and_one_point_are_legal():
    none: Any = []
    for points in (np.zeros((0, 3)), none):
        x, point_map = ops.sparse_quantize(points, np.zeros((0, 2)), **SHAPE)
        assert (int(x.num_active), point_map.rows.shape) == (0, (0,))
        assert set(ops.vote(np.zeros(0, int), point_map).tolist()) == {-1}
    x, point_map = ops.sparse_quantize([[2, 4, 3]], [[1.0]], spatial_shape=(5, 4), batch_size=3)
    assert (x.capacity, point_map.rows.tolist(), point_map.points_per_site.tolist()) == (
        1,
        [0],
        [1],
    )


def test_a_mistake_is_one_line_that_names_it():
    points, features, labels = cloud(2)
    no_map: Any = None
    for make, text in (
        (lambda: ops.sparse_quantize(points, features, **SHAPE), "sites must be unique, merge"),
        (lambda: ops.sparse_quantize(points + 3, features, **SHAPE), "event index must be"),
        (lambda: ops.sparse_quantize(points[:, 1:], features, **SHAPE), "points has shape"),
        (lambda: ops.sparse_quantize(points, features[1:], **SHAPE), "features has shape"),
        (lambda: ops.sparse_quantize(points, features, **SHAPE | {"capacity": 3},
                                     duplicates="sum"), "capacity is 3 but the points make"),
        (lambda: ops.sparse_quantize(points, features, **SHAPE, duplicates="all"), "error, sum"),
        (lambda: jax.jit(lambda p: ops.sparse_quantize(p, features, **SHAPE)[0])(points),
         "points is traced .* works on the host, call it before, or ops.voxelize in its place"),
        (lambda: ops.vote(labels, no_map), "point_map is a NoneType: must be a PointMap, what"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=text) as caught:
            make()
        assert "\n" not in str(caught.value).split("\n---")[0]
