"""Boards, where curves of runs are looked at: TensorBoard, or Weights & Biases.

A board gets the numbers of ``metrics.jsonl`` as they come. That file is what counts: a board may
show steps twice that a killed run repeated, and a run is the same to the bit with any of them.
"""

from __future__ import annotations

import pathlib
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.workdir import writing
from jaxsparse.whole_file import whole_file

WANDB_RUN = "wandb_run"  # file of a work directory: the run's name at W&B, to go on with


class Board(Protocol):
    """What a log tells its records to."""

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Adds finite numbers of a step by their names, such as ``train/loss``."""

    def close(self) -> None:
        """Writes what is left."""


def open_board(config: ConfigDict, workdir: pathlib.Path, resume_at: int) -> Board | None:
    """The board that ``config.train.board`` names.

    Args:
      config: of the run; W&B shows it.
      workdir: of the run; a board's own files lie in it.
      resume_at: step that the run goes on from, 0 for a new one.

    Returns:
      None for ``"none"``, and where TensorBoard is named, as by default, and is not installed.

    Raises:
      InputError: W&B is named and is not installed, or does not answer.
    """
    if config.train.board == "wandb":
        return WandbBoard(config, workdir, resume_at)
    if config.train.board == "tensorboard":
        try:
            return TensorBoard(workdir, resume_at)
        except ImportError:
            return None
    return None


class TensorBoard:
    """Event files below ``WORKDIR/tensorboard``; steps that are repeated are taken back."""

    def __init__(self, workdir: pathlib.Path, resume_at: int):
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(workdir / "tensorboard"), purge_step=resume_at + 1)

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WandbBoard:
    """A run at Weights & Biases with the numbers, the step among them, and the config.

    W&B's own variables hold: ``WANDB_PROJECT``, ``WANDB_MODE=offline`` and so on. A resumed run
    goes on in the one that it began.
    """

    def __init__(self, config: ConfigDict, workdir: pathlib.Path, resume_at: int):
        try:
            import wandb
        except ImportError as error:
            raise InputError(
                "config.train.board is 'wandb', which is not installed: pip install "
                "wandb, or take --config.train.board=tensorboard."
            ) from error
        path = workdir / WANDB_RUN
        if not (resume_at and path.exists()):
            with writing(path), whole_file(path) as partial:
                partial.write_text(secrets.token_hex(4))
        try:
            self._run: Any = wandb.init(
                dir=str(workdir), name=workdir.name, id=path.read_text(), resume="allow",
                config=config.to_dict(),
            )  # fmt: skip
        except wandb.errors.Error as error:
            answer = str(error).rstrip(".")
            raise InputError(
                f"config.train.board is 'wandb', which answers {answer!r}: log in with `wandb "
                "login`, or set WANDB_MODE=offline and send the run later with `wandb sync`."
            ) from error
        self._run.define_metric("*", step_metric="step")  # its own step must never go back

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log({**numbers, "step": step})

    def close(self) -> None:
        self._run.finish()
