"""Points to sites and back, against numpy; nothing outside is ever placed silently."""

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError
from jaxsparse.ops import coordinates, sum_rows, take_rows, vote, voxelize
from jaxsparse.ops.rows import largest_of_rows

POLICIES = ("sum", "mean", "max", "first")
SHAPE = (5, 4)


def some_points(seed=0, points=60, batch=4, shape=SHAPE, empty=2):
    """Real-valued points with many on one voxel, none in event ``empty``."""
    rng = np.random.default_rng(seed)
    event = rng.choice([e for e in range(batch) if e != empty], points)
    where = rng.uniform(0, 1, (points, len(shape))) * np.array(shape)
    features = rng.normal(size=(points, 3)).astype(np.float32)
    return np.concatenate([event[:, None], where], axis=1).astype(np.float32), features


def oracle(points, features, policy):
    """Distinct floors in lexicographic order, merged in float64; the site of every point."""
    sites, inverse = np.unique(np.floor(points).astype(int), axis=0, return_inverse=True)
    members = [features[inverse.ravel() == s].astype(np.float64) for s in range(len(sites))]
    merge: Any = {"sum": np.sum, "mean": np.mean, "max": np.max, "first": lambda m, axis: m[0]}
    return sites, np.array([merge[policy](m, axis=0) for m in members]), inverse.ravel()


@functools.partial(jax.jit, static_argnames=("policy", "shape", "batch", "capacity"))
def run(points, features, valid=None, *, policy, shape=SHAPE, batch=4, capacity=None):
    return voxelize(
        points, features, spatial_shape=shape, batch_size=batch, capacity=capacity,
        duplicates=policy, valid=valid,
    )  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_sites_and_features_are_those_of_numpy(policy, dtype, tolerance):
    points, features = some_points()
    features = np.asarray(jnp.asarray(features, dtype).astype(jnp.float32))
    sites, merged, inverse = oracle(points, features, policy)
    x, point_map, status = run(points, jnp.asarray(features, dtype), policy=policy)
    n = len(sites)
    assert (int(x.num_active), x.capacity, x.features.dtype) == (n, 60, dtype)
    np.testing.assert_array_equal(x.coords[:n], sites)
    np.testing.assert_allclose(
        np.asarray(x.features[:n], np.float32), merged, rtol=tolerance, atol=tolerance
    )
    assert (np.asarray(x.coords[n:]) == -1).all()
    assert not np.asarray(x.features[n:], np.float32).any()
    np.testing.assert_array_equal(point_map.rows, inverse)
    np.testing.assert_array_equal(point_map.points_per_site[:n], np.bincount(inverse))
    np.testing.assert_array_equal(point_map.restore(x.features), x.features[inverse])
    assert bool(status.ok)
    assert (int(status.num_outside), int(status.num_repeated)) == (0, 60 - n)


def test_the_cases_of_the_peers_tests():
    """Conformance cases 1 and 12, negative coordinates shifted by a multiple of the stride."""
    fine = np.stack([np.zeros(7), np.arange(-3, 4) + 4], axis=1).astype(np.int32)
    coarse, count, _, _ = coordinates.downsample(
        jnp.asarray(fine), jnp.int32(7), batch_size=1, spatial_shape=(8,), capacity=7
    )
    assert (np.asarray(coarse[: int(count), 1]) * 2 - 4).tolist() == [-4, -2, 0, 2]

    repeated = np.array([[0, 1], [0, 1], [0, 2], [0, 2], [1, 0], [1, 0], [1, 1]])
    x, point_map, _ = voxelize(
        repeated, np.ones((7, 1), np.float32), spatial_shape=(3,), batch_size=2, duplicates="first"
    )
    assert int(x.num_active) == 4
    np.testing.assert_array_equal(np.asarray(x.coords)[np.asarray(point_map.rows)], repeated)

    points = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 0]])
    features = np.array([[1.0], [3.0], [5.0]], np.float32)
    for policy, value in (("mean", 2.0), ("sum", 4.0), ("first", 1.0), ("max", 3.0)):
        x, point_map, _ = run(points, features, policy=policy, shape=(3, 3, 3), batch=3)
        active = np.asarray(x.coords[: int(x.num_active), 0])
        assert np.bincount(active, minlength=3).tolist() == [1, 1, 0]
        assert x.features.tolist() == [[value], [5.0], [0.0]]
        if policy == "sum":
            assert point_map.restore(x.features).tolist() == [[4.0], [4.0], [5.0]]
    with pytest.raises(InputError, match="must be one of error, sum"):
        run(points, features, policy="average", shape=(3, 3, 3))


