"""Pixel weights against cases worked out by hand from the talk's two rules."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsparse.data import weights as module
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.errors import InputError


def pixel_weights(*views: View, **options) -> np.ndarray:
    return module.pixel_weights(Pixels.of(views), **options)


def view_of(instance, labels=None, distance=None) -> View:
    """A row of pixels, one wire each."""
    count = len(instance)
    coords = np.stack([np.zeros(count), np.arange(count)], axis=1).astype(np.int32)
    return View(
        coords, np.ones(count, np.float32), (1, max(count, 1)),
        labels=np.zeros(count, np.int8) if labels is None else np.array(labels, np.int8),
        instance=np.array(instance, np.int32),
        vertex_distance=None if distance is None else np.array(distance, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pixels", "weight"),
    [
        (1, 2e-2),
        (50, 2e-2),
        (51, 1 / 51),
        (100, 1e-2),
        (4999, 1 / 4999),
        (5000, 2e-4),
        (9000, 2e-4),
    ],
)
def test_cluster_weight_is_one_over_the_pixels_of_the_instance_within_its_range(pixels, weight):
    np.testing.assert_allclose(pixel_weights(view_of([0] * pixels)), weight, rtol=1e-6)


def test_every_instance_has_its_own_weight():
    weights = pixel_weights(view_of([3] * 100 + [7] * 400))
    np.testing.assert_allclose(weights[:100], 1e-2, rtol=1e-6)
    np.testing.assert_allclose(weights[100:], 2.5e-3, rtol=1e-6)


def test_instances_of_one_event_are_not_those_of_another():
    weights = pixel_weights(view_of([0] * 100), view_of([]), view_of([0] * 400 + [2] * 200))
    np.testing.assert_allclose(weights[:100], 1e-2, rtol=1e-6)
    np.testing.assert_allclose(weights[100:500], 2.5e-3, rtol=1e-6)
    np.testing.assert_allclose(weights[500:], 5e-3, rtol=1e-6)


def test_pixels_within_three_of_a_vertex_weigh_two_hundredths_whatever_they_had():
    distance = [0, 1, 2, 3, 4] + [np.inf] * 395
    weights = pixel_weights(view_of([0] * 400, distance=distance))
    np.testing.assert_allclose(weights[:4], 2e-2, rtol=1e-6)
    np.testing.assert_allclose(weights[4:], 2.5e-3, rtol=1e-6)


def test_vertex_weight_may_lower_a_weight_too():
    weights = pixel_weights(view_of([0], distance=[0.0]), vertex_weight=1e-3)
    np.testing.assert_allclose(weights, 1e-3, rtol=1e-6)


def test_pixels_without_class_weigh_nothing_even_at_the_vertex():
    weights = pixel_weights(view_of([0, 0], labels=[-1, 2], distance=[0, 0]))
    np.testing.assert_allclose(weights, [0, 2e-2], rtol=1e-6)


def test_pixels_without_instance_count_together():
    weights = pixel_weights(view_of([-1] * 200 + [0]))
    np.testing.assert_allclose(weights[:200], 5e-3, rtol=1e-6)
    np.testing.assert_allclose(weights[200], 2e-2, rtol=1e-6)


def test_scale_is_the_constant_of_proportionality():
    weights = pixel_weights(view_of([0] * 1000), scale=5.0)
    np.testing.assert_allclose(weights, 5e-3, rtol=1e-6)


def test_no_pixel_no_weight():
    weights = pixel_weights(view_of([]))
    assert weights.shape == (0,)
    assert weights.dtype == np.float32


def test_weights_need_truth_and_a_range():
    with pytest.raises(InputError, match="has no truth"):
        pixel_weights(View(np.zeros((1, 2), np.int32), np.ones(1, np.float32), (1, 1)))
    with pytest.raises(InputError, match=r"cluster_low is 0\.1 and cluster_high"):
        pixel_weights(view_of([0]), low=0.1)


def test_labels_without_instances_weigh_alike():
    labels = np.array([0, 1, -1] * 100, np.int8)
    coords = np.stack([np.zeros(300), np.arange(300)], axis=1).astype(np.int32)
    view = View(coords, np.ones(300, np.float32), (1, 300), labels=labels)
    np.testing.assert_allclose(pixel_weights(view), np.where(labels < 0, 0.0, 1 / 300), rtol=1e-6)
