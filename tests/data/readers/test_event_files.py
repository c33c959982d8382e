"""Event files of several jobs are one sample: each event as it is, and files of one sample only."""

import dataclasses
import re

import numpy as np
import pytest

from jaxsparse.commands.convert import convert
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.readers.event_files import EventFiles
from jaxsparse.detectors import ClassSet, Detector, DetectorView
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError
from tests.data.conftest import SHAPE

PLANE = DetectorView(("wire", "time"), "ADC", SHAPE, 0.0, 400.0, 0.0, 50.0, across=0)
DETECTOR = Detector(
    "joined", {"U": PLANE, "Y": dataclasses.replace(PLANE, shape=(40, 80))},
    ClassSet(CLASS_NAMES, tuple(f"#11111{n}" for n in range(len(CLASS_NAMES)))),
)  # fmt: skip


def test_joined_files_hold_what_one_file_would(tmp_path, write_events, make_event):
    dead = {"Y": np.array([3, 79])}
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for number, events in enumerate([range(3), range(3, 4), [], range(4, 9)]):
        made_by = {"seed": number, "program": "job", "topology": "bomb"}
        write_events(
            jobs / f"{number}.h5", map(make_event, events), dead_wires=dead, made_by=made_by
        )
    out, whole = tmp_path / "all.h5", tmp_path / "whole.h5"
    assert convert(str(jobs), str(out), format="events") == 9
    write_events(whole, map(make_event, range(9)), dead_wires=dead)
    one = EventFile(out)
    assert fingerprint(one) == fingerprint(EventFile(whole))
    assert one.dead_wires("Y").tolist() == [3, 79]
    assert one.attributes["topology"] == "bomb"  # alike in all of them
    assert "seed" not in one.attributes
    assert len(one.attributes["files"]) == 4


def test_links_corners_and_the_description_of_a_detector_are_kept(
    tmp_path, write_events, make_event, make_links
):
    rng = np.random.default_rng(1)

    def linked(number):
        event = make_event(number)
        wire, other = event.views["Y"], event.views["U"]
        links = {"U": make_links(rng, len(wire), len(other))}
        views = {"U": other, "Y": dataclasses.replace(wire, links=links, corner=(number, 7))}
        return dataclasses.replace(event, views=views)

    events = [linked(number) for number in range(4)]
    halves = (events[:2], events[2:])
    about = {"detector": "joined", "described": DETECTOR}
    paths = [
        str(write_events(tmp_path / f"{n}.h5", some, **about)) for n, some in enumerate(halves)
    ]
    out, whole = tmp_path / "all.h5", write_events(tmp_path / "whole.h5", events, **about)
    convert(paths, str(out), format="events")
    one = EventFile(out)
    assert one.described == EventFile(whole).described is not None
    assert [event.views["Y"].corner for event in one] == [(number, 7) for number in range(4)]
    assert fingerprint(one) == fingerprint(EventFile(whole))  # with links


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"class_names": ("x", "y", "z", "w", "v")}, "classes of pixels"),
        ({"event_classes": ("a", "b", "c")}, "classes of events"),
        ({"detector": "other"}, "detector"),
        ({"views": {"U": (64, 96), "Y": (41, 80)}}, "views"),
        ({"dead_wires": {"Y": np.array([5])}}, "dead wires in view Y"),
        ({"value_unit": "ADC"}, "units of values"),
    ],
)
def test_files_of_other_samples_are_refused_by_name(tmp_path, write_events, changed, what):
    first = write_events(tmp_path / "a.h5", [])
    other = write_events(tmp_path / "b.h5", [], **changed)
    with pytest.raises(InputError, match=f"{re.escape(str(other))} has other {what} than .*a.h5"):
        EventFiles([str(first), str(other)])


def test_the_result_is_none_of_its_inputs(tmp_path, write_events, make_event):
    path = write_events(tmp_path / "a.h5", [make_event(0)])
    with pytest.raises(InputError, match="would be overwritten"):
        convert([str(path)], str(path), format="events")
    assert len(EventFile(path)) == 1


def test_events_are_numbered_from_the_first_file_on(tmp_path, write_events, make_event):
    paths = [
        write_events(tmp_path / f"{n}.h5", [make_event(2 * n), make_event(2 * n + 1)])
        for n in range(2)
    ]
    source = EventFiles([str(path) for path in paths])
    assert [source[number].event_id for number in (0, 3, -2)] == [1000, 1003, 1002]
    with pytest.raises(IndexError, match="event 4 of 2 event files, which has 4"):
        source[4]
