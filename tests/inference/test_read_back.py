"""Answers of candidates at the pixels that show them, against one pixel at a time."""

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.inference.read_back import instances_of_pixels, scores_of_pixels

CANDIDATES, PIXELS, GHOST = 60, 25, 3


def case(seed):
    """Links of most candidates to a pixel, scores of three classes and of ghosts, instances."""
    rng = np.random.default_rng(seed)
    linked = np.flatnonzero(rng.random(CANDIDATES) < 0.8)
    rows = rng.integers(0, PIXELS, len(linked))
    links = Links.of(linked, rows, np.ones(len(linked)), CANDIDATES)
    scores = rng.dirichlet(np.ones(4), CANDIDATES)
    return dict(zip(linked, rows, strict=True)), links, scores, rng.integers(-1, 4, CANDIDATES)


def test_scores_are_those_of_candidates_as_far_as_they_are_real():
    for seed in range(3):
        pixel_of, links, scores, _ = case(seed)
        found = scores_of_pixels(links, scores, PIXELS, GHOST)
        for pixel in range(PIXELS):
            own = [scores[one, :3] for one, place in pixel_of.items() if place == pixel]
            expected = sum(own) / np.sum(own) if own else np.zeros(3)
            np.testing.assert_allclose(found[pixel], expected, atol=1e-12)


def test_the_instance_of_a_pixel_is_that_of_most_weight():
    for seed in range(3):
        pixel_of, links, scores, instance = case(seed)
        weight = np.where(scores.argmax(1) == GHOST, 0, 1 - scores[:, GHOST])
        found = instances_of_pixels(links, instance, weight, PIXELS)
        assert found.dtype == np.int32
        for pixel in range(PIXELS):
            sums = [
                sum(
                    weight[one]
                    for one, place in pixel_of.items()
                    if place == pixel and instance[one] == number
                )
                for number in range(4)
            ]
            assert found[pixel] == (int(np.argmax(sums)) if max(sums) > 0 else -1)


def test_views_without_pixels_and_events_without_candidates_have_answers_of_no_rows():
    none = Links.none(0)
    scores = np.zeros((0, 4))
    assert scores_of_pixels(none, scores, 0, GHOST).shape == (0, 3)
    assert not scores_of_pixels(none, scores, 2, GHOST).any()
    empty = np.zeros(0, np.int64)
    assert instances_of_pixels(none, empty, empty.astype(float), 2).tolist() == [-1, -1]
