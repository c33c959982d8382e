"""What one replica does with its shard of a batch: written once, for one device or many.

Every function here sees one device's shard and names the others only by ``AXIS``;
:mod:`jaxsparse.training.parallel` wraps it in ``pmap`` or ``shard_map``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxsparse.data.batch import Batch
from jaxsparse.inference import Forward
from jaxsparse.training.loss_weights import factors, moved
from jaxsparse.training.metrics import Sums
from jaxsparse.training.objectives import Objective
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import TrainState

AXIS = "devices"  # the name under which replicas sum


def make_train_step(
    objectives: Sequence[Objective],
    forward: Forward,
    optimizer: Optimizer,
    *,
    micro_batches: int = 1,
) -> Callable[..., Any]:
    """The training step of a replica: ``(state, batch, learning_rate) -> (state, Sums)``.

    Each replica differentiates **its own** loss; the sums over devices inside batch norm carry the
    other replicas' gradients back by themselves. Loss and gradients are then summed over devices
    once. (Differentiating a loss that is already summed, and summing again, would count the
    gradient once a device too often.) A replica whose shard holds no site adds zeros. What a mean
    divides by is counted over the whole batch beforehand.

    With ``micro_batches`` above 1 every array of ``batch`` has them as its leading axis. They run
    one after the other, each as a batch of its own; their gradients are added up before the one
    update. Batch norm then sees the moments of a micro-batch, not of the whole, and its running
    moments move once a micro-batch; without it the update is that of the whole batch, to rounding.
    """

    def gradients_of(
        params: Any, batch_stats: Any, batch: Batch, scales: Sequence[Any], key: jax.Array
    ) -> tuple[Any, Any, Sums]:
        """(gradients of this replica, new running moments, sums of this replica)."""

        def loss_of(params: Any) -> tuple[jax.Array, Any]:
            variables = {"params": params, "batch_stats": batch_stats}
            outputs, updated = forward(variables, batch, train=True, key=key)
            sums = _sums(objectives, outputs, batch)
            losses = [sums.heads[objective.head].loss for objective in objectives]
            total = sum(scale * loss for scale, loss in zip(scales, losses, strict=True))
            return total, (sums, updated)

        gradients, (sums, updated) = jax.grad(loss_of, has_aux=True)(params)
        return gradients, updated, sums

    def accumulated(
        params: Any, batch_stats: Any, batch: Batch, scales: Sequence[Any], key: jax.Array
    ) -> tuple[Any, Any, Sums]:
        def one(number: Any, part: Batch, batch_stats: Any) -> tuple[Any, Any, Sums]:
            return gradients_of(params, batch_stats, part, scales, jax.random.fold_in(key, number))

        def add(carry: Any, entry: tuple[Any, Any]) -> tuple[Any, None]:
            batch_stats, total = carry
            gradients, batch_stats, sums = one(*entry, batch_stats)
            return (batch_stats, jax.tree.map(jnp.add, total, (gradients, sums))), None

        numbers = jnp.arange(micro_batches)
        shapes = jax.eval_shape(one, *jax.tree.map(lambda a: a[0], (numbers, batch)), batch_stats)
        zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), (shapes[0], shapes[2]))
        (batch_stats, (gradients, sums)), _ = jax.lax.scan(
            add, (batch_stats, zeros), (numbers, batch)
        )
        return gradients, batch_stats, sums

    def train_step(
        state: TrainState, batch: Batch, learning_rate: jax.Array
    ) -> tuple[TrainState, Sums]:
        key = jax.random.fold_in(
            jax.random.fold_in(state.rng, state.step), jax.lax.axis_index(AXIS)
        )
        compute = gradients_of if micro_batches == 1 else accumulated
        counts = jax.lax.psum([objective.target.count(batch) for objective in objectives], AXIS)
        weights = [each.scale(count) for each, count in zip(objectives, counts, strict=True)]
        learned = factors(state.uncertainties, objectives)
        scales = [weight * factor for weight, factor in zip(weights, learned, strict=True)]
        gradients, batch_stats, sums = compute(state.params, state.batch_stats, batch, scales, key)
        sums, gradients = jax.lax.psum((sums, gradients), AXIS)
        losses = {
            each.head: weight * sums.heads[each.head].loss
            for each, weight in zip(objectives, weights, strict=True)
        }
        params, direction = optimizer.update(
            gradients, state.optimizer, state.plateau, state.params, learning_rate
        )
        state = state.replace(
            step=state.step + 1,
            params=params,
            batch_stats=batch_stats,
            optimizer=direction,
            uncertainties=moved(state.uncertainties, losses),
        )
        return state, sums

    return train_step


def make_validation_step(objectives: Sequence[Objective], forward: Forward) -> Callable[..., Any]:
    """The validation step of a replica: ``(variables, batch) -> Sums``, with running moments."""

    def validation_step(variables: dict[str, Any], batch: Batch) -> Sums:
        outputs, _ = forward(variables, batch, train=False)
        return jax.lax.psum(_sums(objectives, outputs, batch), AXIS)

    return validation_step


def _sums(objectives: Sequence[Objective], outputs: Mapping[str, Any], batch: Batch) -> Sums:
    return Sums(
        heads={objective.head: objective.sums(outputs, batch) for objective in objectives},
        events=jnp.asarray(batch.num_events, jnp.int32),
        sites=jnp.asarray(batch.num_active, jnp.int32),
    )
