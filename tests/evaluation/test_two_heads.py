"""A network that labels pixels and names events, of two views, evaluated in one pass."""

import json

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.event_predictions import read_predictions
from jaxsparse.evaluation.options import Options
from jaxsparse.training.config import default_config
from jaxsparse.viz import event_views, figures
from tests.evaluation.workdirs import make_workdir


@pytest.fixture(scope="module")
def drawn():
    """What pictures of whole events are made of."""
    return []


@pytest.fixture(scope="module")
def out(classifier_config, event_file, tmp_path_factory, drawn):
    config = default_config("uresnet", ("event", "semantic"))
    config.data, config.train = classifier_config.data, classifier_config.train
    model = config.model
    model.views, model.filters, model.depth, model.blocks = 2, 2, 2, 1
    model.heads.event.num_classes = 3
    model.heads.semantic.num_classes = len(EventFile(event_file).class_names)
    folder = tmp_path_factory.mktemp("two_heads")
    options = Options(part="all", num_events=6, pictures=1, grouping="dbscan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FIGURES", {})  # drawn in another test
        figure = event_views.views_figure
        patch.setattr(event_views, "views_figure", lambda one: figure(drawn.append(one) or one))
        workdir = make_workdir(folder / "run", config)
        evaluate(workdir, event_file, folder / "out", options, quiet=True)
    return folder / "out"


def test_figures_of_the_main_head_are_at_the_top_and_of_others_below(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["classes"] == ["nue", "numu", "nc"]
    assert len(metrics["confusion"]) == 3
    assert list(metrics["heads"]) == ["semantic"]
    pixels = metrics["heads"]["semantic"]
    assert len(pixels["confusion"]) == len(pixels["classes"])
    assert np.sum(pixels["confusion"]) == pixels["num_sites"]


def test_both_heads_leave_their_predictions_of_the_same_events(out, event_file):
    _, events = read_predictions(out / "predictions.h5")
    with h5py.File(out / "heads/semantic/predictions.h5") as file:
        assert file["event"][:].tolist() == np.repeat(events, 2).tolist()
        assert file["view"][:].tolist() == [0, 1] * len(events)
        source, offsets = EventFile(event_file), file["offsets"][:]
        for entry, (number, view) in enumerate(zip(file["event"], file["view"], strict=True)):
            pixels = source.read_view(int(number), ("XZ", "YZ")[view])
            rows = file["rows"][offsets[entry] : offsets[entry + 1]]
            assert rows.tolist() == np.flatnonzero(pixels.values >= 1).tolist()


def test_every_head_has_its_page_and_pictures(out):
    assert "| nue |" in (out / "report.md").read_text()
    assert "| [pixels](heads/semantic/report.html) | accuracy 0." in (out / "report.md").read_text()
    assert 'href="heads/semantic/report.html"' in (out / "report.html").read_text()
    assert "| [pixels](" not in (out / "heads/semantic/report.md").read_text()
    assert "| accuracy |" in (out / "heads/semantic/report.md").read_text()
    assert len(list((out / "heads/semantic/pictures").iterdir())) == 2


def test_pictures_of_events_show_what_the_other_head_says_of_their_pixels(out, drawn):
    (event,) = drawn
    assert event.shared == {"XZ": 0, "YZ": 0}
    with h5py.File(out / "heads/semantic/predictions.h5") as file:
        offsets, scores = file["offsets"][:], file["scores"][:]
        instances = file["predicted_instance"][:]
    for entry, image in enumerate(event.views.values()):
        own = slice(*offsets[entry : entry + 2])
        np.testing.assert_array_equal(image.scores, scores[own])
        np.testing.assert_array_equal(image.instance, instances[own])
        assert image.view.labels is not None


def test_a_file_without_particles_gives_instances_but_no_figure_of_them(out):
    with h5py.File(out / "heads/semantic/predictions.h5") as file:
        assert file.attrs["grouping"] == "dbscan"
        numbers, offsets = file["predicted_instance"][:], file["offsets"][:]
        assert numbers.max() >= 0
        # What does not link views gives them different numbers.
        assert not set(numbers[: offsets[1]]) & set(numbers[offsets[1] : offsets[2]]) - {-1}
    pixels = json.loads((out / "metrics.json").read_text())["heads"]["semantic"]
    assert pixels["grouping"]["rand_index"] == {"mean": None, "views": 0, "part_with_one": None}
    assert pixels["grouping"]["view_agreement"]["pairs"] == 0
    assert "there is no figure of instances" in (out / "heads/semantic/report.md").read_text()