@pytest.mark.parametrize(
    ("points", "options", "text"),
    [
        ([[0, 5.0, 0]], {}, r"axis 0 must be in \[0, 5\)"),
        ([[0, 0, -1e-9]], {}, r"axis 1 must be in \[0, 4\)"),
        ([[-1, 0, 0]], {}, r"event index must be a whole number in \[0, 4\)"),
        ([[4, 0, 0]], {}, "event index"),
        ([[0.5, 0, 0]], {}, "event index"),
        ([[0, np.nan, 0]], {}, "axis 0"),
        ([[0, np.inf, 0]], {}, "axis 0"),
        ([[0, 2**32, 0]], {}, "axis 0"),  # int32 would wrap it to 0
        ([[0, 1, 1], [0, 1, 1]], {}, "points has 1 rows on a site"),
        ([[0, 1, 1], [0, 1, 2]], {"capacity": 1}, "capacity is 1 but the points make 2"),
        ([[0, 1, 1]], {"capacity": 0}, "at least 1"),
        ([[0, 1]], {}, "points has shape"),
        ([[True, True, True]], {}, "points has type bool"),
        ([[0, 1, 1]], {"features": np.ones((2, 1))}, "features has shape"),
        ([[0, 1, 1]], {"features": np.ones((1, 1), complex)}, "features has type"),
        ([[0, 1, 1]], {"valid": np.ones(2, bool)}, "valid has shape"),
        # The bitwise and of 2 and True is 0: the point outside would pass for padding.
        (
            [[0, 0, 0], [0, 9, 0]],
            {"valid": np.array([1, 2])},
            "valid has .* type int.*must be bool",
        ),
        ([[0, 1, 1]], {"batch_size": 4.5}, "batch_size is 4.5"),
        ([[0, 1, 1]], {"spatial_shape": (5, 4.5)}, "spatial_shape is"),
        ([[0, 1, 1]], {"capacity": 1.5}, "capacity is 1.5"),
        ([[0, 1, 1]], {"spatial_shape": (4, 2**31)}, "axis 2 has length"),
        ([[0]], {"spatial_shape": ()}, "1 to 4 lengths"),
    ],
)
def test_a_mistake_at_hand_is_one_line_that_names_it(points, options, text):
    """Conformance case 16."""
    settings: dict[str, Any] = {"spatial_shape": SHAPE, "batch_size": 4} | options
    features = settings.pop("features", np.ones((len(points), 1), np.float32))
    with pytest.raises(InputError, match=text) as caught:
        voxelize(np.array(points), features, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "uint32", "int8"])
def test_under_jit_a_mistake_is_a_flag_and_the_point_is_placed_nowhere(dtype):
    good = [[0, 1, 1], [3, 4, 3]]
    bad: Any = [[0, 5, 0], [0, 0, 4], [4, 0, 0], [127, 0, 0]]
    if dtype != "uint32":
        bad += [[0, -1, 0], [-1, 0, 0]]
    if "float" in dtype:
        bad += [[0.5, 0, 0], [0, np.nan, 0], [0, np.inf, 0], [0, -np.inf, 0], [0, 1e30, 0]]
    elif dtype == "uint32":
        bad += [[0, 2**32 - 1, 0], [2**31, 0, 0]]
    points = jnp.asarray(np.array(good + bad).astype(jnp.dtype(dtype)))
    x, point_map, status = run(points, jnp.ones((len(points), 1)), policy="error")
    assert (bool(status.ok), int(status.num_outside)) == (False, len(bad))
    assert x.coords[: int(x.num_active)].tolist() == good
    assert point_map.rows.tolist() == [0, 1] + [len(points)] * len(bad)
    restored = point_map.restore(x.features)
    assert restored[:, 0].tolist() == [1.0, 1.0] + [0.0] * len(bad)


