"""Whether pairs of pixels are of one particle, as what is to be said, against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from scipy.special import expit

from jaxsparse.models import EdgeScores
from jaxsparse.ops.directions import nearest_in_directions
from jaxsparse.training.edge_target import edge_sums
from tests.training import listed_pixels

SHAPE, DIRECTIONS = (4, 5), 4
# Of every event its particles in both views, -1 for none: two particles, all pixels one particle, a
# pixel alone, no particle, no pixel.
TRUTH: tuple[tuple[list[int], list[int]], ...] = (
    ([0, 0, 1, 1, -1, 0, 2, 1], [0, 1, 0, 0]),
    ([0, 0, 0], [0, 0]),
    ([0], []),
    ([-1, -1], [-1]),
    ([], []),
)


def batch_of(truth=TRUTH):
    def columns(number):
        shares = np.linspace(0.3, 1, len(number)).astype(np.float32)
        return {"instances": number, "shares": np.where(number < 0, 0, shares)}

    return listed_pixels.batch_of(truth, SHAPE, np.int32, columns)


def drawn(batch, seed=0):
    rng, others, same = np.random.default_rng(seed), [], []
    for view in batch.views:
        others.append(nearest_in_directions(view.tensor(), DIRECTIONS, 3))
        there = np.asarray(others[-1]) < len(view.coords)
        scores = np.where(there, 2 * rng.normal(size=there.shape), 0)
        same.append(jnp.asarray(scores, jnp.float32))
    return EdgeScores(tuple(others), tuple(same))


def test_the_loss_is_the_mean_over_the_pairs_of_an_image_weighed_by_shares():
    batch = batch_of()
    scores = drawn(batch)
    total, right, wrong = 0.0, 0, 0
    for others, same, view in zip(scores.others, scores.same, batch.views, strict=True):
        particle, share = (np.asarray(view.targets[key]) for key in ("instances", "shares"))
        for event in range(len(TRUTH)):
            losses, weights = [], []
            for one in np.flatnonzero(np.asarray(view.coords)[:, 0] == event):
                for other, score in zip(
                    np.asarray(others[one]), np.asarray(same[one]), strict=True
                ):
                    if other >= len(particle) or min(particle[one], particle[other]) < 0:
                        continue
                    truth = particle[one] == particle[other]
                    p = expit(np.float64(score))
                    losses.append(-np.log(p if truth else 1 - p))
                    weights.append(np.float64(share[one]) * share[other])
                    right += (score > 0) == truth
                    wrong += (score > 0) != truth
            if losses:
                total += np.average(losses, weights=weights)
    sums = jax.jit(edge_sums)(scores, batch)
    np.testing.assert_allclose(sums.loss, total, rtol=1e-5)
    assert sums.confusion.tolist() == [[right, wrong], [0, 0]]
    assert right + wrong > 10
    assert int(sums.count) == len(TRUTH)


def test_gradients_are_those_of_finite_differences_and_finite_without_a_pair():
    batch = batch_of()
    scores = drawn(batch)

    def loss(*same):
        return edge_sums(EdgeScores(scores.others, same), batch).loss

    check_grads(loss, scores.same, order=1, modes=["rev"], eps=1e-2)
    nothing = batch_of(TRUTH[2:])
    others = drawn(nothing).others
    wild = tuple(jnp.full(each.shape, np.inf) for each in others)
    slopes = jax.grad(lambda same: edge_sums(EdgeScores(others, same), nothing).loss)(wild)
    assert not any(np.any(slope) for slope in slopes)
