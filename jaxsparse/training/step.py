"""What one replica does with its shard of a batch: written once, for one device or many.

Every function here sees one device's shard and names the others only by ``AXIS``;
:mod:`jaxsparse.training.parallel` wraps it in ``pmap`` or ``shard_map``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsparse.training.losses import weighted_cross_entropy
from jaxsparse.training.metrics import Sums, confusion_counts
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import TrainState

AXIS = "devices"  # the name under which replicas sum

# (variables, batch, train, random key) -> (logits of the rows, new running moments)
Forward = Callable[..., tuple[Float[Array, "sites classes"], Any]]


def make_train_step(forward: Forward, optimizer: Optimizer) -> Callable[..., Any]:
    """The training step of a replica: ``(state, batch, learning_rate) -> (state, Sums)``.

    Each replica differentiates **its own** loss; the sums over devices inside batch norm carry the
    other replicas' gradients back by themselves. Loss and gradients are then summed over devices
    once. (Differentiating a loss that is already summed, and summing again, would count the
    gradient once a device too often.) A replica whose shard holds no site adds zeros.
    """

    def train_step(
        state: TrainState, batch: Any, learning_rate: jax.Array
    ) -> tuple[TrainState, Sums]:
        key = jax.random.fold_in(
            jax.random.fold_in(state.rng, state.step), jax.lax.axis_index(AXIS)
        )

        def loss_of(params: Any) -> tuple[jax.Array, Any]:
            variables = {"params": params, "batch_stats": state.batch_stats}
            logits, batch_stats = forward(variables, batch, train=True, key=key)
            loss = weighted_cross_entropy(logits, batch.labels, batch.weights)
            return loss, (logits, batch_stats)

        (loss, (logits, batch_stats)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            state.params
        )
        sums, gradients = jax.lax.psum((_sums(loss, logits, batch), gradients), AXIS)
        params, direction = optimizer.update(
            gradients, state.optimizer, state.plateau, state.params, learning_rate
        )
        state = state.replace(
            step=state.step + 1, params=params, batch_stats=batch_stats, optimizer=direction
        )
        return state, sums

    return train_step


def make_validation_step(forward: Forward) -> Callable[..., Any]:
    """The validation step of a replica: ``(variables, batch) -> Sums``, with running moments."""

    def validation_step(variables: dict[str, Any], batch: Any) -> Sums:
        logits, _ = forward(variables, batch, train=False, key=None)
        loss = weighted_cross_entropy(logits, batch.labels, batch.weights)
        return jax.lax.psum(_sums(loss, logits, batch), AXIS)

    return validation_step


def _sums(loss: jax.Array, logits: jax.Array, batch: Any) -> Sums:
    return Sums(
        loss=loss,
        confusion=confusion_counts(logits, batch.labels),
        events=jnp.asarray(batch.num_events, jnp.int32),
        sites=jnp.asarray(batch.num_active, jnp.int32),
    )
