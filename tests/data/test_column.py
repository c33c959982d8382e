"""Reading rows past HDF5 gives what HDF5 gives, and trusts nothing."""

from __future__ import annotations

import os
import tempfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data.column import ChunkCache, Column
from jaxsparse.data.schema import PARTICLE_DTYPE
from tests.data.stored_anyhow import Storage, read_by_hdf5, storages

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


KINDS: dict[str, np.ndarray] = {
    "uint8": np.arange(33, dtype=np.uint8),
    "int32": np.arange(-30, 36, dtype=np.int32).reshape(33, 2),
    "float32": np.linspace(-3, 4, 33, dtype=np.float32),
    "int64": np.arange(33) * 2**40,
    "text": np.array([b"numu CC QE", b"", b"bomb"] * 11, "S32"),
    "particles": np.zeros(33, PARTICLE_DTYPE),
    "no rows": np.zeros((0, 3), np.int32),
}
KINDS["particles"]["pdg"] = np.arange(33)


@settings(max_examples=300, deadline=None)
@given(storage=storages, kind=st.sampled_from(list(KINDS)), block=st.sampled_from([0, 512]))
def test_however_hdf5_stores_rows_they_are_those_that_hdf5_reads(storage, kind, block):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.h5"
        with h5py.File(path, "w", userblock_size=block) as file:
            storage.store(file, "rows", KINDS[kind])
        with h5py.File(path) as file:
            expected = read_by_hdf5(file["rows"])
            column = Column(file["rows"])
        assert (column.rows, column.tail) == (len(expected), expected.shape[1:])
        if column.direct:
            out = np.empty_like(expected)
            descriptor = os.open(path, os.O_RDONLY)
            runs = [(0, len(out))] if len(out) else []  # none may be empty
            column.read_into(out, runs, descriptor, ChunkCache(100))
            os.close(descriptor)
            assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("storage", "direct"),
    [
        (Storage("contiguous"), True),
        (Storage("contiguous", written=0.3, fill=1), True),
        (Storage("contiguous", written=0), False),
        (Storage("compact"), False),
        (Storage(), True),
        (Storage(filters=("gzip",)), True),
        (Storage(filters=("gzip", "shuffle"), by_steps=True), True),
        (Storage(written=0), False),
        (Storage(written=0.3, fill=1, allocate="incremental"), False),
        (Storage(filters=("skipping",)), False),
        (Storage(filters=("fletcher32",)), False),
        (Storage(swapped=True), False),
        (Storage(spare_bits=3), False),
    ],
)
def test_only_what_is_understood_is_read_past_the_library(tmp_path, storage, direct):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        storage.store(file, "rows", KINDS["int32"])
    assert column_of(tmp_path / "a.h5").direct is direct


def test_a_last_chunk_that_was_left_unpacked_is_read_through_the_library(tmp_path):
    """``H5Pset_chunk_opts`` leaves the filters out of a last chunk that is not full."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("rows", data=ROWS, chunks=(16, 2), compression="gzip")
        chunk = np.zeros((16, 2), np.int32)
        chunk[:7] = ROWS[96:]
        # As such files look to a reader: h5py cannot ask for them.
        rows.id.write_direct_chunk((96, 0), chunk.tobytes(), filter_mask=0)
    assert not column_of(path).direct
