"""Checkpoints: the latest two and the best, written whole or not at all.

The only module that knows orbax. A checkpoint of step N is the folder
``WORKDIR/checkpoints/N`` with every array of the state by its path, the progress of the run
(data position, best loss, time spent) and its config.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flax.linen as nn
import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging as absl_logging
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.training import workdir as work_directory
from jaxsparse.training.optimizer import build_optimizer
from jaxsparse.training.state import TrainState, create_state
from jaxsparse.training.step import initializer
from jaxsparse.training.task import build_task

FOLDER = "checkpoints"
_METRIC = "loss"


class Checkpoints:
    """The checkpoints of one work directory."""

    def __init__(self, workdir: str | pathlib.Path, *, create: bool = False):
        """Args:
          workdir: the work directory of a run.
          create: whether to make the folder; otherwise it is only read.

        Raises:
          InputError: nothing to read there, or no permission to write.
        """
        self.folder = pathlib.Path(workdir).resolve() / FOLDER
        if not create and not self.folder.is_dir():
            raise InputError(
                f"{self.folder} is missing: {workdir} holds no checkpoint, train there first."
            )
        policies = ocp.checkpoint_managers
        with work_directory.writing(self.folder), _quiet():
            self._manager = ocp.CheckpointManager(
                self.folder,
                options=ocp.CheckpointManagerOptions(
                    create=create,
                    read_only=not create,
                    cleanup_tmp_directories=create,
                    # max_to_keep with best_fn would delete the newest checkpoint, and BestN
                    # stores no metrics without best_fn: both policies, and best_fn.
                    preservation_policy=policies.AnyPreservationPolicy(
                        [
                            policies.LatestN(2),
                            policies.BestN(
                                get_metric_fn=lambda metrics: metrics[_METRIC],
                                reverse=True,
                                n=1,
                                keep_checkpoints_without_metrics=False,
                            ),
                        ]
                    ),
                    best_fn=lambda metrics: metrics[_METRIC],
                    best_mode="min",
                    enable_async_checkpointing=False,
                ),
                # Named handlers: a manager that has not saved yet knows no metadata without them.
                item_handlers={
                    "state": ocp.StandardCheckpointHandler(),
                    "progress": ocp.JsonCheckpointHandler(),
                    "config": ocp.JsonCheckpointHandler(),
                },
            )

    @property
    def steps(self) -> list[int]:
        """Steps that have a checkpoint, in order."""
        return sorted(self._manager.all_steps())

    @property
    def latest_step(self) -> int | None:
        """The last step with a checkpoint; None without any."""
        return self.steps[-1] if self.steps else None

    @property
    def best_step(self) -> int | None:
        """The step with the smallest validation loss; the latest where none was validated."""
        validated = [step for step in self.steps if self._manager.metrics(step)]
        if not validated:
            return self.latest_step
        return min(validated, key=lambda step: self._manager.metrics(step)[_METRIC])

    def save(
        self, state: TrainState, progress: dict[str, Any], config: ConfigDict, loss: float | None
    ) -> int:
        """Writes the checkpoint of ``state.step``; nothing where that step has one.

        Args:
          state: all of it is stored.
          progress: JSON values to come back at resume.
          config: stored beside it.
          loss: of the validation at this step, what ``Optimizer.score`` makes of it; None without
            a validation.

        Returns:
          The step.

        Raises:
          InputError: the disk is full or not writable. Earlier checkpoints are left as they were.
        """
        step = int(state.step)
        if step in self._manager.all_steps():
            return step
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(_by_path(state)),
            progress=ocp.args.JsonSave(progress),
            config=ocp.args.JsonSave(json.loads(config.to_json())),
        )
        latest = self.latest_step
        kept = "no checkpoint was lost" if latest is None else f"checkpoint {latest} is intact"
        metrics = None if loss is None else {_METRIC: float(loss)}
        target = self.folder / str(step)
        with (
            work_directory.writing(target, f" Make room and repeat the command: {kept}."),
            _quiet(),
        ):
            try:
                self._manager.save(step, args=items, metrics=metrics)
            except BaseException:
                discard(self.folder, f"{step}.orbax-checkpoint-tmp*")
                raise
        return step

    def restore(self, template: TrainState, step: int) -> tuple[TrainState, dict[str, Any]]:
        """Reads the checkpoint of ``step``.

        Args:
          template: a state of the run's model (arrays or their shapes); says what to expect.
          step: one of ``steps``.

        Returns:
          The state, with numpy arrays, and the progress that was saved.

        Raises:
          InputError: no such step, a checkpoint of another model, files that cannot be read.
        """
        if step not in self.steps:
            have = ", ".join(map(str, self.steps)) or "none"
            raise InputError(f"checkpoint {step} is not in {self.folder}: there are {have}.")
        expected = {
            path: np.empty(leaf.shape, leaf.dtype) for path, leaf in _paths(template).items()
        }
        with self._reading(step):
            stored = self._manager.item_metadata(step).state
        self._compare(step, {path: tuple(leaf.shape) for path, leaf in stored.items()}, expected)
        with self._reading(step):
            items = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardRestore(expected), progress=ocp.args.JsonRestore()
                ),
            )
        leaves = [items.state[path] for path in expected]
        return jax.tree.unflatten(jax.tree.structure(template), leaves), items.progress

    def close(self) -> None:
        """Releases orbax's threads."""
        self._manager.close()

    def _compare(
        self, step: int, stored: dict[str, tuple[int, ...]], expected: dict[str, np.ndarray]
    ) -> None:
        # orbax itself reports a shape mismatch as one of device topology.
        paths = stored.keys() | expected.keys()
        for path in sorted(paths, key=lambda path: (not path.startswith("params"), path)):
            there = stored.get(path, "absent")
            here = expected[path].shape if path in expected else "absent"
            if there != here:
                raise InputError(
                    f"checkpoint {step} in {self.folder} is of another model: {path} is {there} "
                    f"there and {here} in this config, use the config it was trained with."
                )

    @contextmanager
    def _reading(self, step: int) -> Iterator[None]:
        try:
            with _quiet():
                yield
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise InputError(
                f"checkpoint {step} in {self.folder} cannot be read ({reason}): remove the folder "
                f"{self.folder / str(step)} to use an older one."
            ) from error


