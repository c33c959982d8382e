"""Runs of ``predict`` that something ends: the same command goes on to the same bytes."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import signal
import subprocess
import sys
import textwrap

import h5py
import pytest

from jaxsparse.data import partial_file
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.source import EventSource
from jaxsparse.deploy.inputs import Input
from jaxsparse.deploy.predict import Summary
from jaxsparse.errors import InputError
from tests.deploy.predicting import RUN, inputs

pytestmark = [
    pytest.mark.filterwarnings("ignore:84% of the values"),
    pytest.mark.usefixtures("quick"),
]


class Interrupting(EventSource):
    """A source in which something happens when an event is asked for."""

    def __init__(self, source, happens):
        self._source, self._happens = source, happens
        self.files, self.detector = [source.path], source.detector
        self.view_shapes = source.view_shapes

    def __len__(self):
        return len(self._source)

    def __getitem__(self, number):
        if number in self._happens:
            self._happens[number]()
        return self._source[number]


def happening(path, happens):
    return [Input(str(path), lambda views: Interrupting(EventFile(path), happens))]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_leaves_what_is_done_and_the_same_command_goes_on(
    undisturbed, network, truth_file, tmp_path, name
):
    out = tmp_path / "scores.h5"
    stop = functools.partial(signal.raise_signal, getattr(signal, name))
    for number, done in ((1, 2), (2, 3)):
        summary = RUN(network, happening(truth_file, {number: stop}), out)
        assert summary == Summary(5, done, stopped=name)
        assert not out.exists()
    read: list[int] = []
    again = happening(truth_file, {n: functools.partial(read.append, n) for n in range(5)})
    assert RUN(network, again, out).done == 5
    assert read == [3, 4]
    assert out.read_bytes() == undisturbed
    assert os.listdir(tmp_path) == ["scores.h5"]


def test_parts_of_another_run_are_not_taken(network, truth_file, plain_file, tmp_path):
    out = tmp_path / "scores.h5"
    stop = functools.partial(signal.raise_signal, signal.SIGTERM)
    RUN(network, happening(truth_file, {1: stop}), out)
    for more, word in (
        ({"inputs": inputs(truth_file, plain_file)}, r"inputs: not those"),
        ({"inputs": inputs(truth_file), "options": {"seed": 1}}, r"options: not those"),
    ):
        with pytest.raises(InputError, match=rf"holds parts of another run \({word}"):
            RUN(network, out=out, **more)
    assert RUN(network, inputs(truth_file), out).done == 5


def test_a_file_that_changes_under_way_ends_the_run_and_costs_nothing(
    network, truth_file, tmp_path
):
    data, out = tmp_path / "data.h5", tmp_path / "scores.h5"
    shutil.copy(truth_file, data)

    def change():
        shutil.copy(truth_file, tmp_path / "new.h5")
        os.replace(tmp_path / "new.h5", data)
        raise InputError("it cannot be read")

    with pytest.raises(InputError, match=r"data\.h5 has changed since the beginning.*; 2 of 5"):
        RUN(network, happening(data, {2: change}), out, part_seconds=0)
    assert RUN(network, inputs(data), out).done == 5


def test_a_full_disk_costs_one_part(network, truth_file, undisturbed, tmp_path, monkeypatch):
    out = tmp_path / "scores.h5"

    def fill():
        monkeypatch.setattr(partial_file.os, "write", full)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"the disk is full.*; 3 of 5 events are kept, the same"):
        RUN(network, happening(truth_file, {3: fill}), out, part_seconds=0)
    monkeypatch.undo()
    parts = sorted(os.listdir(tmp_path / "scores.h5.parts"))
    assert [name for name in parts if name.endswith(".h5")] == [
        f"{first:012d}-{first + 1:012d}.h5" for first in range(3)
    ]
    damaged = tmp_path / "scores.h5.parts" / parts[1]
    content = bytearray(damaged.read_bytes())
    with h5py.File(damaged) as file:
        content[file["scores"].id.get_chunk_info(0).byte_offset + 9] ^= 64
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=rf"{parts[1]} is damaged .*delete it, the same command"):
        RUN(network, inputs(truth_file), out)
    damaged.unlink()
    RUN(network, inputs(truth_file), out)
    assert out.read_bytes() == undisturbed


KILLED = textwrap.dedent(
    """
    import os, pathlib, signal, sys
    from jaxsparse.deploy.inputs import Input
    from jaxsparse.data.event_file import EventFile
    from jaxsparse.deploy import predict

    network, data, out, moment = sys.argv[1:]
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)

    def at(name, call):
        def instead(*arguments):
            if moment == "part" and str(arguments[1]).endswith("2-000000000003.h5"):
                kill()  # written, and without its name
            if moment == "join" and str(arguments[1]) == out:
                kill()
            return call(*arguments)
        setattr(os, name, instead)

    at("replace", os.replace)
    unlink = pathlib.Path.unlink
    if moment == "end":
        pathlib.Path.unlink = lambda path, **o: (unlink(path, **o), path.suffix == ".h5" and kill())
    inputs = [Input(data, lambda views: EventFile(data))]
    predict.predict(network, inputs, out, part_seconds=0, quiet=True)
    """
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_killed_run_ends_in_the_same_bytes(network, truth_file, undisturbed, tmp_path):
    out = tmp_path / "scores.h5"
    for moment, whole, parts in (("part", False, 2), ("join", False, 5), ("end", True, 4)):
        command = [sys.executable, "-c", KILLED, str(network), str(truth_file), str(out), moment]
        done = subprocess.run(
            command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert out.exists() == whole
        there = list((tmp_path / "scores.h5.parts").glob("*.h5"))
        assert len(there) == parts
    RUN(network, inputs(truth_file), out)
    assert out.read_bytes() == undisturbed
    assert os.listdir(tmp_path) == ["scores.h5"]
