"""The command line of predict: its exit status and its lines."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import h5py
import numpy as np
import pytest

from jaxsparse.deploy.inputs import Inputs
from tests.fuzz import stubs
from tests.fuzz.program import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    stubs.guess(monkeypatch)


@pytest.fixture
def folder(workdir, truth_file, plain_file, tmp_path):
    """``run``, and ``data`` with five events and three, one of them damaged."""
    (tmp_path / "data").mkdir()
    (tmp_path / "run").symlink_to(workdir)
    shutil.copy(truth_file, tmp_path / "data/a.h5")
    shutil.copy(plain_file, tmp_path / "data/b.h5")
    with h5py.File(tmp_path / "data/b.h5", "r+") as file:
        file["views/Y/values"][0] = np.nan
    return tmp_path


def test_the_last_line_counts_damaged_events_and_the_status_is_0(folder):
    outcome = run("predict", ["--model=run", "--data=data", "--out=new/scores.h5"], folder)
    assert outcome.status == 0, outcome.errors
    _, first, last = outcome.output.splitlines()
    assert first.startswith("new/scores.h5: 8 events, ")
    assert first.endswith(" events/s")
    assert last == "1 events could not be read: they have no scores (readable is 0)"
    assert "left out: Event 0 of b.h5, view Y: value nan of pixel 0 must be" in outcome.errors
    assert os.listdir(folder / "new") == ["scores.h5"]
    again = run("predict", ["--model=run", "--data=data", "--out=new/scores.h5"], folder)
    assert again.output.splitlines() == ["new/scores.h5: 8 events", last]


def test_the_result_may_lie_among_the_files_that_are_looked_at(folder):
    arguments = ["--model=run", "--data=data", "--data=data/*.h5", "--out=data/scores.h5"]
    for _ in range(2):
        outcome = run("predict", arguments, folder)
        assert outcome.status == 0, outcome.errors
        assert outcome.output.startswith("data/scores.h5: 8 events")


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_is_one_line_and_the_same_command_goes_on(folder, monkeypatch, name, status):
    read = Inputs.read

    def stop(files, numbers):
        if 6 in numbers:
            signal.raise_signal(getattr(signal, name))
        return read(files, numbers)

    arguments = ["--model=run", "--data=data/?.h5", "--out=scores.h5"]
    with monkeypatch.context() as patch:
        patch.setattr(Inputs, "read", stop)
        outcome = run("predict", arguments, folder)
    assert outcome.status == status
    last = f"stopped by {name}: 7 of 8 events are done, the same command goes on"
    assert outcome.lines[-1] == last
    outcome = run("predict", arguments, folder)
    assert outcome.status == 0
    assert outcome.output.splitlines()[0] == "going on: 7 of 8 events are done"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model=run", "--data=data"], "--out is required"),
        (["--model=runn", "--data=data"], "model is 'runn', neither a file nor a network"),
        (["--model=run", "--data=nothing"], "nothing is no file, pattern or folder of event files"),
        (["--model=run", "--data=data", "--axes=x"], "--axes is 'x': an event file has no such"),
        (["--model=run", "--data=data", "--views=XZ"], "--views=XZ: it says which views to make"),
        (["--model=run", "--data=data", "--value_scale=0"], "--value_scale is 0.0: it must be"),
    ],
)
def test_a_mistake_is_one_line(folder, arguments, line):
    out = [] if "required" in line else ["--out=scores.h5"]
    outcome = run("predict", [*arguments, *out], folder)
    assert outcome.status == 2
    assert len(outcome.lines) == 1
    assert line in outcome.lines[0]
    assert not (folder / "scores.h5.parts").exists()
