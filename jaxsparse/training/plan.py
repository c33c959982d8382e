"""How long a run is and when it validates, in steps, whether the config says steps or epochs."""

from __future__ import annotations

import dataclasses
import math

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
    def of(
        cls,
        num_events: int,
        *,
        batch_size: int,
        steps: int,
        epochs: float,
        validate_every: int,
        validate_epochs: float,
    ) -> Plan:
        """From the number of training events and the settings of ``train`` of these names.

        Epochs follow one another without a gap: a batch may hold the last events of one and the
        first of the next, and the run ends with the batch that holds the last event.

        >>> plan = Plan.of(
        ...     950, batch_size=100, steps=7, epochs=2.0, validate_every=5, validate_epochs=0.5
        ... )
        >>> plan
        Plan(steps=19, validate_every=4.75, steps_per_epoch=9.5, counts_epochs=True)
        >>> [step for step in range(1, 20) if plan.validates_after(step)]
        [5, 10, 15, 19]
        """
        per_epoch = num_events / batch_size
        if epochs:
            steps = max(1, math.ceil(epochs * per_epoch - _ROUNDING))
        every = validate_epochs * per_epoch if validate_epochs else validate_every
        return cls(steps, every, per_epoch, bool(epochs))

    def validates_after(self, step: int) -> bool:
        """Whether ``step`` is the first with so many epochs (or steps) behind it."""
        if not self.validate_every or step < 1:
            return False
        now, before = ((s + _ROUNDING) // self.validate_every for s in (step, step - 1))
        return now > before

    def described(self, batch_size: int, parts: int, minutes: float) -> str:
        """For people.

        Args:
          batch_size: events of a step.
          parts: that a step takes them in.
          minutes: that the run may take; 0 is no limit.
        """
        epochs = f"{self.steps / self.steps_per_epoch:.3g} epochs, " if self.counts_epochs else ""
        in_parts = f" in {parts} parts" if parts > 1 else ""
        limit = f", at most {minutes:g} minutes" if minutes else ""
        return f"{epochs}{self.steps} steps of {batch_size} events{in_parts}{limit}"
