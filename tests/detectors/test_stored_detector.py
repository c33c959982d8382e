"""A detector that a program registered: its files describe it, and other programs learn it."""

from __future__ import annotations

import json
import math

import h5py
import numpy as np
import pytest

from jaxsparse import detectors
from jaxsparse.data.copying import copy_events
from jaxsparse.data.description import describe
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import (
    ClassSet,
    Detector,
    DetectorView,
    NeutralCurrents,
    TopologyWords,
    registry,
)
from jaxsparse.detectors.stored import from_text, to_text
from jaxsparse.errors import InputError

VIEW = DetectorView(("depth", "pad"), "flashes", (8, 8), 0.5, 4.0, 1.0, 0.5, across=0)
OWN = Detector(
    "stored", {"top": VIEW}, ClassSet(("spark", "fog"), ("#111111", "#22aa22"), ("spark",)),
    ClassSet(("signal", "rest")), drift=(0.0, 1.0, 0.0), aliases=("stored-2",),
    energy_edges=(0.0, 1.0, math.inf), topology_words={"kind": TopologyWords(("a", "b"), "signal")},
    neutral_currents=NeutralCurrents("rest", "signal", "signal", photon_gap=(0.0, 5.0)),
)  # fmt: skip


@pytest.fixture
def elsewhere(monkeypatch):
    """Function after which this is another program: nothing has been registered."""

    def leave():
        monkeypatch.setattr(registry, "_REGISTERED", {})

    leave()
    return leave


def write(path, detector="stored"):
    with EventWriter(path, detector=detector, views={"top": (8, 8)}, class_names=("a",)) as writer:
        pixel = View(np.array([[1, 2]]), np.ones(1), (8, 8), np.zeros(1, np.int8))
        writer.append(Event(0, {"top": pixel}))
    return path


@pytest.mark.parametrize("name", ["stored", "dune", "microboone", "nova", "protodune_hd"])
def test_a_description_comes_back_as_it_was(name):
    detector = OWN if name == "stored" else detectors.find(name)
    assert from_text(to_text(detector)) == detector


def test_whoever_opens_a_file_knows_its_detector(elsewhere, tmp_path):
    detectors.register(OWN)
    path = write(tmp_path / "a.h5")
    elsewhere()
    assert "stored" not in detectors.known()
    file = EventFile(path)
    assert detectors.find(file.detector) == OWN
    assert file.axes == {"top": ("depth", "pad")}
    assert describe(str(path))["views"]["top"]["mask"] == [0.5, 4.0]
    copy_events(file, np.array([0]), tmp_path / "copy.h5")
    elsewhere()
    assert detectors.find(EventFile(tmp_path / "copy.h5").detector) == OWN


def test_what_a_program_knows_of_a_detector_stands(elsewhere, tmp_path):
    detectors.register(OWN)
    path = write(tmp_path / "a.h5")
    elsewhere()
    newer = detectors.register(Detector("stored", {}))
    EventFile(path)
    assert detectors.find("stored") is newer
    with h5py.File(write(tmp_path / "b.h5", "nova")) as file:
        assert "detector_description" not in file.attrs
    with h5py.File(write(tmp_path / "c.h5", "never heard of")) as file:
        assert "detector_description" not in file.attrs


def changed(**changes):
    return json.dumps({**json.loads(to_text(OWN)), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is no JSON"),
        ("[" * 5000, "is no JSON"),
        ("7", "the detector is 7: it must be Detector"),
        ("{}", "the detector is not whole"),
        (changed(name=3), "name of the detector is 3: it must be str"),
        (changed(drift=[1.0, 0.0]), r"drift of the detector is \[1.0, 0.0\]"),
        (changed(views={"top": {"axes": "xy"}}), "axes of top of views of the detector is 'xy'"),
        (changed(views={"top": {"axes": ["x", "y"], "across": 2}}), "across is 2"),
        (changed(name="another", aliases=[]), "is of 'stored' but describes 'another'"),
    ],
)
def test_a_bad_description_is_one_line(elsewhere, tmp_path, text, message):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["detector_description"] = text
    with pytest.raises(InputError, match=message) as caught:
        EventFile(path)
    assert str(caught.value).startswith(f"{path}")
    assert "\n" not in str(caught.value)
    assert not registry._REGISTERED


def test_what_a_later_version_says_more_is_left_out():
    assert from_text(changed(smell="sweet")) == OWN
