"""Work directories of untrained networks, and what an evaluation of one refuses."""

from __future__ import annotations

import pathlib

import pytest
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import create_state
from jaxsparse.training.workdir import claim, inputs_of


def make_workdir(folder: pathlib.Path, config: ConfigDict) -> pathlib.Path:
    """What a training run of no length leaves: config, one checkpoint, a few lines of metrics."""
    claim(folder, config, inputs_of(config, {}))
    variables = models.init_variables(config.model, seed=0)
    checkpoints = Checkpoints(folder, create=True)
    state = create_state(variables, Optimizer(**config.optimizer), seed=0)
    checkpoints.save(state, {}, config, score=1.0)
    checkpoints.close()
    line = '{"step": %d, "split": "%s", "loss": %f, "accuracy": 0.5, "learning_rate": 0.1}\n'
    (folder / "metrics.jsonl").write_text(
        line % (1, "train", 2.0) + line % (2, "train", 1.0) + line % (2, "validation", 1.5)
    )
    return folder


def assert_refused(
    workdir: pathlib.Path, data: pathlib.Path, out: pathlib.Path, options: Options, message: str
) -> None:
    """A mistake is one line, and earlier results in ``out`` stay."""
    (out / "metrics.json").write_text("earlier")
    with pytest.raises(InputError) as caught:
        evaluate(workdir, data, out, options, quiet=True)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (out / "metrics.json").read_text() == "earlier"
    assert len(list(out.iterdir())) == 1
