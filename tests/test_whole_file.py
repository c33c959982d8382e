"""A file is the old one or the new one, never half of either."""

import os

import pytest

from jaxsparse.whole_file import write_whole


def test_text_and_bytes_replace_what_was_there(tmp_path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "first ä")
    assert path.read_bytes() == "first ä".encode()
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_kill_before_the_end_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def killed(*_) -> None:
        raise SystemExit

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(SystemExit):
        write_whole(path, "new")
    assert path.read_text() == "old"
