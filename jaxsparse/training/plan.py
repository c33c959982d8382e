"""How long a run is and when it validates, in steps, whether the config says steps or epochs."""

from __future__ import annotations

import dataclasses
import math

from ml_collections import ConfigDict

from jaxsparse.errors import InputError

_ROUNDING = 1e-9  # steps; what a product of epochs and steps an epoch may be off


@dataclasses.dataclass(frozen=True)
class Plan:
    """Lengths in steps.

    Attributes:
      steps: of the whole run.
      validate_every: between validations, not rounded; 0 is never.
      steps_per_epoch: events of an epoch over those of a batch, not rounded.
      counts_epochs: whether the config gave the length in epochs.
    """

    steps: int
    validate_every: float
    steps_per_epoch: float
    counts_epochs: bool

    @classmethod
    def of(cls, config: ConfigDict, num_events: int) -> Plan:
        """From the ``train`` part of a config and the number of training events.

        Epochs follow one another without a gap: a batch may hold the last events of one and the
        first of the next, and the run ends with the batch that holds the last event.

        >>> config = ConfigDict(dict(batch_size=100, steps=7, epochs=2.0, validate_every=5,
        ...                          validate_epochs=0.5))
        >>> plan = Plan.of(config, num_events=950)
        >>> plan
        Plan(steps=19, validate_every=4.75, steps_per_epoch=9.5, counts_epochs=True)
        >>> [step for step in range(1, 20) if plan.validates_after(step)]
        [5, 10, 15, 19]
        """
        per_epoch = num_events / config.batch_size
        steps, every = config.steps, config.validate_every
        if config.epochs:
            steps = max(1, math.ceil(config.epochs * per_epoch - _ROUNDING))
        if config.validate_epochs:
            every = config.validate_epochs * per_epoch
        return cls(steps, every, per_epoch, bool(config.epochs))

    def validates_after(self, step: int) -> bool:
        """Whether ``step`` is the first with so many epochs (or steps) behind it."""
        if not self.validate_every or step < 1:
            return False
        now, before = ((s + _ROUNDING) // self.validate_every for s in (step, step - 1))
        return now > before

    @property
    def length(self) -> str:
        """For people."""
        if not self.counts_epochs:
            return f"{self.steps} steps"
        return f"{self.steps / self.steps_per_epoch:.3g} epochs, {self.steps} steps"


def check_lengths(config: ConfigDict) -> None:
    """Whether the numbers of the ``train`` part of a config, each in its range, fit together.

    Raises:
      InputError: one that is not.
    """
    if config.accumulate > config.batch_size:
        raise InputError(
            f"train.accumulate is {config.accumulate} but train.batch_size {config.batch_size}: "
            "a micro-batch must have at least one event, lower train.accumulate."
        )


def check_validations(config: ConfigDict, has_validation: bool) -> None:
    """Whether a run that goes by validations makes some.

    Raises:
      InputError: the plateau or ``train.early_stop`` has nothing to look at.
    """
    every = config.train
    needs = "early_stop" if every.early_stop else "plateau"
    judged = every.early_stop or config.optimizer.schedule == "plateau"
    validates = every.validate_every or every.validate_epochs
    if judged and not (has_validation and validates):
        raise InputError(
            f"data.validation is {config.data.validation!r} and train.validate_every "
            f"{every.validate_every}: {needs} needs validations, give both."
        )
