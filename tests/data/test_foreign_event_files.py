"""Event files as other HDF5 libraries write them: what h5py reads is what is read."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.hdf5_attributes import read_text, read_texts
from jaxsparse.data.readers.formats import recognise
from jaxsparse.data.schema import PIXEL_COLUMNS
from jaxsparse.errors import InputError
from tests.data.stored_anyhow import Storage, read_by_hdf5, storages


def test_scores_in_the_place_of_events_are_told_apart(tmp_path):
    path = tmp_path / "scores.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "jaxsparse-predictions"
    for opens in (EventFile, recognise):
        with pytest.raises(InputError, match="has scores of events, not events: give the event f"):
            opens(path)


def copy_anyhow(source: Path, path: Path, storage: Storage, block: int, rewritten) -> None:
    """The same file with some datasets kept in another way."""
    with h5py.File(source) as old, h5py.File(path, "w", userblock_size=block) as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            elif name in rewritten:
                storage.store(new, name, item[:])
                made = new[name]
            else:
                made = new.create_dataset(name, data=item[:])
            for key, value in item.attrs.items():
                made.attrs[key] = value

        for key, value in old.attrs.items():
            new.attrs[key] = value
        old.visititems(copy)


@pytest.fixture(scope="module")
def small_path(tmp_path_factory, make_event, write_events):
    path = tmp_path_factory.mktemp("small") / "small.h5"
    return write_events(path, [make_event(number) for number in (1, 2, 4)])


COLUMNS = [f"views/Y/{name}" for name in PIXEL_COLUMNS]


@settings(max_examples=60, deadline=None)
@given(
    storage=storages,
    block=st.sampled_from([0, 512]),
    names=st.sets(st.sampled_from(["views/Y/overlap", "events/event_id"]), min_size=1),
    all_whole=st.booleans(),
)
def test_events_are_what_hdf5_reads_however_columns_are_stored(
    small_path, storage, block, names, all_whole
):
    rewritten = set(names)
    if all_whole and storage.written == 1:
        rewritten |= {*COLUMNS, "views/Y/offsets", "particles/offsets", "particles/table"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        copy_anyhow(small_path, path, storage, block, rewritten)
        with h5py.File(path) as plain:
            names = {*COLUMNS, *rewritten, "views/Y/offsets"}
            expected = {name: read_by_hdf5(plain[name]) for name in names}
            offsets = expected["views/Y/offsets"]
        file = EventFile(path)
        if "events/event_id" in rewritten:
            assert file.event_ids.tolist() == expected["events/event_id"].tolist()
        for number in range(len(file)):
            view = file.read_view(number, "Y")
            rows = slice(*offsets[number : number + 2])
            for name in PIXEL_COLUMNS:
                got = getattr(view, name)
                np.testing.assert_array_equal(got, expected[f"views/Y/{name}"][rows])
                assert got.dtype.isnative
        file.close()


@pytest.mark.parametrize("column", ["overlap", "values"])
@pytest.mark.parametrize(
    "storage",
    [Storage("compact"), Storage("contiguous", written=0), Storage(written=0)],
    ids=["compact", "never written", "no chunk written"],
)
def test_columns_that_have_no_place_in_the_file_are_not_its_first_bytes(
    tmp_path, small_path, storage, column
):
    path = tmp_path / "a.h5"
    copy_anyhow(small_path, path, storage, 0, {f"views/Y/{column}"})
    with h5py.File(path) as plain:
        expected = plain[f"views/Y/{column}"][:]
        last = plain["views/Y/offsets"][1]
    got = getattr(EventFile(path)[0].views["Y"], column)
    np.testing.assert_array_equal(got, expected[:last])


def fixed(texts: list[bytes], size: int, pad: int) -> tuple[h5py.h5t.TypeID, np.ndarray]:
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(pad)
    blank = b" " if pad == h5py.h5t.STR_SPACEPAD else b"\0"
    return kind, np.array([text.ljust(size, blank) for text in texts], f"S{size}")


def put(item: h5py.Group, name: str, texts: list[bytes], size: int, pad: int, alone: bool) -> None:
    kind, values = fixed(texts, size, pad)
    space = h5py.h5s.create(h5py.h5s.SCALAR) if alone else h5py.h5s.create_simple((len(texts),))
    if name in item.attrs:
        del item.attrs[name]
    h5py.h5a.create(item.id, name.encode(), kind, space).write(values, mtype=kind)


PADS = [h5py.h5t.STR_NULLPAD, h5py.h5t.STR_NULLTERM, h5py.h5t.STR_SPACEPAD]


@pytest.mark.parametrize("pad", PADS, ids=["zeros", "one zero", "blanks"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "array of one"])
def test_text_of_a_fixed_size_is_text(tmp_path, small_path, pad, alone):
    path = tmp_path / "a.h5"
    copy_anyhow(small_path, path, Storage(), 0, set())
    with h5py.File(path, "r+") as file:
        made_by = file.attrs["made_by"].encode()
        put(file, "made_by", [made_by], len(made_by) + 3, pad, alone)
        put(file, "format", [b"jaxsparse-events"], 20, pad, alone)
        put(file, "detector", ["µ-toy".encode()], 12, pad, alone)
        put(file, "class_names", [b"HIP", b"MIP", b"shower", b"delta", b"Michel"], 9, pad, False)
        put(file, "event_classes", [b"numu", b"nue", b"nc"], 9, pad, False)
        put(file, "view_names", [b"U", b"Y"], 4, pad, False)
        for view in "UY":
            put(file[f"views/{view}"], "axes", [b"time row", b"wire"], 12, pad, False)
            put(file[f"views/{view}"], "value_unit", [b"ADC"], 12, pad, alone)
        for name in ("num_events", "schema_version"):
            file.attrs[name] = np.array([file.attrs[name]])
    assert recognise(path) == "events"
    file = EventFile(path)
    assert file.detector == "µ-toy"
    assert file.class_names == ("HIP", "MIP", "shower", "delta", "Michel")
    assert file.event_classes == ("numu", "nue", "nc")
    assert file.value_units == {"U": "ADC", "Y": "ADC"}
    assert file.axes["Y"] == ("time row", "wire")
    assert file.attributes == {"seed": 3}
    assert len(file) == 3


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ("a",)),
        (b"a", ("a",)),
        (np.bytes_(b"a\0"), ("a",)),
        (np.array(["a", "µ"]), ("a", "µ")),
        (np.array([b"a", b"b "]), ("a", "b ")),
        (np.array(["a", b"b"], object), ("a", "b")),
        (np.array([["a"], ["b"]]), ("a", "b")),
        (np.array([], "S3"), ()),
        (h5py.Empty("S3"), ()),
        (b"\xff", ("\ufffd",)),
        ("\udcff", ("\ufffd",)),
    ],
)
def test_every_kind_of_text_is_read(value, texts):
    assert read_texts({"name": value}, "name") == texts
    if len(texts) == 1:
        assert read_text({"name": value}, "name") == texts[0]
    else:
        with pytest.raises(ValueError, match="must be one"):
            read_text({"name": value}, "name")


@pytest.mark.parametrize("value", [3, np.array([1.5]), np.array([None])])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(ValueError, match="name is no text"):
        read_texts({"name": value}, "name")


@pytest.mark.parametrize("value", [3, ["x", "y"], h5py.Empty("S3")])
def test_a_file_whose_format_is_no_text_is_another_one(tmp_path, value):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["format"] = value
    with pytest.raises(ValueError, match="none of the formats known here"):
        recognise(tmp_path / "a.h5")
    with pytest.raises(ValueError, match="not an event file"):
        EventFile(tmp_path / "a.h5")