def test_repetition_and_overflow_are_flags_with_the_true_numbers():
    points, features = some_points()
    sites = oracle(points, features, "first")[0]
    _, _, status = run(points, features, policy="error")
    assert not bool(status.ok)
    assert int(status.num_repeated) == 60 - len(sites)
    x, point_map, status = run(points, features, policy="sum", capacity=10)
    assert (bool(status.ok), int(status.num_sites), int(x.num_active)) == (False, len(sites), 10)
    np.testing.assert_array_equal(x.coords, sites[:10])
    assert int(point_map.rows.max()) == 10
    x, _, status = run(points, features, policy="sum", capacity=len(sites))
    assert bool(status.ok)
    assert x.mask.all()


@pytest.mark.parametrize("policy", POLICIES)
def test_padding_changes_no_bit_and_permutation_no_row(policy):
    points, features = some_points()
    plain, plain_map, _ = run(points, features, policy=policy, capacity=60)
    holes = np.sort(np.random.default_rng(1).choice(90, 60, replace=False))
    wide_points = np.full((90, 3), np.nan, np.float32)
    wide_features = np.full((90, 3), np.nan, np.float32)
    wide_points[holes], wide_features[holes] = points, features
    valid = np.isin(np.arange(90), holes)
    padded, padded_map, status = run(wide_points, wide_features, valid, policy=policy, capacity=60)
    assert bool(status.ok)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(padded), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(padded_map.rows[holes], plain_map.rows)
    assert (np.asarray(padded_map.rows)[~valid] == 60).all()

    order = np.random.default_rng(2).permutation(60)
    other, other_map, _ = run(points[order], features[order], policy=policy, capacity=60)
    np.testing.assert_array_equal(other.coords, plain.coords)
    np.testing.assert_array_equal(other_map.rows, plain_map.rows[order])
    if policy != "first":
        np.testing.assert_allclose(other.features, plain.features, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_in_nothing_out(policy):
    """Conformance case 14 for points: no points at all, and only padding, with their gradients."""
    for points, valid in ((np.zeros((0, 3)), None), (np.ones((4, 3)), np.zeros(4, bool))):
        features = jnp.ones((len(points), 2))
        x, point_map, status = voxelize(
            points, features, spatial_shape=SHAPE, batch_size=3, duplicates=policy, valid=valid
        )
        assert (int(x.num_active), bool(status.ok)) == (0, True)
        assert (np.asarray(x.coords) == -1).all()
        assert not np.asarray(x.features).any()
        assert point_map.restore(x.features).shape == features.shape
        assert (np.asarray(vote(jnp.ones(len(points), int), point_map, ignore_label=9)) == 9).all()
        gradient = jax.grad(
            lambda f, p=points, v=valid: jnp.sum(
                run(p, f, v, policy=policy, batch=3)[0].features ** 2
            )
        )(features)
        assert not np.asarray(gradient).any()


@pytest.mark.parametrize("policy", POLICIES)
def test_features_have_both_derivatives_of_second_order(policy):
    points, features = some_points(points=12)

    def loss(features):
        x, point_map, _ = voxelize(
            points, features, spatial_shape=SHAPE, batch_size=4, duplicates=policy
        )
        return jnp.sum(
            jnp.tanh(point_map.restore(x.features)) * jnp.arange(36.0).reshape(12, 3) / 10
        )

    check_grads(jax.jit(loss), (features,), 2, modes=("fwd", "rev"), atol=0.05, rtol=0.05, eps=1e-2)


def test_the_gradient_of_equal_maxima_goes_to_the_first_and_nan_is_not_hidden():
    points = np.array([[0, 0, 0]] * 3)

    def top(features):
        return jnp.sum(run(points, features, policy="max")[0].features)

    assert jax.grad(top)(jnp.array([[1.0], [2.0], [2.0]]))[:, 0].tolist() == [0, 1, 0]
    assert np.isnan(top(jnp.array([[1.0], [jnp.nan], [2.0]])))
    assert largest_of_rows(jnp.array([[1.0], [jnp.nan], [2.0]]), jnp.zeros(3, int), 1).item() == 1


def test_labels_are_elected_by_majority():
    points, _ = some_points(seed=3, points=200)
    rng = np.random.default_rng(4)
    labels = rng.choice([-7, 0, 1, 5, 2**31 - 1, 255], 200).astype(np.int32)
    x, point_map, _ = run(points, np.ones((200, 1), np.float32), policy="first")
    got = np.asarray(jax.jit(functools.partial(vote, ignore_label=255))(labels, point_map))
    _, _, inverse = oracle(points, np.ones((200, 1)), "first")
    for site in range(int(x.num_active)):
        mine = labels[(inverse == site) & (labels != 255)]
        values, counts = np.unique(mine, return_counts=True)
        expected = values[np.argmax(counts)] if len(values) else 255  # argmax: the smallest label
        assert got[site] == expected
    assert (got[int(x.num_active) :] == 255).all()
    with pytest.raises(InputError, match="labels has shape"):
        vote(labels[1:], point_map)
    wide = labels.astype(np.int64)
    np.testing.assert_array_equal(vote(wide, point_map, ignore_label=255), got)
    for outside in (2**32 + 7, -(2**31) - 1):
        wide[3] = outside
        with pytest.raises(InputError, match=f"labels reach .*{outside}.* that int32 holds"):
            vote(wide, point_map)


@pytest.mark.parametrize(
    ("batch", "shape"), [(256, (768,) * 3), (3, (300, 70, 500, 2000)), (2, (2**31 - 2,))]
)
def test_large_volumes_and_four_dimensions(batch, shape):
    rng = np.random.default_rng(6)
    corner = np.stack([rng.integers(0, n, 3000) for n in (batch, *shape)], axis=1)
    corner[-1] = np.array([batch, *shape]) - 1
    points = corner[rng.integers(0, 3000, 4000)]
    points[:2] = corner[-1]
    features = rng.normal(size=(4000, 2)).astype(np.float32)
    expected, merged, inverse = oracle(points, features, "sum")
    x, point_map, status = voxelize(
        points, features, spatial_shape=shape, batch_size=batch, duplicates="sum"
    )
    assert bool(status.ok)
    np.testing.assert_array_equal(x.coords[: len(expected)], expected)
    np.testing.assert_allclose(x.features[: len(expected)], merged, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(point_map.rows, inverse)


def test_rows_are_read_and_summed_as_numpy_does_under_vmap_too():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    rows = rng.integers(-2, 8, (2, 9))
    inside = (rows >= 0) & (rows < 5)
    for b in range(2):
        expected = np.where(inside[b][:, None], x[b][np.clip(rows[b], 0, 4)], 0)
        np.testing.assert_array_equal(jax.vmap(take_rows)(x, rows)[b], expected)
        one = jax.vmap(lambda f: take_rows(f, rows[0]))(x)[b]
        np.testing.assert_array_equal(one, take_rows(x[b], rows[0]))
        np.testing.assert_array_equal(
            jax.vmap(take_rows, (None, 0))(x[0], rows)[b], take_rows(x[0], rows[b])
        )
    back = jax.vmap(functools.partial(sum_rows, capacity=7))(jnp.ones((2, 9, 1)), rows)
    counts = [np.bincount(r[(r >= 0) & (r < 7)], minlength=7) for r in rows]
    np.testing.assert_array_equal(back[..., 0], counts)
    # <take x, y> = <x, sum y>
    y = rng.normal(size=(9, 3)).astype(np.float32)
    left = float(np.vdot(take_rows(x[0], rows[0]), y))
    right = float(np.vdot(x[0], sum_rows(y, rows[0], 5)))
    assert left == pytest.approx(right, rel=1e-4)
    with pytest.raises(InputError, match="rows has type"):
        take_rows(x[0], np.ones(2))
    with pytest.raises(InputError, match="must be one a point"):
        sum_rows(x[0], np.ones(2, int), 3)
    with pytest.raises(InputError, match="must be \\[sites, channels\\]"):
        take_rows(x, rows[0])


def test_sums_in_bfloat16_are_carried_in_float32():
    ones = jnp.ones((1000, 1), jnp.bfloat16)  # bfloat16 itself stops counting at 256
    assert float(sum_rows(ones, jnp.zeros(1000, jnp.int32), 1)[0, 0]) == 1000


def test_devices_give_the_rows_of_one_device():
    points, features = some_points(points=48)
    split = points.reshape(4, 12, 3), features.reshape(4, 12, 3)
    function = functools.partial(
        voxelize, spatial_shape=SHAPE, batch_size=4, duplicates="mean", capacity=12
    )
    together = jax.pmap(function)(*split)
    for device in range(4):
        alone = run(split[0][device], split[1][device], policy="mean", capacity=12)
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_array_equal(a[device], b)


def test_no_float_is_added_by_scatter_and_nothing_is_64_bits_wide():
    points, features = some_points()

    def loss(features):
        x, point_map, _ = voxelize(
            jnp.asarray(points), features, spatial_shape=SHAPE, batch_size=4, duplicates="sum"
        )
        return jnp.sum(point_map.restore(x.features) ** 2)

    text = jax.jit(jax.grad(loss)).lower(features).as_text()
    values = "\n".join(line for line in text.split("\n") if "dense<" not in line)
    assert not re.search(r"tensor<[\dx]*[if]64>", values)
    scatters = text.split('"stablehlo.scatter"')[1:]
    assert scatters
    for operation in scatters:
        assert "f32" not in operation.split("}) :")[1].split("\n")[0]


@pytest.mark.parametrize("ignored", [-7, 255])
def test_a_conflict_marks_the_sites_whose_voters_disagree(ignored):
    points, _ = some_points(seed=3, points=200)
    labels = np.random.default_rng(4).choice([-7, 0, 1], 200, p=[0.5, 0.4, 0.1]).astype(np.int32)
    x, point_map, _ = run(points, np.ones((200, 1), np.float32), policy="first")
    elect = jax.jit(functools.partial(vote, ignore_label=ignored, conflict=9))
    got = np.asarray(elect(labels, point_map))
    _, _, inverse = oracle(points, np.ones((200, 1)), "first")
    kinds = set()
    for site in range(int(x.num_active)):
        voted = set(labels[(inverse == site) & (labels != ignored)].tolist())
        expected = ignored if not voted else 9 if len(voted) > 1 else voted.pop()
        assert got[site] == expected
        kinds.add(expected)
    assert 9 in kinds
    assert len(kinds) > 1
    assert (got[int(x.num_active) :] == ignored).all()


def test_a_conflict_is_that_of_the_quantisation_of_minkowski_engine():
    """Its rule, point by point: the first label, and the ignored one as soon as one differs."""
    rng = np.random.default_rng(0)
    sites, labels = rng.integers(0, 40, 120), rng.integers(-1, 2, 120).astype(np.int32)
    ignored = -1
    expected: dict[int, int] = {}
    for site, label in zip(sites.tolist(), labels.tolist(), strict=True):
        if expected.setdefault(site, label) != label:
            expected[site] = ignored
    x, point_map, _ = voxelize(
        np.stack([np.zeros(120, int), sites], axis=1), np.ones((120, 1)), spatial_shape=(40,),
        batch_size=1, duplicates="first",
    )  # fmt: skip
    got = vote(labels, point_map, ignore_label=-2, conflict=ignored)
    active = int(x.num_active)
    assert dict(zip(x.coords[:active, 1].tolist(), got[:active].tolist(), strict=True)) == expected
