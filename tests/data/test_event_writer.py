"""Whatever is appended is read back as it was, or refused by name and not there at all."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import event_file, growing_table, schema
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import PARTICLE_DTYPE, PIXEL_COLUMNS
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError

SHAPE = (6, 7)
# What a caller may give in wrong types is tested here, so types are not checked.
Event: Any = schema.Event
View: Any = schema.View
EventWriter: Any = event_file.EventWriter


def writer_of(path, **options):
    options = {"class_names": CLASS_NAMES, **options}
    return EventWriter(path, detector="toy", views={"Y": SHAPE}, **options)


def a_view(**changes):
    columns = {
        "coords": np.array([[0, 3], [2, 1], [5, 6]], np.int32),
        "values": np.array([1.5, 2.0, 0.0], np.float32),
        "labels": np.array([0, -1, 4], np.int8),
        "instance": np.array([0, 1, -1], np.int32),
        "vertex_distance": np.array([0.0, 3.0, np.inf], np.float32),
        "interaction": np.array([True, False, True]),
        "overlap": np.array([1, 255, 0], np.uint8),
        "share": np.array([1.0, 0.25, 0.0], np.float32),
        "primary_share": np.array([1.0, 0.5, 0.0], np.float32),
        "along": np.array([-3.0, 7.5, np.nan], np.float32),
        "along_spread": np.array([0.0, 2.0, np.nan], np.float32),
    }
    return View(shape=SHAPE, **{**columns, **changes})


def an_event(number=0, particles=None, **changes):
    event = {name: changes.pop(name) for name in list(changes) if name not in PIXEL_COLUMNS}
    table = np.zeros(2, PARTICLE_DTYPE) if particles is None else particles
    return Event(
        **{"event_id": number, "particles": table, **event, "views": {"Y": a_view(**changes)}}
    )


REFUSED = [
    ({"overlap": np.array([1, 300, 0])}, "overlap 300 of pixel 1 must be .* from 0 to 255"),
    ({"overlap": [1, -1, 0]}, "overlap -1 of pixel 1"),
    ({"share": [1.0, 1.5, 0.0]}, r"share 1\.5 of pixel 1 must lie in \[0, 1\]"),
    ({"share": [1.0, np.nan, 0.0]}, "share nan of pixel 1 must lie in"),
    ({"along": [1.0, np.inf, 0.0]}, "along inf of pixel 1 must be finite, or NaN"),
    ({"along_spread": [1.0, -0.5, 0.0]}, r"along_spread -0\.5 .* finite and not negative, or NaN"),
    ({"labels": np.array([0, 2**31, 0])}, "labels 2147483648 of pixel 1"),
    ({"labels": np.array([0, 1.5, 0])}, r"labels 1\.5 of pixel 1 must be a whole number"),
    ({"labels": [0, np.nan, 0]}, "labels nan of pixel 1"),
    ({"labels": ["a", "b", "c"]}, "labels a of pixel 0"),
    ({"labels": [0, None, 0]}, "labels None of pixel 1"),
    ({"labels": [0, 2**70, 0]}, "labels 1180591620717411303424 of pixel 1"),
    ({"labels": None, "values": [1, "a", 2]}, "values 1 of pixel 0 must be a number"),
    ({"labels": [[0], [1, 2]]}, "labels is no array"),
    ({"labels": np.zeros((3, 1))}, r"labels has shape \(3, 1\): must be \[rows\]"),
    ({"labels": [0, 1]}, "labels has 2 rows but there are 3 pixels"),
    ({"labels": np.ma.masked_equal([0, 1, 2], 1)}, "labels has masked entries"),
    ({"values": np.array([1.0, 1e39, 2.0])}, r"values 1e\+39 of pixel 1 must be a number in"),
    ({"values": [1.0, np.inf, 2.0]}, "value inf of pixel 1 must be finite"),
    ({"values": None}, "values None must be a number"),
    ({"values": [1j, 1, 1]}, "values 1j of pixel 0"),
    ({"vertex_distance": [0.0, 1e39, 1.0]}, r"vertex_distance 1e\+39"),
    ({"interaction": np.array([0, 2, 1], np.uint8)}, "interaction 2 of pixel 1 must be .* 0 to 1"),
    ({"instance": np.array([0, 2**32, 0])}, "instance 4294967296 of pixel 1"),
    ({"instance": [0, 2, 0]}, r"a row of .* table, in \[0, 2\), or -1: number track IDs"),
    ({"coords": [[0, 3], [2, 1.5], [5, 6]]}, r"coords 1\.5 of pixel 1 must be a whole number"),
    ({"coords": [[0, 3], [2, 2**40], [5, 6]]}, "coords 1099511627776 of pixel 1"),
    ({"coords": [0, 3, 2]}, r"coords has shape \(3,\): must be \[rows, 2\]"),
    ({"coords": [[1, 2], [3, 0], [6, 5]]}, r"image \(6, 7\): are the axes swapped\? .*::-1\] fit$"),
    ({"coords": [[1, 2], [3, 0], [6, 6]]}, r"image \(6, 7\): correct it where the file is made$"),
    ({"particles": []}, "instance 0 of .* table, which has none, or -1: number .*particle_table"),
    ({"coords": None}, "coords None must be a whole number"),
    ({"event_id": 2**63}, "event_id 9223372036854775808 must be a whole number"),
    ({"event_id": 2**70}, "event_id 1180591620717411303424 must be"),
    ({"event_id": 1.5}, "event_id 1.5 must be"),
    ({"event_id": [3]}, r"event_id has shape \(1,\): must be a single number"),
    ({"label": 2**31}, "label 2147483648 must be"),
    ({"label": math.nan}, "label nan must be"),
    ({"energy": 1e39}, r"energy 1e\+39 must be a number in its range"),
    ({"energy": None}, "energy None must be"),
    ({"energy": math.inf}, "energy inf must be finite"),
    ({"keys": {"run": 2**63}}, "key run 9223372036854775808 must be"),
    ({"keys": {"run": 0.5}}, "key run 0.5 must be"),
    ({"topology": "a\0"}, "must not contain a zero byte"),
    ({"topology": "\ud800"}, "must be text in UTF-8"),
    ({"topology": None}, "topology None must be text"),
    ({"particles": np.zeros((2, 1), PARTICLE_DTYPE)}, r"particles are .* of shape \(2, 1\)"),
    ({"particles": np.zeros(3)}, "particles are float64"),
    ({"particles": [1]}, "particles are int64"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), REFUSED)
def test_what_does_not_fit_is_refused_by_name_and_the_good_events_are_a_whole_file(
    tmp_path, changes, line
):
    with writer_of(tmp_path / "a.h5") as writer:
        for number in (5, 6):
            with pytest.raises(InputError, match=line) as error:
                writer.append(an_event(**changes))
            assert "\n" not in str(error.value)
            assert str(error.value).startswith(f"Event {number - 5} for a.h5")
            writer.append(an_event(number))
    file = EventFile(tmp_path / "a.h5")
    assert file.event_ids.tolist() == [5, 6]
    for event in file:
        for name in PIXEL_COLUMNS:
            np.testing.assert_array_equal(getattr(event.views["Y"], name), getattr(a_view(), name))


@pytest.mark.parametrize("event", [None, {"event_id": 3}, Event(0, {"Y": None})])
def test_what_is_no_event_is_refused_by_name(tmp_path, event):
    with (
        writer_of(tmp_path / "a.h5") as writer,
        pytest.raises(InputError, match="give a jaxsparse"),
    ):
        writer.append(event)


def test_particles_of_other_types_are_converted_or_refused(tmp_path):
    wide = np.dtype([
        (name, "f8" if PARTICLE_DTYPE[name].base.kind == "f" else "i8", PARTICLE_DTYPE[name].shape)
        for name in PARTICLE_DTYPE.names or ()
    ])  # fmt: skip
    table = np.zeros(2, wide)
    table["pdg"], table["start"], table["interaction"] = [13, 2212], 1.25, [0, 1]
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(an_event(particles=table))
        for name, value, line in [
            ("pdg", 2**31, "particles' pdg 2147483648 of particle 1 must be"),
            ("interaction", 2, "particles' interaction 2 of particle 1"),
            ("end", 1e39, r"particles' end 1e\+39 of particle 1"),
        ]:
            bad = table.copy()
            bad[name][1] = value
            with pytest.raises(InputError, match=line):
                writer.append(an_event(particles=bad))
        with pytest.raises(InputError, match="must be a flat array"):
            writer.append(an_event(particles=table[["pdg", "parent"]]))
        writer.append(an_event(particles=[], instance=[-1, -1, -1]))
    found = EventFile(tmp_path / "a.h5")[0].particles
    assert found.dtype == PARTICLE_DTYPE
    assert found["pdg"].tolist() == [13, 2212]
    assert found["start"].tolist() == [[1.25] * 3] * 2
    assert found["interaction"].tolist() == [False, True]


def test_lists_and_wider_types_are_what_they_say(tmp_path):
    given = {
        name: None if name == "overlap" else getattr(a_view(), name).tolist()
        for name in PIXEL_COLUMNS
    }
    given["coords"] = np.array(given["coords"], np.float64)
    given["labels"] = np.array(given["labels"], ">i8")
    view = View(shape=[6.0, np.int64(7)], **{**given, "overlap": np.array([1, 255, 0], np.uint64)})
    event = Event(np.uint64(7), {"Y": view}, np.zeros(2, PARTICLE_DTYPE), label=1.0, energy=2)
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(event)
        writer.append(
            Event(8, {"Y": View([], [], SHAPE, **{name: [] for name in PIXEL_COLUMNS[2:]})})
        )
    file = EventFile(tmp_path / "a.h5")
    for name in PIXEL_COLUMNS:
        got, expected = getattr(file[0].views["Y"], name), getattr(a_view(), name)
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype
    assert (file[0].event_id, file[0].label, file[0].energy) == (7, 1, 2.0)
    assert len(file[1].views["Y"]) == 0


def test_arrays_may_be_used_again_after_append(tmp_path):
    view, table = a_view(), np.zeros(2, PARTICLE_DTYPE)
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(Event(0, {"Y": view}, table))
        view.values[:], view.overlap[:], table["pdg"] = 9, 9, 9
    event: Any = EventFile(tmp_path / "a.h5")[0]
    assert event.views["Y"].values.tolist() == [1.5, 2.0, 0.0]
    assert event.views["Y"].overlap.tolist() == [1, 255, 0]
    assert event.particles["pdg"].tolist() == [0, 0]


WHOLE = [0, 1, 2, 4, -1, 127, 128, 255, 256, 300, 2**31, -(2**31), 2**63, -(2**63)]
REAL = [0.0, 1.5, 3.0, -1.0, 1e-50, 1e38, 3.5e38, 1e39, 1e300, np.inf, -np.inf, np.nan]
FIELDS = ("event_id", "label", "energy", "run", *PIXEL_COLUMNS[1:])
KINDS = [*"bhilqBHILQefdg?"]


@st.composite
def numbers(draw, rows: int, odd: bool):
    """Numbers of any type that can be given, odd ones among them."""
    some = st.sampled_from([0, 1, 1.0]) | st.sampled_from([*WHOLE, *REAL] if odd else [1])
    values = draw(st.lists(some, min_size=rows, max_size=rows))
    kind = draw(st.sampled_from(KINDS))
    if draw(st.booleans()) or not all(map(math.isfinite, values)):
        return values
    with np.errstate(all="ignore"):
        return np.array(values).astype(kind)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_append_refuses_or_the_file_reads_back_what_was_given(data):
    rows = data.draw(st.integers(0, 3))
    cells = sorted(data.draw(st.sets(st.integers(0, 41), min_size=rows, max_size=rows)))
    coords = np.array([divmod(cell, 7) for cell in cells]).reshape(rows, 2)
    odd = data.draw(st.none() | st.sampled_from(FIELDS))
    scalar = {name: data.draw(numbers(1, odd == name))[0] for name in FIELDS[:4]}
    names = [name for name in PIXEL_COLUMNS[1:] if name == "values" or data.draw(st.booleans())]
    given_columns = {name: data.draw(numbers(rows, odd == name)) for name in names}
    view = View(coords.astype(data.draw(st.sampled_from(KINDS[:-1]))), shape=SHAPE, **given_columns)
    event = Event(
        scalar["event_id"], {"Y": view}, np.zeros(2, PARTICLE_DTYPE), scalar["label"],
        data.draw(st.text(max_size=9)), scalar["energy"], {"run": scalar["run"]},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.h5"
        with writer_of(path, class_names=[str(number) for number in range(128)]) as writer:
            lines: list[str] = []
            try:
                writer.append(event)
            except InputError as error:
                lines.append(str(error))
        written = not lines
        assert "\n" not in "".join(lines)
        file = EventFile(path)
        assert len(file) == int(written)
        if not written:
            return
        found = file[0]
        assert found.views["Y"].coords.tolist() == coords.tolist()
        for name in names:
            got = getattr(found.views["Y"], name)
            given_values = np.asarray(given_columns[name])
            with np.errstate(all="ignore"):
                expected = given_values.astype(np.float64)
                if got.dtype == np.float32:
                    expected = given_values.astype(np.float32)
                    assert (np.isinf(expected) == np.isinf(given_values)).all()
            np.testing.assert_array_equal(got.astype(np.float64), expected)
        assert (found.event_id, found.label) == (event.event_id, event.label)
        assert found.topology == event.topology
        np.testing.assert_equal(found.energy, float(np.float32(event.energy)))
        assert found.keys == event.keys
        file.close()


@pytest.mark.parametrize("at", range(6))
def test_an_event_that_was_half_written_is_never_published(tmp_path, monkeypatch, at):
    """One append after another fails, as for lack of memory; the caller goes on."""
    path = tmp_path / "a.h5"
    with writer_of(path) as writer:
        writer.append(an_event(1))
    before = path.read_bytes()

    def write_badly(writer):
        writer.append(an_event(2))
        with pytest.raises(MemoryError):
            writer.append(an_event(3))
        with pytest.raises(InputError, match="half written"):
            writer.append(an_event(4))

    append, calls = growing_table.GrowingTable.append, 0

    def fail(table, rows):
        nonlocal calls
        calls += 1
        if calls == 9 + at:  # a good event takes eight and the offsets' beginnings
            raise MemoryError
        append(table, rows)

    monkeypatch.setattr(growing_table.GrowingTable, "append", fail)
    with (
        pytest.raises(InputError, match="event 1 was left half written"),
        writer_of(path) as writer,
    ):
        write_badly(writer)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_good_event_decides_the_columns_not_a_refused_one(tmp_path):
    plain = View(np.array([[0, 1]]), np.ones(1), SHAPE)
    with writer_of(tmp_path / "a.h5") as writer:
        with pytest.raises(InputError, match="value -1"):
            writer.append(Event(0, {"Y": dataclasses.replace(plain, values=[-1.0])}))
        with pytest.raises(InputError, match="keys has 'nonsense'"):
            writer.append(Event(0, {"Y": plain}, keys={"nonsense": 1}))
        writer.append(an_event(keys={"run": 3}))
        with pytest.raises(InputError, match="truth columns"):
            writer.append(Event(0, {"Y": plain}, keys={"run": 3}))
    file = EventFile(tmp_path / "a.h5")
    assert file[0].keys == {"run": 3}
    assert file[0].views["Y"].labels is not None


def test_events_belong_inside_the_with_block(tmp_path):
    writer = writer_of(tmp_path / "a.h5")
    with pytest.raises(InputError, match="append inside of"):
        writer.append(an_event())
    with writer:
        writer.append(an_event())
    with pytest.raises(InputError, match=r"a\.h5 has ended"):
        writer.append(an_event())
    assert len(EventFile(tmp_path / "a.h5")) == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"views": {"Y": (8.5, 4)}}, r"shape 8\.5 of axis 0 must be a whole number"),
        ({"views": {"Y": (0, 4)}}, r"shape \(0, 4\) is no image"),
        ({"views": {"Y": ()}}, r"shape \(\) is no image"),
        ({"views": {"Y": 8}}, r"shape has shape \(\)"),
        ({"views": {"Y": (2**31, 2**31)}}, "is no image"),
        ({"views": {"a/b": (4, 4)}}, "views has 'a/b'"),
        ({"views": {"": (4, 4)}}, "views has ''"),
        ({"views": {"Y\0": (4, 4)}}, "views has 'Y"),
        ({"views": {3: (4, 4)}}, "views has 3"),
        ({"views": {}}, "views is empty"),
        ({"views": ["Y"]}, r"views is \['Y'\]: it must be a dictionary"),
        ({"class_names": ["track", "shower", "track"]}, "class_names has 'track' twice"),
        ({"event_classes": ["nc", "nc"]}, "event_classes has 'nc' twice"),
        ({"dead_wires": {"Y": [4]}}, r"dead_wires 4 to 4 must lie in \[0, 4\)"),
        ({"dead_wires": {"Y": [0.5]}}, r"dead_wires 0\.5 of entry 0"),
        ({"dead_wires": {"Y": 3}}, "dead_wires has shape"),
        ({"class_names": "HIP"}, "class_names has 'HIP'"),
        ({"class_names": ["a\0"]}, "class_names has"),
        ({"event_classes": [b"numu"]}, "event_classes has b'numu'"),
        ({"detector": None}, "detector has None"),
        ({"detector": "\udcff"}, "must be text in UTF-8"),
        ({"made_by": {"a": 1, 2: 3}}, "made_by is nothing that JSON can say"),
    ],
)
def test_what_is_said_of_the_file_is_checked_before_it_is_made(tmp_path, options, line):
    with (
        pytest.raises(InputError, match=line),
        EventWriter(tmp_path / "a.h5", **{"detector": "toy", "views": {"Y": (4, 4)}, **options}),
    ):
        pass
    assert not list(tmp_path.iterdir())


NAMES = ["plain", "[a-z]*?", "back\\slash", "µ 事件", " blanks ", "-dash", "%d{x}", "a#b"]


@pytest.mark.parametrize("name", NAMES)
def test_any_path_and_name_is_written_and_read(tmp_path, name):
    path = tmp_path / name / f"{name}.h5"
    with EventWriter(
        path, detector=np.str_(name), views={name: np.array(SHAPE)},
        class_names=np.array([name + digit for digit in "01234"]),
        event_classes=[name], axes=[name, name],
        value_unit=name, made_by={name: [name, math.nan, SHAPE]}, dead_wires={name: [0, 6.0]},
    ) as writer:  # fmt: skip
        writer.append(Event(0, {name: a_view()}, np.zeros(2, PARTICLE_DTYPE), topology=name))
    file = EventFile(path)
    assert file.view_shapes == {name: SHAPE}
    assert (file.detector, file.class_names) == (name, tuple(name + digit for digit in "01234"))
    assert (file.event_classes, file.axes[name]) == ((name,), (name, name))
    assert file.value_units == {name: name}
    assert file.dead_wires(name).tolist() == [0, 6]
    assert file.topologies == [name]
    assert list(file.attributes) == [name]
    with h5py.File(path, "r+") as stored:  # read by another way
        values = stored[f"views/{name}/values"][:]
        del stored[f"views/{name}/values"]
        stored.create_dataset(f"views/{name}/values", data=values, chunks=(2,), compression="lzf")
    assert EventFile(path)[0].views[name].values.tolist() == [1.5, 2.0, 0.0]


@pytest.mark.parametrize("labels", [["HIP", "MIP", "MIP"], np.array(["HIP", "MIP", "MIP"])])
def test_names_in_the_place_of_class_numbers_are_answered_with_the_numbers(tmp_path, labels):
    with writer_of(tmp_path / "a.h5", event_classes=("nue", "nc")) as writer:
        with pytest.raises(
            InputError, match="labels HIP of pixel 0 must be a class number, 0 HIP, 1 M"
        ):
            writer.append(an_event(labels=labels))
        with pytest.raises(
            InputError, match="label nc must be a class number, 0 nue, 1 nc: give the"
        ):
            writer.append(an_event(label="nc"))
