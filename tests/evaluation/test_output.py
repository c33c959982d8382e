"""Results appear whole or not at all."""

import errno

import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.output import staged


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_new_results_replace_old_ones_of_the_same_name_and_no_others(tmp_path):
    out = tmp_path / "out"
    write(out, "metrics.json", "old")
    write(out, "pictures/old.png", "old")
    write(out, "notes.txt", "mine")
    with staged(out) as folder:
        write(folder, "metrics.json", "new")
        write(folder, "pictures/new.png", "new")
    assert (out / "metrics.json").read_text() == "new"
    assert [path.name for path in (out / "pictures").iterdir()] == ["new.png"]
    assert (out / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    write(out, "metrics.json", "old")
    with pytest.raises(ZeroDivisionError), staged(out) as folder:
        write(folder, "metrics.json", str(1 / 0))
    assert (out / "metrics.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(InputError, match="No space left") as caught, staged(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="give a folder"), staged(tmp_path / "out"):
        pass
