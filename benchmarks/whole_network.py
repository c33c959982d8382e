"""The published network as functions to compile: maps are built in every call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

import jaxsparse
from benchmarks.engines.cases import DEPTH, LEARNING_RATE, Workload
from jaxsparse import models, ops

CAPACITY_STEP = 128


def padded_tensor(
    workload: Workload, levels: int = DEPTH
) -> tuple[jaxsparse.SparseTensor, tuple[int, ...]]:
    """The padded batch, and the rows of all levels: their site counts in steps of 128."""
    counts = ops.count_levels(workload.coords, levels)
    capacities = tuple(-(-count // CAPACITY_STEP) * CAPACITY_STEP for count in counts)
    x = jaxsparse.sparse_tensor(
        workload.coords,
        workload.features,
        spatial_shape=workload.spatial_shape,
        batch_size=workload.batch_size,
        capacity=capacities[0],
    )
    return x, capacities


def inference(network: models.Network, capacities: Sequence[int]) -> Callable[..., Any]:
    """``(variables, x) -> logits``."""
    geometry_of = _geometry(capacities)

    def run(variables: Any, x: Any) -> Any:
        return network.apply(variables, (x,), (geometry_of(x),), train=False)[0]["semantic"][0]

    return run


def gradient(network: models.Network, capacities: Sequence[int]) -> Callable[..., Any]:
    """``(variables, x, labels) -> loss, running statistics, gradient``; the loss is summed."""
    geometry_of = _geometry(capacities)

    def run(variables: Any, x: Any, labels: Any) -> Any:
        def loss(params: Any) -> Any:
            (outputs, _), state = network.apply(
                {**variables, "params": params},
                (x,),
                (geometry_of(x),),
                train=True,
                mutable=["batch_stats"],
            )
            (logits,) = outputs["semantic"]
            chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
            return -jnp.sum(jnp.where(x.mask, chosen[:, 0], 0)), state

        (value, state), slope = jax.value_and_grad(loss, has_aux=True)(variables["params"])
        return value, state, slope

    return run


def training_step(network: models.Network, capacities: Sequence[int]) -> Callable[..., Any]:
    """``(variables, x, labels) -> variables, loss``: a step of plain gradient descent."""
    gradient_of = gradient(network, capacities)

    def run(variables: Any, x: Any, labels: Any) -> Any:
        value, state, slope = gradient_of(variables, x, labels)
        moved = jax.tree.map(lambda p, g: p - LEARNING_RATE * g, variables["params"], slope)
        return {"params": moved, **state}, value

    return run


def _geometry(capacities: Sequence[int]) -> Callable[..., Any]:
    return functools.partial(
        jaxsparse.geometry, levels=len(capacities), capacities=tuple(capacities)
    )
