"""The same parameters for everything that is compared."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import jaxsparse
from benchmarks.engines.cases import DEPTH, NUM_CLASSES
from jaxsparse import models


def published_network(**fields: Any) -> models.Network:
    """SparseSSNet's network, or one with other fields of its backbone."""
    backbone = models.UResNet(**{"depth": DEPTH, **fields})
    return models.Network(backbone, {"semantic": models.SemanticHead(NUM_CLASSES)})


def published_variables(dim: int, **fields: Any) -> Any:
    """Variables of the network, or of one with other fields, as :func:`draw` draws them."""
    network = published_network(**fields)
    x = jaxsparse.sparse_tensor(
        np.zeros((1, 1 + dim), np.int32), np.ones((1, 1)), spatial_shape=(32,) * dim, batch_size=1
    )
    return draw(
        jax.eval_shape(
            lambda key: network.init(
                key, (x,), (jaxsparse.geometry(x, levels=network.levels),), train=False
            ),
            jax.random.key(0),
        )
    )


def draw(shapes: Any) -> Any:
    """Variables of these shapes, He-normal; by numpy, which has nothing to compile."""
    rng = np.random.default_rng(0)

    def one(path: Any, leaf: Any) -> np.ndarray:
        if path[-1].key == "weights":
            fan_in = np.prod(leaf.shape[:-1])
            return rng.normal(0, (2 / fan_in) ** 0.5, leaf.shape).astype(np.float32)
        return np.full(leaf.shape, float(path[-1].key in ("scale", "variance")), np.float32)

    return jax.tree_util.tree_map_with_path(one, shapes)
