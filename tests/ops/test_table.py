"""What the data flow of accelerators keeps in memory, seen on the CPU that is here."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse import ops, sparse_tensor
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.xla import table

LAYERS, CHANNELS = 6, 8


def test_no_gather_of_the_forward_pass_lives_until_the_gradient_of_its_weights(monkeypatch):
    monkeypatch.setattr(table, "SMALL_BYTES", 0)
    cells = np.argwhere(np.random.default_rng(0).random((1, 20, 20, 20)) < 0.05)
    x = sparse_tensor(cells, np.ones((len(cells), 1)), spatial_shape=(20,) * 3, batch_size=1)
    near = ops.submanifold_connection(x, ops.hypercube(3, 3)).kernel_map

    def loss(features, weights):
        for w in weights:
            features = convolve_rows(jnp.sin(features), w, near, implementation="table")
        return features.sum()

    features = jnp.zeros((x.capacity, CHANNELS))
    weights = [jnp.zeros((near.taps, CHANNELS, CHANNELS))] * LAYERS
    program = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(features, weights).compile()
    memory: Any = program.memory_analysis()
    gather = near.taps * x.capacity * CHANNELS * 4
    assert memory.temp_size_in_bytes < 3 * gather < LAYERS * gather
