"""Everything that a training run must remember to go on exactly where it stopped."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jaxsparse.training.optimizer import Optimizer


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """The arrays of a run, a pytree; equal on all devices.

    Attributes:
      step: int32 ``[]``, steps done.
      params: the model's parameters, float32.
      batch_stats: the running moments of its normalisation layers.
      optimizer: state of the descent direction (momentum).
      plateau: state of the learning-rate scale.
      rng: uint32 ``[2]``, the random key of the run; a step folds its number into it.
      average: of the variables, see :mod:`jaxsparse.training.average`; empty in a run without.
      uncertainties: of the heads, see :mod:`jaxsparse.training.loss_weights`; empty in a run whose
        weights of objectives are fixed.
    """

    step: Any
    params: Any
    batch_stats: Any
    optimizer: Any
    plateau: Any
    rng: Any
    average: Any = dataclasses.field(default_factory=dict)
    uncertainties: Any = dataclasses.field(default_factory=dict)

    @property
    def variables(self) -> dict[str, Any]:
        """What ``model.apply`` takes."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def evaluated(self) -> dict[str, Any]:
        """The variables that validation and evaluation use: the average where there is one."""
        return self.average or self.variables

    def replace(self, **changes: Any) -> TrainState:
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)


def create_state(variables: dict[str, Any], optimizer: Optimizer, seed: int) -> TrainState:
    """The state before the first step.

    Args:
      variables: of ``model.init``; ``batch_stats`` may be absent.
      optimizer: whose states start here.
      seed: of the random key.
    """
    params = variables["params"]
    direction, plateau = optimizer.init(params)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=variables.get("batch_stats", {}),
        optimizer=direction,
        plateau=plateau,
        rng=jax.random.fold_in(
            jax.random.PRNGKey(seed), 1
        ),  # the model was drawn from the key itself
    )


def count_parameters(params: Any) -> int:
    """Numbers that training changes.

    >>> count_parameters({"kernel": jnp.zeros((3, 2)), "bias": jnp.zeros(2)})
    8
    """
    return sum(leaf.size for leaf in jax.tree.leaves(params))
