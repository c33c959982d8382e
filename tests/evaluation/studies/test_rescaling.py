"""A temperature and biases that fit a file, and a network that has them in its last layer."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies.rescaling import (
    FORMS,
    described,
    fit,
    logits_and_truth,
)
from jaxsparse.training.rescaling import Rescaling, rescaled
from jaxsparse.training.trained import load_trained


def drawn(logits, rng):
    """A class a row, drawn from the probabilities that logits say."""
    return np.array([rng.choice(len(p), p=p) for p in softmax(logits, axis=1)])


def mean_loss(logits, truth):
    return -log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean()


def test_what_was_done_to_calibrated_logits_is_undone():
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(20_000, 3)) * 2
    truth = drawn(honest, rng)
    biases = np.array([1.0, -0.25, -0.75])
    found = fit((honest - biases) * 2.5, truth)
    np.testing.assert_allclose(found.matrix, np.eye(3) / 2.5, atol=0.016)
    np.testing.assert_allclose(found.biases, biases, atol=0.06)


def test_a_matrix_undoes_what_no_temperature_can():
    rng = np.random.default_rng(5)
    honest = rng.normal(size=(20_000, 3)) * 2
    truth = drawn(honest, rng)
    mixed = honest @ np.array([[1.5, 0.4, 0.0], [0.0, 0.5, -0.3], [0.2, 0.0, 1.0]]) + [1, -1, 0]
    honest_loss = mean_loss(honest, truth)
    assert mean_loss(fit(mixed, truth, "matrix")(mixed), truth) == pytest.approx(
        honest_loss, abs=1e-3
    )
    assert mean_loss(fit(mixed, truth)(mixed), truth) > honest_loss + 0.01


def test_the_mean_score_of_a_class_is_its_share_in_either_form():
    rng = np.random.default_rng(6)
    logits, truth = rng.normal(size=(900, 4)), rng.integers(4, size=900)
    for form in FORMS:
        share = softmax(fit(logits, truth, form)(logits), axis=1).mean(0)
        np.testing.assert_allclose(share, np.bincount(truth) / 900, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_no_other_numbers_of_the_form_fit_better(form):
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(500, 4)) * 2
    truth = drawn(logits / 2, rng)
    found = fit(logits, truth, form)
    best = mean_loss(found(logits), truth)
    assert best < mean_loss(logits, truth)
    others = [(factor * found.matrix, found.biases) for factor in (0.97, 1.03)]
    steps = 0.03 * np.concatenate([np.eye(4), -np.eye(4)])
    others += [(found.matrix, found.biases + step) for step in steps]
    if form == "matrix":
        others += [
            (found.matrix + np.eye(4)[[row]].T * step, found.biases)
            for row in range(4)
            for step in steps
        ]
    assert all(mean_loss(Rescaling(*other)(logits), truth) > best for other in others)


@pytest.mark.parametrize("form", FORMS)
def test_logits_that_name_every_row_rightly_and_a_class_without_rows_give_finite_numbers(form):
    truth = np.array([0, 1, 0, 1, 1, 0])
    logits = 4 * np.eye(3)[truth]
    found = fit(logits, truth, form)
    assert np.isfinite(found.matrix).all()
    assert np.isfinite(found.biases).all()
    assert (found(logits).argmax(axis=1) == truth).all()
    assert mean_loss(found(logits), truth) < mean_loss(logits, truth)


def test_a_temperature_stays_positive_where_the_logits_are_wrong():
    truth = np.array([0, 1, 0, 1] * 50)
    found = fit(2 * np.eye(2)[1 - truth], truth)
    assert found.matrix[0, 0] == pytest.approx(1e-3)


def test_a_matrix_is_found_in_a_few_steps(monkeypatch):
    """A file has millions of pixels: L-BFGS computed the chances of all 130 times."""
    passes = 0

    def counted(*args, **options):
        nonlocal passes
        passes += 1
        return softmax(*args, **options)

    monkeypatch.setattr("jaxsparse.evaluation.studies.rescaling.softmax", counted)
    rng = np.random.default_rng(7)
    truth = rng.choice(5, size=4000, p=[0.016, 0.777, 0.139, 0.064, 0.004])
    logits = 2 * rng.normal(size=(4000, 5)) + np.eye(5)[truth] * (6 + rng.normal(size=(4000, 1)))
    found = fit(logits, truth, "matrix")
    assert 0 < passes < 40
    # What is added to all logits of a row changes no score, so it stays as it was.
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1, atol=1e-6)


def test_rows_without_a_class_change_nothing_and_some_must_have_one():
    rng = np.random.default_rng(3)
    logits, truth = rng.normal(size=(300, 3)), rng.integers(3, size=300)
    more = np.concatenate([logits, np.full((50, 3), 9.0)]), np.concatenate([truth, np.full(50, -1)])
    for form in FORMS:
        assert fit(*more, form).text() == fit(logits, truth, form).text()
    with pytest.raises(InputError, match="form is 'vector': choose one of temperature, matrix"):
        fit(logits, truth, "vector")
    with pytest.raises(InputError, match="no pixel has a class"):
        fit(logits, np.full(300, -1))


def test_the_rescaled_network_says_the_rescaled_logits(workdir, truth_file):
    trained = load_trained(workdir)
    data_set = DataSet(truth_file, trained.config, Options())
    logits, truth = logits_and_truth(trained, data_set)
    assert len(logits) == len(truth) == sum(len(p.images[0]) for p in data_set.portions())
    mixing = np.random.default_rng(4).normal(size=(5, 5)) * 0.3 + np.eye(5)
    rescaling = Rescaling(mixing, np.array([0.5, -0.1, 0.2, -0.4, -0.2]))
    found, _ = logits_and_truth(rescaled(trained, rescaling), data_set)
    np.testing.assert_allclose(found, rescaling(logits), atol=1e-5)


def test_a_file_without_truth_is_refused(workdir, plain_file):
    trained = load_trained(workdir)
    with pytest.raises(InputError, match="does not know the classes of its pixels"):
        logits_and_truth(trained, DataSet(plain_file, trained.config, Options()))


def test_what_is_said_has_the_surplus_of_scores_before_and_after():
    logits = np.log([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6]])
    lines = described(logits, np.array([0, 1, 1]), Rescaling(np.eye(2), np.zeros(2)), ("a", "b"))
    assert lines[0] == (
        "before   accuracy 0.6667, mean cross entropy 0.7811, score minus purity a +0.300, b -0.400"
    )
    assert lines[1].removeprefix("after ").strip() == lines[0].removeprefix("before").strip()
    assert lines[2] == "temperature 1.0000, biases 0.0000, 0.0000"
