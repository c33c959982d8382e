"""The host constructor: order, duplicates, padding, and one clear line for every mistake."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, from_dense, geometry, ops, sparse_tensor


def make(coords, features=None, **options):
    features = np.ones((len(coords), 1)) if features is None else features
    settings: dict[str, Any] = {"spatial_shape": (4, 5), "batch_size": 2} | options
    return sparse_tensor(coords, features, **settings)


def test_rows_are_sorted_and_padding_holds_minus_one_and_zero():
    rng = np.random.default_rng(0)
    cells = rng.choice(40, size=17, replace=False)
    coords = np.stack(np.unravel_index(cells, (2, 4, 5)), axis=1)
    features = rng.normal(size=(17, 3))
    x = make(coords, features, capacity=20)
    order = np.argsort(cells)
    np.testing.assert_array_equal(x.coords[:17], coords[order])
    np.testing.assert_array_equal(x.features[:17], features[order].astype(np.float32))
    assert (np.asarray(x.coords[17:]) == -1).all()
    assert not np.asarray(x.features[17:]).any()
    assert x.coords.dtype == np.int32
    assert x.features.dtype == np.float32
    assert x.mask.tolist() == [True] * 17 + [False] * 3
    assert (int(x.num_active), x.capacity, x.dim, x.stride) == (17, 20, 2, (1, 1))


@pytest.mark.parametrize(
    ("policy", "expected"), [("sum", 9.0), ("mean", 3.0), ("max", 5.0), ("first", 3.0)]
)
def test_duplicates_merge_by_the_policy(policy, expected):
    coords = [[0, 1, 1], [1, 0, 0], [0, 1, 1], [0, 1, 1]]
    x = make(coords, [[3.0], [7.0], [5.0], [1.0]], duplicates=policy)
    assert x.coords.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert x.features.tolist() == [[expected], [7.0]]


@pytest.mark.parametrize(
    ("coords", "options", "text"),
    [
        ([[0, 1, 1], [0, 1, 1]], {}, "repeated rows"),
        ([[0, 4, 0]], {}, r"axis 0 must be in \[0, 4\)"),
        ([[0, 0, -1]], {}, r"axis 1 must be in \[0, 5\)"),
        ([[-1, 0, 0]], {}, r"event index must be in \[0, 2\)"),
        ([[2, 0, 0]], {}, r"event index must be in \[0, 2\)"),
        ([[3, 4, 1], [0, 0, 0]], {}, r"batch_size; if the last column is .* makes it first$"),
        ([[3, 4, 1], [0, 0, 2]], {}, "or enlarge spatial_shape or batch_size$"),
        ([[0, 0]], {}, "coords has shape"),
        ([[0.5, 0, 0]], {}, "must be integers"),
        ([[0, 0, 0], [0, 0, 1]], {"capacity": 1}, "capacity is 1 but the points make 2"),
        ([[0, 0, 0]], {"capacity": 0}, "at least 1"),
        ([[0, 0, 0]], {"duplicates": "average"}, "error, sum, mean, max, first"),
        ([[0, 0, 0]], {"features": [[1.0], [2.0]]}, "features has shape"),
        ([[0, 0, 0]], {"spatial_shape": (4, 0)}, "spatial_shape is"),
        ([[0, 0, 0]], {"spatial_shape": (4, 2**31)}, "spatial_shape is"),
        ([[0, 0, 0]], {"batch_size": 0}, "batch_size is 0"),
        ([[0, 0, 0]], {"batch_size": 1.9}, "batch_size is 1.9: must be an integer"),
        ([[0, 0, 0]], {"spatial_shape": (4.9, 5)}, "spatial_shape is .*must be a sequence of int"),
        ([[0, 0, 0]], {"spatial_shape": 4}, "spatial_shape is 4: must be a sequence"),
        ([[0, 0, 0]], {"capacity": 2.5}, "capacity is 2.5: must be an integer"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(coords, options, text):
    with pytest.raises(InputError, match=text) as caught:
        make(coords, **options)
    assert "\n" not in str(caught.value)


def test_no_points_and_an_exactly_full_list_are_legal():
    empty = make([], np.zeros((0, 2)), capacity=3)
    assert int(empty.num_active) == 0
    assert empty.features.shape == (3, 2)
    assert not np.asarray(empty.to_dense()).any()
    full = make([[0, 0, 0], [1, 3, 4]], capacity=2)
    assert full.mask.all()


def test_rows_and_channels_are_no_indices_of_a_tensor():
    wrong: Any = (slice(None), 0)
    with pytest.raises(
        InputError, match=r"has 2 indices: must be one, an event or .* x.features\["
    ):
        make([[0, 0, 0]])[wrong]


def test_dense_and_back_is_the_identity_and_padding_does_not_matter():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(2, 4, 5, 3)) * (rng.random((2, 4, 5, 1)) < 0.4)
    for capacity in (None, 40):
        x = from_dense(dense, capacity=capacity)
        np.testing.assert_array_equal(jax.jit(lambda x: x.to_dense())(x), dense.astype(np.float32))
    assert int(from_dense(dense, threshold=1e9).num_active) == 0
    with pytest.raises(InputError, match="array has shape"):
        from_dense(np.zeros((3, 3)))


def test_not_a_number_is_a_site_here_and_under_jit():
    dense = np.array([0, np.nan, 1, 0], np.float32).reshape(1, 4, 1)
    for x in (from_dense(dense), jax.jit(lambda a: from_dense(a, capacity=4))(dense)):
        assert np.asarray(x.coords)[: int(x.num_active), 1].tolist() == [1, 2]
        np.testing.assert_array_equal(x.features[:2, 0], [np.nan, 1])


def test_it_is_a_pytree_with_static_shape():
    x = make([[0, 0, 0]])
    leaves, treedef = jax.tree_util.tree_flatten(x)
    assert len(leaves) == 3
    assert jax.tree_util.tree_unflatten(treedef, leaves).spatial_shape == (4, 5)
    y = x.replace(features=x.features * 2)
    assert y.features.tolist() == [[2.0]]
    with pytest.raises(dataclasses.FrozenInstanceError):
        x.batch_size = 3
    assert isinstance(x, jaxsparse.SparseTensor)


def test_what_is_traced_where_numbers_must_be_known_is_answered_in_one_line():
    x = sparse_tensor([[0, 1]], [[1.0]], spatial_shape=(4,), batch_size=1)
    shape: Any = {"spatial_shape": (4,), "batch_size": 1}
    voxelize: Any = ops.voxelize

    def points(n):
        return [[0, n]]

    wrong: Any = [
        (
            lambda n: sparse_tensor(points(n), [[1.0]], **shape),
            "coords .* call it before",
        ),
        (lambda n: sparse_tensor([[0, 1]], [[1.0 * n]], **shape), "features is traced by jit"),
        (lambda n: voxelize(points(n), np.ones((1, 1)), **shape), "points .* pass one array"),
        (
            lambda n: voxelize(np.ones((1, 2)), [[n]], **shape),
            "features .* pass one array",
        ),
        (lambda n: ops.count_levels(x.coords + n, 2), "coords .* counted on the host"),
        (lambda n: geometry(x, levels=n), "levels .* static argument or work it out on the host"),
        (
            lambda n: geometry(x, levels=2, capacities=(1, n)),
            "capacities .* a sequence of int",
        ),
        (lambda n: x[n], "event is traced .* give jax.vmap the ops.stack of them"),
    ]
    for function, text in wrong:
        for transform in (jax.jit, lambda f: lambda n: jax.vmap(f)(n[None])):
            with pytest.raises(InputError, match=text) as caught:
                transform(function)(jnp.int32(1))
            assert "\n" not in str(caught.value).split("\n---")[0]
