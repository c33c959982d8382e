"""Checkpoints: the latest two and the best, written whole or not at all, read back at once.

The only module that knows orbax. A checkpoint of step N is the folder ``WORKDIR/checkpoints/N``
with every array of the state by its path, the progress of the run (data position, best score, time
spent, what the log has), its config, checksums of all that, and the score of its validation.
"""

from __future__ import annotations

import json
import logging
import pathlib
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging as absl_logging
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.training import workdir as work_directory
from jaxsparse.training.arrays import by_path, first_difference, placed, shapes_of
from jaxsparse.training.checkpoint_folder import CheckpointFolder, check_path
from jaxsparse.training.migration import has_old_paths, parameter_path
from jaxsparse.training.state import TrainState
from jaxsparse.training.trained_network import Trained, portable

KEPT = 2  # latest checkpoints, beside the best
_AVERAGE = "average/"  # paths of averaged variables begin so
_METRIC = "loss"  # the key under which files have a score, whatever it is of
_METRICS = "metrics"  # folder and file, as orbax's own manager has them


class DamagedError(InputError):
    """A checkpoint whose files cannot be read, or do not hold what was written."""


class Checkpoints:
    """The checkpoints of one work directory.

    orbax's own manager is not used: it deletes a checkpoint file by file under its number, cannot
    give a score to a step that is saved already, and does not look at what it wrote.
    """

    def __init__(self, workdir: str | pathlib.Path, *, create: bool = False):
        """Args:
          workdir: the work directory of a run.
          create: whether to make the folder and tidy it up; otherwise it is only read.

        Raises:
          InputError: nothing to read there, no permission to write, or a path from which no
            checkpoint could be read.
        """
        check_path(workdir)
        self._folder = CheckpointFolder(workdir)
        self.folder = self._folder.path
        if create:
            with work_directory.writing(self.folder):
                self._folder.make()
        elif not self.folder.is_dir():
            raise InputError(
                f"{self.folder} is missing: {workdir} holds no checkpoint, train there first."
            )
        json_item = ocp.JsonCheckpointHandler
        self._orbax = ocp.Checkpointer(
            ocp.CompositeCheckpointHandler(
                state=ocp.StandardCheckpointHandler(),
                progress=json_item(),
                config=json_item(),
                checksums=json_item(),
                metrics=json_item(filename=_METRICS),
            )
        )

    @property
    def steps(self) -> list[int]:
        """Steps that have a checkpoint, in order."""
        return self._folder.steps

    @property
    def latest_step(self) -> int | None:
        """The last step with a checkpoint; None without any."""
        return max(self.steps, default=None)

    @property
    def best_step(self) -> int | None:
        """The step with the smallest :meth:`score`; the latest where none was validated."""
        scores = [(score, step) for step in self.steps if (score := self.score(step)) is not None]
        return min(scores)[1] if scores else self.latest_step

    def score(self, step: int) -> float | None:
        """Validation loss of a checkpoint, or what ``Optimizer.score`` has for it; None without."""
        try:
            text = (self._folder.of(step) / _METRICS / _METRICS).read_text()
            return float(json.loads(text)[_METRIC])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(
        self, state: TrainState, progress: dict[str, Any], config: ConfigDict, score: float | None
    ) -> int:
        """Writes the checkpoint of ``state.step``, in the place of one that this step may have.

        It is read back before it gets its number; then those that are neither among the latest two
        nor the best are deleted.

        Args:
          state: all of it is stored.
          progress: JSON values to come back at resume.
          config: stored beside it.
          score: of the validation at this step, as ``Optimizer.score`` gives it; None without a
            validation.

        Returns:
          The step.

        Raises:
          InputError: the disk is full or not writable, or what was written does not read back.
            Earlier checkpoints are left as they were.
        """
        step, arrays = int(state.step), _arrays(state)
        items = dict(
            state=ocp.args.StandardSave(arrays),
            progress=ocp.args.JsonSave(progress),
            config=ocp.args.JsonSave(json.loads(config.to_json())),
            checksums=ocp.args.JsonSave(_checksums(arrays, progress)),
        )
        if score is not None:
            items["metrics"] = ocp.args.JsonSave({_METRIC: float(score)})
        latest = self.latest_step
        kept = "no checkpoint was lost" if latest is None else f"checkpoint {latest} is intact"
        try:
            with (
                work_directory.writing(self._folder.of(step), kept),
                _quiet(),
            ):
                self._orbax.save(self._folder.new(step), args=ocp.args.Composite(**items))
            self._read(step, self._folder.new(step), arrays)
        except BaseException:
            self._folder.abandon(step)
            raise
        with work_directory.writing(self._folder.of(step)):
            self._folder.install(step)
            keep = {*self.steps[-KEPT:], self.best_step}
            for other in self.steps:
                if other not in keep:
                    self._folder.remove(other)
        return step

    def restore(self, template: TrainState, step: int) -> tuple[TrainState, dict[str, Any]]:
        """Reads the checkpoint of ``step``.

        Args:
          template: a state of the run's model (arrays or their shapes); says what to expect.
          step: one of ``steps``.

        Returns:
          The state, with numpy arrays, and the progress that was saved.

        Raises:
          InputError: no such step, a checkpoint of another model.
          DamagedError: files that cannot be read, or are not what was written.
        """
        arrays, progress = self._read(step, self._place(step), by_path(template))
        return placed(template, arrays), progress

    def variables(self, template: dict[str, Any], step: int, model: ConfigDict) -> dict[str, Any]:
        """Reads what a network needs of the checkpoint of ``step``: the average where it has one.

        It may be of an older version.

        Args:
          template: variables of the network (arrays or their shapes).
          step: one of ``steps``.
          model: ``config.model`` of the run.

        Returns:
          The variables, numpy arrays.

        Raises:
          InputError, DamagedError: as :meth:`restore`.
        """
        arrays, _ = self._read(step, self._place(step))
        averaged = {path for path in arrays if path.startswith(_AVERAGE)}
        arrays = {path.removeprefix(_AVERAGE): arrays[path] for path in averaged or arrays}
        arrays = {path: leaf for path, leaf in arrays.items() if path.split("/")[0] in template}
        if has_old_paths(arrays):
            arrays = {parameter_path(path, model): leaf for path, leaf in arrays.items()}
        self._compare(step, arrays, by_path(template))
        return placed(template, arrays)

    def restore_latest(
        self, template: TrainState
    ) -> tuple[int, TrainState, dict[str, Any], list[str]] | None:
        """The newest checkpoint that can be read; damaged newer ones are set aside.

        Args:
          template: see :meth:`restore`.

        Returns:
          Its step, state and progress, and a line for people about each that was set aside. None
          where there is no checkpoint.

        Raises:
          InputError: a checkpoint of another model, or none of those there are can be read: then
            nothing is moved.
        """
        refused: dict[int, InputError] = {}
        for step in reversed(self.steps):
            try:
                state, progress = self.restore(template, step)
            except InputError as error:  # a damaged description looks like one of another model
                refused[step] = error
                continue
            remarks = []
            lost: dict[int, object] = {
                half: f"checkpoint {half} in {self.folder} is not whole: files are missing."
                for half in self._folder.halves
                if half > step
            }
            for damaged, reason in sorted((lost | refused).items(), reverse=True):
                place = self._folder.set_aside(damaged)
                remarks.append(f"{reason} It is now {place}; going on from checkpoint {step}.")
            return step, state, progress, remarks
        if refused:
            raise next(iter(refused.values()))
        return None

    def close(self) -> None:
        """Releases orbax's threads."""
        self._orbax.close()

    def _place(self, step: int) -> pathlib.Path:
        if step not in self.steps:
            have = ", ".join(map(str, self.steps)) or "none"
            raise InputError(f"checkpoint {step} is not in {self.folder}: there are {have}.")
        return self._folder.of(step)

    def _read(
        self, step: int, path: pathlib.Path, expected: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays by path, progress) of a checkpoint folder, compared with its checksums.

        What is expected must be there and nothing else; None expects whatever there is.
        """
        with self._reading(step):
            stored = self._orbax.metadata(path).item_metadata["state"]
            if stored is None:
                raise ValueError("its list of arrays is missing or no JSON")
        if expected is None:
            expected = stored
        elif has_old_paths(stored) and not has_old_paths(expected):
            raise InputError(
                f"checkpoint {step} in {self.folder} is of a version before networks had heads: it "
                "serves jaxsparse eval and train.start_from, go on with it in another --workdir."
            )
        else:
            self._compare(step, stored, expected)
        templates = {name: np.empty(leaf.shape, leaf.dtype) for name, leaf in expected.items()}
        summed = (path / "checksums").is_dir()  # those of earlier versions have none
        items = dict(state=ocp.args.StandardRestore(templates), progress=ocp.args.JsonRestore())
        if summed:
            items["checksums"] = ocp.args.JsonRestore()
        with self._reading(step):
            read = self._orbax.restore(path, args=ocp.args.Composite(**items))
        if summed:
            for name, value in _checksums(read.state, read.progress).items():
                if read.checksums.get(name) != value:
                    raise DamagedError(
                        f"checkpoint {step} in {self.folder} is damaged ({name} is not what was "
                        "written): take another one, or train in another --workdir."
                    )
        return read.state, read.progress

    def _compare(self, step: int, stored: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        # orbax itself reports a shape mismatch as one of device topology.
        if difference := first_difference(shapes_of(stored), shapes_of(expected)):
            raise InputError(
                f"checkpoint {step} in {self.folder} is of another model: {difference} in this "
                "config, use the config it was trained with."
            )

    @contextmanager
    def _reading(self, step: int) -> Iterator[None]:
        try:
            with _quiet():
                yield
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise DamagedError(
                f"checkpoint {step} in {self.folder} cannot be read ({reason}): take another one, "
                "or train in another --workdir."
            ) from error


def _checksums(arrays: Mapping[str, np.ndarray], progress: dict[str, Any]) -> dict[str, str]:
    """CRC-32 of every array's bytes by its path, and of the progress."""
    parts: dict[str, Any] = {path: np.ascontiguousarray(array) for path, array in arrays.items()}
    parts["progress"] = json.dumps(progress, sort_keys=True).encode()
    return {path: f"{zlib.crc32(part):08x}" for path, part in parts.items()}


