"""A joiner from a network and a file to an evaluation and to predictions."""

import h5py
import numpy as np
import pytest

from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies.joiner import pairs_of
from jaxsparse.inference.joiner import train_joiner
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from jaxsparse.viz import figures
from tests.deploy.networks import drawn, pixel_config
from tests.deploy.predicting import inputs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_a_joiner_is_trained_evaluated_and_predicts_the_same(truth_file, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", {})
    config = default_config("uresnet", ("semantic", "edges"))
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.model.heads.edges.channels = 4
    config.data.pixel_classes = pixel_config().data.pixel_classes
    config.train.cache_dir = ""
    trained = drawn(config)
    options = Options(whole_plane=True, part="all", pictures=0)
    features, labels = pairs_of(trained, truth_file, options, quiet=True)
    assert len(features) == len(labels) > 10
    train_joiner(features, labels, steps=5).write(tmp_path / "j.safetensors")
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
    with pytest.raises(InputError, match="the network has no head edges: a joiner is for one"):
        pairs_of(drawn(pixel_config()), truth_file, options)
