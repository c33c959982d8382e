"""What earlier versions wrote is read: ``old/`` was made by the last one without heads.

``networks.json`` has a network's ``config.model`` and the shapes of all its variables by path;
``pixels/`` and ``events/`` a small work directory each: its config, the arrays of a checkpoint of
step 0, and the logits of the batch below.
"""

import json
import pathlib
import shutil
from typing import Any

import flax.traverse_util
import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse import models, settings, typed_config
from jaxsparse.errors import InputError
from jaxsparse.nn.dense_tensor import dense_geometry, to_dense_tensor
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.migration import has_old_paths, is_old, parameter_path, translated
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import TrainState, create_state
from jaxsparse.training.transfer import read_beginning
from jaxsparse.training.workdir import claim, read_config

OLD = pathlib.Path(__file__).parent / "old"
NETWORKS = json.loads((OLD / "networks.json").read_text())
KINDS = {"pixels": "semantic", "events": "event"}


def shapes_of(model):
    """Shapes of the variables by path; the dense vocabulary is the quicker one to trace."""
    task = "segmentation" if model["name"] == "uresnet" else "classification"
    model = translated({"task": task, "model": model, "data": {}})["model"]
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
    checkpoints.save(state, {}, config, score=1.0)
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
    apply = jax.jit(network.apply, static_argnames="train")
    outputs, _ = apply(variables, images, geometries, train=False)
    (scores,) = jax.tree.leaves(outputs[KINDS[kind]])
    with np.load(OLD / kind / "arrays.npz", allow_pickle=False) as stored:
        np.testing.assert_allclose(scores, stored["logits"], rtol=1e-5, atol=1e-5)


def test_an_old_run_does_not_go_on(old_run):
    _, workdir = old_run
    config, *_ = load_for_evaluation(workdir)
    optimizer = Optimizer(**config.optimizer)
    template = create_state(models.init_variables(config.model, 0), optimizer, seed=0)
    checkpoints = Checkpoints(workdir)
    message = r"checkpoint 0 .* before networks had heads: it serves jaxsparse eval and train"
    with pytest.raises(InputError, match=message) as caught:
        checkpoints.restore_latest(template)
    assert "\n" not in str(caught.value)
    checkpoints.close()


def test_the_config_of_an_old_run_is_read_in_todays_keys(old_run):
    kind, workdir = old_run
    stored, config = json.loads((workdir / "config.json").read_text()), read_config(workdir)
    head = KINDS[kind]
    assert is_old(stored)
    assert not is_old(config.to_dict())
    assert config.main_head == head
    assert config.model.heads[head].num_classes == stored["model"]["num_classes"]
    assert config.objectives[head].loss == stored["loss"]["name"]
    assert config.objectives[head].reduction == {"pixels": "sum", "events": "mean"}[kind]
    data = config.data
    if kind == "pixels":
        assert config.objectives.semantic.cluster_high == stored["loss"]["cluster_high"]
        assert (data.views, data.mean, data.std) == (("Y",), 0.0, 50.0)
    else:
        assert (data.views, data.mean, data.std) == (("XZ", "YZ"), 14.57, 16.27)


def test_a_new_run_begins_with_an_old_one_which_does_not_go_on(old_run):
    kind, workdir = old_run
    config = read_config(workdir)
    with pytest.raises(InputError, match="was made by an earlier version") as error:
        claim(workdir, config, {})
    assert f"--config.train.start_from={workdir}" in str(error.value)
    assert "\n" not in str(error.value)
    config.train.start_from = str(workdir)
    found = read_beginning(config)
    assert found.fact == f"step 0 of {workdir}: backbone, {KINDS[kind]}"
    (_, _, trained, _) = load_for_evaluation(workdir)
    begun = found.applied_to(models.init_variables(config.model, seed=3))
    jax.tree.map(np.testing.assert_array_equal, begun, trained)


def test_classifiers_had_their_views_and_features_already():
    data = {"view": "Y", "views": ["XZ"], "feature_scale": 50.0, "mean": 14.57, "std": 16.27}
    found = translated({"task": "classification", "data": data, "model": {"planes": None}})
    assert found["data"] == {"views": ["XZ"], "mean": 14.57, "std": 16.27}
    assert found["model"] == {"planes": [], "views": 2, "heads": {"event": {}}}
    assert not is_old(found)
    assert translated(found) is found


@pytest.mark.parametrize("key", settings.RENAMED)
def test_an_old_key_is_answered_with_the_new_one(key):
    new = settings.RENAMED[key]
    with pytest.raises(InputError, match=f"--config.{key}: it is gone, set {new[:9]}"):
        typed_config.check_key(default_config(), key)
    config = default_config()
    values: Any = "Y"
    for part in reversed(key.split(".")):
        values = {part: values}
    config.update(values)
    with pytest.raises(InputError, match=f"{key} is gone: set {new[:9]}"):
        settings.check_config(config)
