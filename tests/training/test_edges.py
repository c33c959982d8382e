"""One network names the pixels of planes and tells particles apart by pairs of pixels."""

import h5py
import numpy as np
import pytest

from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.training import loop
from jaxsparse.training.logs import read_records
from jaxsparse.training.transfer import read_beginning
from tests.deploy.predicting import inputs
from tests.evaluation.workdirs import make_workdir
from tests.toy_particles import PIXEL_CLASSES, write_particles
from tests.training.small_backbone import short_training


@pytest.fixture
def config(tmp_path, cache_dir):
    """The recipe ``microboone_panoptic_smoke`` with a backbone that is compiled in seconds."""
    config = short_training("microboone_panoptic_smoke", tmp_path, cache_dir)
    config.model.heads.edges.update({"directions": 4, "reach": 8, "channels": 8})
    return config


def test_the_recipe_learns_both_heads_and_particles_are_better_than_fragments(config, tmp_path):
    loop.train(config, tmp_path / "run")
    train = [record for record in read_records(tmp_path / "run") if record["split"] == "train"]
    losses = [record["heads"]["edges"]["loss"] for record in train]
    assert losses[-1] < 0.6 * losses[0]

    options, found = Options(part="all", pictures=0), {}
    for name in ("fragments", ""):
        out = tmp_path / f"out_{name}"
        figures = evaluate(
            tmp_path / "run", config.data.validation, out,
            Options(part="all", pictures=0, grouping=name), quiet=True,
        )  # fmt: skip
        found[figures["grouped_by"]["name"]] = figures["grouping"]["clusters"]["efficiency"]
    assert found["particles"] >= found["fragments"]
    assert found["particles"] > 0.8

    plain = write_particles(tmp_path / "plain.h5", 4, 3, truth=())
    figures = evaluate(tmp_path / "run", plain, tmp_path / "plain", options, quiet=True)
    assert figures["grouping"] is None

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
    config.main_head = "edges"
    with pytest.raises(InputError, match=r"model\.heads has edges but not semantic"):
        loop.train(config, tmp_path / "run")


def test_a_network_of_pixels_begins_one_with_edges_which_go_by_its_classes(config, tmp_path):
    before = config.copy_and_resolve_references()
    before.data.pixel_classes = PIXEL_CLASSES
    begun = before.copy_and_resolve_references()
    begun.train.start_from = str(make_workdir(tmp_path / "edges", before))
    assert read_beginning(begun).fact.endswith("backbone, edges, semantic")
    begun.data.pixel_classes = PIXEL_CLASSES[::-1]
    assert "edges (other classes of pixels there)" in read_beginning(begun).fact
    for group in (before.model.heads, before.objectives):
        del group["edges"]
    before.main_head = "semantic"
    begun.data.pixel_classes = PIXEL_CLASSES
    begun.train.start_from = str(make_workdir(tmp_path / "pixels", before))
    fact = read_beginning(begun).fact
    assert "backbone, semantic; drawn anew: edges (no such head there)" in fact
