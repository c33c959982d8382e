"""Groupings of events: against scikit-learn and scipy, in any order, of nothing."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.cluster import DBSCAN

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import (
    GROUPINGS,
    HEAD_OF,
    Edges,
    Embedding,
    Queries,
    SeenEvent,
    SeenView,
    grouping_of,
    instance_classes,
    of_real,
)
from jaxsparse.inference.grouping.dbscan import dbscan
from jaxsparse.inference.grouping.seen import LEAST_REAL
from jaxsparse.models import HEADS
from tests.random_views import random_cells

SHAPE, PIXELS, CLASSES = (50, 60), 300, 3


def random_event(seed=0):
    """Two views; the class changes from left to right, some pixels have none."""
    rng = np.random.default_rng(seed)
    views = []
    for _ in range(2):
        coords = random_cells(rng, PIXELS, SHAPE)
        scores = rng.dirichlet(np.ones(CLASSES), PIXELS)
        scores[np.arange(PIXELS), coords[:, 1] // 20] += 1
        scores[rng.random(PIXELS) < 0.1] = 0
        views.append(SeenView(coords, scores.astype(np.float32) / 2))
    queries = Queries(
        tuple(rng.random((PIXELS, 4)) for _ in views), np.zeros(4), np.zeros((4, CLASSES))
    )
    return SeenEvent(
        tuple(views),
        queries,
        tuple(random_edges(rng, PIXELS) for _ in views),
        tuple(random_embedding(rng, view) for view in views),
    )


def random_edges(rng, pixels):
    one, other = rng.integers(0, pixels, (2, 4 * pixels))
    return Edges(one, other, rng.normal(1, 2, 4 * pixels))


def random_embedding(rng, view):
    """Places of pixels moved a little; of every fifth seed two are equal."""
    rests = rng.normal(0, 0.5, (len(view.coords), 2))
    stretches = np.eye(2).reshape(-1) + rng.normal(0, 0.2, (len(view.coords), 4))
    seeds = np.arange(len(view.coords)) // 5 * 0.1
    return Embedding(np.concatenate([view.coords / 8, rests], axis=1), stretches, seeds)


def partition(numbers):
    return {frozenset(np.flatnonzero(numbers == number)) for number in set(numbers.tolist()) - {-1}}


@pytest.mark.parametrize("name", GROUPINGS)
def test_pixels_in_another_order_get_the_same_instances(name):
    event, rng = random_event(), np.random.default_rng(1)
    orders = [rng.permutation(PIXELS) for _ in event.views]
    moved = SeenEvent(
        tuple(
            SeenView(view.coords[order], view.scores[order])
            for view, order in zip(event.views, orders, strict=True)
        ),
        Queries(
            tuple(rows[order] for rows, order in zip(event.queries.pixels, orders, strict=True)),
            event.queries.used,
            event.queries.classes,
        ),
        tuple(
            Edges(np.argsort(order)[edges.one], np.argsort(order)[edges.other], edges.same)
            for edges, order in zip(event.edges, orders, strict=True)
        ),
        tuple(
            Embedding(said.vectors[order], said.stretches[order], said.seeds[order])
            for said, order in zip(event.embeddings, orders, strict=True)
        ),
    )
    numbers, others = GROUPINGS[name](event), GROUPINGS[name](moved)
    for own, other, order in zip(numbers, others, orders, strict=True):
        assert own.dtype == np.int32
        np.testing.assert_array_equal(own[order], other)
    for own, other, order in zip(
        instance_classes(event, numbers), instance_classes(moved, others), orders, strict=True
    ):
        np.testing.assert_array_equal(own[order], other)


@pytest.mark.parametrize("name", [name for name in GROUPINGS if name != "queries"])
def test_what_does_not_link_views_gives_them_different_numbers(name):
    first, second = GROUPINGS[name](random_event())
    assert first.max() >= 0
    assert not set(first.tolist()) & set(second.tolist()) - {-1}


@pytest.mark.parametrize("name", ["linked", "dbscan", "neighbours", "embedded"])
def test_an_instance_has_one_class_and_a_pixel_of_no_class_none(name):
    event = random_event()
    for view, numbers in zip(event.views, GROUPINGS[name](event), strict=True):
        assert (numbers[view.called < 0] == -1).all()
        for own in partition(numbers):
            assert len(set(view.called[list(own)].tolist())) == 1


def test_neighbours_are_the_connected_pixels_of_an_image():
    event = random_event()
    for view, numbers in zip(event.views, GROUPINGS["neighbours"](event), strict=True):
        expected = set()
        for label in range(CLASSES):
            image = np.zeros(SHAPE, bool)
            rows = np.flatnonzero(view.called == label)
            image[tuple(view.coords[rows].T)] = True
            parts, number = ndimage.label(image, np.ones((3, 3)))
            own = parts[tuple(view.coords[rows].T)]
            expected |= {frozenset(rows[own == part]) for part in range(1, number + 1)}
        assert partition(numbers) == expected


def test_dbscan_is_that_of_scikit_learn_but_for_pixels_between_two_instances():
    event = random_event()
    for view, numbers in zip(event.views, dbscan(event, radius=2, least=3), strict=True):
        assert len(partition(numbers)) > 5
        for label in range(CLASSES):
            rows = np.flatnonzero(view.called == label)
            fitted = DBSCAN(eps=2, min_samples=3).fit(view.coords[rows])
            cores = fitted.core_sample_indices_
            assert partition(numbers[rows[cores]]) == partition(fitted.labels_[cores])
            np.testing.assert_array_equal(numbers[rows] == -1, fitted.labels_ == -1)


def test_a_pixel_between_two_instances_goes_with_the_nearest_core():
    columns = np.array([0, 1, 2, 5, 9, 10, 11])  # 5 is within 3 of one, 4 of the other
    scores = np.ones((7, 1), np.float32)
    event = SeenEvent((SeenView(np.stack([np.zeros(7, int), columns], 1), scores),))
    assert dbscan(event, radius=4, least=3)[0].tolist() == [0, 0, 0, 0, 0, 0, 0]
    assert dbscan(event, radius=3, least=3)[0].tolist() == [0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("name", GROUPINGS)
def test_an_event_without_a_pixel_in_a_view_is_legal(name):
    event = random_event()
    empty = SeenView(np.zeros((0, 2), np.int32), np.zeros((0, CLASSES), np.float32))
    queries = Queries(
        (event.queries.pixels[0], np.zeros((0, 4))), event.queries.used, event.queries.classes
    )
    alone = Edges(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    nothing = Embedding(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros(0))
    one = SeenEvent(
        (event.views[0], empty),
        queries,
        (event.edges[0], alone),
        (event.embeddings[0], nothing),
    )
    numbers = GROUPINGS[name](one)
    assert [len(own) for own in numbers] == [PIXELS, 0]
    assert [len(own) for own in instance_classes(one, numbers)] == [PIXELS, 0]
    none = SeenEvent(
        (empty, empty),
        Queries((np.zeros((0, 4)),) * 2, np.zeros(4), np.zeros((4, 3))),
        (alone,) * 2,
        (nothing,) * 2,
    )
    assert [len(own) for own in instance_classes(none, GROUPINGS[name](none))] == [0, 0]


def test_the_class_of_an_instance_has_the_largest_sum_of_scores_in_all_views():
    scores = np.array([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]], np.float32)
    views = (SeenView(np.zeros((2, 2)), scores[:2]), SeenView(np.zeros((1, 2)), scores[2:]))
    classes = instance_classes(SeenEvent(views), [np.array([7, -1]), np.array([7])])
    assert [own.tolist() for own in classes] == [[1, -1], [1]]
    (one,) = instance_classes(SeenEvent(views[:1]), [np.array([0, 0])])
    assert one.tolist() == [0, 0]


def test_queries_carry_one_number_through_the_views():
    event = random_event()
    told = GROUPINGS["queries"](event)
    for view, scores, numbers in zip(event.views, event.queries.pixels, told, strict=True):
        nobody = view.called < 0  # a pixel of no class
        assert 0 < nobody.sum() < len(nobody)
        np.testing.assert_array_equal(numbers, np.where(nobody, -1, scores.argmax(1)))


def test_queries_need_no_classes():
    event = random_event()
    assert event.queries is not None
    unnamed = tuple(SeenView(view.coords, view.scores[:, :0]) for view in event.views)
    for scores, numbers in zip(
        event.queries.pixels, GROUPINGS["queries"](SeenEvent(unnamed, event.queries)), strict=True
    ):
        np.testing.assert_array_equal(numbers, scores.argmax(1))


def test_pixels_are_shared_out_among_used_queries_alone():
    event = random_event()
    assert event.queries is not None
    used = np.array([-1.0, 2.0, -3.0, 0.5])
    said = Queries(event.queries.pixels, used, event.queries.classes)
    told = GROUPINGS["queries"](SeenEvent(event.views, said))
    for view, scores, numbers in zip(event.views, said.pixels, told, strict=True):
        best = np.where(scores[:, 1] >= scores[:, 3], 1, 3)
        np.testing.assert_array_equal(numbers, np.where(view.called < 0, -1, best))
    none = Queries(said.pixels, used - 5, said.classes)  # then the likeliest one has all
    for numbers in GROUPINGS["queries"](SeenEvent(event.views, none)):
        assert set(numbers.tolist()) == {-1, 1}


def test_every_head_that_tells_particles_brings_a_grouping():
    assert set(HEAD_OF.values()) == {name for name, head in HEADS.items() if head.tells_particles}


def test_a_grouping_that_is_none_or_lacks_its_head_is_refused():
    with pytest.raises(InputError, match="grouping is 'chance': it must be one of linked, dbscan"):
        grouping_of("chance", ("semantic",))
    with pytest.raises(
        InputError, match=r"no head instance \(heads semantic\): choose one of linked"
    ):
        grouping_of("queries", ("semantic",))
    with pytest.raises(InputError, match=r"no head edges .*: choose one of .*, queries$"):
        grouping_of("fragments", ("semantic", "instance"))
    with pytest.raises(InputError, match="no head instance"):
        GROUPINGS["queries"](SeenEvent(random_event().views))


@pytest.mark.parametrize("name", ["linked", "dbscan", "queries", "embedded"])
def test_ghosts_are_of_no_instance(name):
    event = random_event()
    ghost = CLASSES - 1
    views = tuple(
        SeenView(view.coords, of_real(view.scores, ghost), view.values) for view in event.views
    )
    told = GROUPINGS[name](SeenEvent(views, event.queries, event.edges, event.embeddings))
    for view, seen, numbers in zip(event.views, views, told, strict=True):
        scores = view.scores.astype(float)
        real = scores[:, :ghost].sum(1) > LEAST_REAL * scores.sum(1)
        assert 0 < real.sum() < len(real)
        assert not (numbers[~real] >= 0).any()
        if name != "dbscan":  # which leaves pixels out that are alone
            assert (numbers[real] >= 0).all()
        assert (seen.called[real] < ghost).all()


def test_without_ghosts_scores_stay():
    scores = np.array([[0.2, 0.8]])
    assert of_real(scores, None) is scores
