"""A temperature and biases that fit a file, and a network that has them in its last layer."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies.rescaling import Rescaling, fit, logits_and_truth, rescaled
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
    assert found.temperature == pytest.approx(2.5, rel=0.04)
    np.testing.assert_allclose(found.biases, biases, atol=0.06)


def test_no_other_temperature_and_biases_fit_better():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(500, 4)) * 2
    truth = drawn(logits / 2, rng)
    found = fit(logits, truth)
    best = mean_loss(found(logits), truth)
    assert best < mean_loss(logits, truth)
    for factor in (0.97, 1.03):
        assert mean_loss(Rescaling(found.temperature * factor, found.biases)(logits), truth) > best
    for number in range(4):
        for step in (-0.03, 0.03):
            other = found.biases + step * np.eye(4)[number]
            assert mean_loss(Rescaling(found.temperature, other)(logits), truth) > best


def test_rows_without_a_class_change_nothing_and_some_must_have_one():
    rng = np.random.default_rng(3)
    logits, truth = rng.normal(size=(300, 3)), rng.integers(3, size=300)
    more = np.concatenate([logits, np.full((50, 3), 9.0)]), np.concatenate([truth, np.full(50, -1)])
    assert fit(*more).temperature == fit(logits, truth).temperature
    with pytest.raises(InputError, match="no pixel has a class"):
        fit(logits, np.full(300, -1))


def test_the_rescaled_network_says_the_rescaled_logits(workdir, truth_file):
    trained = load_trained(workdir)
    data_set = DataSet(truth_file, trained.config, Options())
    logits, truth = logits_and_truth(trained, data_set)
    assert len(logits) == len(truth) == sum(len(p.images[0]) for p in data_set.portions())
    rescaling = Rescaling(1.7, np.array([0.5, -0.1, 0.2, -0.4, -0.2]))
    found, _ = logits_and_truth(rescaled(trained, rescaling), data_set)
    np.testing.assert_allclose(found, rescaling(logits), atol=1e-5)


def test_a_file_without_truth_is_refused(workdir, plain_file):
    trained = load_trained(workdir)
    with pytest.raises(InputError, match="a file that knows their classes"):
        logits_and_truth(trained, DataSet(plain_file, trained.config, Options()))
