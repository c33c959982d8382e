"""The reader of sparse NOvA files agrees with the dense one, and refuses what is out of order."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from jaxsparse.data.readers.nova_caf import NovaCafSource
from jaxsparse.data.readers.nova_sparse import NovaSparseSource
from jaxsparse.errors import InputError


@pytest.fixture
def sparse(tmp_path, nova_tracks, write_sparse):
    events = [nova_tracks(number) for number in range(5)]
    return write_sparse(tmp_path / "sparse.h5", events, numbers=[0, 1, 4, 5, 9])


def edit(path, name, change):
    with h5py.File(path, "r+") as file:
        rows = file[name][:]
        del file[name]
        changed = change(rows)
        if changed is not None:
            file[name] = changed


def test_events_are_those_of_the_dense_layout(tmp_path, sparse, monkeypatch, nova_keys, write_caf):
    monkeypatch.setattr("jaxsparse.data.readers.nova_sparse.BLOCK_ROWS", 50)
    keys = nova_keys(5)
    expected = NovaCafSource(write_caf(tmp_path / "dense.h5", keys, keys, [0] * 5))
    source = NovaSparseSource(sparse)
    assert source.event_ids.tolist() == [0, 1, 4, 5, 9]
    assert source.absent == 5
    assert source.event_labels.tolist() == [-1] * 5
    assert source[2].event_id == 4
    for number in range(5):
        event, dense = source[number], expected[number]
        np.testing.assert_array_equal(event.particles["label"], dense.particles["label"])
        for name, view in event.views.items():
            for column in ("coords", "values", "labels", "instance"):
                got, wanted = getattr(view, column), getattr(dense.views[name], column)
                np.testing.assert_array_equal(got, wanted)
                assert got.dtype == wanted.dtype


def test_pixels_of_an_event_may_come_in_any_order_and_truth_may_be_absent(sparse):
    before = NovaSparseSource(sparse)[1]
    first, last = NovaSparseSource(sparse)._first[1:3]
    with h5py.File(sparse, "r+") as file:
        for name in ("cvnmap_index", "cvnmap_value"):
            file[name][first:last] = file[name][first:last][::-1]
        del file["cvnmap_label"], file["cvnmap_object"]
    after = NovaSparseSource(sparse)[1]
    for name, view in before.views.items():
        np.testing.assert_array_equal(after.views[name].values, view.values)
        assert after.views[name].labels is None
        assert after.views[name].instance is None


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("cvnmap_index", lambda a: None, "no dataset cvnmap_index"),
        ("cvnmap_value", lambda a: None, "no dataset cvnmap_value"),
        ("cvnmap_value", lambda a: a[:-1], "cvnmap_value has .* rows, the other columns"),
        ("cvnmap_index", lambda a: a[:, :1], r"must be \[rows, 2\]"),
        ("cvnmap_index", lambda a: a.astype("f8"), "is float64, must be int"),
        ("cvnmap_label", lambda a: a.astype("f4"), "is float32, must be int"),
        ("cvnmap_index", lambda a: a[::-1], "sort all columns by"),
        ("cvnmap_index", lambda a: a - [0, -9000], r"must lie in \[0, 16000\)"),
        ("cvnmap_index", lambda a: a - [0, 9000], r"pixel -\d+ of row 0 must lie in"),
        ("cvnmap_index", lambda a: a % [99, 8000], "no pixel in view YZ: a view is missing"),
    ],
)
def test_a_bad_column_is_one_line_at_opening(sparse, name, change, line):
    edit(sparse, name, change)
    with pytest.raises(InputError, match=line) as error:
        NovaSparseSource(sparse)
    assert "\n" not in str(error.value)
    assert sparse.name in str(error.value)


def set_row(row, value):
    def change(rows):
        rows = rows.astype(float) if isinstance(value, float) else rows
        rows[row] = value
        return rows

    return change


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("cvnmap_label", set_row(0, 12), "pixel label 12 must lie in 0"),
        ("cvnmap_value", set_row(0, np.nan), "value nan must be finite"),
        ("cvnmap_value", set_row(0, -4.0), "value -4.0 must be finite"),
        ("cvnmap_index", lambda a: np.vstack([a[1:2], a[1:]]), r"pixel \d+ occurs twice"),
    ],
)
def test_a_bad_pixel_is_named_when_its_event_is_read(sparse, name, change, line):
    edit(sparse, name, change)
    source = NovaSparseSource(sparse)
    source[1]
    with pytest.raises(InputError, match=line) as error:
        source[0]
    assert "Event 0 of sparse.h5" in str(error.value)


def test_numbers_beyond_the_types_in_use_are_refused(sparse):
    edit(sparse, "cvnmap_object", lambda rows: rows.astype(np.int64) + 2**32)
    with pytest.raises(InputError, match=r"Event 0 of .*: cvnmap_object 42949672\d\d of pixel 0"):
        NovaSparseSource(sparse)[0]

    def wrap(rows):
        rows = rows.astype(np.uint64)
        rows[0, 0] = 2**64 - 1  # would be -1
        return rows

    edit(sparse, "cvnmap_index", wrap)
    with pytest.raises(InputError, match="cvnmap_index 18446744073709551615 of row 0"):
        NovaSparseSource(sparse)


def test_files_that_are_none_and_events_out_of_range(tmp_path, sparse):
    with pytest.raises(InputError, match="is not a file"):
        NovaSparseSource(tmp_path / "none.h5")
    with pytest.raises(IndexError):
        NovaSparseSource(sparse)[5]
