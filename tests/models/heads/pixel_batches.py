"""Small batches of two views, as a backbone hands them to heads of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import jaxsparse
from jaxsparse import SparseTensor
from jaxsparse.models import Features
from jaxsparse.models.heads.head import Head
from jaxsparse.nn.blocks import BlockSettings

SHAPE, CHANNELS = (12, 10), 3
COUNTS = ((7, 0, 9, 0), (4, 0, 0, 5))  # pixels of the events in each view; one has none


def views(
    capacity: int = 20, counts=COUNTS, seed: int = 0, shift=(0, 0), order: int | None = None
) -> tuple[SparseTensor, ...]:
    """Features of some events; those of an event do not depend on the others.

    With an ``order`` the pixels are given in another order.
    """
    made = []
    for view, numbers in enumerate(counts):
        coords, values = [], []
        for event, count in enumerate(numbers):
            rng = np.random.default_rng([seed, view, event])
            cells = np.stack(np.unravel_index(rng.choice(30, count, replace=False), (6, 5)), axis=1)
            coords += [(event, row + shift[0], column + shift[1]) for row, column in cells.tolist()]
            values += rng.normal(size=(count, CHANNELS)).tolist()
        points = np.array(coords, np.int32).reshape(-1, 3)
        features = np.array(values, np.float32).reshape(-1, CHANNELS)
        if order is not None:
            shuffled = np.random.default_rng(order).permutation(len(points))
            points, features = points[shuffled], features[shuffled]
        made.append(
            jaxsparse.sparse_tensor(
                points, features, spatial_shape=SHAPE, batch_size=len(numbers), capacity=capacity
            )
        )
    return tuple(made)


def features_of(images: tuple[Any, ...], *, shared: bool = False) -> Features:
    return Features({}, pixels=images, shared=shared)


def moved_variables(head: Head, features: Callable[..., Features] = features_of) -> dict[str, Any]:
    """Variables of a head, all of them away from where they begin."""
    drawn = head.init(jax.random.key(0), BlockSettings(train=False), features(views()), views())
    leaves, tree = jax.tree.flatten(drawn["params"])
    rng = np.random.default_rng(1)  # biases of zero would hide what they do
    moved = [leaf + rng.normal(0, 0.3, leaf.shape).astype(np.float32) for leaf in leaves]
    return {**drawn, "params": jax.tree.unflatten(tree, moved)}


def rows_of(array, image: SparseTensor, event: int) -> np.ndarray:
    """The rows of an event of an array with one row a site."""
    return np.asarray(array)[np.asarray(image.coords)[:, 0] == event]
