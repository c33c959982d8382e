"""What queries are compared with, against numpy in float64 and scipy's assignment."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, log_softmax

from jaxsparse.models import InstanceScores
from jaxsparse.training.instance_target import InstanceLoss
from tests.training import listed_pixels

QUERIES, CLASSES, SHAPE = 4, 3, (6, 8)
LOSS = InstanceLoss(pixels=1.3, dice=0.7, used=2.0, classes=0.4)
# Of every event its particles in both views, -1 for none: views of different sizes, a particle seen
# in one view only, all pixels one particle, more particles than queries, no particle, no pixel.
TRUTH: tuple[tuple[list[int], list[int]], ...] = (
    ([0, 0, 0, 1, 1, -1, 2], [0, 0, 1, 2]),
    ([0, 0, 0], [0, 0]),
    ([0, 0, 0, 1, 1, 2, 3, 4, 5], []),
    ([-1, -1], [-1]),
    ([], []),
)


def batch_of(truth=TRUTH):
    """A batch with these particles; the class of particle n is ``n % CLASSES``."""

    def columns(number):
        labels = np.where(number < 0, -1, number % CLASSES).astype(np.int32)
        return {"instances": number, "labels": labels}

    return listed_pixels.batch_of(truth, SHAPE, np.int32, columns)


def scores_of(batch, seed=0, earlier=0):
    rng = np.random.default_rng(seed)
    events = len(batch.events)

    def drawn(*shape):
        return jnp.asarray(2 * rng.normal(size=shape), jnp.float32)

    return InstanceScores(
        tuple(drawn(len(view.coords), QUERIES) for view in batch.views),
        drawn(events, QUERIES),
        drawn(events, QUERIES, CLASSES),
        tuple(scores_of(batch, seed + 1 + layer) for layer in range(earlier)),
    )


def event_terms(scores, batch, event):
    """(cost [particles, queries], what pixels, dice and classes cost, matches) by definition."""
    rows = [np.asarray(view.coords)[:, 0] == event for view in batch.views]
    logits = np.concatenate(
        [np.asarray(each, np.float64)[own] for each, own in zip(scores.pixels, rows, strict=True)]
    )
    owner = np.concatenate(
        [
            np.asarray(view.targets["instances"])[own]
            for view, own in zip(batch.views, rows, strict=True)
        ]
    )
    kept = (owner >= 0) & (owner < QUERIES)
    logits, owner = log_softmax(logits[kept], axis=1), owner[kept]
    particles = np.unique(owner)
    classes = log_softmax(np.asarray(scores.classes[event], np.float64), axis=1)
    used = np.log(expit(np.asarray(scores.used[event], np.float64)))
    pixels, dice, named = np.zeros((3, len(particles), QUERIES))
    for place, particle in enumerate(particles):
        own = owner == particle
        pixels[place] = -logits[own].mean(axis=0)
        p = np.exp(logits)
        dice[place] = 1 - (2 * p[own].sum(axis=0) + 1) / (p.sum(axis=0) + own.sum() + 1)
        named[place] = -classes[:, particle % CLASSES]
    cost = LOSS.pixels * pixels + LOSS.dice * dice + LOSS.classes * named - LOSS.used * used
    chosen = linear_sum_assignment(cost)[1]
    sizes = np.array([(owner == particle).sum() for particle in particles])
    return pixels, dice, named, chosen, sizes, owner, logits


def brute_force(scores, batch, matched=None):
    """(loss, right, wrong) by definition; matched as the other scores say where they are given."""
    total, right, wrong = 0.0, 0, 0
    for event in range(len(batch.events)):
        pixels, dice, named, chosen, sizes, owner, logits = event_terms(scores, batch, event)
        if matched is not None:
            chosen = event_terms(matched, batch, event)[3]
        places = np.arange(len(chosen))
        used = expit(np.asarray(scores.used[event], np.float64))
        taken = np.isin(np.arange(QUERIES), chosen)
        total -= LOSS.used * np.log(np.where(taken, used, 1 - used)).mean()
        if len(chosen):
            total += LOSS.pixels * (pixels[places, chosen] * sizes).sum() / sizes.sum()
            total += LOSS.dice * dice[places, chosen].mean()
            total += LOSS.classes * named[places, chosen].mean()
            said = chosen[owner] == logits.argmax(axis=1)
            right, wrong = right + said.sum(), wrong + (~said).sum()
    return total, right, wrong


@pytest.fixture(scope="module")
def loss():
    return jax.jit(LOSS.__call__)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_that_of_the_cheapest_matches(loss, seed):
    batch = batch_of()
    scores = scores_of(batch, seed)
    sums = loss(scores, batch)
    expected, right, wrong = brute_force(scores, batch)
    np.testing.assert_allclose(sums.loss, expected, rtol=1e-5)
    assert sums.confusion.tolist() == [[right, wrong], [0, 0]]
    assert int(sums.count) == len(TRUTH)


def test_answers_of_all_layers_are_matched_as_the_last_one_and_averaged(loss):
    batch = batch_of()
    scores = scores_of(batch, 3, earlier=2)
    expected = [brute_force(each, batch, scores)[0] for each in (*scores.earlier, scores)]
    np.testing.assert_allclose(loss(scores, batch).loss, np.mean(expected), rtol=1e-5)


def test_the_order_of_queries_changes_nothing(loss):
    batch = batch_of()
    scores = scores_of(batch)
    order = np.array([2, 0, 3, 1])
    turned = InstanceScores(
        tuple(each[:, order] for each in scores.pixels), scores.used[:, order],
        scores.classes[:, order],
    )  # fmt: skip
    first, second = loss(scores, batch), loss(turned, batch)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-6)
    assert first.confusion.tolist() == second.confusion.tolist()


def test_the_loss_of_a_batch_is_the_sum_over_its_events(loss):
    batch = batch_of()
    scores = scores_of(batch)
    alone = 0.0
    for event, truth in enumerate(TRUTH):
        one = batch_of([truth])
        rows = [np.flatnonzero(np.asarray(view.coords)[:, 0] == event) for view in batch.views]
        pixels = tuple(
            each[own] if len(own) else jnp.zeros((1, QUERIES))
            for each, own in zip(scores.pixels, rows, strict=True)
        )
        own = InstanceScores(pixels, scores.used[event][None], scores.classes[event][None])
        alone += float(LOSS(own, one).loss)
    np.testing.assert_allclose(loss(scores, batch).loss, alone, rtol=1e-5)


def test_gradients_are_those_of_finite_differences():
    batch = batch_of(TRUTH[:2])
    scores = scores_of(batch, earlier=1)
    check_grads(lambda s: LOSS(s, batch).loss, (scores,), order=1, modes=["rev"], eps=1e-2)


def test_gradients_are_finite_where_there_is_nothing_to_learn():
    batch = batch_of(TRUTH[3:])
    slopes = jax.grad(lambda s: LOSS(s, batch).loss)(scores_of(batch))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_scores_that_are_no_numbers_end_in_a_loss_that_is_none(loss):
    batch = batch_of()
    broken = jax.tree.map(functools.partial(jnp.multiply, np.nan), scores_of(batch))
    assert not np.isfinite(loss(broken, batch).loss)  # and the search for matches ends
