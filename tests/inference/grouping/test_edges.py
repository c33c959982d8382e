"""Fragments and particles of learned edges: against the definition, and at their limits."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import logit

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import Edges, SeenEvent, SeenView
from jaxsparse.inference.grouping.agglomeration import agglomerated
from jaxsparse.inference.grouping.edges import fragments, particles


def row_of(pixels, pairs, classes=None):
    """An event of pixels beside each other, with pairs (one, other, probability)."""
    coords = np.stack([np.zeros(pixels, int), np.arange(pixels)], axis=1)
    scores = np.ones((pixels, 1), np.float32)
    scores[np.array(classes or [0] * pixels) < 0] = 0
    one, other, same = np.array(pairs, float).reshape(-1, 3).T
    edges = Edges(one.astype(int), other.astype(int), logit(same))
    return SeenEvent((SeenView(coords, scores),), edges=(edges,))


def joined_one_by_one(count, one, other, units, least):
    """The definition: as long as some two clusters have a mean high enough, the best two join."""
    cluster = np.arange(count)
    while True:
        best = None
        for a in np.unique(cluster):
            for b in np.unique(cluster)[np.unique(cluster) > a]:
                between = (np.minimum(cluster[one], cluster[other]) == a) & (
                    np.maximum(cluster[one], cluster[other]) == b
                )
                if between.any() and (mean := units[between].mean()) >= least:
                    best = min(best or (0, 0, 0), (-mean, a, b))
        if best is None:
            return np.unique(cluster, return_inverse=True)[1]
        cluster[cluster == best[2]] = best[1]


@pytest.mark.parametrize("seed", range(4))
def test_clusters_join_while_the_mean_between_two_is_high_enough(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 25, (2, 60))
    units = rng.permutation(1000)[:60]  # without equal ones
    found = agglomerated(25, one, other, units, least=500)
    np.testing.assert_array_equal(found, joined_one_by_one(25, one, other, units, 500))
    assert 3 < len(set(found.tolist())) < 22
    order = rng.permutation(60)
    again = agglomerated(25, other[order], one[order], units[order], least=500)
    np.testing.assert_array_equal(found, again)


def test_fragments_are_the_components_of_sure_pairs():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 200, (2, 300))
    same = rng.uniform(0.01, 0.99, 300)
    (found,) = fragments(row_of(200, np.stack([one, other, same], axis=1)), sure=0.5)
    sure = same >= 0.5
    graph = coo_array((np.ones(sure.sum()), (one[sure], other[sure])), shape=(200, 200))
    _, expected = connected_components(graph, directed=False)
    np.testing.assert_array_equal(found, expected)  # both count by first members
    assert len(set(found.tolist())) > 20


def test_one_wrong_pair_makes_one_fragment_and_not_one_particle():
    within = [(a, b, 0.8) for side in (range(4), range(4, 8)) for a in side for b in side if a < b]
    across = [(3, 4, 0.8), (2, 4, 0.1), (3, 5, 0.1), (2, 5, 0.1)]
    event = row_of(8, within + across)
    assert fragments(event, sure=0.7)[0].tolist() == [0] * 8
    assert particles(event, sure=0.9, joined=0.5)[0].tolist() == [0] * 4 + [1] * 4


def test_pixels_without_a_pair_are_alone_and_those_of_no_class_are_of_no_instance():
    event = row_of(5, [(0, 1, 0.95), (1, 2, 0.95)], classes=[0, 0, -1, 0, 0])
    for grouping in (fragments, particles):
        assert grouping(event)[0].tolist() == [0, 0, -1, 1, 2]
    assert particles(row_of(1, []))[0].tolist() == [0]


def test_pixels_of_two_classes_are_not_of_one_particle():
    event = row_of(4, [(0, 1, 0.99), (1, 2, 0.99), (2, 3, 0.99)])
    scores = np.array([[0.99, 0.01], [0.99, 0.01], [0.01, 0.99], [0.01, 0.99]], np.float32)
    event = SeenEvent((SeenView(event.views[0].coords, scores),), edges=event.edges)
    for grouping in (fragments, particles):
        assert grouping(event)[0].tolist() == [0, 0, 1, 1]


def test_all_pixels_may_be_one_particle():
    event = row_of(300, [(pixel, pixel + 1, 0.6) for pixel in range(299)])
    assert not particles(event)[0].any()
    assert fragments(event)[0].tolist() == list(range(300))


def test_a_view_of_many_particles_takes_bounded_time():
    """All pairs of a star and of a chain: every join hands over the fewer neighbours."""
    count = 20_000
    star = [np.zeros(count - 1, int), np.arange(1, count)]
    chain = [np.arange(count - 1), np.arange(1, count)]
    one, other = np.concatenate([star, chain], axis=1)
    units = np.random.default_rng(0).integers(6, 10, len(one))
    assert not agglomerated(count, one, other, units, least=5).any()


def test_a_network_without_the_head_is_refused_in_one_line():
    event = SeenEvent(row_of(3, []).views)
    with pytest.raises(InputError, match="grouping is 'particles', but the network has no head"):
        particles(event)


def test_what_the_head_says_of_one_event_of_a_batch_is_cut_out():
    others = np.array([[1, 9], [9, 9], [9, 4], [4, 5], [9, 9], [9, 9], [9, 9], [9, 9], [9, 9]])
    edges = Edges.of(others, np.arange(18.0).reshape(9, 2), slice(2, 6))
    assert edges.one.tolist() == [0, 1, 1]
    assert edges.other.tolist() == [2, 2, 3]
    assert edges.same.tolist() == [5, 6, 7]
