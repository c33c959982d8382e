"""Views of an event in line: a place on the shared axis is at one place of the page in all."""

import numpy as np
import pytest

from jaxsparse.data.schema import View
from jaxsparse.viz.event_picture import EventPicture
from jaxsparse.viz.event_views import views_figure
from jaxsparse.viz.lined_up import line_up
from jaxsparse.viz.picture import Picture

LAYERS = 96
AXES = {0: ("layer", "strip"), 1: ("strip", "layer")}  # by the number of the shared one


def image(
    layers, *, shared: int = 0, across: int = 0, strips: int = 64, corner=(), layers_seen=LAYERS
) -> Picture:
    """A pixel in the middle of every layer that is named."""
    coords = np.full((len(layers), 2), strips // 2)
    coords[:, shared] = layers
    shape = (layers_seen, strips) if shared == 0 else (strips, layers_seen)
    view = View(coords, np.ones(len(coords), np.float32), shape)
    return Picture(view, axes=AXES[shared], across=across, corner=corner)


def charges(pictures, shared) -> list:
    figure = views_figure(EventPicture(pictures, shared))
    return [ax for ax in figure.axes if "pixels" in ax.get_title(loc="left")]


def painted(ax, axis: int) -> list[float]:
    """Where the first and the last painted dot lie along an axis of the page, in its numbers."""
    (shown,) = ax.get_images()
    dots = np.flatnonzero(np.asarray(shown.get_array())[..., 3].any(axis=axis))
    low, high = np.reshape(shown.get_extent(), (2, 2))[axis]
    number = shown.get_array().shape[1 - axis]
    edges = low + (high - low) * np.array([dots.min(), dots.max() + 1]) / number
    return edges.tolist()


@pytest.mark.parametrize("first", [0, 1], ids=["first axis", "second axis"])
@pytest.mark.parametrize("second", [0, 1], ids=["of first", "of second"])
def test_a_shared_axis_from_left_to_right_has_views_one_above_the_other(first, second):
    pictures = {
        "a": image([20, 40], shared=first, across=first),
        "b": image([30, 50], shared=second, across=0, strips=128),
    }
    upper, lower = charges(pictures, {"a": first, "b": second})
    for ax in (upper, lower):
        assert ax.get_xlim() == upper.get_xlim()
        assert ax.get_ylabel() == "strip"
        assert ax.get_position().x0 == upper.get_position().x0
        assert ax.get_position().x1 == upper.get_position().x1
        assert ax.get_aspect() == "auto"  # else it would not fill its place
    assert upper.get_position().y0 > lower.get_position().y1
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "layer")
    assert painted(upper, 0) == pytest.approx([19.5, 40.5], abs=0.2)
    assert painted(lower, 0) == pytest.approx([29.5, 50.5], abs=0.2)
    left, right = upper.get_xlim()
    assert left < 19.5
    assert right > 50.5


@pytest.mark.parametrize("second", [0, 1])
def test_a_shared_axis_from_below_has_views_side_by_side(second):
    pictures = {
        "a": image([20, 40], across=1),
        "b": image([30, 50], shared=second, across=0, strips=128),
    }
    left, right = charges(pictures, {"a": 0, "b": second})
    for ax in (left, right):
        assert ax.get_ylim() == left.get_ylim()
        assert ax.get_xlabel() == "strip"
        assert ax.get_position().y0 == left.get_position().y0
        assert ax.get_position().y1 == left.get_position().y1
    assert left.get_position().x1 < right.get_position().x0
    assert (left.get_ylabel(), right.get_ylabel()) == ("layer", "")
    assert painted(left, 1) == pytest.approx([19.5, 40.5], abs=0.2)
    assert painted(right, 1) == pytest.approx([29.5, 50.5], abs=0.2)


def test_crops_are_in_line_by_the_pixels_of_the_file():
    pictures = {
        "a": image([2, 22], corner=(18, 0), layers_seen=40),
        "b": image([0, 20], corner=(30, 7), layers_seen=40),
    }
    upper, lower = charges(pictures, {"a": 0, "b": 0})
    assert upper.get_xlim() == lower.get_xlim()
    assert painted(upper, 0) == pytest.approx([19.5, 40.5], abs=0.2)
    assert painted(lower, 0) == pytest.approx([29.5, 50.5], abs=0.2)


def test_views_without_a_shared_axis_keep_their_own_range_and_shape():
    pictures = {"a": image([20, 40], across=1), "b": image([80, 90], across=1)}
    left, right = charges(pictures, {})
    assert left.get_ylim() != right.get_ylim()
    assert left.get_aspect() == right.get_aspect() == 1


def test_a_view_that_shares_nothing_has_all_its_numbers():
    pictures = {"a": image([20]), "b": image([30]), "c": image([3], strips=10, layers_seen=10)}
    upper, middle, lower = charges(pictures, {"a": 0, "b": 0})
    assert upper.get_xlim() == middle.get_xlim() != lower.get_xlim()
    assert [ax.get_xlabel() for ax in (upper, middle, lower)] == ["", "layer", "layer"]


def test_a_view_without_pixels_does_not_widen_the_range():
    both = line_up({"a": image([20, 40]), "b": image([])}, {"a": 0, "b": 0})
    alone = line_up({"a": image([20, 40])}, {"a": 0})
    assert both.limits == alone.limits
    assert both.windows["b"].size == both.windows["a"].size


def test_an_event_without_pixels_shows_whole_images():
    lined = line_up({"a": image([]), "b": image([])}, {"a": 0, "b": 0})
    assert lined.limits == (-0.5, LAYERS - 0.5)


def test_images_up_to_a_size_may_stay_whole():
    lined = line_up({"a": image([20, 40]), "b": image([30])}, {"a": 0, "b": 0}, small=LAYERS)
    assert lined.windows["a"].size == (64, LAYERS)
    assert lined.limits == (-0.5, LAYERS - 0.5)


def test_pixels_of_views_in_line_are_squares():
    pictures = {"a": image(range(20, 60)), "b": image(range(30, 50), strips=40)}
    for down in (True, False):
        turned = {
            name: Picture(one.view, axes=one.axes, across=0 if down else 1)
            for name, one in pictures.items()
        }
        lined = line_up(turned, {"a": 0, "b": 0})
        assert lined.down == down
        sizes = [
            (wide / window.size[1], high / window.size[0])
            for (wide, high), window in zip(lined.sizes(3.0), lined.windows.values(), strict=True)
        ]
        assert sizes == [pytest.approx((sizes[0][0],) * 2)] * 2
