"""What a training says of its data before it begins."""

from types import SimpleNamespace
from typing import Any

import pytest

from jaxsparse.data.crop import window_shape
from jaxsparse.errors import InputError
from jaxsparse.training.data import _clipped
from jaxsparse.training.data_facts import (
    axis_warning,
    mask_warning,
    mirrors,
    require_one_shape,
    shape_warning,
)

OWN = {"top": (96, 180), "side": (120, 180)}
AXES = dict.fromkeys(OWN, ("strip", "layer"))


def pipeline_of(shapes, **settings) -> Any:
    return SimpleNamespace(
        source=SimpleNamespace(view_shapes=shapes), views=tuple(shapes),
        shapes=tuple(shapes.values()), **{"crops": [False] * len(shapes), **settings},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ((64, 64), ""),
        ((), ""),
        ((128, 64), "data.crop is 128 x 64 but images of view Y are 100 x 80, it keeps windows of "
         "100 x 64"),
        ((512, 512), "data.crop is 512 x 512 but images of view U are 100 x 600, it keeps windows "
         "of 100 x 512; images of view Y are 100 x 80, it keeps the whole image"),
    ],
)  # fmt: skip
def test_a_crop_that_is_larger_than_the_image_is_said(crop, said):
    shapes = {"U": (100, 600), "Y": (100, 80)} if crop == (512, 512) else {"Y": (100, 80)}
    pipeline: Any = SimpleNamespace(
        source=SimpleNamespace(view_shapes=shapes), views=tuple(shapes),
        windows=[window_shape(image, crop) if crop else image for image in shapes.values()],
    )  # fmt: skip
    assert _clipped(pipeline, crop) == said


def test_of_a_lifted_network_only_the_last_view_is_cut():
    shapes = {"U": (100, 600), "candidates": (100, 80, 90)}
    pipeline: Any = SimpleNamespace(
        source=SimpleNamespace(view_shapes=shapes), views=tuple(shapes),
        windows=[(100, 600), (64, 64, 64)],
    )  # fmt: skip
    assert _clipped(pipeline, (64, 64, 64)) == ""
    assert _clipped(pipeline, (64, 96, 64)).startswith("data.crop is 64 x 96 x 64 but images of ")


def test_the_axes_along_which_images_are_mirrored_are_named():
    both = mirrors(pipeline_of(OWN, flip_first=True, flip_others=True), AXES)
    assert both.startswith(
        "at random along strip (all views together) and layer of top, layer of side (each by itsel"
    )
    assert "--config.data.flip_wire=false" in both
    one = mirrors(pipeline_of(OWN, flip_first=True, flip_others=False), AXES)
    assert "strip" in one
    assert "layer" not in one
    assert mirrors(pipeline_of(OWN, flip_first=False, flip_others=False), AXES) == "none"


@pytest.mark.parametrize(
    ("shapes", "warns"),
    [
        (OWN, True),
        ({"top": (180, 96), "side": (180, 120)}, False),
        ({"top": (96, 180)}, False),
        ({"top": (96, 180), "side": (120, 170)}, False),
        ({"U": (1008, 2400), "Y": (1008, 3456)}, False),
        ({"XZ": (100, 80), "YZ": (100, 80)}, False),
        ({"U": (50, 80), "voxels": (9, 80, 7)}, False),
    ],
)
def test_views_that_seem_to_share_an_axis_but_the_first_are_pointed_out(shapes, warns):
    said = axis_warning(pipeline_of(shapes), AXES)
    assert bool(said) == warns
    assert not warns or "if they share the axis layer, write it as their first" in said


def test_a_mask_that_leaves_out_most_pixels_is_warned_of():
    pipeline = pipeline_of(OWN, low=10.0, high=300.0)
    assert "data.low is 10 and data.high 300: 93% of the pixels are mas" in mask_warning(
        pipeline, 0.07
    )
    assert mask_warning(pipeline, 0.8) == mask_warning(pipeline, float("nan")) == ""


def test_views_of_different_shapes_are_refused_before_a_network_that_merges_them_is_made():
    def network(backbone, *reads) -> Any:
        heads = {name: SimpleNamespace(reads=name) for name in reads}
        return SimpleNamespace(backbone=SimpleNamespace(**backbone), heads=heads)

    merging = network({"merge": "add"}, "event", "pixels")
    with pytest.raises(InputError) as caught:
        require_one_shape(merging, pipeline_of(OWN), "fishnet")
    assert "top of 96 x 180, side of 120 x 180 but fishnet puts" in str(caught.value)
    assert "write them as 120 x 180 where the file is made" in str(caught.value)
    assert str(caught.value).endswith("--config.data.crop=96,180")
    require_one_shape(merging, pipeline_of(dict.fromkeys(OWN, (96, 180))), "fishnet")
    require_one_shape(network({"merge": "add"}, "pixels"), pipeline_of(OWN), "fishnet")
    require_one_shape(network({}, "event"), pipeline_of(OWN), "uresnet")


def test_validation_images_of_another_shape_are_pointed_out():
    own, turned = pipeline_of(OWN), pipeline_of({**OWN, "top": (180, 96)})
    assert shape_warning(own, None) == shape_warning(own, own) == ""
    assert shape_warning(own, turned) == (
        "images of view top are 96 x 180 in data.train, 180 x 96 in data.validation: are its axes "
        "swapped?"
    )
    assert "?" not in shape_warning(own, pipeline_of({**OWN, "top": (96, 90)}))
    assert shape_warning(pipeline_of(OWN, crops=[True, True]), turned) == ""
