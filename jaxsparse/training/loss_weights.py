"""Weights of objectives that a training finds by itself, from how large their losses stay.

With homoscedastic uncertainty (Kendall, Gal and Cipolla, arXiv 1705.07115, equation 10) every head
has a number s, the logarithm of the variance of its answers, and what is minimised is

    sum over heads of  exp(-s) * weight * mean loss + s / 2

A head whose loss stays large counts less, and its s pays for it. Where s is at its best, all heads
pull alike: ``exp(-s) weight loss = 1/2``. The s are moved here by plain descent, ``RATE`` of their
gradient a step whatever the optimiser: so the weights follow the losses of the last hundred steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsparse.errors import InputError
from jaxsparse.training.objectives import Objective
from jaxsparse.training.state import TrainState

RATE = 0.01

Uncertainties = Mapping[str, Float[Array, ""]]  # s by head; empty where weights are fixed


def with_uncertainties(state: TrainState, objectives: Sequence[Objective]) -> TrainState:
    """The state before the first step of a run that finds the weights; all begin as given.

    Raises:
      InputError: an objective that is no mean: a sum grows with the batch, and s with it.
    """
    for objective in objectives:
        if objective.reduction != "mean":
            key = f"objectives.{objective.head}.reduction"
            raise InputError(
                f"train.loss_weights is 'learned' and {key} {objective.reduction!r}: set {key}="
                "mean, or train.loss_weights=fixed"
            )
    zeros = {objective.head: jnp.zeros((), jnp.float32) for objective in objectives}
    return state.replace(uncertainties=zeros)


def factors(uncertainties: Uncertainties, objectives: Iterable[Objective]) -> list[Any]:
    """What the loss of every objective is multiplied with beside its weight; 1 where fixed."""
    return [jnp.exp(-uncertainties[each.head]) if uncertainties else 1.0 for each in objectives]


def moved(
    uncertainties: Uncertainties, losses: Mapping[str, Float[Array, ""]]
) -> dict[str, Float[Array, ""]]:
    """The s after a step.

    Args:
      uncertainties: before it.
      losses: of every head, ``weight * mean loss`` of the whole batch.

    >>> moved({"event": jnp.zeros(())}, {"event": jnp.array(2.5)})["event"].round(3)
    Array(0.02, dtype=float32)
    """
    return {
        head: s + RATE * (jnp.exp(-s) * losses[head] - 0.5) for head, s in uncertainties.items()
    }


def in_words(uncertainties: Mapping[str, Any]) -> str:
    """The weights as a line of a log says them.

    >>> in_words({"event": 0.0, "vertex": 2.0})
    'event 1, vertex 0.135'
    """
    first = {head: float(np.ravel(s)[0]) for head, s in uncertainties.items()}  # of any replica
    return ", ".join(f"{head} {math.exp(-s):.3g}" for head, s in first.items())
