"""A reader who follows a config from ``jaxsparse train`` to the first step opens eight files."""

import pathlib
import re
import sys

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

import jaxsparse
from jaxsparse import models
from jaxsparse.training import loop

PACKAGE = pathlib.Path(jaxsparse.__file__).parent
DESIGN = PACKAGE.parent / "docs/architecture.md"
MOST = 8


class FirstStep(Exception):
    """A run has come so far."""


@pytest.fixture
def files_of(cache_dir, tmp_path, monkeypatch):
    """Function from a config to the files of which it, or a group of it, is given to a function."""
    seen = {"jaxsparse/commands/train.py"}  # which hands it to the loop

    def note(frame, event, _):
        path = pathlib.Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            given = frame.f_locals.values()
            if any(isinstance(value, ConfigDict) for value in given):
                seen.add(str(path.relative_to(PACKAGE.parent)))

    def first_step(*_):
        raise FirstStep

    def unseen_variables(model, seed):  # tracing calls a million functions
        sys.setprofile(None)
        shapes = jax.eval_shape(models.initializer(model), jax.random.PRNGKey(seed))
        variables = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        sys.setprofile(note)
        return variables

    def follow(config):
        monkeypatch.setattr(models, "init_variables", unseen_variables)
        monkeypatch.setattr(loop.Run, "_one_step", first_step)
        sys.setprofile(note)
        try:
            loop.train(config, tmp_path / "run")
        except FirstStep:
            return seen
        finally:
            sys.setprofile(None)

    return follow


@pytest.mark.parametrize("kind", ["toy_config", "event_config"])
def test_a_config_is_followed_to_the_first_step_through_few_files(kind, files_of, request):
    config = request.getfixturevalue(kind)
    config.train.cache_dir = ""
    files = files_of(config)
    assert len(files) <= MOST
    listed = DESIGN.read_text().partition("## From a config to the first step")[2]
    assert files == set(re.findall(r"^\d\. `(\S+)`", listed, re.MULTILINE))
