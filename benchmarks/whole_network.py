"""Networks as functions to compile: what leads from a batch to its geometry is part of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsparse
from benchmarks.engines import cases
from benchmarks.engines.cases import DEPTH, LEARNING_RATE, Workload
from jaxsparse import models, ops

CAPACITY_STEP = 128
GeometryOf = Callable[..., Any]


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


def padded_labels(workload: Workload, capacity: int) -> np.ndarray:
    """A class for every row of the padded batch, -1 for padding."""
    labels = cases.labels(len(workload.coords))
    return np.pad(labels, (0, capacity - len(labels)), constant_values=-1)


def geometry(capacities: Sequence[int]) -> GeometryOf:
    """The geometry of a sparse batch with these rows of its levels."""
    return functools.partial(
        jaxsparse.geometry, levels=len(capacities), capacities=tuple(capacities)
    )


def inference(network: models.Network, geometry_of: GeometryOf) -> Callable[..., Any]:
    """``(variables, x) -> logits``."""

    def run(variables: Any, x: Any) -> Any:
        return network.apply(variables, (x,), (geometry_of(x),), train=False)[0]["semantic"][0]

    return run


def gradient(network: models.Network, geometry_of: GeometryOf) -> Callable[..., Any]:
    """``(variables, x, labels) -> loss, running statistics, gradient``.

    The loss is summed over rows, or pixels, whose label is not -1.
    """

    def run(variables: Any, x: Any, labels: Any) -> Any:
        def loss(params: Any) -> Any:
            (outputs, _), state = network.apply(
                {**variables, "params": params},
                (x,),
                (geometry_of(x),),
                train=True,
                mutable=["batch_stats"],
            )
            scores = jax.nn.log_softmax(outputs["semantic"][0])
            chosen = jnp.take_along_axis(scores, jnp.maximum(labels, 0)[..., None], axis=-1)
            return -jnp.sum(jnp.where(labels >= 0, chosen[..., 0], 0)), state

        (value, state), slope = jax.value_and_grad(loss, has_aux=True)(variables["params"])
        return value, state, slope

    return run


def training_step(network: models.Network, geometry_of: GeometryOf) -> Callable[..., Any]:
    """``(variables, x, labels) -> variables, loss``: a step of plain gradient descent."""
    gradient_of = gradient(network, geometry_of)

    def run(variables: Any, x: Any, labels: Any) -> Any:
        value, state, slope = gradient_of(variables, x, labels)
        moved = jax.tree.map(lambda p, g: p - LEARNING_RATE * g, variables["params"], slope)
        return {"params": moved, **state}, value

    return run
