"""Where the images of an event lie in the detector: written, read, refused."""

import dataclasses

import h5py
import numpy as np
import pytest

from jaxsparse.data.copying import copy_events
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.summary import ViewSummary, summary_lines
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError


def placed(event, corner):
    """The event with a corner of its view Y."""
    views = {**event.views, "Y": dataclasses.replace(event.views["Y"], corner=corner)}
    return dataclasses.replace(event, views=views)


@pytest.fixture
def path(tmp_path, make_event, write_events):
    corners = [(3 * number, -number) for number in range(5)]
    return write_events(tmp_path / "a.h5", map(placed, map(make_event, range(5)), corners))


def test_corners_come_back_as_they_were_written_in_any_order(path):
    file = EventFile(path)
    assert [event.views["Y"].corner for event in file] == [(3 * n, -n) for n in range(5)]
    assert [view.corner for view in file.read_many([4, 1], "Y")] == [(12, -4), (3, -1)]
    read = file.read_corners([4, 1, 1], "Y")
    assert read is not None
    assert read.dtype == np.int32
    assert read.tolist() == [[12, -4], [3, -1], [3, -1]]
    assert file[2].views["U"].corner is None
    assert file.read_corners([0], "U") is None


def test_a_copy_keeps_them(path, tmp_path):
    copy_events(EventFile(path), np.array([3]), tmp_path / "b.h5")
    assert EventFile(tmp_path / "b.h5")[0].views["Y"].corner == (9, -3)


@pytest.mark.parametrize(
    ("corners", "line"),
    [
        ([(1, 2, 3)], r"Event 0 .* view Y: corner \(1, 2, 3\) must have 2 numbers"),
        ([(1, 0.5)], r"corner 0\.5 of axis 1 must be a whole number"),
        ([(1, 2), None], "Event 1 .* view Y: no corner, but the first event has a corner"),
        ([None, (1, 2)], "Event 1 .* view Y: a corner, but the first event has no corner"),
    ],
)
def test_what_is_no_corner_is_refused_by_name(corners, line, tmp_path, make_event, write_events):
    events = [placed(make_event(number), corner) for number, corner in enumerate(corners)]
    with pytest.raises(InputError, match=line):
        write_events(tmp_path / "a.h5", events)


def test_a_file_with_too_few_of_them_is_refused(path):
    with h5py.File(path, "a") as file:
        del file["views/Y/corners"]
        file["views/Y/corners"] = np.zeros((4, 2), np.int32)
    with pytest.raises(InputError, match="views/Y/corners has 4 rows but must have 5"):
        EventFile(path)


def test_a_summary_says_where_the_images_begin(path):
    summary = ViewSummary((40, 80), 5)
    for event in EventFile(path):
        summary.add(event.views["Y"])
    lines = list(summary_lines(summary.figures(CLASS_NAMES, ("plane", "cell")), (40, 80)))
    assert "images begin at   plane 0 to 12, cell -4 to 0 of the detector" in lines
