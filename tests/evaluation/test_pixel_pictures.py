"""Which pictures of an event there are, by the axes of its views."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.detectors import ClassSet, find
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.pixel_pictures import PixelPictures


def data_set(axes) -> Any:
    pipeline = SimpleNamespace(
        corners=lambda numbers: [np.zeros((len(numbers), len(axes)), int)], coarsen=1
    )
    return SimpleNamespace(
        numbers=np.array([4]), options=Options(pictures=1), views=("seen",), cropped=False,
        source=SimpleNamespace(axes={"seen": axes}, value_units={"seen": "ADC"}),
        detector=find("toy"), pipeline=pipeline, topologies={4: "bomb"},
    )  # fmt: skip


class OneEvent(SimpleNamespace):
    def __len__(self):
        return 1


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        (("row", "wire"), {"", "_instances"}),
        (("x", "y", "z"), {"", "_3d", "_instances", "_instances_3d"}),
    ],
)
def test_images_of_three_axes_are_drawn_in_space_too(axes, names, tmp_path):
    one: Any = OneEvent(**vars(data_set(axes)))
    pictures = PixelPictures(one, ClassSet(("track", "ghost")))
    coords = np.array([[1] * len(axes), [7] * len(axes)], np.int32)
    view = View(
        coords, np.ones(2, np.float32), (9,) * len(axes), labels=np.array([0, 1], np.int8),
        instance=np.array([3, -1], np.int32),
    )  # fmt: skip
    scores = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    pictures.keep(4, 0, Pixels.of([view]), None, scores, np.array([0, -1]))
    pictures.draw(tmp_path, quiet=True)
    found = {path.stem for path in (tmp_path / "pictures").iterdir()}
    assert found == {f"event_00004{name}" for name in names}
