"""The optimiser: a descent rule of optax, a learning rate of the step, a scale of the plateau.

Three factors make an update, kept apart because they change at different times:

    parameters -= learning_rate(step) * plateau scale * direction(gradients)

``direction`` is an optax chain, advanced every step. ``learning_rate`` is a number the host
computes: warm-up, then constant or a cosine. The plateau scale is ``optax``'s
``reduce_on_plateau``, advanced once per validation with the validation's score.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxsparse import settings


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """Descent rule, learning rate and plateau scale; its fields are the settings of ``optimizer``.

    ``sgd``: momentum, gradients plus ``weight_decay`` times the kernels before it (as PyTorch and
    the published recipes do). ``adam``: Adam, its decay decoupled (AdamW). ``gradient_clip`` bounds
    the global norm of the gradients of the summed loss, 0 leaves them alone. Biases and the
    scales of normalisation are never decayed.

    The plateau multiplies the rate by ``plateau_factor`` after more than ``plateau_patience``
    validations in a row without a score (``plateau_metric``) at least 0.01 % below the best, down
    to ``plateau_min`` times the rate. That is PyTorch's counting; optax fires when the count
    *equals* its patience, one validation earlier, hence the ``+ 1``.

    Raises:
      InputError: an unknown name or schedule, a number out of its range.
    """

    name: str
    learning_rate: float
    momentum: float
    weight_decay: float
    gradient_clip: float
    warmup_steps: int
    schedule: str
    plateau_metric: str
    plateau_patience: int
    plateau_factor: float
    plateau_min: float

    def __post_init__(self) -> None:
        settings.check("optimizer", vars(self))

    @functools.cached_property
    def direction(self) -> optax.GradientTransformation:
        """From gradients to where the parameters go, before the rate."""
        decay = optax.add_decayed_weights(self.weight_decay, mask=_kernels)
        chain = [optax.clip_by_global_norm(self.gradient_clip)] if self.gradient_clip else []
        if self.name == "sgd":
            chain += [decay] if self.weight_decay else []
            chain += [optax.trace(self.momentum)] if self.momentum else []
        else:
            chain.append(optax.scale_by_adam(b1=self.momentum))
            chain += [decay] if self.weight_decay else []
        return optax.chain(*chain) if chain else optax.identity()

    @functools.cached_property
    def plateau(self) -> optax.GradientTransformationExtraArgs:
        """What scales the rate after validations."""
        return optax.contrib.reduce_on_plateau(
            factor=self.plateau_factor,
            patience=self.plateau_patience + 1,
            min_scale=self.plateau_min,
        )

    def init(self, params: Any) -> tuple[Any, Any]:
        """The states of the direction and of the plateau."""
        # Outside of a program every shape of a parameter would be one to compile.
        start = jax.jit(lambda params: (self.direction.init(params), self.plateau.init(params)))
        direction, plateau = start(params)
        return direction, plateau

    def update(
        self, gradients: Any, state: Any, plateau_state: Any, params: Any, learning_rate: jax.Array
    ) -> tuple[Any, Any]:
        """One step; traceable.

        Args:
          gradients: of the summed loss, like ``params``.
          state: of the direction.
          plateau_state: read, not changed.
          params: the parameters.
          learning_rate: float32 scalar, of :meth:`rate`.

        Returns:
          The new parameters and the new state of the direction.
        """
        direction, state = self.direction.update(gradients, state, params)
        size = -learning_rate * plateau_state.scale
        return optax.apply_updates(params, jax.tree.map(lambda d: size * d, direction)), state

    def rate(self, step: int, progress: float) -> float:
        """Learning rate of the step that turns ``step`` into ``step + 1``, before the plateau.

        ``rate * min(1, (step + 1) / warmup_steps)``, times ``(1 + cos(pi progress)) / 2`` for the
        cosine schedule.

        Args:
          step: steps done.
          progress: how much of the run is done, 0 to 1.
        """
        rate = self.learning_rate
        if self.warmup_steps:
            rate *= min(1.0, (step + 1) / self.warmup_steps)
        if self.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
        return rate

    def score(self, loss: float, accuracy: float) -> float:
        """What validations are compared by, smaller is better: the loss, or ``1 - accuracy``.

        Never ``-accuracy``: optax's threshold is relative to the best value, and a negative one
        moves it the wrong way (a plateau fed -0.9 again and again never fires).
        """
        return loss if self.plateau_metric == "loss" else 1.0 - accuracy

    def after_validation(self, plateau_state: Any, score: float) -> Any:
        """The plateau's state after a validation with this :meth:`score`."""
        if self.schedule != "plateau":
            return plateau_state
        _, plateau_state = self.plateau.update({}, plateau_state, value=jnp.float32(score))
        return plateau_state


def _kernels(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
