"""The whole evaluation of a tiny untrained classifier, checked from the files it writes."""

import json

import h5py
import numpy as np
import pytest
from scipy.special import softmax

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.partition import content_hashes, part_numbers
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.evaluation.event_predictions import read_predictions
from jaxsparse.evaluation.studies import forest as forest_module
from jaxsparse.evaluation.studies.event_logits import event_logits
from jaxsparse.inference import Predictor
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.viz import figures
from tests.evaluation.workdirs import assert_refused

# The keys that other programs read (docs/architecture.md).
FIXED_KEYS = {
    "task", "classes", "num_events", "num_sites", "loss", "accuracy", "confusion", "per_class",
    "seconds_per_event", "peak_memory_mb", "checkpoint_step", "versions",
}  # fmt: skip
EVENTS = 24
SPLIT = (0.5, 0.5)


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest_module, "TREES", 5)
        yield


@pytest.fixture(scope="module")
def whole(classifier, event_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation") / "whole"
    options = Options(part="all", pictures=2, thresholds=("nue>0.3",))
    evaluate(classifier, event_file, out, options, quiet=True)
    return out


def load(out):
    return json.loads((out / "metrics.json").read_text())


def test_the_fixed_keys_are_there(whole, event_file):
    metrics, source = load(whole), EventFile(event_file)
    assert metrics.keys() >= FIXED_KEYS
    assert metrics["task"] == "classification"
    assert metrics["classes"] == ["nue", "numu", "nc"]
    assert metrics["num_events"] == EVENTS
    assert metrics["num_events_without_truth"] == EVENTS // 4  # cosmics, no class of the network
    assert metrics["num_sites"] == sum(source.num_pixels(view).sum() for view in ("XZ", "YZ"))
    assert metrics["seconds_per_event"] > 0
    assert metrics["batch_size"] == 8  # 16 in two parts
    assert metrics["checkpoint_step"] == 0
    assert list(metrics["threshold_rules"]) == ["nue>0.3"]


def test_the_scores_of_every_event_stand_in_the_order_of_the_file(whole):
    results, numbers = read_predictions(whole / "predictions.h5")
    assert numbers.tolist() == list(range(EVENTS))
    assert results.truth.tolist() == [[1, 0, 2, -1][number % 4] for number in range(EVENTS)]
    assert results.columns["topology"][1] == "nue CC RES"
    assert results.columns["energy"][2] == 1.0
    assert np.isnan(results.columns["energy"][3])
    np.testing.assert_allclose(results.scores.sum(1), 1, rtol=1e-5)
    confusion = np.zeros((3, 3), int)
    for truth, called in zip(results.truth, results.scores.argmax(1), strict=True):
        if truth >= 0:
            confusion[truth, called] += 1
    metrics = load(whole)
    assert metrics["confusion"] == confusion.tolist()
    assert metrics["accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())
    known = results.known
    chosen = results.scores[known, results.truth[known]]
    assert metrics["loss"] == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_an_event_scores_the_same_in_every_batch(whole, classifier, classifier_config, event_file):
    results, _ = read_predictions(whole / "predictions.h5")
    trained = load_for_evaluation(classifier)
    few = classifier_config.copy_and_resolve_references()
    few.train.batch_size, few.train.accumulate = 3, 1
    data_set = DataSet(event_file, few, Options(part="all"))
    portion = Portion(np.array([4, 5, 11]), data_set.pipeline.pixels(np.array([4, 5, 11])))
    batch = data_set.batch(portion, data_set.buckets())
    logits = Predictor(trained.network, trained.variables)(batch)["event"]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(scores, results.scores[[4, 5, 11]], rtol=1e-4)


def test_the_last_part_of_a_file_that_was_split_is_the_default(
    classifier, event_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(figures, "FIGURES", {})  # drawn in another test
    evaluate(classifier, event_file, tmp_path / "out", Options(pictures=0), quiet=True)
    _, numbers = read_predictions(tmp_path / "out" / "predictions.h5")
    source = EventFile(event_file)
    part = part_numbers(content_hashes(source, ("XZ", "YZ")), SPLIT)
    assert numbers.tolist() == np.flatnonzero(part == 1).tolist()
    metrics = load(tmp_path / "out")
    assert metrics["part"] == "validation"
    fitted = metrics["baselines"]["forest"]["fitted_on"]
    expected = (part == 0) & (np.arange(EVENTS) % 4 != 3)
    if forest_module.have_forest():
        assert fitted == f"{expected.sum()} events of the training part of the same file"
        assert metrics["baselines"]["forest"]["accuracy"] is not None
    else:
        assert "scikit-learn" in fitted


def test_pictures_plots_and_the_page_are_there(whole):
    assert {path.name for path in (whole / "pictures").iterdir()} == {
        "event_000000.png", "event_000023.png", "surest_nue.png", "surest_numu.png",
        "surest_nc.png",
    }  # fmt: skip
    assert {path.stem for path in (whole / "plots").iterdir()} == {
        "confusion", "roc", "scores", "energy", "kinds", "thresholds", "calibration", "training",
    }  # fmt: skip
    text = (whole / "report.md").read_text()
    assert "| truth, called | nue | numu | nc |" in text
    assert "6 events have no class of the network" in text
    assert "With nue>0.3" in text


def test_events_without_truth_give_scores_and_no_figures(classifier, unlabelled_file, tmp_path):
    out = tmp_path / "out"
    evaluate(classifier, unlabelled_file, out, Options(pictures=1), quiet=True)
    metrics = load(out)
    assert metrics["accuracy"] is None
    assert metrics["roc"] is None
    assert metrics["num_events"] == metrics["num_events_without_truth"] == 3
    assert len(read_predictions(out / "predictions.h5")[0]) == 3
    assert "Nothing has truth" in (out / "report.md").read_text()
    assert (out / "pictures" / "event_000000.png").stat().st_size > 5000


def test_a_file_without_events_gives_empty_results(classifier, no_events_file, tmp_path):
    evaluate(classifier, no_events_file, tmp_path / "out", quiet=True)
    metrics = load(tmp_path / "out")
    assert (metrics["num_events"], metrics["num_sites"], metrics["accuracy"]) == (0, 0, None)
    assert metrics["seconds_per_event"] is None


def test_one_event_is_evaluated(classifier, event_file, tmp_path):
    options = Options(part="all", num_events=1, pictures=0)
    evaluate(classifier, event_file, tmp_path / "out", options, quiet=True)
    metrics = load(tmp_path / "out")
    assert metrics["accuracy"] in (0.0, 1.0)
    assert metrics["errors"]["accuracy"] == 0  # one event resampled is itself
    assert metrics["baselines"]["forest"]["accuracy"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(view="XZ"), "--view=XZ: this network gives event scores"),
        (Options(whole_plane=True), "--whole_plane=True"),
        (Options(grouping="linked"), "--grouping=linked: this network gives event scores"),
        (Options(true_classes=True), "--true_classes=True"),
        (Options(joiner="nowhere"), "the network has heads event: leave it out"),
        (Options(part="test"), "--part=test: it must be one of train, validation, all"),
        (Options(thresholds=("cosmic>0.5",)), "--thresholds=cosmic>0.5"),
        (Options(baseline_data="nowhere.h5"), "nowhere.h5"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_earlier_results(
    options, message, classifier, event_file, tmp_path
):
    assert_refused(classifier, event_file, tmp_path, options, message)


def test_a_remark_about_values_names_a_flag_that_these_networks_take(
    classifier, event_file, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(figures, "FIGURES", {})  # drawn in another test
    options = Options(part="all", pictures=0, value_scale=0.02, joiner="None")
    evaluate(classifier, event_file, tmp_path / "out", options)
    assert "(--value_scale multiplies them)" in capsys.readouterr().out
    values = [view.values for event in EventFile(event_file) for view in event.views.values()]
    passes = np.concatenate(values) * 0.02 >= 1  # the lower end of the mask
    assert load(tmp_path / "out")["num_sites"] == passes.sum() < len(passes)


def test_predictions_of_pixels_or_of_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_predictions(tmp_path / "missing.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["scores"] = np.zeros((2, 2))
    with pytest.raises(InputError, match="no complete prediction file"):
        read_predictions(tmp_path / "other.h5")


def test_draws_are_averaged_scores_of_the_mirrored_and_moved_events(classifier, event_file):
    trained = load_for_evaluation(classifier)

    def scores(draws):
        data_set = DataSet(event_file, trained.config, Options(part="all"))
        return softmax(event_logits(trained, data_set, draws=draws), axis=1)

    plain = scores(0)
    trained.config.data.flip_time = trained.config.data.flip_wire = False
    np.testing.assert_allclose(scores(3), plain, atol=1e-6)
    trained.config.data.flip_time, trained.config.data.fluctuation = True, 0.5
    once, twice = scores(1), scores(2)
    assert np.abs(once - plain).max() > 1e-4
    np.testing.assert_allclose(twice.sum(axis=1), 1, atol=1e-5)
    # An event has its own scores or those of its mirror image: its charge does not fluctuate.
    unmoved = np.abs(once - plain).max(axis=1) < 1e-6
    assert 0.2 < unmoved.mean() < 0.8