def discard(folder: pathlib.Path, pattern: str, patience: float = 5.0) -> None:
    """Removes what matches, also while threads that orbax started still write into it.

    One item of a checkpoint failed; the writers of the others may put a file into a directory that
    is just being emptied. So it is emptied until it is gone, for at most ``patience`` seconds.
    """
    end = time.monotonic() + patience
    while (left := list(folder.glob(pattern))) and time.monotonic() < end:
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        time.sleep(0.05)


def load_for_evaluation(
    workdir: str | pathlib.Path, step: str | int = "best"
) -> tuple[ConfigDict, nn.Module, dict[str, Any], int]:
    """The network of a work directory with its trained variables.

    Args:
      workdir: of ``train.py``.
      step: ``"best"`` (smallest validation loss), ``"latest"``, or the number of a step.

    Returns:
      The run's config, the network (for one device), its variables ``params`` and
      ``batch_stats``, and the step they are of.

    Raises:
      InputError: no such directory, no such checkpoint, or one of another model.
    """
    config = work_directory.read_config(pathlib.Path(workdir))
    model = models.build(config.model)
    checkpoints = Checkpoints(workdir)
    try:
        if not checkpoints.steps:
            raise InputError(f"{checkpoints.folder} holds no checkpoint yet: train there first.")
        named = {"best": checkpoints.best_step, "latest": checkpoints.latest_step}
        found = named.get(str(step))
        if found is None:
            if not str(step).isdigit():
                have = ", ".join(map(str, checkpoints.steps)) or "none"
                raise InputError(
                    f"step is {step!r}: it must be best, latest or one of {have} in {workdir}."
                )
            found = int(step)
        template = jax.eval_shape(
            lambda: create_state(
                initializer(build_task(config))(jax.random.PRNGKey(config.seed)),
                build_optimizer(config.optimizer),
                0,
            )
        )
        state, _ = checkpoints.restore(template, found)
    finally:
        checkpoints.close()
    return config, model, state.variables, found


def _paths(state: TrainState) -> dict[str, Any]:
    """Every array by its path, such as ``params/stem/kernel``."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _by_path(state: TrainState) -> dict[str, np.ndarray]:
    return {path: np.asarray(leaf) for path, leaf in _paths(state).items()}


def _ignore(arguments: Any) -> None:
    """A hook that prints nothing."""


@contextmanager
def _quiet() -> Iterator[None]:
    """orbax logs a dozen lines a checkpoint, and its threads print what reaches us anyway."""
    verbosity = absl_logging.get_verbosity()
    hooks = threading.excepthook, sys.unraisablehook
    absl_logging.set_verbosity(absl_logging.FATAL)
    threading.excepthook = _ignore
    sys.unraisablehook = _ignore
    try:
        yield
    except Exception:
        time.sleep(0.3)  # the other reads or writes that were under way fail a moment later
        raise
    finally:
        absl_logging.set_verbosity(verbosity)
        threading.excepthook, sys.unraisablehook = hooks
