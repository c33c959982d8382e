"""Training on whole events: it learns, resumes to the bit, and refuses in one line."""

import os
import signal

import jax
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.display import Display
from jaxsparse.training.logs import read_records


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """Compiled programs, shared by the runs of this module; JAX is left as it was."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield str(tmp_path_factory.mktemp("programs"))
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture
def config(event_config, cache_dir, monkeypatch):
    monkeypatch.setattr("jaxsparse.training.logs._tensorboard", lambda *_: None)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    event_config.train.cache_dir = cache_dir
    return event_config


def test_it_learns_events_that_differ_by_their_charge(config, tmp_path, capsys):
    config.train.epochs, config.train.validate_epochs = 12.0, 4.0
    config.train.log_every, config.train.checkpoint_every = 20, 0
    result = loop.train(config, tmp_path)
    said = capsys.readouterr().out
    records = [r for r in read_records(tmp_path) if r["split"] == "validation"]
    assert max(record["accuracy"] for record in records) > 0.9
    assert result.best_loss == pytest.approx(1 - max(record["accuracy"] for record in records))
    assert len(records) == 3
    assert "left out" in said
    assert "cosmic" in said
    assert "epoch 12" in said
