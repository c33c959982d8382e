"""The learning curve of a log, and its picture."""

import json

import numpy as np
import pytest

from jaxsparse.errors import InputError
from studies.microboone.learning_curve import drawn, read_curves


@pytest.fixture
def log(tmp_path):
    lines = [
        {"step": 10, "split": "train", "accuracy": 0.5},
        {"step": 20, "split": "train", "accuracy": 0.75},
        {"step": 20, "split": "validation", "accuracy": 0.875},
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_steps_become_crops(log):
    curves = read_curves([log], 16)
    np.testing.assert_array_equal(curves["train"], [[160, 320], [0.5, 0.75]])
    np.testing.assert_array_equal(curves["validation"], [[320], [0.875]])


def test_a_training_that_went_on_is_counted_on(log):
    curves = read_curves([log, log], 16)
    np.testing.assert_array_equal(curves["train"].crops, [160, 320, 480, 640])
    np.testing.assert_array_equal(curves["validation"], [[320, 640], [0.875, 0.875]])


def test_the_picture_has_the_log_and_the_published_points(log):
    (ax,) = drawn(read_curves([log], 16)).axes
    train, validation, in_training, in_inference = (
        np.asarray(line.get_xydata(), float) for line in ax.lines
    )
    np.testing.assert_allclose(train, [[160, 0.5], [320, 0.25]])
    np.testing.assert_allclose(validation, [[320, 0.125]])
    np.testing.assert_allclose(in_training, [[1_023_936, 0.03]])
    np.testing.assert_allclose(in_inference, [[1_023_936, 0.05]])


def test_no_log_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"metrics\.jsonl"):
        read_curves([tmp_path / "metrics.jsonl"], 16)
