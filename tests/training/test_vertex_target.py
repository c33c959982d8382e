"""Which pixel is nearest to the vertex, as what is to be named, against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from scipy.special import logsumexp

from jaxsparse.training.vertex_target import vertex_sums
from tests.training import listed_pixels

SHAPE, FAR = (4, 10), np.inf
# Distances of the pixels of every event in both views: of two nearest pixels either is right; no
# vertex in one view; no vertex at all; no pixel.
DISTANCES: tuple[tuple[list[float], list[float]], ...] = (
    ([3, 0, 5], [2, 1, 1, 7]),
    ([FAR, FAR], [4]),
    ([FAR], []),
    ([], []),
)


def batch_of(distances=DISTANCES):
    return listed_pixels.batch_of(
        distances, SHAPE, np.float32, lambda distance: {"vertex_distance": distance}
    )


def drawn(batch, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(jnp.asarray(rng.normal(size=(len(v.coords), 1)), jnp.float32) for v in batch.views)


def test_the_loss_is_minus_the_logarithm_of_what_the_nearest_pixels_have():
    batch = batch_of()
    scores = drawn(batch)
    total, right, wrong = 0.0, 0, 0
    for view, logits in zip(batch.views, scores, strict=True):
        for event in range(len(DISTANCES)):
            rows = np.asarray(view.coords)[:, 0] == event
            own = np.asarray(logits, np.float64)[rows, 0]
            distance = np.asarray(view.targets["vertex_distance"])[rows]
            if not np.isfinite(distance).any():
                continue
            nearest = distance == distance.min()
            total += logsumexp(own) - logsumexp(own[nearest])
            right += nearest[own.argmax()]
            wrong += not nearest[own.argmax()]
    sums = jax.jit(vertex_sums)(scores, batch)
    np.testing.assert_allclose(sums.loss, total, rtol=1e-5)
    assert sums.confusion.tolist() == [[right, wrong], [0, 0]]
    assert int(sums.count) == len(DISTANCES)


def test_gradients_are_those_of_finite_differences_and_finite_without_a_vertex():
    batch = batch_of()
    check_grads(
        lambda *s: vertex_sums(s, batch).loss, drawn(batch), order=1, modes=["rev"], eps=1e-2
    )
    nothing = batch_of(DISTANCES[2:])
    slopes = jax.grad(lambda s: vertex_sums(s, nothing).loss)(drawn(nothing))
    assert not any(np.any(slope) for slope in slopes)
