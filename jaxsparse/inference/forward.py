"""The only way from a batch through a network: training, validation and prediction take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from jaxsparse import Geometry, SparseTensor, geometry
from jaxsparse.data.batch import Batch
from jaxsparse.models import Network

# (variables, batch, train, random key) -> (outputs by head, new running moments)
Forward = Callable[..., tuple[dict[str, Any], Any]]


def inputs_of(
    network: Network, batch: Batch
) -> tuple[tuple[SparseTensor, ...], tuple[Geometry, ...]]:
    """What the network is called with, one image and one geometry a view; traceable.

    The geometry (coordinates and kernel maps of every level) is built here, once for all layers
    and for both passes.
    """
    images = tuple(view.tensor() for view in batch.views)
    geometries = tuple(
        geometry(x, levels=network.levels, kernels=network.kernels, capacities=view.capacities)
        for x, view in zip(images, batch.views, strict=True)
    )
    return images, geometries


def make_forward(network: Network) -> Forward:
    """A network on a batch of one device; traceable.

    Returns:
      ``(variables, batch, *, train=False, key=None) -> (outputs, batch_stats)``: what every head
      says, by its name, and the running moments. With ``train=False`` these are used and come back
      as they were.
    """

    def forward(
        variables: dict[str, Any], batch: Batch, *, train: bool = False, key: Any = None
    ) -> tuple[dict[str, Any], Any]:
        inputs = inputs_of(network, batch)
        if not train:
            outputs, _ = network.apply(variables, *inputs, train=False)
            return outputs, variables["batch_stats"]
        rngs: dict[str, jax.Array] = {} if key is None else {"dropout": key}
        (outputs, _), updates = network.apply(
            variables, *inputs, train=True, mutable=["batch_stats"], rngs=rngs
        )
        return outputs, updates.get("batch_stats", {})

    return forward
