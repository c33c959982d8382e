"""Averaged parameters: their moving average, and the moments that batch norm has with them.

Steps go around a minimum that their average is closer to (Polyak and Juditsky, SIAM J. Control
Optim. 30, 1992). Validations, the best checkpoint and evaluation then use the average; the steps
themselves do not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsparse.data.batch import Batch
from jaxsparse.data.loader import Loader
from jaxsparse.inference import make_forward
from jaxsparse.models import Network
from jaxsparse.training.parallel import Replicas
from jaxsparse.training.signals import StopSignals
from jaxsparse.training.state import TrainState
from jaxsparse.training.step import AXIS

_ETA = 9  # while the average is young it is that of about the last tenth of the steps


def with_average(state: TrainState) -> TrainState:
    """The state before the first step of a run that averages; the first step replaces its values.

    It is a copy: the programs that take a state over take each of its arrays once.
    """
    return state.replace(average=jax.tree.map(jnp.array, state.variables))


def averaging(train_step: Callable[..., Any], decay: float) -> Callable[..., Any]:
    """A training step of a replica that moves the average of ``state`` too.

    After step t, counted from 1:

        average += max(1 - decay, (eta + 1) / (eta + t)) * (variables - average)

    The second is the polynomial-decay averaging of Shamir and Zhang (ICML 2013): the first step has
    the weight 1, so the average holds nothing of the initial values, and until it is about
    ``10 / (1 - decay)`` steps old it forgets the first, bad steps faster than ``decay`` does.

    The running moments are averaged like parameters. They are close to those of the averaged
    network; :class:`AverageMoments` puts its own in their place.

    Args:
      train_step: of :func:`~jaxsparse.training.step.make_train_step`.
      decay: share of the average that stays at a step, once it is old enough.
    """

    def step(state: TrainState, batch: Batch, learning_rate: jax.Array) -> tuple[TrainState, Any]:
        state, sums = train_step(state, batch, learning_rate)
        share = jnp.maximum(1 - decay, (_ETA + 1) / (_ETA + state.step))
        average = optax.incremental_update(state.variables, state.average, share)
        return state.replace(average=average), sums

    return step


class AverageMoments:
    """Puts the moments of some training batches into the average of a state.

    A network of averaged parameters has other features than any of those that were averaged, so it
    needs other moments (P. Izmailov et al., arXiv 1803.05407). They are the mean of those of the
    batches: a function of the averaged parameters alone, whatever the run has been through. Without
    batch norm there is nothing to do.

    Args:
      network: with batch norm's moments summed over ``AXIS``.
      replicas: of the run.
      batches: the same ones whenever they are iterated.
      micro_batches: of a batch; each has moments of its own, as in training.
    """

    def __init__(
        self, network: Network, replicas: Replicas, batches: Loader, *, micro_batches: int = 1
    ):
        self._step = replicas.wrap(make_moments_step(network, micro_batches), "moments")
        self._batches = batches

    @property
    def fact(self) -> str:
        """For people."""
        return f"validated and evaluated with moments of {self._batches.num_batches} batches"

    def __call__(self, state: TrainState, stop: StopSignals) -> TrainState:
        """The state with these moments.

        Raises:
          Stopped: a signal came.
        """
        if not state.batch_stats:
            return state
        average = {"params": state.average["params"], "batch_stats": state.batch_stats}
        with closing(iter(self._batches)) as batches:
            for number, batch in enumerate(batches):
                stop.check()
                average = self._step(average, batch, np.int32(number), state.rng)
                jax.block_until_ready(average)  # or batches pile up on the devices
        return state.replace(average=average)


def make_moments_step(network: Network, micro_batches: int = 1) -> Callable[..., Any]:
    """The step of a replica that adds a batch to the mean of moments.

    Returns:
      ``(variables, batch, number, rng) -> variables``; the batch of number 0 begins the mean.
    """
    # Without momentum batch norm records the moments of the batch alone.
    forward = make_forward(network.clone(backbone=network.backbone.clone(momentum=0.0)))

    def added(variables: Any, number: Any, batch: Batch, key: jax.Array) -> Any:
        _, moments = forward(variables, batch, train=True, key=jax.random.fold_in(key, number))
        mean = optax.incremental_update(moments, variables["batch_stats"], 1 / (number + 1))
        return {**variables, "batch_stats": mean}

    def moments_step(variables: Any, batch: Batch, number: jax.Array, rng: jax.Array) -> Any:
        key = jax.random.fold_in(rng, jax.lax.axis_index(AXIS))
        if micro_batches == 1:
            return added(variables, number, batch, key)
        numbers = number * micro_batches + jnp.arange(micro_batches)
        return jax.lax.scan(
            lambda variables, part: (added(variables, *part, key), None),
            variables, (numbers, batch),
        )[0]  # fmt: skip

    return moments_step
