"""Every broken event file gives one line that names file, event, value, rule and remedy."""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError

EVENT = 6  # has pixels in both views


@pytest.fixture
def edit(tmp_path, events_path):
    """Function that opens a copy of the good file for editing; returns (path, open file)."""
    path = tmp_path / "bad.h5"
    shutil.copy(events_path, path)
    with h5py.File(path, "r+") as file:
        yield path, file


def row_of(file: h5py.File, view: str = "Y") -> int:
    return int(file[f"views/{view}/offsets"][EVENT])


def assert_one_line(error: pytest.ExceptionInfo[InputError], path) -> None:
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)


def refuses_to_open(path, *, match: str) -> None:
    with pytest.raises(InputError, match=match) as error:
        EventFile(path)
    assert_one_line(error, path)


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("values", np.nan, "value nan of pixel 0 must be finite and not negative"),
        ("values", -1.5, "value -1.5 of pixel 0 must be finite and not negative"),
        ("values", np.inf, "value inf of pixel 0"),
        ("labels", 5, r"labels 5 of pixel 0 must be a class in \[0, 5\) or -1"),
        ("labels", -2, "labels -2 of pixel 0"),
        (
            "instance",
            4,
            r"instance 4 of pixel 0 must be a row of the .* table, in \[0, 4\), or -1: num",
        ),
        ("vertex_distance", np.nan, "vertex_distance nan of pixel 0"),
        ("interaction", 2, "interaction 2 must be 0 or 1"),
        ("coords", [0, 80], r"coordinates \(0, 80\) of pixel 0 must lie inside the image"),
        ("coords", [-1, 0], r"coordinates \(-1, 0\) of pixel 0 must lie inside"),
        ("coords", [39, 79], r"of pixel 1 must come after"),
    ],
)
def test_a_bad_pixel_is_named_when_its_event_is_read(edit, column, value, match):
    path, file = edit
    file[f"views/Y/{column}"][row_of(file)] = value
    file.close()
    source = EventFile(path)  # opening stays cheap: it does not look at pixels
    source[EVENT - 1]
    with pytest.raises(InputError, match=match) as error:
        source[EVENT]
    assert f"Event {EVENT} of bad.h5, view Y" in str(error.value)
    assert_one_line(error, path)


def test_repeated_pixels_are_refused(edit):
    path, file = edit
    row = row_of(file)
    file["views/Y/coords"][row + 1] = file["views/Y/coords"][row]
    file.close()
    with pytest.raises(InputError, match="each one once"):
        EventFile(path)[EVENT]


@pytest.mark.parametrize(
    ("row", "value", "match"),
    [
        (3, 10**6, "offsets must start at 0 and never fall"),
        (0, 1, "offsets must start at 0"),
        (-1, 10**6, "end at 1000000 but"),
        # Differences of these, in int64, are all positive.
        (slice(1, 4), [2**63 - 1, -(2**63), -2], "goes from 9223372036854775807 to -922337"),
    ],
)
@pytest.mark.parametrize("group", ["views/Y", "particles"])
def test_offsets_must_climb_from_zero_to_the_number_of_rows(edit, group, row, value, match):
    path, file = edit
    file[f"{group}/offsets"][row] = value
    file.close()
    refuses_to_open(path, match=match)


def test_another_schema_version_is_refused(edit):
    path, file = edit
    file.attrs["schema_version"] = 99
    file.close()
    refuses_to_open(path, match="schema_version 99 but this program reads 1")


def test_a_half_written_file_is_recognised(edit):
    path, file = edit
    file.attrs["complete"] = False
    file.close()
    refuses_to_open(path, match="half written: wait until its writer ends, or make it again")


def test_of_a_file_that_another_program_writes_nobody_says_to_make_it_again(events_path):
    program = (
        "import sys\n"
        "from jaxsparse.data.event_file import EventFile\n"
        "from jaxsparse.data.readers.formats import recognise\n"
        "for opener in (EventFile, recognise):\n"
        "    try:\n"
        "        opener(sys.argv[1])\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
    )
    with h5py.File(events_path, "r+"):
        called = [sys.executable, "-c", program, str(events_path)]
        said = subprocess.run(called, capture_output=True, text=True, check=True).stdout
    line = f"{events_path} is open in another program that writes it: wait for its end\n"
    assert said == 2 * line


