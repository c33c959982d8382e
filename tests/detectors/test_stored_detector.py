"""A detector that a program registered: its files describe it to other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

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
from jaxsparse.detectors.stored import from_json, to_json
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


def write(path, detector="stored", **options):
    with EventWriter(
        path, detector=detector, views={"top": (8, 8)}, class_names=("a",), **options
    ) as writer:
        pixel = View(np.array([[1, 2]]), np.ones(1), (8, 8), np.zeros(1, np.int8))
        writer.append(Event(0, {"top": pixel}))
    return path


@pytest.mark.parametrize("name", ["stored", "dune", "microboone", "nova", "protodune_hd"])
def test_a_description_comes_back_as_it_was(name):
    detector = OWN if name == "stored" else detectors.find(name)
    assert from_json(to_json(detector)) == detector


def test_a_file_knows_its_detector(elsewhere, tmp_path):
    detectors.register(OWN)
    path = write(tmp_path / "a.h5")
    elsewhere()
    file = EventFile(path)
    assert file.described == OWN
    assert file.axes == {"top": ("depth", "pad")}
    assert describe(str(path))["views"]["top"]["mask"] == [0.5, 4.0]
    copy_events(file, np.array([0]), tmp_path / "copy.h5")
    assert EventFile(tmp_path / "copy.h5").described == OWN


def test_each_file_goes_by_its_own_description(elsewhere, tmp_path):
    other = Detector("stored", {"top": DetectorView(("row", "wire"), high=9.0)})
    paths: dict[float, Path] = {}
    for detector in (OWN, other):
        elsewhere()
        detectors.register(detector)
        paths[detector.view("top", 2).high] = write(tmp_path / f"{len(paths)}.h5")
    elsewhere()
    files = {high: EventFile(path) for high, path in paths.items()}
    for high, file in files.items():
        with h5py.File(file.path, "r+") as stored:
            del stored["views/top"].attrs["axes"]
        assert describe(str(file.path))["views"]["top"]["mask"][1] == high
        copy_events(file, np.array([0]), tmp_path / "copy.h5")
        assert EventFile(tmp_path / "copy.h5").described == (OWN if high == 4.0 else other)
    assert EventFile(paths[4.0]).axes["top"] == ("depth", "pad")
    assert EventFile(paths[9.0]).axes["top"] == ("row", "wire")


def test_a_file_changes_nothing_beside_its_own_events(elsewhere, tmp_path):
    detectors.register(dataclasses.replace(OWN, aliases=("toy",)))
    path = write(tmp_path / "a.h5")
    elsewhere()
    EventFile(path)
    assert detectors.known().keys().isdisjoint({"stored", "toy"})
    assert detectors.find("toy").views == {}
    newer = detectors.register(Detector("stored", {}))
    assert detectors.find("stored", EventFile(path).described) is newer


def test_a_file_may_be_described_without_registering(elsewhere, tmp_path):
    path = write(tmp_path / "a.h5", "stored-2", described=OWN)
    file = EventFile(path)
    assert (file.detector, file.described) == ("stored-2", OWN)
    assert file.value_units == {"top": "flashes"}
    with pytest.raises(InputError, match="detector is 'toy' but described has the name 'stored'"):
        write(tmp_path / "b.h5", "toy", described=OWN)


def test_classes_of_events_are_those_of_the_description_unless_they_are_said(elsewhere, tmp_path):
    of = {"described": OWN}
    assert EventFile(write(tmp_path / "a.h5", **of)).event_classes == ("signal", "rest")
    assert EventFile(write(tmp_path / "b.h5", event_classes=(), **of)).event_classes == ()
    assert EventFile(write(tmp_path / "c.h5", event_classes=("x",), **of)).event_classes == ("x",)


def test_a_description_that_is_none_is_refused(tmp_path):
    none: Any = lambda: 1  # noqa: E731
    with pytest.raises(InputError, match=r"described is <function .*: give a jaxsparse\.det"):
        write(tmp_path / "a.h5", described=none)


def test_a_description_of_other_views_is_refused_unless_their_axes_are_said(tmp_path):
    path, front = tmp_path / "a.h5", {"front": (8, 8)}
    with pytest.raises(InputError, match="views has 'front' but described has top: describe that"):
        EventWriter(path, detector="stored", views=front, described=OWN)
    said = EventWriter(path, detector="stored", views=front, described=OWN, axes=("a", "b"))
    assert said.axes == {"front": ("a", "b")}
    with pytest.raises(InputError, match="described has 2 axes for it, depth, pad: give a name"):
        EventWriter(path, detector="stored", views={"top": (8, 8, 8)}, described=OWN)


def test_dead_wires_of_no_view_are_refused(tmp_path):
    views, dead = {"top": (8, 8)}, {"left": np.array([3])}
    with pytest.raises(InputError, match="dead_wires has 'left': it must be one of the views top"):
        EventWriter(tmp_path / "a.h5", detector="stored", views=views, dead_wires=dead)


@pytest.mark.parametrize(("names", "why"), [
    ("needle", "must be a tuple of texts"), (("a", 1), "a tuple of texts"),
    (("a", "b", "a"), "every class needs its own name"),
])  # fmt: skip
def test_names_of_classes_are_different_texts(names, why):
    with pytest.raises(InputError, match=why):
        ClassSet(names)


def test_numbers_of_numpy_are_stored_as_they_are(elsewhere, tmp_path):
    numbers: Any = np.arange(3)
    of_view: dict[str, Any] = {
        "shape": np.array([8, 9]), "low": np.float32(0.5), "std": np.float64(2),
        "across": np.int64(0), "wire_angle": np.int32(30),
    }  # fmt: skip
    own = Detector(
        "stored", {"top": DetectorView(("depth", "pad"), **of_view)}, drift=numbers,
        energy_edges=numbers,
        neutral_currents=NeutralCurrents("nc", "nue", "numu", photon_gap=numbers),
    )  # fmt: skip
    detectors.register(own)
    path = write(tmp_path / "a.h5")
    found = EventFile(path).described
    assert found == own
    assert found is not None
    assert found.views["top"].shape == (8, 9)
    assert (found.drift, found.energy_edges) == ((0, 1, 2), (0, 1, 2))


def test_what_a_program_knows_of_a_detector_stands(elsewhere, tmp_path):
    detectors.register(OWN)
    path = write(tmp_path / "a.h5")
    elsewhere()
    newer = detectors.register(Detector("stored", {}))
    assert detectors.find("stored", EventFile(path).described) is newer
    with h5py.File(write(tmp_path / "b.h5", "nova")) as file:
        assert "detector_description" not in file.attrs
    with h5py.File(write(tmp_path / "c.h5", "never heard of")) as file:
        assert "detector_description" not in file.attrs


def changed(**changes):
    return json.dumps({**json.loads(to_json(OWN)), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is no JSON"),
        ("[" * 5000, "is no JSON"),
        ("7", "the detector is 7: it must be Detector"),
        ("{}", "the detector is not whole"),
        (changed(name=3), "h5: name of the detector is 3: it must be str"),
        (changed(drift=[1.0, 0.0]), r"drift of the detector is \[1.0, 0.0\]"),
        (changed(views={"top": {"axes": "xy"}}), "axes of top of views of the detector is 'xy'"),
        (changed(views={"top": {"axes": ["x", "y"], "across": 2}}), "across is 2"),
        (changed(energy_edges=[0, 10**400]), "the detector: energy_edges is 1000"),
        (changed(pixel_classes={"names": ["a"], "colours": ["zzz"]}), "colours has 'zzz'"),
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
    assert from_json(changed(smell="sweet")) == OWN
