"""Further values of pixels in an event file: written, read, copied, described, refused."""

import dataclasses

import h5py
import numpy as np
import pytest

from jaxsparse.data.copying import copy_events
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.event_files import EventFiles
from jaxsparse.data.schema import SCHEMA_VERSION, Event, View, further_column
from jaxsparse.data.summary import ViewSummary, summary_lines
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError
from tests.data.stored_anyhow import Storage

EVENTS = 6


def with_further(event, **values):
    """The event with further values of the pixels of Y: functions of their number."""
    view = event.views["Y"]
    further = {name: make(np.arange(len(view))) for name, make in values.items()}
    return dataclasses.replace(
        event, views={**event.views, "Y": dataclasses.replace(view, further=further)}
    )


def measured(event):
    """A time, and a width that is known of every second pixel."""
    return with_further(
        event,
        time=lambda rows: 2.5 * rows + event.event_id,
        width=lambda rows: np.where(rows % 2, np.nan, -rows),
    )


@pytest.fixture
def path(tmp_path, make_event, write_events):
    return write_events(tmp_path / "a.h5", map(measured, map(make_event, range(EVENTS))))


def test_they_come_back_as_they_were_written_in_any_order(path, make_event):
    file = EventFile(path)
    assert file.further_values("Y") == ("time", "width")
    assert file.further_values("U") == ("time",)
    numbers = [5, 0, 4, 2, 2]
    views = file.read_many(numbers, "Y")
    for number, view in zip(numbers, views, strict=True):
        expected = measured(make_event(number)).views["Y"].further
        for further in (view.further, file[number].views["Y"].further):
            assert list(further) == list(expected)
            for name, values in expected.items():
                np.testing.assert_array_equal(further[name], values.astype(np.float32))
                assert further[name].dtype == np.float32
    chosen = file.read_pixels([1], "Y", (further_column("width"),))
    assert list(chosen.columns) == ["further width"]


def test_a_file_is_read_without_jaxsparse_as_the_documentation_says(path, make_event):
    with h5py.File(path) as file:
        assert file.attrs["schema_version"] == SCHEMA_VERSION
        plane = file["views/Y"]
        first, last = plane["offsets"][2:4]
        time = plane["further/time"][first:last]
    np.testing.assert_array_equal(time, measured(make_event(2)).views["Y"].further["time"])


def test_a_copy_keeps_them(path, tmp_path):
    copy_events(EventFile(path), np.array([3, 1]), tmp_path / "b.h5")
    for place, number in enumerate((3, 1)):
        views = [
            EventFile(one)[row].views["Y"]
            for one, row in ((path, number), (tmp_path / "b.h5", place))
        ]
        for name in ("time", "width"):
            np.testing.assert_array_equal(views[0].further[name], views[1].further[name])


def test_files_that_are_joined_keep_them(path, tmp_path, make_event, write_events):
    other = write_events(tmp_path / "c.h5", [measured(make_event(9))])
    joined = EventFiles([str(path), str(other)])
    assert len(joined) == EVENTS + 1
    np.testing.assert_array_equal(
        joined[EVENTS].views["Y"].further["time"], EventFile(other)[0].views["Y"].further["time"]
    )


def test_another_layout_of_the_file_is_read_too(path):
    before = EventFile(path)[3].views["Y"].further["time"]
    with h5py.File(path, "a") as file:
        stored = file["views/Y/further/time"][()]
        del file["views/Y/further/time"]
        Storage(swapped=True, filters=("lzf",)).store(file["views/Y/further"], "time", stored)
    np.testing.assert_array_equal(EventFile(path)[3].views["Y"].further["time"], before)


@pytest.mark.parametrize(
    ("further", "line"),
    [
        ({"time": [1.0, np.inf]}, "further time inf of pixel 1 must be finite, or NaN where it"),
        ({"time": [1.0]}, "further time has 1 rows but there are 2 pixels"),
        ({"time": ["a", "b"]}, "further time a of pixel 0 must be a number"),
        ({"time": [1e40, 0.0]}, r"further time 1e\+40 of pixel 0 must be a number in its range"),
        ({"a/b": [1.0, 2.0]}, "further has 'a/b': it must be a name of HDF5, without slashes"),
        ({"a,b": [1.0, 2.0]}, "further has 'a,b': it must be"),
        ({"": [1.0, 2.0]}, "further has '': it must be"),
        ({7: [1.0, 2.0]}, "further has 7: it must be"),
        ([1.0, 2.0], r"further is \[1.0, 2.0\]: give a dictionary of values by name"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(further, line, tmp_path, write_events):
    view = View(np.array([[0, 1], [2, 3]]), np.ones(2), (40, 80), further=further)
    with pytest.raises(InputError, match=f"Event 0 for a.h5, view Y: {line}"):
        write_events(tmp_path / "a.h5", [Event(0, {"Y": view})], views={"Y": (40, 80)})
    assert not list(tmp_path.iterdir())


def test_every_event_has_the_same_ones(tmp_path, make_event, write_events):
    events = [measured(make_event(0)), make_event(1)]
    with pytest.raises(
        InputError, match=r"Event 1 .* view Y: further values \['time'\] differ .*NaN where"
    ):
        write_events(tmp_path / "a.h5", events)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda column: column[:-1], r"views/Y/further/time has \d+ rows but must have \d+"),
        (lambda column: column.astype(int), r"views/Y/further/time is int64.* must be float32"),
        (lambda column: np.full_like(column, np.inf), "further time inf of pixel 0 must be finite"),
    ],
)
def test_a_damaged_column_is_one_line(change, line, path):
    with h5py.File(path, "a") as file:
        column = file["views/Y/further/time"][()]
        del file["views/Y/further/time"]
        file["views/Y/further/time"] = change(column)
    with pytest.raises(InputError, match=line):
        EventFile(path).read_view(0, "Y")


def test_a_summary_says_how_much_is_known_of_them(path, make_event):
    summary = ViewSummary((40, 80), 5)
    for event in EventFile(path):
        summary.add(event.views["Y"])
    times = np.concatenate(
        [measured(make_event(n)).views["Y"].further["time"] for n in range(EVENTS)]
    )
    found = summary.figures(CLASS_NAMES)["further"]
    np.testing.assert_allclose(found["time"]["mean"], times.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["time"]["standard_deviation"], times.std(), rtol=1e-4)
    assert found["time"]["known"] == 1
    assert 0.45 < found["width"]["known"] < 0.55
    lines = list(summary_lines(summary.figures(CLASS_NAMES), (40, 80)))
    assert f"time              known for 100.0 %, mean {times.mean():.3g}" in "\n".join(lines)
