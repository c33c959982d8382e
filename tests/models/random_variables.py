"""Variables of a network for tests: away from their initial values, without an initialisation."""

import math
from typing import Any

import jax
import numpy as np


def random_variables(shapes: Any) -> Any:
    """Numbers for the shapes of a network's variables, so that no scale is 1 and no bias 0."""
    rng = np.random.default_rng(0)

    def draw(path, leaf):
        name = path[-1].key
        if name == "weights":
            fan_in = math.prod(leaf.shape[:-1])
            return (rng.normal(size=leaf.shape) * (2 / fan_in) ** 0.5).astype(np.float32)
        low, high = {"scale": (0.5, 1.5), "variance": (0.5, 2.0)}.get(name, (-0.3, 0.3))
        return rng.uniform(low, high, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes)
