"""However writing ends, the file is whole or gone, its lock is free and the process ends well."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxsparse.data import partial_file
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.partial_file import PartialFile
from jaxsparse.data.partial_hdf5 import PartialHdf5
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError
from jaxsparse.inference.prediction_file import PredictionFile

CALLBACKS = ("write", "readinto", "seek", "truncate")


def rows_of(file: h5py.File) -> h5py.Dataset:
    return file.create_dataset("rows", (0, 3), "f4", maxshape=(None, 3), chunks=(64, 3))


def grow(output: PartialHdf5, times: int) -> None:
    for number in range(times):
        with output.writing(f"block {number}"):
            rows = output.file["rows"]
            rows.resize(len(rows) + 100, axis=0)
            rows[-100:] = number
            del rows  # writes what it still holds: in here, not after the block


def write_file(path: Path, times: int = 4) -> None:
    output = PartialHdf5(path, rows_of, rdcc_nbytes=0)  # chunks are written at once
    try:
        grow(output, times)
    except BaseException as error:
        output.end(error)
        raise
    output.end(None)


def assert_as_before(path: Path, before: bytes) -> None:
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    PartialFile(path).discard()  # nobody holds its lock


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "a.h5"
    write_file(path, 1)
    return path


@pytest.fixture
def interrupt(monkeypatch):
    """Has the n-th call of HDF5 into Python raise; the result says whether it came to that."""

    def at(number, error):
        count = 0

        def raising(really):
            def call(*arguments):
                nonlocal count
                count += 1
                if count == number:
                    if not isinstance(error, KeyboardInterrupt):
                        raise error
                    signal.raise_signal(signal.SIGINT)
                return really(*arguments)

            return call

        # Python looks for Ctrl-C before the first line of a function, outside of any try.
        if isinstance(error, KeyboardInterrupt):
            for name in CALLBACKS:
                monkeypatch.setattr(PartialFile, name, raising(getattr(PartialFile, name)))
        else:
            for name in ("write", "read", "lseek", "ftruncate"):
                monkeypatch.setattr(partial_file.os, name, raising(getattr(os, name)))
        return lambda: count >= number

    return at


def test_a_program_that_keeps_the_error_ends_well(tmp_path):
    program = """
        import errno, os, sys
        from pathlib import Path
        from tests.data.test_partial_files import write_file

        def broken(*arguments):
            os.lseek = lseek
            raise OSError(errno.EIO, "I/O")

        lseek, os.lseek = os.lseek, broken
        try:
            write_file(Path(sys.argv[1]))
        except Exception as error:
            sys.modules["kept"] = error  # as notebooks keep the last one
            print(error)
        """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "a.h5")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "could not be written (I/O)" in process.stdout
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), OSError(errno.EIO, "I/O")])
def test_an_error_at_any_moment_leaves_what_was_there(old, interrupt, monkeypatch, error):
    before = old.read_bytes()
    for number in (*range(1, 30), *range(30, 1000, 17)):
        with monkeypatch.context():
            reached = interrupt(number, error)
            try:
                write_file(old)
            except (KeyboardInterrupt, MemoryError, OSError, RuntimeError, InputError) as raised:
                failure: BaseException | None = raised
            else:
                failure = None
        monkeypatch.undo()
        if not reached():
            break
        if old.read_bytes() != before:  # the interruption came after the last byte, or none came
            with h5py.File(old) as file:
                assert len(file["rows"]) == 400
            assert failure is None or isinstance(error, KeyboardInterrupt)
            old.write_bytes(before)
        else:
            assert isinstance(failure, type(error) if not isinstance(error, OSError) else Exception)
            assert_as_before(old, before)
    assert number > 20


def test_a_full_disk_is_told_rather_than_what_hdf5_says_of_it(old, interrupt):
    interrupt(25, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(InputError, match="the disk is full"):
        write_file(old)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError, SystemExit, GeneratorExit])
@pytest.mark.parametrize("where", ["begin", "block", "between", "finish", "publishing"])
def test_any_exception_anywhere_gives_the_file_up(old, monkeypatch, stop, where):
    before = old.read_bytes()

    def fail(*_):
        raise stop

    def begin(file):
        rows_of(file)
        if where == "begin":
            fail()

    def write():
        output = PartialHdf5(old, begin)
        try:
            grow(output, 2)
            if where == "between":
                fail()
            if where == "block":
                with output.writing("a block"):
                    fail()
        except BaseException as error:
            output.end(error)
            assert not output.file.id.valid
            raise
        output.end(None, fail if where == "finish" else None)

    with monkeypatch.context() as patch:
        if where == "publishing":
            patch.setattr(partial_file.os, "replace", fail)
        with pytest.raises(stop):
            write()
    assert_as_before(old, before)


def test_a_block_that_did_not_end_is_not_published(old):
    before = old.read_bytes()
    output = PartialHdf5(old, rows_of)
    with pytest.raises(ZeroDivisionError), output.writing("the first block"):
        _ = 1 / 0
    with pytest.raises(InputError, match="the first block was left half written"):
        grow(output, 1)
    with pytest.raises(InputError, match="the first block was left half written"):
        output.end(None)
    assert_as_before(old, before)


def test_a_file_that_nobody_refers_to_is_given_up(old):
    before = old.read_bytes()
    output = PartialHdf5(old, rows_of)
    grow(output, 2)
    del output
    assert_as_before(old, before)


def test_predictions_of_another_shape_are_refused_and_the_rest_is_whole(tmp_path):
    path = tmp_path / "predictions.h5"
    with PredictionFile(path, ("a", "b"), {"data": "x.h5"}) as file:
        file.dataset("scores", np.float32, (2,))
        file.dataset("rows", np.int32)
        refused: list[tuple[dict[str, np.ndarray], str]] = [
            ({"scores": np.ones((3, 2)), "rows": np.ones((3, 1))}, "rows has shape"),
            ({"scores": np.ones((3, 3)), "rows": np.ones(3)}, "scores has shape"),
            (
                {"scores": np.ones((3, 2)), "rows": np.array([1, 2**31, 2])},
                "rows 2147483648 of row 1",
            ),
        ]
        for bad, line in refused:
            with pytest.raises(InputError, match=line):
                file.extend(bad)
        file.extend({"scores": np.ones((3, 2)), "rows": np.arange(3)})
    with h5py.File(path) as stored:
        assert stored["scores"].shape == (3, 2)
        assert stored["rows"][:].tolist() == [0, 1, 2]
        assert stored.attrs["complete"]


def test_where_open_files_keep_their_names_they_are_closed_first(old, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(partial_file, "OPEN_FILES_KEEP_THEIR_NAME", True)
    replace, unlink = os.replace, Path.unlink
    open_now = lambda: [  # noqa: E731
        link
        for link in Path("/proc/self/fd").iterdir()
        if os.path.realpath(link) == f"{old}.partial"
    ]
    calls = []

    def closed(really):
        def call(*arguments, **options):
            calls.append(really.__name__)
            assert not open_now()
            return really(*arguments, **options)

        return call

    monkeypatch.setattr(partial_file.os, "replace", closed(replace))
    monkeypatch.setattr(Path, "unlink", closed(unlink))
    write_file(old, 3)
    with h5py.File(old) as file:
        assert len(file["rows"]) == 300
    before = old.read_bytes()
    PartialFile(old).discard()
    assert calls == ["replace", "unlink"]

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(partial_file.os, "replace", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        write_file(old)
    monkeypatch.undo()
    assert_as_before(old, before)


SCRIPT = textwrap.dedent(
    """
    import json, os, sys
    import h5py, numpy as np
    from jaxsparse.data.event_file import EventWriter
    from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
    from jaxsparse.inference.prediction_file import PredictionFile

    view = View(np.array([[1, 2]]), np.array([50.0]), (8, 8))
    event = Event(0, {"Y": view})
    said, kept = {}, []

    def events(name, body, **options):
        path = os.path.join(sys.argv[1], name + ".h5")
        open(path, "w").write("old")
        try:
            with EventWriter(path, detector="toy", views={"Y": (8, 8)}, **options) as writer:
                writer.append(event)
                body(writer)
        except BaseException as error:
            said[name] = type(error).__name__
            kept.append(error)  # its traceback refers to the writer until the end

    def stop(*_):
        raise KeyboardInterrupt

    def shape(writer):
        writer.append(Event(0, {"Y": view}, np.zeros((2, 2), PARTICLE_DTYPE)))

    def append(writer):
        writer._tables._events.append = stop
        writer.append(event)

    def flush(writer):
        writer._tables._events.flush = stop

    def json_of(writer):
        writer.made_by = {1: 1, "a": 2}

    def scores(name, body):
        path = os.path.join(sys.argv[1], name + ".h5")
        open(path, "w").write("old")
        try:
            with PredictionFile(path, ("a", "b"), {"bad": object()} if not body else {}) as file:
                body(file)
        except BaseException as error:
            said[name] = type(error).__name__
            kept.append(error)

    def torn(file):
        file.dataset("scores", np.float32, (2,))
        file.extend({"scores": np.ones((3, 3))})

    events("shape", shape)
    events("ctrl-c", stop)
    events("append", append)
    events("flush", flush)
    events("json", json_of)
    scores("ctrl-c in scores", stop)
    scores("shape of scores", torn)
    scores("attribute of scores", None)
    path = os.path.join(sys.argv[1], "open.h5")
    open_writer = EventWriter(path, detector="toy", views={"Y": (8, 8)})
    open_writer.__enter__().append(event)  # never ended
    print(json.dumps(said))
    """
)


def test_the_process_ends_well_and_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "shape": "InputError",
        "ctrl-c": "KeyboardInterrupt",
        "append": "KeyboardInterrupt",
        "flush": "KeyboardInterrupt",
        "json": "InputError",
        "ctrl-c in scores": "KeyboardInterrupt",
        "shape of scores": "InputError",
        "attribute of scores": "TypeError",
    }
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(json.loads(result.stdout))
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_leaves_its_parents_file_alone(tmp_path, make_event):
    path = tmp_path / "a.h5"
    views = {"U": (40, 60), "Y": (40, 80)}
    with EventWriter(path, detector="toy", views=views, class_names=CLASS_NAMES) as writer:
        writer.append(make_event(1))
        child = os.fork()
        if child == 0:
            try:
                writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        writer.append(make_event(2))
    assert EventFile(path).event_ids.tolist() == [1001, 1002]


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    for name in ("a\0.h5", "a" * 300):
        with pytest.raises(InputError, match="cannot be written"):
            PartialFile(tmp_path / name)
