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
from ml_collections import ConfigDict

import jaxsparse
from jaxsparse import models
from jaxsparse.data.batching import Batch
from jaxsparse.training.losses import weighted_cross_entropy
from jaxsparse.training.metrics import Sums, confusion_counts
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import TrainState

AXIS = "devices"  # the name under which replicas sum

# (variables, batch, train, random key) -> (logits of the rows, new running moments)
Forward = Callable[..., tuple[Float[Array, "sites classes"], Any]]


def make_forward(config: ConfigDict, axis_name: str | None = AXIS) -> Forward:
    """The network of a ``config.model`` on a batch of one device; traceable.

    The geometry (coordinates and kernel maps of every level) is built here, once for all layers
    and for both passes.

    Args:
      config: the ``model`` part.
      axis_name: mapped axis that batch norm sums over; None outside of ``pmap``.

    Returns:
      ``(variables, batch, *, train, key=None) -> (logits [sites, classes], batch_stats)``. With
      ``train=False`` the running moments are used and come back as they were.
    """
    model = models.build(config, axis_name)
    settings = models.geometry_of(config)

    def forward(
        variables: dict[str, Any], batch: Batch, *, train: bool, key: jax.Array | None = None
    ) -> tuple[Float[Array, "sites classes"], Any]:
        x = batch.tensor()
        geometry = jaxsparse.geometry(x, **settings, capacities=batch.capacities)
        if not train:
            logits, _ = model.apply(variables, x, geometry, train=False)
            return logits, variables["batch_stats"]
        (logits, _), updates = model.apply(
            variables, x, geometry, train=True, mutable=["batch_stats"],
            rngs={} if key is None else {"dropout": key},
        )  # fmt: skip
        return logits, updates["batch_stats"]

    return forward


def initializer(config: ConfigDict) -> Callable[[jax.Array], dict[str, Any]]:
    """``key -> variables``: the draw of a ``config.model``'s parameters; traceable.

    It depends on the key alone, not on any data: one site is enough to find the shapes.
    """
    model = models.build(config)
    settings = models.geometry_of(config)
    shape = (2 ** settings["levels"],) * config.dim

    def inputs() -> tuple[jaxsparse.SparseTensor, jaxsparse.Geometry]:
        x = jaxsparse.SparseTensor(
            coords=jnp.zeros((1, 1 + config.dim), jnp.int32),
            features=jnp.ones((1, config.in_channels), jnp.float32),
            num_active=jnp.ones((), jnp.int32),
            spatial_shape=shape,
            batch_size=1,
            stride=(1,) * config.dim,
        )
        return x, jaxsparse.geometry(x, **settings)

    # lazy_init computes from shapes: compiling a whole forward pass to throw it away is slow.
    x, geometry = jax.eval_shape(inputs)

    def draw(key: jax.Array) -> dict[str, Any]:
        variables = model.lazy_init(key, x, geometry, train=False)
        return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}

    return draw


def init_variables(config: ConfigDict, seed: int) -> dict[str, Any]:
    """Parameters and running moments of the network of a ``config.model``, drawn from ``seed``."""
    # It runs once, so what it costs is its compilation: a program a parameter shape.
    draw = jax.jit(initializer(config), compiler_options={"xla_backend_optimization_level": 0})
    return draw(jax.random.PRNGKey(seed))


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
