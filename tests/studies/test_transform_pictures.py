"""The pictures of docs/transforms.md can be drawn from any event file with truth."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from studies.transforms import (
    crop_figure,
    flips_figure,
    hot_window,
    mask_figure,
    pick_events,
    vertex_window,
    weights_figure,
)

SHAPE = (300, 400)


def star(number: int) -> View:
    """Lines of all five classes from one vertex, some charge above the mask, a cosmic far away."""
    rng = np.random.default_rng(number)
    pixels: dict[tuple[int, int], int] = {}
    for label in range(5):
        angle = rng.uniform(0, 2 * np.pi)
        for step in range(60):
            spot = 150 + step * np.sin(angle), 200 + step * np.cos(angle)
            pixels.setdefault((int(spot[0]), int(spot[1])), label)
    for wire in range(10, 60):
        pixels[(20, wire)] = 1
    coords = np.array(sorted(pixels), np.int32)
    near = np.abs(coords - [150, 200]).max(axis=1)
    return View(
        coords, rng.uniform(5, 320, len(coords)).astype(np.float32), SHAPE,
        labels=np.array([pixels[tuple(pixel)] for pixel in coords.tolist()], np.int8),
        instance=np.array([pixels[tuple(pixel)] for pixel in coords.tolist()], np.int32),
        vertex_distance=near.astype(np.float32), interaction=coords[:, 0] > 50,
        overlap=np.ones(len(coords), np.uint8),
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "events.h5"
    with EventWriter(path, detector="microboone", views={"Y": SHAPE}) as writer:
        for number in range(3):
            writer.append(Event(number, {"Y": star(number)}, np.zeros(5, PARTICLE_DTYPE)))
    return EventFile(path)


def test_every_picture_has_its_panels(source):
    number, hot = pick_events(source, "Y")
    view, masked = source.read_view(number, "Y"), source.read_view(hot, "Y")
    assert len(mask_figure(masked, hot_window(masked)).axes) == 2
    assert len(crop_figure(view, source.class_names).axes) == 4
    assert len(weights_figure(view, source.class_names).axes) == 6
    assert len(flips_figure(view, source.class_names).axes) == 4


def test_windows_stay_inside_small_images(source):
    view = source.read_view(0, "Y")
    assert vertex_window(view).size == (40, 40)
    assert vertex_window(view, side=1000).size == SHAPE
    empty = view.take(np.zeros(len(view), bool))
    assert hot_window(empty, side=1000).size == SHAPE
