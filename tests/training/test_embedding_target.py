"""Distances of pixels from particles, as what is to be small and large, against numpy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from scipy.special import expit, logsumexp

from jaxsparse.models import EmbeddingScores
from jaxsparse.training.embedding_target import NONE, EmbeddingLoss
from tests.training import listed_pixels

SHAPE, CHANNELS, MOST, SAMPLE = (4, 6), 5, 3, 4
LABELS = np.array([1, 0, 1, 0, 1])  # by particle
# Of every event its particles in both views, -1 for none: three particles, one of more pixels than
# are sampled; more particles than count; a pixel alone; no particle; no pixel.
TRUTH: tuple[tuple[list[int], list[int]], ...] = (
    ([0, 0, 1, 1, -1, 0, 2, 0, 0, 0, 0], [0, 2, 0, 0]),
    ([0, 0, 3, 2, 2, 1, 4], [0, 0]),
    ([0], []),
    ([-1, -1], [-1]),
    ([], []),
)
LOSS = EmbeddingLoss(MOST, SAMPLE, seed=0.7)


def batch_of(truth=TRUTH):
    def columns(number):
        shares = np.linspace(0.3, 1, len(number)).astype(np.float32)
        return {
            "instances": number,
            "labels": np.where(number < 0, -1, LABELS[number]).astype(np.int32),
            "shares": np.where(number < 0, 0, shares).astype(np.float32),
        }

    return listed_pixels.batch_of(truth, SHAPE, np.int32, columns)


def drawn(batch, seed=0):
    rng, parts = np.random.default_rng(seed), []
    for width in ((CHANNELS,), (4,), ()):
        every = [rng.normal(0, 0.7, (len(view.coords), *width)) for view in batch.views]
        parts.append(tuple(jnp.asarray(each, jnp.float32) for each in every))
    return EmbeddingScores(*parts)


def in_float64(scores, batch):
    """The loss by its definition, and how many sampled pixels are right."""
    total, right, pixels = 0.0, 0, 0
    for vectors, stretches, seeds, view in zip(
        scores.vectors, scores.stretches, scores.seeds, batch.views, strict=True
    ):
        vectors, stretches, seeds = (np.asarray(a, np.float64) for a in (vectors, stretches, seeds))
        particle, share = (np.asarray(view.targets[key]) for key in ("instances", "shares"))
        event = np.asarray(view.coords)[:, 0]
        for number in range(len(TRUTH)):
            rows, middle = {}, {}
            for own in range(MOST):
                every = np.flatnonzero((event == number) & (particle == own))
                if len(every) > SAMPLE:
                    every = every[np.arange(SAMPLE) * len(every) // SAMPLE]
                if len(every):
                    rows[own] = every
                    middle[own] = [
                        np.average(each[every], axis=0, weights=share[every])
                        for each in (vectors, stretches)
                    ]
            costs, weights = [], []
            for own, i in ((own, i) for own, every in rows.items() for i in every):
                distance = {}
                for other in rows:
                    if LABELS[other] == LABELS[own]:
                        apart = vectors[i] - middle[other][0]
                        seen = [
                            ((square.reshape(2, 2) @ apart[:2]) ** 2).sum()
                            for square in (stretches[i], middle[other][1])
                        ]
                        distance[other] = np.mean(seen) + (apart[2:] ** 2).sum()
                cost = distance[own] + logsumexp([-NONE, *(-d for d in distance.values())])
                cost += 0.7 * (expit(seeds[i]) - np.exp(-distance[own])) ** 2
                costs.append(cost)
                weights.append(np.float64(share[i]))
                right += min(distance, key=lambda k: distance[k]) == own and distance[own] < NONE
            pixels += len(costs)
            total += np.average(costs, weights=weights) if costs else 0
    return total, right, pixels


def test_the_loss_is_that_of_the_definition():
    batch = batch_of()
    scores = drawn(batch)
    total, right, pixels = in_float64(scores, batch)
    sums = jax.jit(LOSS)(scores, batch)
    np.testing.assert_allclose(sums.loss, total, rtol=1e-5)
    assert sums.confusion.tolist() == [[right, pixels - right], [0, 0]]
    assert 3 < right < pixels
    assert int(sums.count) == len(TRUTH)


def test_gradients_are_those_of_finite_differences():
    batch = batch_of()
    scores, still = drawn(batch), dataclasses.replace(LOSS, seed=0.0)

    def loss(vectors, stretches):
        return still(EmbeddingScores(vectors, stretches, scores.seeds), batch).loss

    check_grads(loss, (scores.vectors, scores.stretches), order=1, modes=["rev"], eps=1e-2)

    def of_seeds(seeds):
        return LOSS(EmbeddingScores(scores.vectors, scores.stretches, seeds), batch).loss

    check_grads(of_seeds, (scores.seeds,), order=1, modes=["rev"], eps=1e-2)


def test_what_a_seed_is_to_be_takes_no_gradient():
    batch = batch_of()
    scores = drawn(batch)

    def slopes(seed):
        loss = dataclasses.replace(LOSS, seed=seed)
        return jax.grad(lambda each: loss(each, batch).loss)(scores)

    jax.tree.map(np.testing.assert_array_equal, slopes(0.0).vectors, slopes(2.0).vectors)
    assert any(np.any(each) for each in slopes(2.0).seeds)


def test_without_a_particle_nothing_counts_whatever_the_scores():
    nothing = batch_of(TRUTH[3:])
    scores = drawn(nothing)
    wild = jax.tree.map(lambda each: jnp.full(each.shape, np.inf), scores)
    assert float(LOSS(wild, nothing).loss) == 0
    slopes = jax.grad(lambda each: LOSS(each, nothing).loss)(wild)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(slopes))


def test_one_particle_and_one_pixel_have_finite_gradients():
    for truth in (TRUTH[2:3], (([0, 0, 0], [0]),)):
        batch = batch_of(truth)
        loss = functools.partial(LOSS, batch=batch)
        for scores in (drawn(batch), jax.tree.map(jnp.zeros_like, drawn(batch))):
            slopes = jax.grad(lambda each, loss=loss: loss(each).loss)(scores)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_the_smallest_of_too_many_particles_count_nowhere():
    batch, fewer = batch_of(), []
    for event in TRUTH:
        fewer.append(tuple([each if each < MOST else -1 for each in view] for view in event))
    scores = drawn(batch)
    without = batch_of(fewer)
    shares = [view.targets["shares"] for view in batch.views]
    views = tuple(
        dataclasses.replace(
            view,
            targets={**view.targets, "shares": jnp.where(view.targets["instances"] < 0, 0, share)},
        )
        for view, share in zip(without.views, shares, strict=True)
    )
    without = dataclasses.replace(without, views=views)
    np.testing.assert_allclose(LOSS(scores, batch).loss, LOSS(scores, without).loss, rtol=1e-6)
    more = EmbeddingLoss(5, SAMPLE, seed=0.7)(scores, batch)
    assert more.confusion.sum() > LOSS(scores, batch).confusion.sum()


def test_events_never_mix():
    batch = batch_of()
    scores = drawn(batch)
    together = jax.grad(lambda each: LOSS(each, batch).loss)(scores).vectors
    parts = 0.0
    for number in range(len(TRUTH)):
        alone = batch_of(
            [event if number == place else ([], []) for place, event in enumerate(TRUTH)]
        )
        vectors, stretches, seeds = [], [], []
        views = []
        for view, one, whole in zip(range(2), alone.views, batch.views, strict=True):
            rows = np.flatnonzero(np.asarray(whole.coords)[: int(whole.num_active), 0] == number)
            own = np.resize(np.append(rows, 0), len(one.coords))
            own[: len(rows)] = rows
            vectors.append(scores.vectors[view][own])
            stretches.append(scores.stretches[view][own])
            seeds.append(scores.seeds[view][own])
            shares = jnp.zeros(len(one.coords)).at[: len(rows)].set(whole.targets["shares"][rows])
            views.append(dataclasses.replace(one, targets={**one.targets, "shares": shares}))
        alone = dataclasses.replace(alone, views=tuple(views))
        said = EmbeddingScores(tuple(vectors), tuple(stretches), tuple(seeds))
        parts += float(LOSS(said, alone).loss)
    np.testing.assert_allclose(LOSS(scores, batch).loss, parts, rtol=1e-5)
    assert all(np.isfinite(each).all() for each in together)
