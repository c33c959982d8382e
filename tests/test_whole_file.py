"""A file is the old one or the new one, never half of either."""

import os
import pathlib

import pytest

from jaxsparse.errors import InputError
from jaxsparse.whole_file import whole_file


def write(path, text: str) -> None:
    with whole_file(path) as partial:
        partial.write_text(text)


def test_the_new_file_replaces_the_old_one(tmp_path) -> None:
    path = tmp_path / "deep" / "a.json"
    write(path, "first")
    write(path, "second")
    assert path.read_text() == "second"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_whatever_ends_the_writing_leaves_the_old_file(tmp_path, error) -> None:
    path = tmp_path / "a.json"
    write(path, "old")

    def half() -> None:
        with whole_file(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_process_left_is_written_over(tmp_path) -> None:
    path = tmp_path / "a.json"
    (tmp_path / ".partial-a.json").write_text("much more than the new one")
    write(path, "new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("place", [os.devnull, "folder"])
def test_what_is_no_file_is_not_replaced(tmp_path, place) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="it is there and is no file"):
        write(tmp_path / place, "text")
    assert os.path.exists(tmp_path / place)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path) -> None:
    for place in (tmp_path / "nosuch/deep/a.txt", pathlib.Path("/proc/a.txt")):
        with (
            pytest.raises(InputError, match=f"out is {place}: .*(choose|correct)"),
            whole_file(place, "out"),
        ):
            pytest.fail("it was entered")
    assert list(tmp_path.iterdir()) == []
