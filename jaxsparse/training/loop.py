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
from jaxsparse.errors import InputError
from jaxsparse.inference import make_forward
from jaxsparse.training import workdir as work_directory
from jaxsparse.training.average import AverageMoments, averaging, with_average
from jaxsparse.training.boards import open_board
from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.checkpoint_folder import check_path, checkpoint_steps
from jaxsparse.training.data import open_data, with_class_names
from jaxsparse.training.display import Display
from jaxsparse.training.logs import MetricsLog, Record
from jaxsparse.training.loss_weights import in_words, with_uncertainties
from jaxsparse.training.meter import Meter
from jaxsparse.training.objectives import main_head, objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import Replicas, enable_compilation_cache, local_devices, split_cpu
from jaxsparse.training.plan import Plan
from jaxsparse.training.progress import Clock, Progress, Result
from jaxsparse.training.run_log import RunLog
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
      config: such as the recipes of ``jaxsparse/recipes/`` make.
      workdir: gets ``config.json``, ``inputs.json``, ``metrics.jsonl`` and ``checkpoints/``.

    Raises:
      InputError: anything that the user can mend: files, config values, a work directory of
        another config or one where another training runs, a full disk, a loss that is not finite.
    """
    with stop_signals() as stop, ExitStack() as resources:
        try:
            with stop.at_once():
                run = Run(config, pathlib.Path(workdir), stop, resources)
        except Stopped:
            reason = f"stopped by {stop.caught}"
            print(f"{reason} before the first step: the same command goes on, in {workdir}")
            step = max(checkpoint_steps(workdir), default=0)
            return Result(step, reason, math.inf, stopped=True, abandoned=True)
        return run.train()


class Run:
    """One start of a run: what the chapters below share."""

    def __init__(
        self, config: ConfigDict, workdir: pathlib.Path, stop: StopSignals, resources: ExitStack
    ):
        self.workdir, self.stop = workdir, stop

        # 1. What can be known to be wrong is said before a file is opened or a program compiled.
        settings.check_config(config)
        check_path(workdir)
        config = with_absolute_paths(config)
        network = models.build(config.model, AXIS)
        objectives = objectives_of(config)
        self.main_head = main_head(config)
        self.optimizer = Optimizer(**config.optimizer)

        # 2. The devices.
        train = config.train
        split_cpu(train.cpu_devices)  # before anything starts JAX
        self.replicas = Replicas(
            train.parallel,
            local_devices(train.devices),
            compiling=stop.unless_stopped,
            keep_barriers=network.backbone.remat,
        )
        cache = enable_compilation_cache(train.cache_dir)

        # 3. The data: files are opened and checked, buckets are measured on them.
        data = open_data(config, network, objectives, self.replicas.num_devices)
        self.loader, self.validation = data.train, data.validation
        self.plan = Plan.of(
            data.num_events, batch_size=train.batch_size, steps=train.steps, epochs=train.epochs,
            validate_every=train.validate_every, validate_epochs=train.validate_epochs,
        )  # fmt: skip
        self.config = config = with_class_names(config, data.class_names)

        # 4. The work directory: this run's own, and no other process's.
        inputs = inputs_of(config, data.contents)
        begin = beginning(config, workdir, inputs) if train.start_from else None
        resources.enter_context(work_directory.locked(workdir))
        work_directory.claim(workdir, config, inputs, data.class_names, data.images)
        self.checkpoints = resources.enter_context(closing(Checkpoints(workdir, create=True)))

        # 5. The state: from the latest checkpoint, or new, or with another run's parameters.
        variables = models.init_variables(config.model, config.seed)
        if begin is not None:
            variables = begin.applied_to(variables)
        state = create_state(variables, self.optimizer, config.seed)
        if train.loss_weights == "learned":
            state = with_uncertainties(state, objectives)
        if train.average_decay:
            state = with_average(state)
        resumed_at, self.progress = None, Progress()
        computed_by = network.computed_by(self.replicas.devices[0])
        if (found := self.checkpoints.restore_latest(state)) is not None:
            resumed_at, state, saved, remarks = found
            self.progress = Progress(**saved)
            if self.progress.computed_by not in ("", computed_by):
                remarks.append(
                    f"checkpoint {resumed_at} was computed by {self.progress.computed_by}, what "
                    f"follows is by {computed_by}: equal to rounding, not to the bit"
                )
            for remark in remarks:
                print(remark)  # at once: it must not be lost where the set-up ends early
        self.progress.computed_by = computed_by
        self.state: TrainState = self.replicas.replicate(state)
        self.plateau_scale = float(state.plateau.scale)
        self.loader.start_batch = self.progress.batch

        # 6. The programs, which their first calls compile.
        forward, parts = make_forward(network), train.accumulate
        train_step = make_train_step(objectives, forward, self.optimizer, micro_batches=parts)
        self.moments = None
        if train.average_decay:
            train_step = averaging(train_step, train.average_decay)
            batches = self.loader.first(train.average_batches)
            self.moments = AverageMoments(network, self.replicas, batches, micro_batches=parts)
        validation_step = make_validation_step(objectives, forward)
        self.train_step = self.replicas.wrap(train_step, "train", donate=True)
        self.validation_step = self.replicas.wrap(validation_step, "validation")
        self.pending: deque[_Pending] = deque()

        # 7. What is told of the run, and where it stands.
        begun = resumed_at or 0
        board = open_board(config, workdir, begun)
        log = MetricsLog(workdir, board, resume_at=begun, lines=self.progress.log_lines)
        self.log = resources.enter_context(closing(log))
        self.display = Display(
            log=resources.enter_context(closing(RunLog(workdir))),
            total=self.plan.steps,
            start=self.step,
            steps_per_epoch=self.plan.steps_per_epoch if self.plan.counts_epochs else None,
        )
        self.replicas.tell = self.display.say
        self.meter = Meter()
        self.meter.resume(self.progress.window)
        self.clock = Clock(self.progress.seconds, train.minutes)
        self.saved = None if resumed_at is None else self._position
        where = "a new run" if resumed_at is None else f"resumed at step {resumed_at}"
        facts = dict(data.facts)
        if begin is not None and resumed_at is None:
            facts["begins with"] = begin.fact
        if self.moments is not None:
            facts["averages"] = f"of decay {train.average_decay:g}, {self.moments.fact}"
        self.facts = self._facts(where, cache, facts)

    # ----- the story -----

    def train(self) -> Result:
        """Steps until there is a reason to stop; always leaves a checkpoint of the last step."""
        train = self.config.train
        self.display.banner(self.facts)
        with self.display, closing(iter(self.loader)) as batches:
            if self.progress.validation_due and self._reason() is None:  # a signal came before it
                self._checkpoint(validate=True)
            while self._reason() is None and self._one_step(next(batches)):
                if self.step % train.log_every == 0:
                    self._log_training()
                validate = self.plan.validates_after(self.step)
                save = train.checkpoint_every and self.step % train.checkpoint_every == 0
                if (validate or save) and self._reason() is None:  # the last step is saved below
                    self._checkpoint(validate=validate)
            # The end: whatever is still open is logged, validated and saved. After a signal the
            # next start does that, as if this one had gone on.
            self._drain()
            reason = self._reason()
            if self.meter.steps and not self.stop.caught:
                self._log_training()
            validate = self.progress.validation_due or self.plan.validates_after(self.step)
            self._checkpoint(validate=validate or not self.stop.caught)
            if self.progress.validation_due:
                reason = self._reason()
        result = Result(
            self.step, str(reason), self.progress.best_loss,
            stopped=bool(self.stop.caught), abandoned=self.stop.abandoned,
        )  # fmt: skip
        metric = self.optimizer.plateau_metric
        for line in result.lines(metric, self.clock.seconds, self.checkpoints, self.workdir):
            self.display.say(line)
        return result

    def _one_step(self, batch: Any) -> bool:
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
        self.pending.append((self.progress.batch, sums, timed))
        self._drain(leave=MAX_STEPS_AHEAD)
        return True

    def _drain(self, leave: int = 0) -> None:
        """Takes in the sums of all but the last ``leave`` steps, and looks at their losses."""
        while len(self.pending) > leave:
            step, sums, timed = self.pending.popleft()
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

    def _log_training(self) -> None:
        """A line about the steps since the last one."""
        self._drain()
        self._log("train", self.meter)
        self.meter.restart()

    def _log(self, split: str, meter: Meter) -> None:
        """A line of ``metrics.jsonl``, which the display shows: what was counted up to here."""
        main = meter.sums.head(self.main_head)
        record = Record(
            step=self.step,
            split=split,
            loss=main.loss_per_event,
            accuracy=main.accuracy,
            learning_rate=self.progress.learning_rate,
            events_per_second=meter.events_per_second,
            sites_per_second=meter.sites_per_second,
            compilations=self.replicas.compilations,
            heads=meter.sums.beside(self.main_head),
        )
        self.log.write(record)
        self.display.record(record)

    def _checkpoint(self, *, validate: bool) -> None:
        """Saves the state, after a validation where one is due and no signal came."""
        self._drain()
        before = time.perf_counter()
        score = self.checkpoints.score(self.step)  # of a step that was validated and is saved again
        due = validate and self.progress.validated != self.step
        if due and (self.validation is not None or self.moments is not None):
            try:
                score = self._validate()
            except Stopped:
                self.progress.validation_due = True
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

    def _validate(self) -> float | None:
        """A validation, before which an average gets its moments.

        Returns what validations are compared by, smaller is better; None without events for one.

        Raises:
          Stopped: a signal came: nothing but these moments has changed.
        """
        if self.moments is not None:
            self.state = self.moments(self.state, self.stop)
        score = None if self.validation is None else self._score(self.validation)
        if self.state.uncertainties:
            self.display.say(f"weights of objectives: {in_words(self.state.uncertainties)}")
        self.progress.validated, self.progress.validation_due = self.step, False
        return score

    def _score(self, loader: Loader) -> float:
        """One pass over the validation events; moves the plateau and the early-stop count."""
        meter = Meter()
        with closing(iter(loader)) as batches:
            for batch in batches:
                self.stop.check()
                before, compiled = time.perf_counter(), self.replicas.compilations
                sums = self.validation_step(self.state.evaluated, batch).fetch()
                timed = self.replicas.compilations == compiled
                if not timed:
                    meter.exclude(time.perf_counter() - before)
                meter.add(sums, timed=timed)
        self._log("validation", meter)
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
        early_stop = self.config.train.early_stop
        if self.stop.caught:
            return f"stopped by {self.stop.caught}"
        if self.step >= self.plan.steps:
            return "all steps done"
        if self.clock.is_up:
            return "time is up"
        if early_stop and self.progress.bad_validations >= early_stop:
            return f"no better validation {self.optimizer.plateau_metric} in the last {early_stop}"
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
        finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(self.state.params))
        self._require_finite(0.0 if finite else math.nan, self.step, "a parameter")

    def _facts(self, where: str, cache: str, of_data: dict[str, str]) -> dict[str, str]:
        model, train, buckets = self.config.model, self.config.train, self.loader.buckets
        return {
            "devices": self.replicas.description,
            "computed by": self.progress.computed_by,
            "compile cache": cache or "off",
            "work directory": f"{self.workdir}, {where}",
            "model": f"{model.name}, {model.vocabulary}, {model.dtype}, "
            f"{count_parameters(self.state.params):,} parameters",
            **of_data,
            "capacities": f"{', '.join(map(str, buckets.expected))} sites of every view and level",
            "run": self.plan.described(train.batch_size, train.accumulate, train.minutes),
        }