def load_for_evaluation(workdir: str | pathlib.Path, step: str | int = "best") -> Trained:
    """The network of a work directory with its trained variables.

    Args:
      workdir: of ``train.py``.
      step: ``"best"`` (of the best validation), ``"latest"``, or the number of a step.

    Raises:
      InputError: no such directory, no such checkpoint, or one of another model.
    """
    config = portable(work_directory.read_config(pathlib.Path(workdir)))
    model = models.build(config.model)
    checkpoints = Checkpoints(workdir)
    try:
        if not checkpoints.steps:
            raise InputError(f"{checkpoints.folder} holds no checkpoint yet: train there first.")
        named = {"best": checkpoints.best_step, "latest": checkpoints.latest_step}
        found = named.get(str(step))
        if found is None:
            if not str(step).isdecimal():
                have = ", ".join(map(str, checkpoints.steps)) or "none"
                raise InputError(
                    f"step is {step!r}: it must be best, latest or one of {have} in {workdir}."
                )
            found = int(step)
        template = jax.eval_shape(models.initializer(config.model), jax.random.PRNGKey(config.seed))
        variables = checkpoints.variables(template, found, config.model)
    finally:
        checkpoints.close()
    return Trained(config, model, variables, found)


def _arrays(state: TrainState) -> dict[str, np.ndarray]:
    return {path: np.asarray(leaf) for path, leaf in by_path(state).items()}


def _not_of_orbax(record: logging.LogRecord) -> bool:
    """Drops "Task exception was never retrieved": a failed save has been reported by then.

    asyncio says it where it collects the task, as a rule at the end of the program.
    """
    return "orbax" not in record.getMessage()


logging.getLogger("asyncio").addFilter(_not_of_orbax)


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
