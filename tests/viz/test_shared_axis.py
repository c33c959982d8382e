"""Which axis views share: the one whose name and length most of them have."""

import pytest

from jaxsparse.viz.shared_axis import shared_axis

LAYER, STRIP = ("layer", 96), ("strip", 64)


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ({"a": (LAYER, STRIP), "b": (LAYER, ("strip", 128))}, {"a": 0, "b": 0}),
        ({"a": (STRIP, LAYER), "b": (("strip", 128), LAYER)}, {"a": 1, "b": 1}),
        ({"a": (LAYER, STRIP), "b": (("strip", 128), LAYER)}, {"a": 0, "b": 1}),
        ({"a": (LAYER, STRIP), "b": (LAYER, STRIP)}, {"a": 0, "b": 0}),
        ({"a": (("x", 64), LAYER), "b": (("y", 64), LAYER)}, {"a": 1, "b": 1}),
        ({"a": (LAYER, STRIP), "b": (("layer", 90), ("strip", 128))}, {}),
        ({"a": (LAYER, STRIP)}, {}),
        ({"a": (LAYER, LAYER), "b": (STRIP, ("row", 9))}, {}),
        ({}, {}),
    ],
    ids=["first", "second", "mixed", "both alike", "names decide", "other lengths", "one view",
         "twice in one view", "no view"],
)  # fmt: skip
def test_the_axis_is_known_by_its_name_and_its_length(views, expected):
    axes = {view: [name for name, _ in own] for view, own in views.items()}
    shapes = {view: [length for _, length in own] for view, own in views.items()}
    assert shared_axis(axes, shapes) == expected


def test_most_views_decide_and_others_are_left_out():
    axes = {"u": ("x", "z"), "v": ("y", "x"), "w": ("z", "x"), "space": ("x", "y", "z")}
    shapes = {"u": (5, 9), "v": (7, 5), "w": (9, 5), "space": (5, 7, 9)}
    assert shared_axis(axes, shapes) == {"u": 0, "v": 1, "w": 1}
