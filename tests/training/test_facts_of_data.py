"""What a training says of its data before it begins."""

from types import SimpleNamespace
from typing import Any

import pytest

from jaxsparse.data.crop import window_shape
from jaxsparse.training.data import _clipped


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