def test_a_truncated_file_is_recognised(tmp_path, events_path):
    path = tmp_path / "cut.h5"
    path.write_bytes(events_path.read_bytes()[:-2000])
    refuses_to_open(path, match="cut off")


def test_a_file_that_is_no_hdf5_and_one_of_another_format_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    refuses_to_open(tmp_path / "text.h5", match="no readable HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = 1
    refuses_to_open(tmp_path / "other.h5", match="not an event file")


def test_missing_files_are_named_with_what_to_do(tmp_path):
    refuses_to_open(tmp_path / "none.h5", match=r"none.h5 does not exist: .*simulate")
    refuses_to_open(tmp_path / f"{'n' * 250}.h5", match=r"does not exist: .*simulate")
    (tmp_path / "none.h5.partial").touch()
    refuses_to_open(
        tmp_path / "none.h5", match="none.h5.partial is left of a program that did not end"
    )
    refuses_to_open(tmp_path, match="is a folder")


def test_several_files_are_answered_with_the_command_that_joins_them():
    join = "join several .*by jaxsparse convert --format=events --input="
    refuses_to_open(pathlib.Path("job*.h5"), match=f"{join}'job")
    with pytest.raises(InputError, match=f"{join}a.h5 --input=b.h5 --out="):
        EventFile(["a.h5", "b.h5"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=join):
        EventFile(None)  # type: ignore[arg-type]


def test_a_file_that_is_being_written_is_not_asked_for_again(tmp_path):
    path, views = tmp_path / "events.h5", {"Y": (4, 4)}
    with EventWriter(path, detector="toy", views=views, class_names=CLASS_NAMES):
        refuses_to_open(path, match="does not exist: another program is writing it, wait for its")
        partial = tmp_path / "events.h5.partial"
        refuses_to_open(partial, match="is being written by another program: wait for its end")
        with pytest.raises(InputError, match="another program is writing it, wait for its end"):
            find_files(path, "event")
    assert len(EventFile(path)) == 0


@pytest.mark.parametrize(
    "name", ["views/Y/coords", "views/Y/offsets", "particles/table", "events/label"]
)
def test_missing_datasets_and_wrong_types_are_refused(edit, name):
    path, file = edit
    rows = file[name][:]
    del file[name]
    if name == "views/Y/offsets":
        file[name] = rows.astype(np.float64)
        match = "must be int64"
    elif name == "views/Y/coords":
        file[name] = rows[:, 0]
        match = "must be int32"
    else:
        match = f"has no dataset {name}"
    file.close()
    refuses_to_open(path, match=match)


def test_missing_attributes_and_nonsense_in_them_are_refused(edit):
    path, file = edit
    del file.attrs["detector"]
    file.close()
    refuses_to_open(path, match="damaged")
    with h5py.File(path, "r+") as file:
        file.attrs["detector"] = "toy"
        file["views/Y"].attrs["shape"] = [40, 0]
    refuses_to_open(path, match=r"view Y: shape \(40, 0\) is no image")


def test_dead_wires_outside_the_plane_are_refused(edit):
    path, file = edit
    file["views/Y/dead_wires"][0] = 80
    file.close()
    refuses_to_open(path, match="dead wires")


def test_links_to_other_files_are_not_followed(edit, events_path):
    path, file = edit
    del file["views/Y/values"]
    file["views/Y/values"] = h5py.ExternalLink(str(events_path), "views/Y/values")
    file.close()
    refuses_to_open(path, match="points outside the file")


def test_damaged_chunks_are_reported_when_they_are_read(edit):
    path, file = edit
    chunk = file["views/Y/values"].id.get_chunk_info(0)
    file.close()
    content = bytearray(path.read_bytes())
    start = chunk.byte_offset + chunk.size // 2
    content[start : start + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError, match="views/Y/values cannot be read") as error:
        list(EventFile(path))
    assert_one_line(error, path)


def test_of_many_events_the_bad_one_is_named(edit):
    path, file = edit
    file["views/Y/labels"][row_of(file)] = 9
    file.close()
    source = EventFile(path)
    assert len(source.read_many([0, EVENT, 3], "Y", ["instance"])) == 3  # labels were not read
    with pytest.raises(InputError, match=rf"Event {EVENT} of bad.h5, view Y: labels 9 of pixel 0"):
        source.read_many([0, EVENT, 3], "Y")


def test_a_file_replaced_after_it_was_opened_is_not_mixed_with_the_new_one(
    tmp_path, make_event, write_events
):
    path = write_events(tmp_path / "a.h5", [make_event(0), make_event(1)])
    source = EventFile(path)
    write_events(path, [make_event(3), make_event(2)])
    assert source[0].event_id == make_event(0).event_id  # what was open stays what it was
    source.close()
    with pytest.raises(InputError, match=r"a\.h5 has changed since it was opened"):
        source[0]


def test_an_unknown_compression_is_refused(tmp_path):
    with pytest.raises(InputError, match="compression is 'lzma': it must be one of gzip, none"):
        EventWriter(tmp_path / "a.h5", detector="x", views={"Y": (4, 4)}, compression="lzma")


def test_an_unknown_view_is_named_with_those_there_are(events):
    with pytest.raises(InputError, match=r"view 'Z' is not in .*: it has U, Y"):
        events.read_view(0, "Z")
    with pytest.raises(IndexError):
        events[23]


def test_an_event_class_out_of_range_is_refused(tmp_path, make_event, write_events):
    path = write_events(tmp_path / "a.h5", [make_event(1)] * 3, event_classes=("numu", "nue"))
    with h5py.File(path, "r+") as file:
        file["events/label"][2] = 2
    match = r"Event 2 of a\.h5: label 2 must be an event class in \[0, 2\) or -1"
    source = EventFile(path)
    with pytest.raises(InputError, match=match) as error:
        _ = source.event_labels
    assert_one_line(error, path)
    with pytest.raises(InputError, match=match):
        source[2]


@pytest.mark.parametrize("energy", [-1.0, np.inf])
def test_an_energy_that_is_none_is_refused(tmp_path, make_event, write_events, energy):
    path = write_events(tmp_path / "a.h5", [make_event(1)] * 3)
    with h5py.File(path, "r+") as file:
        file["events/energy"][1] = energy
    with pytest.raises(InputError, match=rf"Event 1 of a\.h5: energy {energy} must be finite"):
        EventFile(path)[1]


def a_view(size: int = 4) -> View:
    return View(np.zeros((1, 2), np.int32), np.ones(1, np.float32), (size, size))


@pytest.mark.parametrize(
    ("event", "match"),
    [
        (Event(0, {"U": a_view()}), "has views"),
        (Event(0, {"Y": a_view(5)}), r"shape \(5, 5\) but the file has \(4, 4\)"),
        (Event(0, {"Y": a_view()}, topology="x" * 40), "longer than 32 bytes"),
        (Event(0, {"Y": a_view()}, label=2), r"label 2 must be an event class in \[0, 2\) or -1"),
        (Event(0, {"Y": a_view()}, energy=-0.5), "energy -0.5 must be finite and not negative"),
    ],
)
def test_the_writer_refuses_what_does_not_belong_in_its_file(tmp_path, event, match):
    writer = EventWriter(
        tmp_path / "a.h5",
        detector="toy",
        views={"Y": (4, 4)},
        event_classes=("numu", "nue"),
        class_names=CLASS_NAMES,
    )
    with writer, pytest.raises(InputError, match=match):
        writer.append(event)


@pytest.mark.parametrize("events", [3, 40])
@pytest.mark.parametrize("room", [0, 2500, 6000])
def test_a_full_disk_gives_one_line_and_leaves_the_old_file(
    tmp_path, monkeypatch, make_event, write_events, events, room
):
    path = write_events(tmp_path / "a.h5", [make_event(0)])
    before = path.read_bytes()
    monkeypatch.setattr("jaxsparse.data.event_tables.PIXEL_CHUNK", 64)
    really_write, written = os.write, 0

    def write(descriptor, data):
        nonlocal written
        written += len(data)
        if written > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return really_write(descriptor, data)

    monkeypatch.setattr("jaxsparse.data.partial_file.os.write", write)
    with pytest.raises(InputError, match="the disk is full") as error:
        write_events(path, map(make_event, range(events)))
    monkeypatch.undo()
    assert_one_line(error, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert len(EventFile(path)) == 1


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.h5", tmp_path):
        with (
            pytest.raises(InputError, match="cannot be written"),
            EventWriter(path, detector="toy", views={"Y": (4, 4)}),
        ):
            pass
