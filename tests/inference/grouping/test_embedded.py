"""Instances by embeddings: against the definition, and at their limits."""

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import Embedding, SeenEvent, SeenView
from jaxsparse.inference.grouping.embedded import embedded, fragments, joined_fragments


def seen(places, *, rests=None, stretches=None, seeds=None, classes=None):
    """An event of one view, a pixel a place."""
    places = np.asarray(places, float)
    number = len(places)
    scores = np.eye(3, dtype=np.float32)[np.zeros(number, int) if classes is None else classes]
    vectors = np.concatenate([places, np.zeros((number, 1)) if rests is None else rests], axis=1)
    said = Embedding(
        vectors,
        np.tile([1.0, 0, 0, 1], (number, 1)) if stretches is None else np.asarray(stretches),
        -np.arange(number) if seeds is None else np.asarray(seeds),
    )
    coords = np.stack([np.zeros(number, int), np.arange(number)], axis=1)
    return SeenEvent((SeenView(coords, scores),), embeddings=(said,))


def along(*columns):
    return [(0, column) for column in columns]


def distance(one, other):
    """Squared, of two pixels or means: a place, one more number, a 2 x 2 matrix."""
    apart = one[:3] - other[:3]
    seen = [((each[3:].reshape(2, 2) @ apart[:2]) ** 2).sum() for each in (one, other)]
    return sum(seen) / 2 + apart[2] ** 2


def random_pixels(seed, number=60):
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(0, 8, (number, 3)) * (1, 1, 0.2)
    stretches = np.eye(2).reshape(-1) + rng.normal(0, 0.3, (number, 4))
    return np.concatenate([vectors, stretches], axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_fragments_are_what_is_near_the_best_seed_that_is_left(seed):
    pixels = random_pixels(seed)
    seeds = np.random.default_rng(seed).integers(0, 20, 60)  # many are equal
    expected, left, count = np.full(60, -1), set(range(60)), 0
    while left:
        best = min(left, key=lambda i: (-seeds[i], i))
        own = {i for i in left if distance(pixels[i], pixels[best]) < 1.5} | {best}
        expected[sorted(own)] = count
        left, count = left - own, count + 1
    found = fragments(pixels, seeds, 2, 1.5)
    np.testing.assert_array_equal(found, expected)
    assert 5 < found.max() < 55


@pytest.mark.parametrize("seed", range(3))
def test_the_two_nearest_means_join_while_they_are_near_enough(seed):
    pixels, number = random_pixels(seed), np.random.default_rng(seed).permutation(60) // 2
    expected = number.copy()
    while True:
        names = np.unique(expected)
        means = {name: pixels[expected == name].mean(0) for name in names}
        pairs = [(distance(means[a], means[b]), a, b) for a in names for b in names if a < b]
        least, one, other = min(pairs)
        if least >= 3:
            break
        expected[expected == other] = one
    found = joined_fragments(pixels, number, 2, 3.0)
    np.testing.assert_array_equal(found, np.unique(expected, return_inverse=True)[1])
    assert 2 < found.max() < 25


def test_what_is_near_is_one_instance_and_what_is_not_another():
    assert embedded(seen(along(0, 0.5, 1, 5, 5.5)))[0].tolist() == [0, 0, 0, 1, 1]
    apart = np.array([[0], [0], [0], [3.0], [0]])  # by what is no place
    assert embedded(seen(along(0, 0, 0, 0, 0), rests=apart))[0].tolist() == [0, 0, 0, 1, 0]


def test_a_particle_is_longer_than_what_a_pixel_sees():
    places = along(0, 0.6, 1.2, 1.8)
    assert embedded(seen(places), near=0.5, joined=0.0)[0].tolist() == [0, 0, 1, 1]
    assert embedded(seen(places), near=0.5, joined=1.5)[0].tolist() == [0, 0, 0, 0]


def test_a_stretch_makes_an_instance_long_in_any_direction():
    diagonal = [(step, step) for step in range(5)] + [(3, 0)]
    across = np.array([1.0, -1, 0, 0])  # sees what lies across the diagonal
    assert embedded(seen(diagonal, stretches=[across] * 6))[0].tolist() == [0] * 5 + [1]
    assert embedded(seen(diagonal))[0].max() > 1


def test_classes_do_not_mix_and_a_pixel_of_no_class_is_of_no_instance():
    event = seen(along(0, 0, 0, 0), classes=[0, 1, 0, 2])
    assert embedded(event)[0].tolist() == [0, 1, 0, 2]
    scores = event.views[0].scores.copy()
    scores[2] = 0
    event = SeenEvent((SeenView(event.views[0].coords, scores),), embeddings=event.embeddings)
    assert embedded(event)[0].tolist() == [0, 1, -1, 2]


def test_a_pixel_alone_and_all_pixels_one_particle_are_legal():
    assert embedded(seen(along(3)))[0].tolist() == [0]
    assert not embedded(seen(np.zeros((200, 2))))[0].any()


def row_of(columns):
    """Pixels of unit stretch."""
    columns = np.asarray(columns, float)
    places = np.stack([np.zeros(len(columns)), columns], axis=1)
    return np.concatenate([places, np.tile(np.eye(2).reshape(-1), (len(columns), 1))], axis=1)


def test_more_fragments_than_there_may_be_go_with_the_nearest_seed():
    found = fragments(row_of([0, 10, 20, 13, 21, 5]), -np.arange(6), 2, 1.0, most=3)
    assert found.tolist() == [0, 1, 2, 1, 2, 0]


def test_a_view_of_pixels_that_are_all_apart_takes_bounded_time():
    count = 27_000  # pixels of the largest events
    found = fragments(row_of(10 * np.arange(count)), np.zeros(count), 2, 0.5, most=20)
    assert found[:20].tolist() == list(range(20))
    assert (found[20:] == 19).all()


def test_a_network_without_the_head_is_refused_in_one_line():
    event = SeenEvent(seen(along(0, 1)).views)
    with pytest.raises(InputError, match="grouping is 'embedded', but the network has no head"):
        embedded(event)


def test_what_the_head_says_of_one_event_of_a_batch_is_cut_out():
    columns = np.arange(12).reshape(6, 2), np.arange(24).reshape(6, 4), np.arange(6)
    said = Embedding.of(*columns, slice(2, 4))
    assert said.vectors.tolist() == [[4, 5], [6, 7]]
    assert said.stretches.tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
    assert said.seeds.tolist() == [2, 3]
