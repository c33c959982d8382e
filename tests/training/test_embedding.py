"""One network names the pixels of planes and tells particles apart by embeddings."""

import h5py
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.training import loop
from jaxsparse.training.data import open_data
from jaxsparse.training.logs import read_records
from jaxsparse.training.objectives import objectives_of
from tests.deploy.predicting import inputs
from tests.toy_particles import write_particles
from tests.training.small_backbone import short_training


@pytest.fixture
def config(tmp_path, cache_dir):
    """The recipe ``microboone_embedding_smoke`` with a backbone that is compiled in seconds."""
    config = short_training("microboone_embedding_smoke", tmp_path, cache_dir)
    config.model.heads.embedding.update({"channels": 4, "reach": 8, "hidden": 16})
    config.objectives.embedding.update({"most": 8, "sample": 16})
    return config


def test_the_recipe_learns_both_heads_and_particles_are_told_apart(config, tmp_path):
    loop.train(config, tmp_path / "run")
    train = [record for record in read_records(tmp_path / "run") if record["split"] == "train"]
    losses = [record["heads"]["embedding"]["loss"] for record in train]
    assert losses[-1] < 0.8 * losses[0]

    out, found = tmp_path / "out", {}
    for name in ("neighbours", "embedded", ""):
        options = Options(part="all", pictures=0, grouping=name)
        figures = evaluate(tmp_path / "run", config.data.validation, out, options, quiet=True)
        found[name] = figures["grouping"]["rand_index"]["mean"]
    assert figures["grouped_by"]["name"] == "embedded"
    assert found[""] == found["embedded"] > max(found["neighbours"], 0.7)

    predict(tmp_path / "run", inputs(config.data.validation), tmp_path / "said.h5", quiet=True)
    with h5py.File(tmp_path / "said.h5") as said, h5py.File(out / "predictions.h5") as seen:
        np.testing.assert_array_equal(said["predicted_instance"], seen["predicted_instance"])


def test_a_file_without_particles_and_a_network_without_classes_are_refused(config, tmp_path):
    truth = ("labels", "vertex_distance")
    config.data.train = str(write_particles(tmp_path / "none.h5", 8, 1, truth=truth))
    with pytest.raises(InputError, match=r"has nothing to learn from: .* has a particle"):
        loop.train(config, tmp_path / "run")
    del config.model.heads.semantic
    del config.objectives.semantic
    config.main_head = "embedding"
    with pytest.raises(InputError, match=r"model\.heads has embedding but not semantic"):
        loop.train(config, tmp_path / "run")


def test_events_with_too_many_particles_are_told_of(config):
    network, objectives = models.build(config.model), objectives_of(config)
    facts = open_data(config, network, objectives, num_devices=1).facts
    assert "have more than" not in facts["particles"]
    config.objectives.embedding.most = 1
    facts = open_data(config, network, objectives_of(config), num_devices=1).facts
    assert "of events have more than objectives.embedding.most, 1: their" in facts["particles"]
