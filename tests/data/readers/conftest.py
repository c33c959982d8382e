"""Small NOvA files in their real layout, made here."""

from __future__ import annotations

import pytest

from tests.data.readers.small_files import keys_of, tracks, write_caf_file, write_sparse_file


@pytest.fixture(scope="session")
def nova_tracks():
    return tracks


@pytest.fixture(scope="session")
def nova_keys():
    return keys_of


@pytest.fixture(scope="session")
def write_caf():
    return write_caf_file


@pytest.fixture(scope="session")
def write_sparse():
    return write_sparse_file
