"""Reading rows past HDF5 gives what HDF5 gives, and trusts nothing."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from jaxsparse.data.column import ChunkCache, Column

ROWS = np.random.default_rng(0).integers(-5, 2**20, (103, 2)).astype(np.int32)


@pytest.fixture(
    params=[
        {"chunks": (16, 2), "compression": "gzip", "shuffle": True},
        {"chunks": (16, 2), "compression": "gzip"},
        {"chunks": (16, 2)},
        {"chunks": (200, 2), "maxshape": (None, 2)},
        {},
    ],
    ids=["shuffled", "gzip", "chunked", "one chunk", "contiguous"],
)
def stored(request, tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("rows", data=ROWS, **request.param)
    return path


def column_of(path) -> Column:
    with h5py.File(path) as file:
        return Column(file["rows"])


def read(path, column, first, last, cache):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        out = np.empty((last - first, 2), np.int32)
        column.read_into(out, [(first, last)], descriptor, cache)
        return out
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("budget", [0, 200, 10**6])
def test_rows_are_those_that_were_stored(stored, budget):
    column, cache = column_of(stored), ChunkCache(budget)
    assert column.direct
    assert (column.rows, column.tail) == (103, (2,))
    for first, last in [(0, 103), (0, 1), (15, 17), (16, 32), (40, 90), (102, 103)]:
        np.testing.assert_array_equal(read(stored, column, first, last, cache), ROWS[first:last])


def test_many_runs_come_one_after_the_other_in_any_order(stored):
    runs = [(40, 90), (0, 1), (15, 17), (40, 41), (96, 103)]
    out = np.empty((sum(last - first for first, last in runs), 2), np.int32)
    with open(stored, "rb") as file:
        column_of(stored).read_into(out, runs, file.fileno(), ChunkCache(200))
    expected = np.concatenate([ROWS[first:last] for first, last in runs])
    np.testing.assert_array_equal(out, expected)


def test_what_is_read_may_be_changed(stored):
    column, cache = column_of(stored), ChunkCache(10**6)
    read(stored, column, 3, 20, cache)[:] = 7
    np.testing.assert_array_equal(read(stored, column, 3, 20, cache), ROWS[3:20])


@pytest.mark.parametrize(
    "options",
    [{"compression": "lzf"}, {"fletcher32": True}, {"chunks": (16, 1)}],
    ids=["lzf", "fletcher32", "split rows"],
)
def test_layouts_that_are_not_decoded_here_are_left_to_the_library(tmp_path, options):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("rows", data=ROWS, **options)
    assert not column_of(tmp_path / "a.h5").direct


def test_damage_is_an_error(tmp_path, stored):
    column = column_of(stored)
    content = stored.read_bytes()
    stored.write_bytes(content[: len(content) // 8])
    with pytest.raises((OSError, ValueError)):
        read(stored, column, 0, 103, ChunkCache(0))


@pytest.mark.parametrize("size", [0, 10**9])
def test_a_chunk_that_inflates_to_another_size_is_an_error(tmp_path, size):
    import zlib

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("rows", (16, 2), "i4", chunks=(16, 2), compression="gzip")
        rows.id.write_direct_chunk((0, 0), zlib.compress(bytes(min(size, 10**6))))
    with pytest.raises(ValueError, match="where 128 must be"):
        read(path, column_of(path), 0, 16, ChunkCache(0))


def test_missing_chunks_are_an_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("rows", (16, 2), "i4", chunks=(16, 2))
    with pytest.raises(ValueError, match="missing"):
        column_of(tmp_path / "a.h5")


def test_the_cache_keeps_what_was_used_last():
    cache = ChunkCache(20)
    for key in "abc":
        cache.put(key, np.zeros(8, np.uint8))
        cache.get("a")
    assert cache.get("a") is not None
    assert cache.get("b") is None
    assert cache.get("c") is not None
    cache.put("huge", np.zeros(21, np.uint8))
    assert cache.get("huge") is None
    assert cache.get("a") is not None
