"""Runs of ``predict``, and what they wrote."""

from __future__ import annotations

import functools
import os

import h5py
import jax
import numpy as np
import pytest

from jaxsparse.commands.event_formats import open_input
from jaxsparse.deploy import model
from jaxsparse.deploy.inputs import Input
from jaxsparse.deploy.predict import predict
from jaxsparse.evaluation import evaluator
from jaxsparse.evaluation.studies import forest
from jaxsparse.inference import Predictor
from jaxsparse.training.model_file import write_model
from jaxsparse.training.trained import load_trained
from jaxsparse.viz import figures

RUN = functools.partial(predict, quiet=True)


def inputs(*paths, **options):
    return [Input(str(path), functools.partial(open_input, path, options)) for path in paths]


def stored(path, *names):
    with h5py.File(path) as file:
        found = [file[name][:] for name in names]
    return found if len(names) > 1 else found[0]


def attributes(path):
    with h5py.File(path) as file:
        return dict(file.attrs)


@pytest.fixture(scope="module")
def quick():
    """Plots and forests are other tests' matter, and a network's programs are compiled once."""
    programs: dict[tuple[str, str], Predictor] = {}

    def shared(network, variables):
        sums = str([float(np.sum(leaf)) for leaf in jax.tree.leaves(variables)])
        return programs.setdefault((str(network), sums), Predictor(network, variables))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FIGURES", {})
        patch.setattr(forest, "TREES", 5)
        patch.setattr(model, "Predictor", shared)
        patch.setattr(evaluator, "Predictor", shared)
        yield


@pytest.fixture(scope="module")
def network(workdir, tmp_path_factory):
    """The file of a network."""
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    write_model(path, load_trained(workdir))
    return path


@pytest.fixture(scope="module")
def undisturbed(quick, network, truth_file, tmp_path_factory):
    """The bytes of the predictions for a file."""
    out = tmp_path_factory.mktemp("undisturbed") / "scores.h5"
    summary = RUN(network, inputs(truth_file), out)
    assert (summary.events, summary.done, summary.bad, summary.stopped) == (5, 5, 0, "")
    assert os.listdir(out.parent) == ["scores.h5"]
    return out.read_bytes()
