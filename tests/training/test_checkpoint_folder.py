"""The folder of checkpoints at every moment at which a process may be killed."""

import pathlib
import shutil

import pytest

from jaxsparse.errors import InputError
from jaxsparse.training import checkpoint_folder
from jaxsparse.training.checkpoint_folder import (
    ITEMS,
    CheckpointFolder,
    check_path,
    checkpoint_steps,
    is_checkpoint,
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that cleans up may catch it."""


@pytest.fixture
def folder(tmp_path) -> CheckpointFolder:
    made = CheckpointFolder(tmp_path)
    made.make()
    return made


def write(path: pathlib.Path, text: str = "") -> pathlib.Path:
    """What a whole checkpoint consists of."""
    for item in ITEMS:
        (path / item).mkdir(parents=True)
        (path / item / "data").write_text(text)
    (path / "_CHECKPOINT_METADATA").write_text("{}")
    return path


def text_of(path: pathlib.Path) -> str:
    return (path / "state" / "data").read_text()


def kill_at_call(monkeypatch, module, name: str, number: int) -> None:
    """The ``number``-th call of ``module.name`` is never made: the process is dead by then."""
    real, calls = getattr(module, name), []

    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) == number:
            raise Killed
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, call)


@pytest.mark.parametrize("missing", [*ITEMS, "_CHECKPOINT_METADATA"])
def test_half_a_checkpoint_under_its_number_is_none(folder, missing) -> None:
    path = write(folder.of(7))
    assert folder.steps == [7]
    if (path / missing).is_dir():
        shutil.rmtree(path / missing)
    else:
        (path / missing).unlink()
    assert folder.steps == [] == checkpoint_steps(folder.workdir)


@pytest.mark.parametrize(
    "name", ["7.orbax-checkpoint-tmp", "7.new", "7.old", "007", "-7", "best", "7 "]
)
def test_what_has_another_name_is_no_checkpoint(folder, name) -> None:
    assert not is_checkpoint(write(folder.path / name))


def test_a_directory_without_checkpoints_has_none(tmp_path) -> None:
    assert checkpoint_steps(tmp_path) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_kill_while_a_checkpoint_is_replaced_leaves_the_old_or_the_new_one(
    folder, monkeypatch, number
) -> None:
    write(folder.of(7), "old")
    write(folder.new(7), "new")
    module, name = (checkpoint_folder.os, "replace") if number < 3 else (shutil, "rmtree")
    kill_at_call(monkeypatch, module, name, number if number < 3 else 1)
    with pytest.raises(Killed):
        folder.install(7)
    monkeypatch.undo()
    folder.make()  # the next start
    assert [path.name for path in folder.path.iterdir()] == ["7"]
    assert text_of(folder.of(7)) == ("old" if number == 1 else "new")


def test_a_kill_while_a_checkpoint_is_deleted_leaves_no_half_of_it(folder, monkeypatch) -> None:
    write(folder.of(7))
    kill_at_call(monkeypatch, shutil, "rmtree", 1)
    with pytest.raises(Killed):
        folder.remove(7)
    assert folder.steps == []
    monkeypatch.undo()
    folder.make()
    assert list(folder.path.iterdir()) == []


def test_what_a_killed_save_left_is_removed_at_the_next_start(folder) -> None:
    write(folder.of(6))
    write(folder.path / "7.new.orbax-checkpoint-tmp")
    write(folder.path / "5.old")
    folder.make()
    assert [path.name for path in folder.path.iterdir()] == ["6"]


def test_damaged_checkpoints_of_one_step_are_kept_beside_each_other(folder) -> None:
    write(folder.of(7), "first")
    first = folder.set_aside(7)
    write(folder.of(7), "second")
    second = folder.set_aside(7)
    assert (text_of(first), text_of(second)) == ("first", "second")
    assert folder.steps == []


@pytest.mark.parametrize("name", ["runs[1]", "a\\b"])
def test_a_path_that_could_not_be_read_again_is_refused(tmp_path, name) -> None:
    with pytest.raises(InputError, match="could not be read again"):
        check_path(tmp_path / name / "run")


@pytest.mark.parametrize("name", ["a[b", "a]b", "a*b", "a?b", "a b", "ä", "a'b", "{a}"])
def test_other_paths_are_taken(tmp_path, name) -> None:
    check_path(tmp_path / name)
