"""A network on a batch: the one function that training, validation and evaluation call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array

import jaxsparse
from jaxsparse.data.batch import Batch
from jaxsparse.models.network import Network

# (variables, batch, *, train, key) -> (outputs by head, running moments)
Forward = Callable[..., tuple[dict[str, Any], Any]]


def make_forward(network: Network) -> Forward:
    """The outputs of all heads of a network on a batch of one device; traceable.

    The geometry (coordinates and kernel maps of every level) is built here, once for all layers
    and for both passes.

    Args:
      network: of :func:`jaxsparse.models.build`.

    Returns:
      ``(variables, batch, *, train=False, key=None) -> (outputs, batch_stats)``. In training batch
      norm takes the moments of the batch and records them, and dropout draws from ``key``;
      otherwise the running moments are used and come back as they were.
    """

    def forward(
        variables: dict[str, Any],
        batch: Batch,
        *,
        train: bool = False,
        key: jax.Array | None = None,
    ) -> tuple[dict[str, Any], Any]:
        inputs = network_inputs(network, batch)
        if not train:
            outputs, _ = network.apply(variables, *inputs, train=False)
            return outputs, variables["batch_stats"]
        (outputs, _), updates = network.apply(
            variables, *inputs, train=True, mutable=["batch_stats"],
            rngs={} if key is None else {"dropout": key},
        )  # fmt: skip
        return outputs, updates.get("batch_stats", {})

    return forward


def network_inputs(
    network: Network, batch: Batch
) -> tuple[tuple[jaxsparse.SparseTensor, ...], tuple[jaxsparse.Geometry, ...], tuple[Array, ...]]:
    """Images and geometries of a batch, one a view, and links where it lifts; traceable."""
    images = tuple(view.tensor() for view in batch.views)
    geometries = tuple(
        jaxsparse.geometry(
            image, levels=network.levels, kernels=network.kernels, capacities=view.capacities
        )
        for image, view in zip(images, batch.views, strict=True)
    )
    return images, geometries, batch.views[-1].shown if network.lifts else ()
