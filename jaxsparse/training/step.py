"""What one replica does with its shard of a batch: written once, for one device or many.

Every function here sees one device's shard and names the others only by ``AXIS``;
:mod:`jaxsparse.training.parallel` wraps it in ``pmap`` or ``shard_map``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxsparse import models
from jaxsparse.inference import Forward, network_inputs
from jaxsparse.training.metrics import Sums, confusion_counts
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import TrainState
from jaxsparse.training.task import Task

AXIS = "devices"  # the name under which replicas sum


def initializer(task: Task) -> Callable[[jax.Array], dict[str, Any]]:
    """``key -> variables``: the draw of the parameters of a task's network; traceable.

    It depends on the key alone, not on any data: one site is enough to find the shapes.
    """
    model = models.build(task.config.model)
    # lazy_init computes from shapes: compiling a whole forward pass to throw it away is slow.
    inputs = jax.eval_shape(lambda: network_inputs(model, task.example()))

    def draw(key: jax.Array) -> dict[str, Any]:
        variables = model.lazy_init(key, *inputs, train=False)
        return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}

    return draw


def init_variables(task: Task, seed: int) -> dict[str, Any]:
    """Parameters and running moments of a task's network, drawn from ``seed``."""
    # It runs once, so what it costs is its compilation: a program a parameter shape.
    draw = jax.jit(initializer(task), compiler_options={"xla_backend_optimization_level": 0})
    return draw(jax.random.PRNGKey(seed))


def make_train_step(
    task: Task, forward: Forward, optimizer: Optimizer, *, micro_batches: int = 1
) -> Callable[..., Any]:
    """The training step of a replica: ``(state, batch, learning_rate) -> (state, Sums)``.

    Each replica differentiates **its own** loss; the sums over devices inside batch norm carry the
    other replicas' gradients back by themselves. Loss and gradients are then summed over devices
    once. (Differentiating a loss that is already summed, and summing again, would count the
    gradient once a device too often.) A replica whose shard holds no site adds zeros.

    With ``micro_batches`` above 1 every array of ``batch`` has them as its leading axis. They run
    one after the other, each as a batch of its own; their gradients are added up before the one
    update. Batch norm then sees the moments of a micro-batch, not of the whole, and its running
    moments move once a micro-batch; without it the update is that of the whole batch, to rounding.
    """

    def gradients_of(
        params: Any, batch_stats: Any, batch: Any, key: jax.Array
    ) -> tuple[Any, Any, Sums]:
        """(gradients of this replica, new running moments, sums of this replica)."""

        def loss_of(params: Any) -> tuple[jax.Array, Any]:
            variables = {"params": params, "batch_stats": batch_stats}
            outputs, updated = forward(variables, batch, train=True, key=key)
            logits = task.logits(outputs)
            return task.loss(logits, batch), (logits, updated)

        (loss, (logits, updated)), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        return gradients, updated, _sums(task, loss, logits, batch)

    def accumulated(
        params: Any, batch_stats: Any, batch: Any, key: jax.Array
    ) -> tuple[Any, Any, Sums]:
        def one(number: Any, part: Any, batch_stats: Any) -> tuple[Any, Any, Sums]:
            return gradients_of(params, batch_stats, part, jax.random.fold_in(key, number))

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
        state: TrainState, batch: Any, learning_rate: jax.Array
    ) -> tuple[TrainState, Sums]:
        key = jax.random.fold_in(
            jax.random.fold_in(state.rng, state.step), jax.lax.axis_index(AXIS)
        )
        compute = gradients_of if micro_batches == 1 else accumulated
        gradients, batch_stats, sums = compute(state.params, state.batch_stats, batch, key)
        sums, gradients = jax.lax.psum((sums, gradients), AXIS)
        gradients = task.scale_gradients(gradients, sums)
        params, direction = optimizer.update(
            gradients, state.optimizer, state.plateau, state.params, learning_rate
        )
        state = state.replace(
            step=state.step + 1, params=params, batch_stats=batch_stats, optimizer=direction
        )
        return state, sums

    return train_step


def make_validation_step(task: Task, forward: Forward) -> Callable[..., Any]:
    """The validation step of a replica: ``(variables, batch) -> Sums``, with running moments."""

    def validation_step(variables: dict[str, Any], batch: Any) -> Sums:
        logits = task.logits(forward(variables, batch)[0])
        return jax.lax.psum(_sums(task, task.loss(logits, batch), logits, batch), AXIS)

    return validation_step


def _sums(task: Task, loss: jax.Array, logits: jax.Array, batch: Any) -> Sums:
    events, sites = task.counts(batch)
    return Sums(
        loss=loss,
        confusion=confusion_counts(logits, task.labels(batch)),
        events=jnp.asarray(events, jnp.int32),
        sites=jnp.asarray(sites, jnp.int32),
    )
