"""Results appear whole or not at all."""

import errno
import os

import numpy as np
import pytest

from jaxsparse.data import partial_file
from jaxsparse.errors import InputError
from jaxsparse.evaluation.output import refuse_inputs, staged
from jaxsparse.evaluation.pixel_predictions import PixelPredictions


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
    with pytest.raises(InputError, match="the disk is full") as caught, staged(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_under_the_predictions_is_one_line(tmp_path, monkeypatch):
    def full(descriptor, data):
        if os.fstat(descriptor).st_size > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(descriptor, data)

    def fill(folder):
        with PixelPredictions(folder / "predictions.h5", "ab", {}) as writer:
            for number in range(50):
                rows = rng.integers(0, 10**6, 5000)
                writer.append(number, number, 0, rows, rng.random((5000, 2), np.float32))

    rng = np.random.default_rng(0)
    write_bytes = os.write
    monkeypatch.setattr(partial_file.os, "write", full)
    out = tmp_path / "out"
    write(out, "predictions.h5", "old")
    with pytest.raises(InputError, match="the disk is full") as caught, staged(out) as folder:
        fill(folder)
    assert "\n" not in str(caught.value)
    assert (out / "predictions.h5").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="give a folder"), staged(tmp_path / "out"):
        pass


def test_folders_without_a_name_of_their_own_are_taken(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for number, place in enumerate((".", "..", "../inner")):
        with staged(place) as folder:
            write(folder, f"{number}.txt", "new")
    assert sorted(path.name for path in tmp_path.rglob("*.txt")) == ["0.txt", "1.txt", "2.txt"]
    assert (tmp_path / "1.txt").is_file()


def test_folders_made_for_results_go_again_if_there_are_none(tmp_path):
    def interrupted():
        with staged(tmp_path / "a" / "b") as folder:
            write(folder, "metrics.json", "new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_results_go_through_a_link(tmp_path):
    """Another disk, for example: nothing may be moved there from beside the link."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    with staged(tmp_path / "out") as folder:
        assert folder.resolve().parent == tmp_path / "disk"
        write(folder, "metrics.json", "new")
    assert (tmp_path / "disk/metrics.json").read_text() == "new"


def test_results_come_all_or_not_at_all(tmp_path, monkeypatch):
    def replace(source, target):
        if (source.parent.name, source.name) == (f".partial-{os.getpid()}", "report.md"):
            raise OSError(errno.EIO, "Input/output error")
        return move(source, target)

    def replaced():
        with staged(tmp_path / "out") as folder:
            for name in names:
                write(folder, name, "new")

    names = ("metrics.json", "pictures/a.png", "report.md")
    for name in names:
        write(tmp_path / "out", name, "old")
    move = os.replace
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(InputError, match="Input/output error"):
        replaced()
    monkeypatch.undo()
    assert [(tmp_path / "out" / name).read_text() for name in names] == ["old"] * 3
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize("name", ["predictions.h5", "plots/deep/data.h5"])
def test_results_never_replace_what_is_read(tmp_path, name):
    out = tmp_path / "out"
    write(out, name, "precious")
    (tmp_path / "link.h5").symlink_to(out / name)
    for path in (out / name, tmp_path / "link.h5"):
        with pytest.raises(InputError, match=f"would be overwritten by the {name[:5]}"):
            refuse_inputs(out, {"data": path})
    write(out, "mine.h5", "kept")
    refuse_inputs(out, {"data": out / "mine.h5", "baseline_data": ""})
