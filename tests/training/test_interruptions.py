"""Runs that are stopped, killed, moved and started twice: nothing is lost, nothing is silent."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import h5py
import jax
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.logs import read_records

LOGGED = ("step", "split", "loss", "accuracy", "learning_rate")


@pytest.fixture
def config(toy_config):
    """Eight steps whose periods do not divide one another."""
    every = toy_config.train
    every.log_every, every.validate_every, every.checkpoint_every = 3, 4, 5
    return toy_config


@pytest.fixture
def straight(config, finished_run, tmp_path):
    """The same run without an interruption."""
    return finished_run(config, tmp_path / "straight")


def log_of(workdir: pathlib.Path) -> list[tuple]:
    """Every line, without what depends on the clock and the cache."""
    return [tuple(record[key] for key in LOGGED) for record in read_records(workdir)]


def assert_same_run(one: pathlib.Path, two: pathlib.Path) -> None:
    """Last checkpoint and log are equal to the bit."""
    states = []
    for workdir in (one, two):
        *_, variables, step = load_for_evaluation(workdir, "latest")
        progress = json.loads(
            (workdir / "checkpoints" / str(step) / "progress" / "metadata").read_text()
        )
        del progress["seconds"]
        states.append((variables, step, json.dumps(progress)))
    jax.tree.map(np.testing.assert_array_equal, *(variables for variables, *_ in states))
    assert states[0][1:] == states[1][1:]
    assert log_of(one) == log_of(two)


@pytest.mark.parametrize("step", [1, 3, 4, 5, 8])
def test_a_signal_leaves_no_trace_in_the_log(config, straight, tmp_path, stop_at, step):
    broken = tmp_path / "broken"
    with stop_at(step):
        assert loop.train(config, broken).reason == "stopped by SIGTERM"
    assert log_of(broken) == log_of(straight)[: len(log_of(broken))]
    assert loop.train(config, broken).step == 8
    assert_same_run(straight, broken)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that cleans up may catch it."""


