"""A file is found whatever its path is called, and a pattern below such a path as well."""

from __future__ import annotations

import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.errors import InputError

NAMES = ["plain", "run [1-3]", "a*b", "what?", "back\\slash", "µ 事件", "[", "**"]


@pytest.mark.parametrize("name", NAMES)
def test_files_folders_and_patterns_are_found_below_any_name(tmp_path, name, monkeypatch):
    folder = tmp_path / name
    folder.mkdir()
    files = [folder / f"{name}{number}.h5" for number in (1, 2)]
    for path in [*files, folder / "notes.txt"]:
        path.touch()
    assert find_files(folder, "any") == files
    assert find_files(str(files[1]), "any") == [files[1]]
    assert find_files([str(files[1]), str(folder)], "any") == [files[1], files[0]]
    for pattern in ("*.h5", "*[12].h5"):
        assert find_files(str(folder / pattern), "any") == files
    monkeypatch.chdir(folder)
    assert [path.name for path in find_files("*2.h5", "any")] == [files[1].name]
    with pytest.raises(InputError, match="is no file, pattern or folder"):
        find_files(str(folder / "*.hdf"), "any")


def test_a_file_of_a_similar_name_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "new.h5").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^nwe.h5 is no file, .*: did you mean new.h5\?$"):
        find_files("nwe.h5", "any")
    with pytest.raises(InputError, match=r"^nwe.h5 does not exist: did you mean new.h5\?$"):
        EventFile("nwe.h5")
    for other in ("train.hdf5", "nwe*.h5", "no/new.h5"):
        with pytest.raises(InputError, match=r"files: give one$"):
            find_files(other, "any")


def test_patterns_of_folders_are_found(tmp_path):
    for number in (1, 2):
        (tmp_path / f"run {number}").mkdir()
        (tmp_path / f"run {number}" / "a.h5").touch()
    found = find_files(str(tmp_path / "run *" / "a.h5"), "any")
    assert found == [tmp_path / "run 1" / "a.h5", tmp_path / "run 2" / "a.h5"]
