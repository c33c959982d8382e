"""Boards get the numbers of the log; W&B's package has a stand-in that notes what it is told."""

import math
import sys
import types

import pytest

from jaxsparse.errors import InputError
from jaxsparse.training.boards import TensorBoard, open_board
from jaxsparse.training.config import default_config
from jaxsparse.training.logs import MetricsLog, Record


class Refused(Exception):
    """Stands for ``wandb.errors.Error``."""


class FakeRun:
    def __init__(self, **arguments):
        self.arguments, self.told, self.finished = arguments, [], False

    def define_metric(self, name, step_metric):
        self.told.append((name, step_metric))

    def log(self, numbers):
        self.told.append(numbers)

    def finish(self):
        self.finished = True


@pytest.fixture
def wandb(monkeypatch):
    module = types.SimpleNamespace(runs=[], errors=types.SimpleNamespace(Error=Refused))
    module.init = lambda **arguments: module.runs.append(FakeRun(**arguments)) or module.runs[-1]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def config_with(board):
    config = default_config()
    config.train.board = board
    return config


def record(step: int) -> Record:
    return Record(step, "train", 0.25, math.nan, 0.1, 8.0, 1e4, 2)


def test_wandb_gets_the_config_and_the_finite_numbers_of_every_record(wandb, tmp_path) -> None:
    log = MetricsLog(tmp_path, open_board(config_with("wandb"), tmp_path, 0))
    log.write(record(3))
    log.close()
    (run,) = wandb.runs
    assert run.arguments["config"]["train"]["board"] == "wandb"
    assert run.told == [("*", "step"), {
        "step": 3, "train/loss": 0.25, "train/learning_rate": 0.1,
        "train/events_per_second": 8.0, "train/sites_per_second": 1e4,
    }]  # fmt: skip
    assert run.finished


def test_a_resumed_run_goes_on_at_wandb_and_a_new_one_begins_another(wandb, tmp_path) -> None:
    for resume_at in (0, 20, 0):
        open_board(config_with("wandb"), tmp_path, resume_at)
    first, resumed, another = (run.arguments["id"] for run in wandb.runs)
    assert first == resumed != another


def test_a_wandb_that_is_missing_or_refuses_is_one_line(wandb, monkeypatch, tmp_path) -> None:
    def refuse(**_):
        raise Refused("not logged in")

    wandb.init = refuse
    with pytest.raises(InputError, match=r"answers 'not logged in'.*WANDB_MODE=offline"):
        open_board(config_with("wandb"), tmp_path, 0)
    monkeypatch.setitem(sys.modules, "wandb", None)  # an import of it fails
    with pytest.raises(InputError, match="not installed: pip install"):
        open_board(config_with("wandb"), tmp_path, 0)


def test_tensorboard_is_written_where_it_is_installed(monkeypatch, tmp_path) -> None:
    told = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            told.append((folder, purge_step))

        def add_scalar(self, *arguments):
            told.append(arguments)

    module = types.SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    board = open_board(default_config(), tmp_path, 20)
    assert isinstance(board, TensorBoard)
    board.add(30, {"train/loss": 0.5})
    assert told == [(str(tmp_path / "tensorboard"), 21), ("train/loss", 0.5, 30)]
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert open_board(default_config(), tmp_path, 20) is None


def test_no_board_writes_nothing(tmp_path) -> None:
    assert open_board(config_with("none"), tmp_path, 0) is None
    assert not list(tmp_path.iterdir())
