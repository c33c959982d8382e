"""One network of two views names events and pixels, tells particles apart and finds the vertex."""

import functools
import json

import h5py
import jax
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.config_file import load_config
from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.training import loop
from jaxsparse.training.data import open_data
from jaxsparse.training.logs import read_records
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.transfer import read_beginning
from tests.deploy.predicting import inputs
from tests.evaluation.workdirs import make_workdir
from tests.toy_particles import EVENT_CLASSES, PIXEL_CLASSES, write_particles
from tests.training.small_backbone import on_small_backbone


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(training file, validation file)."""
    folder = tmp_path_factory.mktemp("particles")
    return write_particles(folder / "t.h5", 48, 1), write_particles(folder / "v.h5", 12, 2)


@pytest.fixture
def config(files, cache_dir):
    """The recipe ``nova_panoptic_smoke`` with a backbone that is compiled in seconds."""
    config = load_config("nova_panoptic_smoke")
    heads = on_small_backbone(config)
    heads.event.num_classes, heads.semantic.num_classes = len(EVENT_CLASSES), len(PIXEL_CLASSES)
    heads.instance.num_classes = len(PIXEL_CLASSES)
    heads.instance.queries, heads.instance.channels, heads.instance.layers = 3, 8, 1
    config.data.train, config.data.validation = map(str, files)
    config.data.split, config.data.classes, config.data.flip_wire = (), EVENT_CLASSES, False
    config.data.mean, config.data.std = 60.0, 30.0
    config.optimizer.schedule, config.optimizer.learning_rate = "constant", 1e-2
    config.optimizer.warmup_steps = 0
    config.train.cache_dir, config.train.cpu_devices, config.train.devices = cache_dir, 0, 1
    config.train.batch_size, config.train.epochs, config.train.steps = 12, 0.0, 24
    config.train.loss_weights = "learned"
    config.train.log_every, config.train.validate_epochs, config.train.validate_every = 6, 0.0, 24
    return config


def test_the_recipe_learns_all_heads_at_once_and_is_evaluated(config, tmp_path):
    loop.train(config, tmp_path)
    records = read_records(tmp_path)
    train = [record for record in records if record["split"] == "train"]
    for name in ("semantic", "instance", "vertex"):
        losses = [record["heads"][name]["loss"] for record in train]
        assert losses[-1] < 0.8 * losses[0], name
    assert train[-1]["loss"] < train[0]["loss"]
    (validation,) = (record for record in records if record["split"] == "validation")

    options = Options(part="all", pictures=0)
    figures = evaluate(
        tmp_path, config.data.validation, tmp_path / "out", options, quiet=True
    )  # fmt: skip
    assert figures["task"] == "classification"
    assert figures["loss"] == pytest.approx(validation["loss"], rel=1e-4)
    for name in ("semantic", "vertex"):
        for key in ("loss", "accuracy"):
            expected = validation["heads"][name][key]
            assert figures["heads"][name][key] == pytest.approx(expected, rel=1e-4), (name, key)
    stored = json.loads((tmp_path / "out/metrics.json").read_text())
    assert set(stored["heads"]) == {"semantic", "vertex"}
    vertex = stored["heads"]["vertex"]["vertex"]
    assert vertex["images"] == 2 * 11  # one event of twelve has no pixel
    assert vertex["nearest"]["50"] == 0
    pixels = stored["heads"]["semantic"]
    assert pixels["grouped_by"]["name"] == "queries"
    assert pixels["grouping"]["rand_index"]["views"] == 2 * 5  # two particles in every other event

    # Without truth there are predictions and no figures.
    plain = write_particles(tmp_path / "plain.h5", 4, 3, truth=())
    figures = evaluate(tmp_path, plain, tmp_path / "plain", options, quiet=True)
    assert figures["heads"]["semantic"]["accuracy"] is None
    assert figures["heads"]["semantic"]["grouping"] is None
    assert figures["heads"]["vertex"]["accuracy"] is None

    # Prediction writes what the evaluation saw.
    predict(tmp_path, inputs(config.data.validation), tmp_path / "predicted.h5", quiet=True)
    with (
        h5py.File(tmp_path / "predicted.h5") as predicted,
        h5py.File(tmp_path / "out/heads/semantic/predictions.h5") as evaluated,
    ):
        written, seen = predicted["heads/semantic"], evaluated
        np.testing.assert_array_equal(written["predicted_instance"], seen["predicted_instance"])
        np.testing.assert_allclose(written["scores"], seen["scores"], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "what"), [("instance", "a particle"), ("vertex_distance", "a distance to a vertex")]
)
def test_a_file_without_the_truth_of_a_head_is_refused_in_one_line(config, tmp_path, column, what):
    truth = tuple({"labels", "instance", "vertex_distance"} - {column})
    config.data.train = str(write_particles(tmp_path / "t.h5", 8, 1, truth=truth))
    with pytest.raises(InputError, match=f"data.train has nothing to learn from: .* has {what}"):
        loop.train(config, tmp_path / "run")


@pytest.mark.parametrize("queries", [2, 1])
def test_the_banner_says_for_how_many_events_there_are_too_few_queries(config, queries):
    config.model.heads.instance.queries = queries
    network = models.build(config.model)
    facts = open_data(config, network, objectives_of(config), 1).facts["particles"]
    # Of 48 events half have one particle, the others two; one of these has no pixel.
    number = f"{(24 + 2 * 23) / 48:.1f} an event, most 2"
    assert facts.startswith(number)
    assert ("47.92% of events have more than model.heads.instance.queries, 1" in facts) == (
        queries == 1
    )


def test_the_banner_says_it_of_every_head_that_tells_particles(config):
    with_both = load_config("microboone_embedding_smoke")
    config.model.heads.embedding = with_both.model.heads.embedding
    config.objectives.embedding = with_both.objectives.embedding
    config.model.heads.instance.queries, config.objectives.embedding.most = 1, 1
    network = models.build(config.model)
    facts = open_data(config, network, objectives_of(config), 1).facts["particles"]
    for key in ("model.heads.instance.queries", "objectives.embedding.most"):
        assert f"47.92% of events have more than {key}, 1: their smallest" in facts


def test_particles_need_pixels_that_have_classes(config, tmp_path):
    del config.model.heads.semantic
    del config.objectives.semantic
    with pytest.raises(InputError, match=r"model\.heads has instance but not semantic"):
        loop.train(config, tmp_path / "run")


def test_a_network_that_names_events_begins_a_panoptic_one(config, tmp_path):
    names = ("event",)
    before = config.copy_and_resolve_references()
    before.main_head = "event"
    for group in (before.model.heads, before.objectives):
        for name in set(group) - set(names):
            del group[name]
    workdir = make_workdir(tmp_path / "before", before)
    config.train.start_from = str(workdir)
    found = read_beginning(config)
    assert "backbone, event; drawn anew: " in found.fact
    for name in ("instance", "semantic", "vertex"):
        assert f"{name} (no such head there)" in found.fact
    drawn = models.init_variables(config.model, config.seed)
    kept = found.applied_to(drawn)
    trained = models.init_variables(before.model, 0)
    for path in (("backbone", "stem"), ("heads", "event")):
        own, other = (
            functools.reduce(dict.__getitem__, path, v["params"]) for v in (kept, trained)
        )
        jax.tree.map(np.testing.assert_array_equal, own, other)


def test_particles_of_other_classes_keep_all_but_their_last_layer(config, tmp_path):
    before = config.copy_and_resolve_references()
    before.data.pixel_classes, config.data.pixel_classes = PIXEL_CLASSES, ("new", "bright")
    config.train.start_from = str(make_workdir(tmp_path / "before", before))
    found = read_beginning(config)
    assert "new of instance" in found.fact
    assert found.orders["params/heads/instance/classes/kernel"] == (-1, 1)
    assert "params/heads/instance/queries" in found.arrays
