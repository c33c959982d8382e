"""A digest of files tells copies from others."""

import os
import shutil

import pytest

from jaxsparse.data.byte_digest import byte_digest
from jaxsparse.errors import InputError


def test_copies_have_one_digest_whatever_their_names_and_dates(tmp_path):
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_bytes(os.urandom(2**23))
    shutil.copyfile(path, copy)
    os.utime(copy, (1, 1))
    assert byte_digest([path]) == byte_digest([copy])
    assert byte_digest([path, copy]) != byte_digest([path])
    for change in (0, 500_000, 2**23 - 1):  # no part of a large file is left out
        content = bytearray(path.read_bytes())
        content[change] ^= 1
        copy.write_bytes(content)
        assert byte_digest([path]) != byte_digest([copy])
    copy.write_bytes(path.read_bytes()[:-1])
    assert byte_digest([path]) != byte_digest([copy])


def test_of_many_files_the_size_of_each_counts(tmp_path):
    paths = [tmp_path / str(number) for number in range(200)]
    for path in paths:
        path.write_bytes(b"12")
    before = byte_digest(paths)
    paths[1].write_bytes(b"123")
    assert byte_digest(paths) != before


def test_a_file_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"gone cannot be read \(No such file"):
        byte_digest([tmp_path / "gone"])
