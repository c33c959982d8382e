"""A joiner from a network and a file to an evaluation and to predictions."""

import dataclasses

import h5py
import numpy as np
import pytest

from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies.joiner import of_network, pairs_of
from jaxsparse.inference.joiner import train_joiner
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from jaxsparse.viz import figures
from tests.deploy.networks import drawn, pixel_config, ship
from tests.deploy.predicting import inputs, stored

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def trained(monkeypatch):
    """A network that was not trained, with both heads that a joiner needs."""
    monkeypatch.setattr(figures, "FIGURES", {})
    config = default_config("uresnet", ("semantic", "edges"))
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.model.heads.edges.channels = 4
    config.data.pixel_classes = pixel_config().data.pixel_classes
    config.train.cache_dir = ""
    return drawn(config)


def test_a_joiner_is_trained_evaluated_and_predicts_the_same(trained, truth_file, tmp_path, capsys):
    options = Options(whole_plane=True, part="all", pictures=0)
    features, labels = pairs_of(trained, truth_file, options, quiet=True)
    assert len(features) == len(labels) > 10
    of_network(train_joiner(features, labels, steps=5), trained).write(tmp_path / "j.safetensors")
    write_model(tmp_path / "net.safetensors", trained)
    joiner = str(tmp_path / "j.safetensors")
    options = Options(whole_plane=True, part="all", pictures=0, joiner=joiner)
    metrics = evaluate(
        tmp_path / "net.safetensors", truth_file, tmp_path / "out", options, quiet=True
    )
    assert metrics["grouped_by"]["name"] == "joined"
    predict(
        tmp_path / "net.safetensors", inputs(truth_file), tmp_path / "s.h5", joiner=joiner,
        quiet=True,
    )  # fmt: skip
    with h5py.File(tmp_path / "s.h5") as file, h5py.File(tmp_path / "out/predictions.h5") as other:
        seen = ~np.isnan(file["scores"][:, 0])
        np.testing.assert_array_equal(
            file["predicted_instance"][:][seen], other["predicted_instance"][:]
        )
    assert "trained with another network" not in capsys.readouterr().err
    with pytest.raises(InputError, match="the network has no head edges: a joiner is for one"):
        pairs_of(drawn(pixel_config()), truth_file, options)


def test_the_joiner_of_a_network_that_comes_along_is_used_unless_one_goes_without(
    trained, truth_file, tmp_path, monkeypatch, capsys
):
    drawn_features = np.random.default_rng(0).normal(size=(64, 31))
    train_joiner(drawn_features, drawn_features[:, 0] > 0, steps=3).write(tmp_path / "j")
    write_model(tmp_path / "n", trained)
    ship({"net": tmp_path / "n"}, tmp_path / "j", tmp_path / "shipped", monkeypatch)
    said = "joiner: the one that comes with net (--joiner=none goes without)\n"
    few = Options(whole_plane=True, part="all", pictures=0, num_events=1)
    for options, grouping in (
        (few, "joined"),
        (dataclasses.replace(few, grouping="joined"), "joined"),
        (dataclasses.replace(few, grouping="fragments"), "fragments"),
        (dataclasses.replace(few, joiner="none"), "particles"),
    ):
        metrics = evaluate("net", truth_file, tmp_path / "out", options)
        assert metrics["grouped_by"]["name"] == grouping
        assert (said in capsys.readouterr().out) == (grouping == "joined")
    predict("net", inputs(truth_file), tmp_path / "own.h5")
    assert said in capsys.readouterr().out
    predict("net", inputs(truth_file), tmp_path / "given.h5", joiner=tmp_path / "j")
    predict("net", inputs(truth_file), tmp_path / "none.h5", joiner="none")
    assert said not in capsys.readouterr().out
    own, given, none = (
        stored(tmp_path / f"{name}.h5", "predicted_instance") for name in ("own", "given", "none")
    )
    np.testing.assert_array_equal(own, given)
    assert (own != none).any()
