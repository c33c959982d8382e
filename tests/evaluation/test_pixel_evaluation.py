"""The whole evaluation with a tiny untrained network, checked from the files it writes."""

import json
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.schema import Event
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.inference import Predictor
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.losses import ClassLoss
from jaxsparse.training.metrics import confusion_counts
from jaxsparse.training.model_file import write_model
from jaxsparse.training.objectives import weigh_pixels
from tests.evaluation.workdirs import assert_refused, make_workdir
from tests.loaders import make_loader
from tests.random_views import random_view

# The keys that other programs read (docs/architecture.md).
FIXED_KEYS = {
    "task", "classes", "num_events", "num_sites", "loss", "accuracy", "confusion", "per_class",
    "accuracy_per_event_mean", "track_shower", "seconds_per_event", "peak_memory_mb",
    "checkpoint_step", "versions",
}  # fmt: skip
EVAL = pathlib.Path(__file__).resolve().parents[2] / "eval.py"


@pytest.fixture(scope="module")
def crops(workdir, truth_file, tmp_path_factory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("evaluation") / "crops"
    evaluate(workdir, truth_file, out, Options(pictures=1, grouping="linked"), quiet=True)
    return out


@pytest.fixture(scope="module")
def planes(workdir, truth_file, tmp_path_factory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("evaluation") / "planes"
    options = Options(
        whole_plane=True, pictures=0, thresholds=("shower>0.3",), bootstrap_group=2,
        grouping="neighbours", true_classes=True,
    )  # fmt: skip
    evaluate(workdir, truth_file, out, options, quiet=True)
    return out


def load(out):
    return json.loads((out / "metrics.json").read_text())


def predictions(out):
    with h5py.File(out / "predictions.h5") as file:
        assert file.attrs["complete"]
        return {name: file[name][:] for name in file if name != "particles"}


def test_the_fixed_keys_are_there(crops):
    metrics = load(crops)
    assert metrics.keys() >= FIXED_KEYS
    assert metrics["task"] == "segmentation"
    assert metrics["num_events"] == 5
    assert metrics["checkpoint_step"] == 0
    assert metrics["seconds_per_event"] > 0
    assert metrics["peak_memory_mb"] > 50
    assert metrics["image_shape"] == [32, 32]


@pytest.mark.parametrize("name", ["crops", "planes"])
def test_the_scores_in_the_file_give_the_confusion_in_the_metrics(name, request, truth_file):
    out = request.getfixturevalue(name)
    stored, metrics, source = predictions(out), load(out), EventFile(truth_file)
    confusion = np.zeros((5, 5), int)
    for entry, number in enumerate(stored["event"]):
        rows = slice(*stored["offsets"][entry : entry + 2])
        view = source.read_view(int(number), "Y").take(stored["rows"][rows])
        assert ((view.values >= 10) & (view.values <= 300)).all()
        assert view.labels is not None
        for truth, scores in zip(view.labels, stored["scores"][rows], strict=True):
            if truth >= 0:
                confusion[truth, np.argmax(scores)] += 1
    assert metrics["confusion"] == confusion.tolist()
    assert metrics["num_sites"] == confusion.sum()
    assert metrics["accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())
    np.testing.assert_allclose(stored["scores"].sum(1), 1, rtol=1e-5)


def test_evaluation_scores_what_validation_sees(crops, workdir, truth_file):
    """Batches of the training's loader, by the loss that training logs."""
    trained = load_for_evaluation(workdir)
    config, network = trained.config, trained.network
    loader = make_loader(
        EventFile(truth_file), config.data, batch_size=2, levels=network.levels, shuffle=False,
        targets=("labels", "weights"), weigh=weigh_pixels(config), seed=0,
    )  # fmt: skip
    predictor = Predictor(network, trained.variables)
    loss, confusion = 0.0, np.zeros((5, 5), int)
    for batch in (made.device(0) for made in loader):
        (logits,), (view,) = predictor(batch)["semantic"], batch.views
        labels, weights = view.targets["labels"], view.targets["weights"]
        loss += float(ClassLoss()(logits, labels, weights))
        confusion += np.asarray(confusion_counts(logits, labels))
    metrics = load(crops)
    assert metrics["confusion"] == confusion.tolist()
    assert metrics["loss"] == pytest.approx(loss / 5, rel=1e-5)


def test_whole_planes_keep_every_pixel_inside_the_mask(planes, truth_file):
    stored, source = predictions(planes), EventFile(truth_file)
    for entry, number in enumerate(stored["event"]):
        values = source.read_view(int(number), "Y").values
        kept = np.flatnonzero((values >= 10) & (values <= 300))
        first, last = stored["offsets"][entry : entry + 2]
        np.testing.assert_array_equal(stored["rows"][first:last], kept)
    assert stored["event_id"].tolist() == [10, 11, 12, 13, 14]


def test_parts_baselines_and_errors_are_consistent(planes):
    metrics = load(planes)
    counts = np.array(metrics["confusion"]).sum(1)
    majority = metrics["baselines"]["majority"]
    assert majority["accuracy"] == pytest.approx(counts.max() / counts.sum())
    assert metrics["interaction"]["num_sites"] + metrics["overlay"]["num_sites"] == counts.sum()
    assert 0 < metrics["near_vertex"]["num_sites"] < metrics["interaction"]["num_sites"]
    assert metrics["errors"]["groups"] == 3  # event ids 10 to 14 in pairs
    assert 0 < metrics["errors"]["accuracy"] < 0.5
    assert list(metrics["threshold_rules"]) == ["shower>0.3"]
    assert "half of the evaluated events" in metrics["baselines"]["local"]["fitted_on"]
    assert sum(metrics["calibration"]["pixels"]) == counts.sum()


def test_pictures_plots_and_the_page_are_there(crops):
    pictures = sorted(path.name for path in (crops / "pictures").iterdir())
    assert pictures == ["event_00000.png", "event_00000_instances.png"]
    assert {path.stem for path in (crops / "plots").iterdir()} == {
        "confusion", "calibration", "thresholds", "efficiency", "instances", "grouping",
        "training",
    }  # fmt: skip
    assert "| accuracy |" in (crops / "report.md").read_text()


def windows(path, config, **options):
    """Rows and coordinates of every image, by number of the event."""
    data_set = DataSet(path, config, Options(**options))
    found = {}
    for portion in data_set.portions():
        (pixels,) = portion.images
        found[int(portion.numbers[0])] = (pixels.columns["rows"], pixels.coords, pixels.values)
    return found


def test_a_few_images_are_of_the_whole_file_and_cut_as_always(truth_file, tiny_config):
    whole, few = (windows(truth_file, tiny_config, num_events=number) for number in (0, 3))
    assert list(few) == [0, 2, 4]
    for number, image in few.items():
        for one, other in zip(image, whole[number], strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_crops_are_those_that_training_cuts_with_the_seed(truth_file, tiny_config):
    source = EventFile(truth_file)
    pipeline = Pipeline(
        source, tiny_config.data, levels=1, augment=False, truth=("vertex_distance",), seed=4
    )
    found = windows(truth_file, tiny_config, seed=4)
    (pixels,) = pipeline.pixels(np.arange(5))
    for number, view in enumerate(pixels.views()):
        rows, coords, values = found[number]
        np.testing.assert_array_equal(coords, view.coords)
        np.testing.assert_array_equal(values, view.values)
        np.testing.assert_array_equal(values, source.read_view(number, "Y").values[rows])


def test_images_without_truth_give_scores_of_pixels_and_no_figures(workdir, plain_file, tmp_path):
    out = tmp_path / "out"
    evaluate(workdir, plain_file, out, Options(pictures=1, value_scale=0.5), quiet=True)
    metrics = load(out)
    assert metrics["accuracy"] is None
    assert metrics["confusion"] is None
    assert metrics["loss"] is None
    assert metrics.keys() >= FIXED_KEYS
    assert metrics["num_sites"] == len(predictions(out)["scores"])
    assert metrics["seconds_per_event"] > 0
    assert (out / "pictures" / "event_00000.png").stat().st_size > 5000
    assert "Nothing has truth" in (out / "report.md").read_text()


def test_a_file_without_events_gives_empty_results(workdir, eventless_file, tmp_path):
    evaluate(workdir, eventless_file, tmp_path / "out", quiet=True)
    metrics = load(tmp_path / "out")
    assert (metrics["num_events"], metrics["num_sites"], metrics["accuracy"]) == (0, 0, None)


def test_a_file_with_only_an_empty_event_is_legal(workdir, tmp_path):
    data = tmp_path / "empty.h5"
    with EventWriter(data, detector="microboone", views={"Y": (48, 80)}) as writer:
        writer.append(Event(0, {"Y": random_view(np.random.default_rng(0), 0, (48, 80))}))
    evaluate(workdir, data, tmp_path / "out", Options(whole_plane=True), quiet=True)
    metrics = load(tmp_path / "out")
    assert (metrics["num_events"], metrics["num_sites"], metrics["accuracy"]) == (1, 0, None)


def test_a_file_of_another_detector_is_told_by_its_views(workdir, event_file, tmp_path):
    said = (
        r"\(detector nova\) has views XZ, YZ but the network reads Y: give a file of the detector"
    )
    with pytest.raises(InputError, match=said):
        evaluate(workdir, event_file, tmp_path / "out", quiet=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(view="W"), "--view=W, but "),
        (Options(thresholds=("kaon>0.5",)), "--thresholds=kaon>0.5"),
        (Options(checkpoint="7"), "checkpoint 7"),
        (Options(num_events=-1), "--num_events=-1"),
        (Options(value_scale=0.0), "--value_scale=0.0"),
        (Options(baseline_data="nowhere.h5"), "nowhere.h5"),
        (Options(seed=-1), "seed is -1: it must be a whole number from 0 to 4294967295"),
        (Options(seed=2**32), "seed is 4294967296"),
        (Options(grouping="chance"), "grouping is 'chance': it must be one of linked"),
        (Options(grouping="queries"), "the network has no head instance"),
        (Options(true_classes=True), "--true_classes: nothing is grouped"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_earlier_results(
    options, message, workdir, truth_file, tmp_path
):
    assert_refused(workdir, truth_file, tmp_path, options, message)


@pytest.mark.parametrize("name", ["thresholds", "baseline_data", "grouping", "true_classes"])
def test_what_a_vertex_alone_has_no_use_for_is_refused(name, tiny_config, truth_file, tmp_path):
    config = default_config("uresnet", ("vertex",))
    config.data, config.train = tiny_config.data, tiny_config.train
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    (tmp_path / "out").mkdir()
    value: Any = True if name == "true_classes" else str(truth_file)
    options = Options(**{name: value})
    assert_refused(
        make_workdir(tmp_path / "run", config), truth_file, tmp_path / "out", options,
        f"--{name}={getattr(options, name)}: this network gives vertex scores",
    )  # fmt: skip


def test_the_command_line_answers_a_mistake_with_one_line_and_exit_2(tmp_path):
    for arguments, message in (
        (["--workdirs=x"], "--workdirs"),
        ([f"--workdir={tmp_path}", "--data=x", "--out=y"], "--workdir must be a directory"),
    ):
        done = subprocess.run(
            [sys.executable, EVAL, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --workdir and --model"),
        (("--workdir=a", "--model=b"), "give one of --workdir and --model"),
        (("--model=b",), "give --data and --out with it"),
    ],
)
def test_a_network_is_given_once_and_with_what_it_needs(arguments, message):
    done = subprocess.run([sys.executable, EVAL, *arguments], capture_output=True, text=True)
    assert (done.returncode, message in done.stderr) == (2, True)


def test_a_file_of_the_network_is_evaluated_like_its_work_directory(
    workdir, planes, truth_file, tmp_path
):
    write_model(tmp_path / "net.safetensors", load_for_evaluation(workdir))
    options = Options(whole_plane=True, pictures=0)
    evaluate(tmp_path / "net.safetensors", truth_file, tmp_path / "out", options, quiet=True)
    found, wanted = predictions(tmp_path / "out"), predictions(planes)
    np.testing.assert_array_equal(found["rows"], wanted["rows"])
    np.testing.assert_allclose(found["scores"], wanted["scores"], atol=0.02)  # kernels are rounded


def test_a_file_without_truth_is_no_baseline(workdir, truth_file, plain_file, tmp_path):
    options = Options(baseline_data=str(plain_file), pictures=0)
    with pytest.raises(InputError, match="no pixels with classes to fit on"):
        evaluate(workdir, truth_file, tmp_path, options, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_the_data_flow_of_the_training_does_not_bind_the_evaluation(workdir, tmp_path):
    """``native`` is of CPUs alone."""
    before = tmp_path / "run"
    shutil.copytree(workdir, before)
    stored = json.loads((before / "config.json").read_text())
    stored["model"]["implementation"] = "native"
    (before / "config.json").write_text(json.dumps(stored))
    trained = load_for_evaluation(before)
    assert trained.network.backbone.implementation == "auto"
    assert trained.config.model.implementation == "auto"


def test_instances_in_the_file_give_the_figures_of_instances(crops, truth_file):
    stored, metrics, source = predictions(crops), load(crops), EventFile(truth_file)
    agree = pixels = 0
    for entry, number in enumerate(stored["event"]):
        rows = slice(*stored["offsets"][entry : entry + 2])
        view = source.read_view(int(number), "Y").take(stored["rows"][rows])
        numbers = stored["predicted_instance"][rows]
        assert view.labels is not None
        assert view.instance is not None
        counted = np.logical_and(view.labels >= 0, view.instance >= 0)
        table = np.zeros((6, numbers.max(initial=-1) + 1), int)
        np.add.at(table, (view.instance[counted], numbers[counted]), 1)
        agree += table[linear_sum_assignment(table, maximize=True)].sum()
        pixels += counted.sum()
    assert metrics["grouping"]["prong_accuracy"] == pytest.approx(agree / pixels)
    assert metrics["grouped_by"]["name"] == "linked"
    assert (
        "Particles told apart by linked with predicted classes" in (crops / "report.md").read_text()
    )


def test_true_classes_group_pixels_of_one_class(planes, truth_file):
    stored, metrics, source = predictions(planes), load(planes), EventFile(truth_file)
    assert metrics["grouped_by"]["true_classes"]
    for entry, number in enumerate(stored["event"]):
        rows = slice(*stored["offsets"][entry : entry + 2])
        labels = source.read_view(int(number), "Y").take(stored["rows"][rows]).labels
        numbers = stored["predicted_instance"][rows]
        assert labels is not None
        np.testing.assert_array_equal(numbers < 0, labels < 0)
        for instance in range(numbers.max(initial=-1) + 1):
            assert len(set(labels[numbers == instance].tolist())) == 1
