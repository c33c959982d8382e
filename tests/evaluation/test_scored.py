"""The arrays that every figure starts from."""

import math

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.scored import Scored


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": [0]}, "truth"),
        ({"energy": [1.0]}, "energy has 1 rows but scores 2"),
        ({"topology": ["a"]}, "topology has 1"),
        ({"truth": [0, 2]}, "truth goes from 0 to 2"),
        ({"truth": [0, -2]}, "truth goes from -2"),
        ({"scores": [[0.5, 0.5, 0], [1, 0, 0]]}, "2 classes"),
        ({"scores": [[0.5, 0.5], [np.nan, 1]]}, "scores of row 1"),
    ],
)
def test_columns_that_do_not_fit_together_are_one_line(change, message):
    columns = {"scores": [[0.5, 0.5], [1, 0]], "truth": [0, 1], "classes": ("a", "b")}
    with pytest.raises(InputError, match=message) as caught:
        Scored.of(**{**columns, **change})
    assert "\n" not in str(caught.value)


def test_no_event_is_legal_and_taking_keeps_all_columns():
    assert len(Scored.of([], [], ("a", "b"))) == 0
    results = Scored.of(np.eye(3), [0, 1, -1], "abc", [1, 2, 3], ["x", "y", "z"])
    part = results.take(np.array([False, True, True]))
    assert part.truth.tolist() == [1, -1]
    assert part.columns["energy"].tolist() == [2, 3]
    assert part.columns["topology"].tolist() == ["y", "z"]
    assert part.known.tolist() == [True, False]


def test_without_a_class_the_others_keep_their_ratios():
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(20, 3)), rng.integers(-1, 3, 20)
    chances = np.exp(logits)
    results = Scored.of(chances / chances.sum(1, keepdims=True), truth, "abc")
    rest = results.without("b")
    kept = truth != 1
    expected = chances[kept][:, [0, 2]]
    np.testing.assert_allclose(rest.scores, expected / expected.sum(1, keepdims=True), rtol=1e-6)
    assert rest.classes == ("a", "c")
    assert rest.truth.tolist() == [{-1: -1, 0: 0, 2: 1}[int(t)] for t in truth[kept]]
    with pytest.raises(InputError, match="'d' is none of a, b, c"):
        results.without("d")


def test_the_loss_is_the_weighted_cross_entropy_of_the_rows_with_truth():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(50, 5)) * 30, rng.integers(-1, 5, 50)
    weights = rng.uniform(0, 1, 50)
    expected = np.zeros(50)
    for row in range(50):
        if labels[row] >= 0:
            total = math.fsum(math.exp(z) for z in logits[row])
            expected[row] = -weights[row] * math.log(math.exp(logits[row, labels[row]]) / total)
    scored = Scored.of_logits(logits, labels, "abcde", weights)
    np.testing.assert_allclose(scored.losses, expected, atol=1e-12)


def test_portions_joined_are_the_whole():
    rng = np.random.default_rng(2)
    whole = Scored.of(rng.dirichlet(np.ones(3), 9), rng.integers(-1, 3, 9), "abc", range(9))
    joined = Scored.join([whole.take(np.arange(4)), whole.take(np.arange(4, 9))])
    for name in ("scores", "truth", "losses"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    np.testing.assert_array_equal(joined.columns["energy"], whole.columns["energy"])
