"""The arrays that every figure of a classifier of events starts from."""

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.classification.results import EventResults


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": [0]}, "truth"),
        ({"energy": [1.0]}, "energy has 1 events but scores 2"),
        ({"topology": ["a"]}, "topology has 1"),
        ({"truth": [0, 2]}, "truth goes from 0 to 2"),
        ({"truth": [0, -2]}, "truth goes from -2"),
        ({"scores": [[0.5, 0.5, 0], [1, 0, 0]]}, "2 classes"),
        ({"scores": [[0.5, 0.5], [np.nan, 1]]}, "scores of event 1"),
    ],
)
def test_columns_that_do_not_fit_together_are_one_line(change, message):
    columns = {"scores": [[0.5, 0.5], [1, 0]], "truth": [0, 1], "classes": ("a", "b")}
    with pytest.raises(InputError, match=message) as caught:
        EventResults.of(**{**columns, **change})
    assert "\n" not in str(caught.value)


def test_no_event_is_legal_and_taking_keeps_all_columns():
    assert len(EventResults.of([], [], ("a", "b"))) == 0
    results = EventResults.of(np.eye(3), [0, 1, -1], "abc", [1, 2, 3], ["x", "y", "z"])
    part = results.take(np.array([False, True, True]))
    assert part.truth.tolist() == [1, -1]
    assert part.energy.tolist() == [2, 3]
    assert part.topology == ("y", "z")
    assert part.known.tolist() == [True, False]


def test_without_a_class_the_others_keep_their_ratios():
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(20, 3)), rng.integers(-1, 3, 20)
    chances = np.exp(logits)
    results = EventResults.of(chances / chances.sum(1, keepdims=True), truth, "abc")
    rest = results.without("b")
    kept = truth != 1
    expected = chances[kept][:, [0, 2]]
    np.testing.assert_allclose(rest.scores, expected / expected.sum(1, keepdims=True), rtol=1e-6)
    assert rest.classes == ("a", "c")
    assert rest.truth.tolist() == [{-1: -1, 0: 0, 2: 1}[int(t)] for t in truth[kept]]
    with pytest.raises(InputError, match="'d' is none of a, b, c"):
        results.without("d")