@pytest.mark.parametrize("save", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_a_checkpoint_leaves_no_trace(
    config, straight, tmp_path, monkeypatch, save, when
):
    broken, saves, real = tmp_path / "broken", [], Checkpoints.save

    def killed(self, *arguments):
        saves.append(arguments)
        if len(saves) == save and when == "before":
            raise Killed
        step = real(self, *arguments)
        if len(saves) == save:
            raise Killed
        return step

    monkeypatch.setattr(Checkpoints, "save", killed)
    with pytest.raises(Killed):
        loop.train(config, broken)
    monkeypatch.undo()
    loop.train(config, broken)
    assert_same_run(straight, broken)


def test_a_signal_ends_a_validation_which_the_next_start_makes(
    config, straight, tmp_path, monkeypatch
):
    broken, real = tmp_path / "broken", loop.Run._validate

    def interrupted(self):
        self.stop._handle(signal.SIGTERM, None)
        return real(self)

    monkeypatch.setattr(loop.Run, "_validate", interrupted)
    assert loop.train(config, broken).step == 4
    assert [split for _, split, *_ in log_of(broken)] == ["train"]
    monkeypatch.undo()
    loop.train(config, broken)
    assert_same_run(straight, broken)


def test_a_signal_does_not_wait_for_a_compilation(config, straight, tmp_path, monkeypatch):
    broken, end = tmp_path / "broken", threading.Event()

    def endless(self, *arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        end.wait(60)

    monkeypatch.setattr(jax.stages.Lowered, "compile", endless)
    result = loop.train(config, broken)
    end.set()
    monkeypatch.undo()
    assert (result.step, result.reason, result.abandoned) == (0, "stopped by SIGTERM", True)
    loop.train(config, broken)
    assert_same_run(straight, broken)


def test_a_signal_during_set_up_leaves_everything_as_it_was(config, straight, monkeypatch):
    before = {path: path.read_bytes() for path in straight.rglob("*") if path.is_file()}

    def interrupted(**_) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    monkeypatch.setattr(loop, "Optimizer", interrupted)
    result = loop.train(config, straight)
    assert (result.step, result.reason) == (8, "stopped by SIGTERM")
    assert {path: path.read_bytes() for path in straight.rglob("*") if path.is_file()} == before


# ----- scores -----


def test_the_last_validation_belongs_to_the_last_checkpoint(config, tmp_path):
    every = config.train
    every.checkpoint_every, every.validate_every, every.steps = 6, 5, 12
    loop.train(config, tmp_path)
    opened = Checkpoints(tmp_path)
    assert opened.score(12) is not None
    opened.close()
    log = (tmp_path / "metrics.jsonl").read_bytes()
    assert [s for s, split, *_ in log_of(tmp_path) if split == "validation"] == [5, 10, 12]
    loop.train(config, tmp_path)  # a restart has nothing to do
    assert (tmp_path / "metrics.jsonl").read_bytes() == log


# ----- damage -----


def test_a_damaged_newest_checkpoint_costs_the_steps_since_the_one_before(
    config, straight, tmp_path, capsys
):
    broken = tmp_path / "broken"
    shutil.copytree(straight, broken)
    (broken / "checkpoints" / "8" / "state" / "_METADATA").write_text("")
    capsys.readouterr()
    loop.train(config, broken)
    printed = " ".join(capsys.readouterr().out.split())
    assert "going on from checkpoint 5" in printed
    assert f"It is now {broken / 'damaged' / '8'}" in printed
    assert_same_run(straight, broken)


def test_half_a_first_checkpoint_is_a_new_run_of_any_config(config, tmp_path):
    half = tmp_path / "checkpoints" / "3"
    (half / "state").mkdir(parents=True)
    (tmp_path / "config.json").write_text('{"model": {}, "data": {}, "train": {"steps": 5}}')
    config.train.steps = 1
    assert loop.train(config, tmp_path).step == 1


@pytest.mark.parametrize("text", ["[1]", "{", '{"mine": 1}', ""])
def test_a_file_of_somebody_else_is_not_overwritten(config, tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json is there and is no config of a training"):
        loop.train(config, tmp_path)
    assert (tmp_path / "config.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"3\n", b"{}\n", b'{"step": "a"}\n', b"\x00"])
def test_a_damaged_log_costs_the_damaged_lines(config, straight, damage):
    log = straight / "metrics.jsonl"
    before = log_of(straight)
    log.write_bytes(log.read_bytes() + damage)
    config.train.steps = 9
    loop.train(config, straight)
    assert log_of(straight)[: len(before)] == before


# ----- places -----


def test_the_same_data_is_taken_wherever_it_lies(config, toy_files, tmp_path, monkeypatch):
    monkeypatch.chdir(toy_files[0].parent)
    config.data.train = "t.h5"
    config.train.steps = 1
    run = tmp_path / "run"
    loop.train(config, run)
    assert json.loads((run / "config.json").read_text())["data"]["train"] == str(toy_files[0])
    monkeypatch.chdir(tmp_path)
    config.data.train = str(toy_files[0])
    assert loop.train(config, run).step == 1
    shutil.copy(toy_files[0], "copy.h5")
    config.data.train = "copy.h5"
    config.train.steps = 2
    assert loop.train(config, run).step == 2
    stored = json.loads((run / "inputs.json").read_text())["data.train"]
    assert stored["path"] == str(tmp_path / "copy.h5")


def test_other_data_under_the_same_path_is_refused(config, toy_files, tmp_path):
    config.train.steps, config.data.train = 1, str(tmp_path / "t.h5")
    shutil.copy(toy_files[0], tmp_path / "t.h5")
    loop.train(config, tmp_path / "run")
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        ids = file["events/event_id"][:]
        file["events/event_id"][:] = ids + 1
    with pytest.raises(InputError, match=r"config.data.train is .*, which is not what .* was"):
        loop.train(config, tmp_path / "run")


def test_of_another_file_and_values_that_follow_from_it_the_file_is_named(config, tmp_path):
    config.train.steps = 1
    loop.train(config, tmp_path / "run")
    config.data.train, config.data.high = config.data.validation, 250.0
    with pytest.raises(InputError, match=r"config.data.train is .*, which is not what .* was"):
        loop.train(config, tmp_path / "run")


def test_a_folder_of_other_files_is_pointed_out_once(config, tmp_path, capsys):
    config.train.steps = 1
    (tmp_path / "a.h5").touch()
    loop.train(config, tmp_path)
    assert "which holds other files, a.h5 for one: the run's files come" in capsys.readouterr().out
    loop.train(config, tmp_path)
    assert "other files" not in capsys.readouterr().out


def test_a_work_directory_that_cannot_be_made_is_one_line_with_its_name(config, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"workdir is .*: there is no folder .*nosuch"):
        loop.train(config, tmp_path / "nosuch/runs/one")
    assert not (tmp_path / "nosuch").exists()


def test_a_directory_from_before_inputs_were_told_goes_on_by_their_paths(config, tmp_path):
    config.train.steps = 1
    loop.train(config, tmp_path)
    (tmp_path / "inputs.json").unlink()
    config.train.steps = 2
    assert loop.train(config, tmp_path).step == 2
    assert (tmp_path / "inputs.json").is_file()


@pytest.mark.parametrize("text", ["[1]", "{", '{"data.train": 3}', '{"data.train": {"a": 1}}'])
def test_an_odd_list_of_inputs_is_one_line(config, tmp_path, text):
    config.train.steps = 1
    loop.train(config, tmp_path)
    (tmp_path / "inputs.json").write_text(text)
    with pytest.raises(InputError, match="is no list of inputs"):
        loop.train(config, tmp_path)


# ----- two at a time -----


def test_a_file_in_place_of_the_work_directory_is_one_line(config, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError, match=r"workdir is .*run, a file: give a folder"):
        loop.train(config, tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_a_second_training_in_a_directory_is_refused_in_one_line(config, tmp_path):
    code = (
        "import sys, pathlib\n"
        "from jaxsparse.training.workdir import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    run = tmp_path / "run"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(run)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None
    with other, other.stdin:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=r"in use by another training"):
            loop.train(config, run)
        other.kill()  # the kernel gives the lock back
        other.wait()
    config.train.steps = 1
    assert loop.train(config, run).step == 1
    assert not (run / ".lock").exists()


# ----- seeds -----


@pytest.mark.parametrize("seed", [-1, 2**32, 2**32 + 7, 2**63])
def test_a_seed_out_of_range_is_one_line(config, tmp_path, seed):
    config.seed = seed
    with pytest.raises(InputError, match=r"seed is -?\d+: it must be .* from 0 to 4294967295"):
        loop.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_largest_seed_trains(config, tmp_path):
    config.seed, config.train.steps = 2**32 - 1, 1
    assert loop.train(config, tmp_path).step == 1
