"""Small events of three views that are linked to each other, and a file of them."""

from __future__ import annotations

import dataclasses
import shutil

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.schema import Event
from jaxsparse.detectors.microboone import CLASS_NAMES
from tests.data.chains import image_of

VIEWS = {"U": (40, 60), "Y": (40, 80), "voxels": (8, 9, 10)}
LINKED = {"U": ("voxels",), "Y": ("U", "voxels"), "voxels": ()}
NUM_EVENTS, EVENT = 8, 6  # 4 has no pixel in its planes, 6 has some in all views
GROUP = "views/Y/links/voxels"


@pytest.fixture(scope="module")
def linked_event(make_event, make_view, make_links):
    """Function from a number to an event with links; every fourth one's links are empty."""

    def make(number: int) -> Event:
        rng = np.random.default_rng(100 + number)
        event = make_event(number)
        views = {**event.views, "voxels": make_view(rng, 3 * number, VIEWS["voxels"])}
        sizes = {name: len(view) for name, view in views.items()}
        for name, linked in LINKED.items():
            tables = {
                to: make_links(rng, sizes[name], sizes[to])
                if number % 4 != 3
                else Links.none(sizes[name])
                for to in linked
            }
            views[name] = dataclasses.replace(views[name], links=tables)
        return dataclasses.replace(event, views=views)

    return make


@pytest.fixture(scope="module")
def write_linked(linked_event, write_events):
    def write(path, events=range(NUM_EVENTS), **options):
        return write_events(path, map(linked_event, events), views=VIEWS, **options)

    return write


@pytest.fixture(scope="module")
def linked_path(tmp_path_factory, write_linked):
    return write_linked(tmp_path_factory.mktemp("linked") / "linked.h5")


@pytest.fixture
def edit(tmp_path, linked_path):
    path = tmp_path / "bad.h5"
    shutil.copy(linked_path, path)
    with h5py.File(path, "r+") as file:
        yield path, file


def assert_equal(found: Links, expected: Links) -> None:
    for name in ("offsets", "rows", "shares"):
        got = getattr(found, name)
        np.testing.assert_array_equal(got, getattr(expected, name))
        assert got.dtype == getattr(expected, name).dtype


def assert_same(found: Event, expected: Event) -> None:
    for name, view in expected.views.items():
        assert image_of(found.views[name]) == image_of(view)
        for to, table in view.links.items():
            assert_equal(found.views[name].links[to], table)


def writer_of(path) -> EventWriter:
    return EventWriter(path, detector="toy", views=VIEWS, class_names=CLASS_NAMES)
