"""What earlier versions wrote is read: ``old/`` was made by the last one without heads.

``networks.json`` has a network's ``config.model`` and the shapes of all its variables by path;
``pixels/`` and ``events/`` a small work directory each: its config, the arrays of a checkpoint of
step 0, and the logits of the batch below.
"""

import json
import pathlib
import shutil

import flax.traverse_util
import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.nn.dense_tensor import geometry as dense_geometry
from jaxsparse.nn.dense_tensor import to_dense_tensor
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.migration import has_old_paths, parameter_path
from jaxsparse.training.optimizer import build_optimizer
from jaxsparse.training.state import TrainState, create_state
from jaxsparse.training.step import init_variables

OLD = pathlib.Path(__file__).parent / "old"
NETWORKS = json.loads((OLD / "networks.json").read_text())
KINDS = {"pixels": "semantic", "events": "event"}


def shapes_of(model):
    """Shapes of the variables by path; the dense vocabulary is the quicker one to trace."""
    network = models.build({**model, "vocabulary": "dense"})
    x = to_dense_tensor(
        jaxsparse.sparse_tensor([[0, 0, 0]], [[1.0]], spatial_shape=(32, 32), batch_size=1),
        masked=False,
    )
    images = (x,) * network.views
    geometries = (dense_geometry(x, levels=network.levels),) * network.views
    variables = jax.eval_shape(
        lambda key: network.init(key, images, geometries, train=False), jax.random.key(0)
    )
    flat = flax.traverse_util.flatten_dict(variables, sep="/")
    return {path: tuple(leaf.shape) for path, leaf in flat.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_old_parameter_has_its_place(name):
    model, arrays = NETWORKS[name]["model"], NETWORKS[name]["arrays"]
    renamed = {parameter_path(path, model): tuple(shape) for path, shape in arrays.items()}
    assert len(renamed) == len(arrays)
    assert renamed == shapes_of(model)
    assert has_old_paths(arrays)
    assert not has_old_paths(renamed)


@pytest.fixture(params=KINDS)
def old_run(request, tmp_path):
    """(kind, work directory of the old version)."""
    folder = OLD / request.param
    shutil.copy(folder / "config.json", tmp_path)
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        arrays = {path: stored[path] for path in stored.files if path != "logits"}
    state = TrainState(**flax.traverse_util.unflatten_dict(arrays, sep="/"))
    checkpoints = Checkpoints(tmp_path, create=True)
    config = jaxsparse.training.workdir.read_config(tmp_path)
    checkpoints.save(state, {}, config, loss=1.0)
    checkpoints.close()
    return request.param, tmp_path


def test_an_old_checkpoint_gives_the_scores_that_it_gave(old_run):
    kind, workdir = old_run
    _, network, variables, step = load_for_evaluation(workdir)
    assert step == 0
    x = jaxsparse.sparse_tensor(
        [[0, 1, 2], [0, 1, 3], [0, 4, 4], [1, 0, 7]],
        [[1.0], [2.0], [-1.0], [0.5]],
        spatial_shape=(8, 8),
        batch_size=2,
    )
    images = (x,) * network.views
    geometries = tuple(jaxsparse.geometry(x, levels=network.levels) for x in images)
    outputs, _ = network.apply(variables, images, geometries, train=False)
    (scores,) = jax.tree.leaves(outputs[KINDS[kind]])
    with np.load(OLD / kind / "arrays.npz", allow_pickle=False) as stored:
        np.testing.assert_allclose(scores, stored["logits"], rtol=1e-5, atol=1e-5)


def test_an_old_run_does_not_go_on(old_run):
    _, workdir = old_run
    config, *_ = load_for_evaluation(workdir)
    optimizer = build_optimizer(config.optimizer)
    template = create_state(init_variables(config.model, 0), optimizer, seed=0)
    checkpoints = Checkpoints(workdir)
    message = r"checkpoint 0 .* before networks had heads: it serves eval.py and train.start_from"
    with pytest.raises(InputError, match=message) as caught:
        checkpoints.restore_latest(template)
    assert "\n" not in str(caught.value)
    checkpoints.close()
