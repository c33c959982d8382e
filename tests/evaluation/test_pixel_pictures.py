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
from jaxsparse.viz import style


def data_set(axes, views=("seen",)) -> Any:
    corners = [np.zeros((1, len(axes)), int)] * len(views)
    pipeline = SimpleNamespace(corners=lambda numbers: corners, coarsen=1)
    return SimpleNamespace(
        numbers=np.array([4]), options=Options(pictures=1), views=views, cropped=False,
        source=SimpleNamespace(
            axes=dict.fromkeys(views, axes), value_units=dict.fromkeys(views, "ADC")
        ),
        detector=find("toy"), pipeline=pipeline, topologies={4: "bomb"},
        shared=dict.fromkeys(views, 0) if len(views) > 1 else {}, shapes=[(9,) * len(axes)],
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
    drawn(data_set(axes), tmp_path)
    found = {path.stem for path in (tmp_path / "pictures").iterdir()}
    assert found == {f"event_00004{name}" for name in names}


def drawn(shown, folder):
    """Pictures of one event with a right pixel of a particle and a right one of none a view."""
    one: Any = OneEvent(**vars(shown))
    pictures = PixelPictures(one, ClassSet(("track", "ghost")))
    axes = shown.source.axes[shown.views[0]]
    coords = np.array([[1] * len(axes), [7] * len(axes)], np.int32)
    view = View(
        coords, np.ones(2, np.float32), (9,) * len(axes), labels=np.array([0, 1], np.int8),
        instance=np.array([3, -1], np.int32),
    )  # fmt: skip
    scores = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    for number in range(len(shown.views)):
        pictures.keep(4, number, Pixels.of([view]), None, scores, np.array([0, -1]))
    pictures.draw(folder, quiet=True)


def test_the_title_of_particles_names_all_views_and_counts_their_pixels(tmp_path, monkeypatch):
    titles = {}
    monkeypatch.setattr(
        style, "save", lambda figure, path: titles.update({path.stem: figure.get_suptitle()})
    )
    drawn(data_set(("row", "wire"), ("U", "V")), tmp_path)
    assert titles["event_00004_U"] == "event 4,  bomb,  view U,  2 pixels,  2 of 2 right"
    words = "event 4,  bomb,  views U, V,  4 pixels,  4 of 4 right"
    assert titles["event_00004_instances"] == words
