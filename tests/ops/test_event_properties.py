"""Operations on whole events, on random sites: events never mix, and numpy says the same."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxsparse import ops
from tests.ops.random_scenes import (
    BATCH,
    CHANNELS,
    OUT,
    PLANE,
    few,
    scenes,
    whole_numbers,
)


@jax.jit
def per_event(x, w):
    """Grids and vectors whose first axis is the event."""
    connection = ops.strided_connection(x, ops.hypercube((3, 2), 2, dilation=(1, 2)), (2, 1))
    vectors = jnp.stack([ops.global_sum_pooling(x), ops.global_average_pooling(x),
                         ops.global_max_pooling(x)], axis=1)  # fmt: skip
    shared = ops.broadcast_concatenate(
        ops.broadcast_multiply(ops.broadcast_add(x, vectors[:, 0]), vectors[:, 1]), vectors[:, 2]
    )
    one, zero = jnp.ones(CHANNELS), jnp.zeros(CHANNELS)
    normal = ops.instance_norm(x, one, zero)
    out = ops.convolution(x, w, connection)
    return {
        "vectors": vectors,
        "shared": ops.to_dense(shared),
        "normal": ops.to_dense(normal),
        "convolution": ops.to_dense(out),
        "mask": ops.dense_mask(out),
    }


@few
@given(scenes(PLANE), st.integers(0, 99))
def test_events_never_mix(x, seed):
    """A batch gives what its events give one by one."""
    w = whole_numbers(seed, 6, CHANNELS, OUT)
    whole = per_event(x, w)
    for event in range(BATCH):
        alone = jax.jit(ops.prune)(x, x.coords[:, 0] == event)
        for key, value in per_event(alone, w).items():
            np.testing.assert_allclose(value[event], whole[key][event], atol=1e-5)


@few
@given(scenes(PLANE))
def test_vectors_of_events_are_those_of_numpy(x):
    result = per_event(x, np.zeros((6, CHANNELS, OUT), np.float32))
    event = np.asarray(x.coords)[:, 0]
    for b in range(BATCH):
        rows = np.asarray(x.features, np.float64)[event == b]
        expected = np.zeros((3, CHANNELS))
        if len(rows):
            expected = np.stack([rows.sum(0), rows.mean(0), rows.max(0)])
            shared = (rows + expected[0]) * expected[1]
            cells = tuple(np.asarray(x.coords)[event == b].T)
            got = np.asarray(result["shared"])[cells]
            np.testing.assert_allclose(got[:, :CHANNELS], shared, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(got[:, CHANNELS:], np.tile(expected[2], (len(rows), 1)))
            spread = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
            np.testing.assert_allclose(np.asarray(result["normal"])[cells], spread, atol=1e-3)
        np.testing.assert_allclose(result["vectors"][b], expected, atol=1e-5)
