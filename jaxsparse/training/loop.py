"""The training loop: one story from a config to checkpoints."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import time
from collections import deque
from contextlib import ExitStack, closing
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse import models, settings
from jaxsparse.data.loader import Loader
from jaxsparse.data.something_to_learn import require_something_to_learn
from jaxsparse.errors import InputError
from jaxsparse.inference import make_forward
from jaxsparse.training import workdir as work_directory
from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.checkpoint_folder import check_path, checkpoint_steps
from jaxsparse.training.data import check_data, open_data, with_class_names
from jaxsparse.training.display import Display
from jaxsparse.training.logs import MetricsLog, Record
from jaxsparse.training.meter import Meter
from jaxsparse.training.metrics import Sums
from jaxsparse.training.objectives import main_head, objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import (
    Replicas,
    describe_devices,
    enable_compilation_cache,
    local_devices,
    split_cpu,
)
from jaxsparse.training.plan import Plan
from jaxsparse.training.progress import Clock, Progress, Result
from jaxsparse.training.signals import Stopped, StopSignals, stop_signals
from jaxsparse.training.state import TrainState, count_parameters, create_state
from jaxsparse.training.step import AXIS, make_train_step, make_validation_step
from jaxsparse.training.transfer import beginning
from jaxsparse.training.workdir import inputs_of, with_absolute_paths

_Pending = tuple[int, Any, bool]  # step, its sums on the devices, whether its time counts

MAX_STEPS_AHEAD = 2  # batches handed to the devices before the first of them must be done


def train(config: ConfigDict, workdir: str | pathlib.Path) -> Result:
    """Trains, or goes on training, in a work directory.

    Where ``workdir`` holds checkpoints of the same config, the run goes on from the latest one
    exactly as if it had not been interrupted: same batches, same parameters, same log, to the bit.
    SIGTERM and Ctrl-C finish the step, save a checkpoint and return; so they do in the middle of a
    validation, which is then made when the run goes on, and of a compilation.

    Args:
      config: see ``configs/``.
      workdir: gets ``config.json``, ``inputs.json``, ``metrics.jsonl`` and ``checkpoints/``.

    Raises:
      InputError: anything that the user can mend: files, config values, a work directory of
        another config or one where another training runs, a full disk, a loss that is not finite.
    """
    with stop_signals() as stop, ExitStack() as resources:
        try:
            with stop.at_once():
                run = _Run(config, pathlib.Path(workdir), stop, resources)
        except Stopped:
            reason = f"stopped by {stop.caught}"
            print(f"{reason} before the first step: the same command goes on, in {workdir}")
            step = max(checkpoint_steps(workdir), default=0)
            return Result(step, reason, math.inf, stopped=True, abandoned=True)
        return run.train()


class _Run:
    """One start of a run: what the chapters below share."""

    def __init__(
        self, config: ConfigDict, workdir: pathlib.Path, stop: StopSignals, resources: ExitStack
    ):
        # 1. Check everything that is cheap to check before anything is written or compiled.
        settings.check_config(config)
        check_path(workdir)
        config = with_absolute_paths(config)
        self.network = models.build(config.model, AXIS)
        self.objectives, self.main_head = objectives_of(config), main_head(config)
        check_data(config)
        split_cpu(config.train.cpu_devices)  # before anything starts JAX
        self.config, self.workdir, self.stop = config, workdir, stop
        self.optimizer: Optimizer = Optimizer(**config.optimizer)
        forward = make_forward(self.network)
        self.replicas = Replicas(
            config.train.parallel,
            local_devices(config.train.devices),
            compiling=stop.unless_stopped,
            keep_barriers=self.network.backbone.remat,
        )
        self.cache = enable_compilation_cache(config.train.cache_dir)

        # 2. The data: files are opened and checked, buckets are measured on them.
        data = open_data(config, self.network, self.objectives, self.replicas.num_devices)
        self.loader, self.validation, self.facts = data.train, data.validation, data.facts
        if warning := require_something_to_learn(data.train, data.validation):
            self.facts = {**self.facts, "warning": warning}
        train = config.train
        self.plan = Plan.of(
            data.num_events, batch_size=train.batch_size, steps=train.steps, epochs=train.epochs,
            validate_every=train.validate_every, validate_epochs=train.validate_epochs,
        )  # fmt: skip
        self.config = config = with_class_names(config, data.event_classes)
        inputs = inputs_of(config, data.contents)

        # 3. The state: from the latest checkpoint, or new, or with another run's parameters.
        begin = beginning(config, workdir, inputs)
        resources.enter_context(work_directory.locked(workdir))
        work_directory.claim(workdir, config, inputs, data.event_classes)
        self.checkpoints = resources.enter_context(closing(Checkpoints(workdir, create=True)))
        self.progress = Progress()
        variables = models.init_variables(config.model, config.seed)
        if begin is not None:
            variables = begin.applied_to(variables)
            self.facts = {**self.facts, "begins with": begin.fact}
        state = create_state(variables, self.optimizer, config.seed)
        self.resumed_at: int | None = None
        if (found := self.checkpoints.restore_latest(state)) is not None:
            self.resumed_at, state, saved, remarks = found
            self.progress = Progress(**saved)
            for remark in remarks:
                print(remark)  # at once: it must not be lost where the set-up ends early
        self.state: TrainState = self.replicas.replicate(state)
        self.plateau_scale = float(state.plateau.scale)
        self.loader.start_batch = self.progress.batch

        # 4. The programs.
        train_step = make_train_step(
            self.objectives, forward, self.optimizer, micro_batches=config.train.accumulate
        )
        self.train_step = self.replicas.wrap(train_step, "train", donate=True)
        self.validation_step = self.replicas.wrap(
            make_validation_step(self.objectives, forward), "validation"
        )
        self.log = resources.enter_context(
            closing(
                MetricsLog(workdir, resume_at=self.resumed_at or 0, lines=self.progress.log_lines)
            )
        )
        self.display = Display(
            total=self.plan.steps,
            start=self.step,
            steps_per_epoch=self.plan.steps_per_epoch if self.plan.counts_epochs else None,
        )
        self.meter = Meter()
        self.meter.resume(self.progress.window)
        self.clock = Clock(self.progress.seconds, config.train.minutes)
        self.saved = None if self.resumed_at is None else self._position

    # ----- the story -----

    def train(self) -> Result:
        """Steps until there is a reason to stop; always leaves a checkpoint of the last step."""
        self._banner()
        every = self.config.train
        pending: deque[_Pending] = deque()
        with self.display, closing(iter(self.loader)) as batches:
            reason = self._reason()
            if self.progress.validation_due and reason is None:  # a signal came before it
                self._checkpoint(validate=True)
                reason = self._reason()
            while reason is None and self._one_step(next(batches), pending):
                step = self.step
                if step % every.log_every == 0:
                    self._drain(pending, 0)
                    self._log_training(step)
                due = self.plan.validates_after(step)
                save = every.checkpoint_every and step % every.checkpoint_every == 0
                if (due or save) and self._reason() is None:  # the last step is saved below
                    self._drain(pending, 0)
                    self._checkpoint(validate=due)
                reason = self._reason()
            # The end: whatever is still open is logged, validated and saved. After a signal the
            # next start does that, as if this one had gone on.
            self._drain(pending, 0)
            reason = self._reason()
            if self.meter.steps and not self.stop.caught:
                self._log_training(self.step)
            due = self.progress.validation_due or self.plan.validates_after(self.step)
            self._checkpoint(validate=due or not self.stop.caught)
            if self.progress.validation_due:
                reason = self._reason()
        validated = math.isfinite(self.progress.best_loss)
        best = self.checkpoints.best_step if validated else "none"
        self.display.say(
            f"{reason} at step {self.step}; checkpoints {self.checkpoints.steps}, best {best}, "
            f"in {self.workdir}"
        )
        return Result(
            self.step,
            str(reason),
            self.progress.best_loss,
            stopped=bool(self.stop.caught),
            abandoned=self.stop.abandoned,
        )

    def _one_step(self, batch: Any, pending: deque[_Pending]) -> bool:
        """Hands a batch to the devices; False where a signal came while its program was made."""
        before, compiled = time.perf_counter(), self.replicas.compilations
        rate = self.optimizer.rate(self.step, self.fraction)
        try:
            self.state, sums = self.train_step(self.state, batch, np.float32(rate))
        except Stopped:
            return False
        self.progress.learning_rate = rate * self.plateau_scale
        timed = self.replicas.compilations == compiled
        if not timed:
            jax.block_until_ready(sums)
            self.meter.exclude(time.perf_counter() - before)
        self.progress.batch += 1
        pending.append((self.progress.batch, sums, timed))
        self._drain(pending, MAX_STEPS_AHEAD)
        return True

    def _drain(self, pending: deque[_Pending], leave: int) -> None:
        """Takes in the sums of all but the last ``leave`` steps, and looks at their losses."""
        while len(pending) > leave:
            step, sums, timed = pending.popleft()
            sums = sums.fetch()
            self._require_finite(sum(head.loss for head in sums.heads.values()), step, "loss")
            main = sums.head(self.main_head)
            self.meter.add(sums, timed=timed)
            self.display.advance(
                step,
                loss=main.loss_per_event,
                accuracy=main.accuracy,
                learning_rate=self.progress.learning_rate,
                events_per_second=self.meter.events_per_second,
                sites_per_second=self.meter.sites_per_second,
                seconds_left=self.clock.left(self.plan.steps - step, self.meter.seconds_per_step),
            )

    # ----- what happens every so many steps -----

    def _log_training(self, step: int) -> None:
        sums = self.meter.sums
        self._write(step, "train", sums, self.meter)
        self.meter.restart()

    def _write(self, step: int, split: str, sums: Sums, meter: Meter) -> None:
        main = sums.head(self.main_head)
        record = Record(
            step=step,
            split=split,
            loss=main.loss_per_event,
            accuracy=main.accuracy,
            learning_rate=self.progress.learning_rate,
            events_per_second=meter.events_per_second,
            sites_per_second=meter.sites_per_second,
            compilations=self.replicas.compilations,
            heads=sums.beside(self.main_head),
        )
        self.log.write(record)
        self.display.record(record)

    def _checkpoint(self, *, validate: bool) -> None:
        """Saves the state, after a validation where one is due and no signal came."""
        before, score = time.perf_counter(), None
        due = validate and self.progress.validated != self.step
        if due and self.validation is not None:
            score = self._validate(self.validation)
            self.progress.validation_due = score is None
        now = self._position
        if now != self.saved:
            self._require_finite_state()
            self.progress.seconds = self.clock.seconds
            self.progress.window = self.meter.window()
            self.progress.log_lines = self.log.lines
            self.log.sync()
            progress = dataclasses.asdict(self.progress)
            self.checkpoints.save(self.state, progress, self.config, score)
            self.saved = now
        self.meter.exclude(time.perf_counter() - before)

    def _validate(self, loader: Loader) -> float | None:
        """One pass over the validation events; moves the plateau and the early-stop count.

        Returns what validations are compared by, smaller is better; None where a signal came:
        then nothing is moved or logged.
        """
        meter = Meter()
        with closing(iter(loader)) as batches:
            for batch in batches:
                if self.stop.caught:
                    return None
                before, compiled = time.perf_counter(), self.replicas.compilations
                try:
                    sums = self.validation_step(self.state.variables, batch).fetch()
                except Stopped:
                    return None
                timed = self.replicas.compilations == compiled
                if not timed:
                    meter.exclude(time.perf_counter() - before)
                meter.add(sums, timed=timed)
        self._write(self.step, "validation", meter.sums, meter)
        main = meter.sums.head(self.main_head)
        self._require_finite(main.loss_per_event, self.step, "validation loss")
        score = self.optimizer.score(main.loss_per_event, main.accuracy)
        self._require_finite(score, self.step, "validation accuracy")
        plateau = self.optimizer.after_validation(self.state.plateau, score)
        self.state = self.state.replace(plateau=self.replicas.replicate(plateau))
        self.plateau_scale = float(plateau.scale)
        better = score < self.progress.best_loss
        self.progress.best_loss = min(score, self.progress.best_loss)
        self.progress.bad_validations = 0 if better else self.progress.bad_validations + 1
        self.progress.validated = self.step
        return score

    # ----- where the run stands -----

    @property
    def step(self) -> int:
        """Steps that were asked for; the state has at least this many when it is read."""
        return int(self.progress.batch)

    @property
    def _position(self) -> tuple[int, ...]:
        """What a checkpoint must be written again for, where it changes."""
        progress = self.progress
        return progress.batch, progress.validated, progress.validation_due, self.log.lines

    @property
    def fraction(self) -> float:
        """How much of the run is done. The clock has no say: a slow machine learns the same."""
        return min(1.0, self.step / self.plan.steps)

    def _reason(self) -> str | None:
        """Why to stop now; None to go on."""
        every = self.config.train
        if self.stop.caught:
            return f"stopped by {self.stop.caught}"
        if self.step >= self.plan.steps:
            return "all steps done"
        if self.clock.is_up:
            return "time is up"
        if every.early_stop and self.progress.bad_validations >= every.early_stop:
            metric = self.config.optimizer.plateau_metric
            return f"no better validation {metric} in the last {every.early_stop}"
        return None

    def _require_finite(self, loss: float, step: int, what: str) -> None:
        if math.isfinite(loss):
            return
        last = self.checkpoints.latest_step
        good = "no checkpoint was saved yet" if last is None else f"last good checkpoint is {last}"
        raise InputError(
            f"{what} is {loss} in steps {(last or 0) + 1} to {step}: {good}; lower "
            "optimizer.learning_rate, or set optimizer.gradient_clip, in another --workdir."
        )

    def _require_finite_state(self) -> None:
        finite = [
            np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(self.state.params)
        ]
        self._require_finite(0.0 if all(finite) else math.nan, self.step, "a parameter")

    def _banner(self) -> None:
        config, buckets = self.config, self.loader.buckets
        measured = buckets.capacities[: buckets.measured or None]
        begin = "a new run" if self.resumed_at is None else f"resumed at step {self.resumed_at}"
        self.display.banner(
            {
                "devices": f"{describe_devices(self.replicas.devices)}, {config.train.parallel}",
                "compile cache": self.cache or "off",
                "work directory": f"{self.workdir}, {begin}",
                "model": f"{config.model.name}, {config.model.vocabulary}, {config.model.dtype}, "
                f"{count_parameters(self.state.params):,} parameters",
                **self.facts,
                "capacities": ", ".join(map(str, measured)),
                "run": f"{self.plan.length} of {config.train.batch_size} events"
                + (f" in {config.train.accumulate} parts" if config.train.accumulate > 1 else "")
                + (f", at most {config.train.minutes:g} minutes" if config.train.minutes else ""),
            }
        )
