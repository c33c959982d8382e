"""inspect --json: the same figures as the lines, of any file that can be read."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jaxsparse.commands.inspect import as_json
from jaxsparse.data.description import describe, lines
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError
from tests.data.readers.larcv3_files import event, write_larcv3_file
from tests.data.readers.small_files import write_edep_sim_file
from tests.data.readers.wire_cell_files import arrays, write_archive


def inspect(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "jaxsparse.data.inspect", *map(str, arguments)],
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_foreign_file_is_described_as_json_without_converting_it(tmp_path):
    path = write_larcv3_file(tmp_path / "a.h5", [event(number) for number in range(3)])
    options = ("--image=sparse2d_wire", "--labels=sparse2d_class", "--classes=,delta,muon")
    found = json.loads(inspect(path, "--json", *options))
    assert found["format"] == "larcv3"
    assert (found["events"], found["read"], found["particles"]) == (3, 3, 2)
    assert found["classes"] == ["delta", "muon"]
    plane = found["views"]["Y"]
    assert (plane["shape"], plane["axes"]) == ([30, 40], ["time row", "wire"])
    assert "mask" not in plane
    known = json.loads(inspect(path, "--json", *options, "--detector=microboone"))
    assert known["views"]["Y"]["mask"] == [10, 300]
    assert plane["figures"]["sites"] == [7] * 6
    assert plane["figures"]["classes"] == pytest.approx({"delta": 1 / 7, "muon": 6 / 7})
    assert plane["figures"]["values"]["mean"] == pytest.approx((40 + 41 + 52 + 12 + 132) / 7)
    assert found["views"]["U"]["figures"]["no_class"] == 1


def test_an_archive_is_described_by_the_same_figures_in_lines(tmp_path):
    samples = np.zeros((5, 12), np.float32)
    samples[1, 3] = 7
    path = write_archive(tmp_path / "a.tar", arrays(9, samples, range(5), masks=[(4, 0, 12)]))
    found = describe(str(path), planes=("A:3", "B:2"), row_ticks=4)
    assert found["views"]["B"]["dead_wires"] == 1
    text = "\n".join(lines(found))
    for line in (
        "1 events, detector protodune_hd",
        "note      frame gauss1 of readout units 0, 4 ticks in a row",
        "WARNING   view B has no pixel in any of 1 events",
        "view A: 3 x 3, 0 dead wires",
        "view B: 3 x 2, 1 dead wires",
        "mean 7.00, standard deviation 0.00",
    ):
        assert line in text
    assert found == json.loads(as_json(found))


def test_an_event_file_is_described_by_the_same_keys_and_how_it_was_made(tmp_path):
    path = tmp_path / "events.h5"
    view = View(np.array([[1, 2]], np.int32), np.array([20.0], np.float32), (4, 4))
    made_by = {"seed": 3, "scale": np.nan}
    with EventWriter(
        path, detector="toy", views={"Y": (4, 4)}, made_by=made_by, event_classes=["a", "b"]
    ) as writer:
        for number in range(3):
            writer.append(Event(number, {"Y": view}, label=number % 2, energy=1.0 + number))
    found = json.loads(inspect(path, "--json"))
    assert (found["format"], found["detector"], found["events"]) == ("events", "toy", 3)
    assert found["made_by"] == {"seed": 3, "scale": None}
    assert found["event_classes"] == {"a": 2, "b": 1}
    assert (found["energy"]["median"], found["energy"]["known"]) == (2, 3)
    assert found["views"]["Y"]["figures"]["occupied"] == 1 / 16


def test_deposits_are_described_before_any_detector_has_seen_them(tmp_path):
    path = write_edep_sim_file(tmp_path / "edep.h5")
    found = describe(str(path))
    assert (found["format"], found["events"]) == ("edep_sim", 2)
    figures = found["deposits"]
    assert figures["steps"] == [202] * 6
    assert figures["energy"] == pytest.approx([200 * 2.1 + 24.5] * 6)
    assert figures["particles"] == 3
    assert figures["energy_by_pdg"] == pytest.approx({"13": 840.0, "11": 49.0})
    assert figures["box"]["y"] == pytest.approx([0, 200])
    text = "\n".join(lines(found))
    assert "by pdg    13 840.0, 11 49.0 MeV" in text
    with pytest.raises(InputError, match="holds deposits, which no detector has seen yet"):
        describe(str(path), picture=str(tmp_path / "a.png"))


def test_numbers_that_json_does_not_know_are_null():
    assert json.loads(as_json({"a": (np.nan, -np.inf, 1.5), "b": {"c": None}})) == {
        "a": [None, None, 1.5], "b": {"c": None},
    }  # fmt: skip
