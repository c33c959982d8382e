"""The truth of pixels against loops over dictionaries."""

import collections

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.simulate.pixel_truth import Groups, merge, pixel_truth, vertex_distance

parts = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5), st.floats(0.1, 50)), max_size=40)


def table(labels, instances, interaction):
    particles = np.zeros(len(labels), PARTICLE_DTYPE)
    particles["label"], particles["instance"] = labels, instances
    particles["interaction"] = interaction
    return particles


def columns(rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells, group, amount = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(cells, np.int64), np.array(group, np.int64), np.array(amount, float)


@given(parts)
def test_merge_sums_by_cell_and_group_in_order(rows):
    expected: dict = collections.defaultdict(float)
    for cell, group, amount in rows:
        expected[cell, group] += amount
    got = merge(*columns(rows), 6)
    assert list(zip(*map(np.ndarray.tolist, got[:2]), strict=True)) == sorted(expected)
    np.testing.assert_allclose(got[2], [expected[key] for key in sorted(expected)])


@given(parts, st.lists(st.integers(-1, 4), min_size=6, max_size=6))
def test_every_pixel_gets_what_a_loop_over_its_charges_says(rows, labels):
    groups = Groups.of(table(labels, np.arange(6), [True, False] * 3))
    cells, particle, amount = columns(rows)
    sums = merge(cells, groups.of_particle[particle], amount, len(groups))
    got = pixel_truth(*sums, groups, floor=1.0)
    for place, cell in enumerate(got["pixels"]):
        here = [(g, a) for c, g, a in zip(*sums, strict=True) if c == cell]
        total = sum(a for _, a in here)
        least = max(0.1 * total, 1.0)
        by_class: collections.Counter[int] = collections.Counter()
        for g, a in here:
            by_class[int(groups.label[g])] += a
        counting = [k for k, a in by_class.items() if k != NO_CLASS and a >= least]
        label = min(counting, default=NO_CLASS)
        assert got["values"][place] == sum(a for _, a in here) or np.isclose(
            got["values"][place], total
        )
        assert got["labels"][place] == label
        same = [(a, groups.instance[g]) for g, a in here if groups.label[g] == label]
        if label == NO_CLASS:
            assert got["instance"][place] == -1
            assert got["share"][place] == 0
        else:
            best = max(a for a, _ in same)
            np.testing.assert_allclose(got["share"][place], best / total, rtol=1e-6)
            assert got["instance"][place] in [i for a, i in same if a == best]
        assert got["overlap"][place] == sum(a >= least for _, a in here)
        assert got["interaction"][place] == (
            2 * sum(a for g, a in here if groups.interaction[g]) > got["values"][place]
        )
    assert sorted(set(cells.tolist())) == got["pixels"].tolist()


def test_particles_of_one_cluster_are_one_group():
    particles = table([2, 2, 2, 3], [0, 0, 2, 2], [True] * 4)
    groups = Groups.of(particles)
    assert len(groups) == 3
    assert groups.of_particle[0] == groups.of_particle[1] != groups.of_particle[2]
    np.testing.assert_array_equal(groups.label[groups.of_particle], particles["label"])
    np.testing.assert_array_equal(groups.instance[groups.of_particle], particles["instance"])


def test_a_vertex_outside_the_image_is_not_seen():
    coords = np.array([[0, 0], [3, 7]])
    far = vertex_distance(coords, np.array([[-1, 2], [4, 10]]), (10, 10))
    assert np.isinf(far).all()
    near = vertex_distance(coords, np.array([[-1, 2], [4, 9], [1, 1]]), (10, 10))
    np.testing.assert_array_equal(near, [1, 2])
