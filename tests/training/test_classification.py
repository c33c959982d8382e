"""Training on whole events: it learns, resumes to the bit, and refuses in one line."""

import dataclasses
import functools
import itertools
import json
import shutil

import h5py
import jax
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.loader import Loader
from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.data import open_data
from jaxsparse.training.logs import read_records
from jaxsparse.training.objectives import objectives_of


@pytest.fixture
def config(event_config, cache_dir):
    event_config.train.cache_dir = cache_dir
    return event_config


def test_it_learns_events_that_differ_by_their_charge(config, tmp_path, capsys):
    config.train.epochs, config.train.validate_epochs = 12.0, 4.0
    config.train.log_every, config.train.checkpoint_every = 20, 0
    result = loop.train(config, tmp_path)
    said = capsys.readouterr().out
    records = [r for r in read_records(tmp_path) if r["split"] == "validation"]
    assert max(record["accuracy"] for record in records) > 0.9
    assert result.best_score == pytest.approx(1 - max(record["accuracy"] for record in records))
    assert len(records) == 3
    assert "left out" in said
    assert "cosmic" in said
    assert "epoch 12" in said


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(config, tmp_path, stop_at):
    config.train.steps, config.train.accumulate = 8, 2
    config.train.validate_every = config.train.checkpoint_every = 4
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    loop.train(config, straight)
    with stop_at(3):
        stopped = loop.train(config, broken)
    assert stopped.reason == "stopped by SIGTERM"
    assert stopped.step < 8
    assert loop.train(config, broken).step == 8
    _, network, one, _ = load_for_evaluation(straight, "latest")
    *_, two, _ = load_for_evaluation(broken, "latest")
    jax.tree.map(np.testing.assert_array_equal, two, one)
    assert list(network.heads) == ["event"]

    def validations(workdir):
        records = [r for r in read_records(workdir) if r["split"] == "validation"]
        return [(r["step"], r["loss"], r["accuracy"]) for r in records]

    assert validations(broken) == validations(straight)


def open_loaders(config):
    return open_data(config, models.build(config.model), objectives_of(config), num_devices=1)


def numbers(loader) -> set[int]:
    """Events of the first batches, more than one pass where the loader is endless."""
    batches = itertools.islice(loader, 20)
    return {int(n) for batch in batches for n in batch.events.ravel() if n >= 0}


def test_one_file_serves_training_and_validation(config):
    config.data.validation, config.data.split = "", (0.7, 0.2, 0.1)
    data = open_loaders(config)
    assert data.validation is not None
    train, validation = numbers(data.train), numbers(data.validation)
    assert len(train) == data.num_events
    assert len(validation) > 5
    assert not train & validation
    labels = np.array([event.label for event in EventFile(config.data.train)])
    assert set(labels[[*train, *validation]]) == {0, 1, 2}
    assert data.facts["classes"] == "nc, numu, nue"
    assert data.facts["training"].startswith(f"{len(train)} events, left out ")


def test_a_validation_file_without_labels_is_refused_by_what_it_has(config, tmp_path):
    shutil.copy(config.data.validation, tmp_path / "v.h5")
    with h5py.File(tmp_path / "v.h5", "r+") as file:
        file["events/label"][:] = -1
    config.data.validation = str(tmp_path / "v.h5")
    count = len(EventFile(tmp_path / "v.h5"))
    with pytest.raises(InputError) as caught:
        open_loaders(config)
    assert "v.h5: no validation event is of a class that the network tells (n" in str(caught.value)
    assert f"; there are {count} of no class), give events with such labels" in str(caught.value)


def test_a_split_that_leaves_no_validation_event_is_told_as_such(config):
    config.data.validation, config.data.split = "", (0.99999, 0.00001)
    count = len(EventFile(config.data.train))
    with pytest.raises(InputError) as caught:
        open_loaders(config)
    assert str(caught.value) == (
        f"data.split is (0.99999, 1e-05): none of the {count} events falls into validation, give a "
        "larger share."
    )


def test_a_validation_file_that_repeats_training_events_is_pointed_out(config):
    honest = open_loaders(config)
    config.data.validation = config.data.train
    repeated = open_loaders(config)
    assert "pixels of a training event" not in honest.facts["validation"]
    count = repeated.num_events
    assert f"{count} of them with the pixels of a training" in repeated.facts["validation"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.views", (), "data.views is () but model.views is 2"),
        ("data.views", ("XZ",), "data.views is ('XZ',) but model.views is 2"),
        ("data.views", ("XZ", "UV"), "data.views has 'UV' but t.h5 has XZ, YZ"),
        ("data.views", ("XZ", "XZ"), "no view may come twice"),
        ("data.classes", ("numu", "nue"), "model.heads.event.num_classes is 3"),
        ("data.classes", ("numu", "nue", "nutau"), "data.classes has 'nutau' but the events of"),
        ("data.classes", (), "are numu, nue, nc, cosmic: set it to 4"),
        ("data.split", (0.5, 0.6), "data.split is (0.5, 0.6)"),
        ("data.crop", (8,), "data.crop is (8,)"),
        ("data.std", 0.0, "data.std is 0.0"),
        ("data.fluctuation", 1.5, "data.fluctuation is 1.5"),
        (
            "model.name",
            "uresnet",
            "objectives are event and model.heads semantic: every head needs an objective",
        ),
        ("objectives.event.loss", "focal", "objectives.event.loss is 'focal'"),
        ("objectives.event.q", 0.0, "objectives.event.q is 0.0"),
        ("objectives.event.class_weights", (1.0,), "it must hold 3 numbers"),
        ("optimizer.plateau_metric", "purity", "optimizer.plateau_metric is 'purity'"),
        ("train.accumulate", 0, "train.accumulate is 0"),
        ("train.accumulate", 17, "train.accumulate is 17 but train.batch_size 16"),
        ("train.epochs", -1.0, "train.epochs is -1.0"),
    ],
)
def test_a_bad_value_is_one_line_and_leaves_no_work_directory(
    config, tmp_path, key, value, message
):
    *groups, name = key.split(".")
    if name == "split":
        config.data.validation = ""
    if value == "uresnet":
        config.model = default_config().model
    else:
        functools.reduce(getattr, groups, config)[name] = value
    with pytest.raises(InputError) as caught:
        loop.train(config, tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_pixel_files_without_event_classes_are_refused(config, toy_files, tmp_path):
    config.data.train, config.data.views, config.model.views = str(toy_files[0]), ("Y",), 1
    with pytest.raises(InputError, match=r"t\.h5 has no event classes"):
        loop.train(config, tmp_path / "run")


def test_a_file_of_another_detector_is_told_by_its_views_before_its_classes(
    config, toy_files, tmp_path
):
    config.data.train = str(toy_files[0])  # one view, no classes of whole events
    with pytest.raises(InputError, match=r"data\.views has 'XZ' but t\.h5 has Y"):
        loop.train(config, tmp_path / "run")


def reordered(path, out, classes):
    """A copy of a file whose classes have other numbers; those not in ``classes`` are none."""
    source = EventFile(path)
    with EventWriter(
        out, detector="toy", views=source.view_shapes, event_classes=classes
    ) as writer:
        for event in source:
            name = source.event_classes[event.label] if event.label >= 0 else ""
            label = classes.index(name) if name in classes else -1
            writer.append(dataclasses.replace(event, label=label))
    return str(out)


def labels_by_name(loader) -> dict[int, str]:
    return {
        int(event): loader.pipeline.classes[label] if label >= 0 else ""
        for batch in loader
        for event, label in zip(batch.events.ravel(), batch.labels.ravel(), strict=True)
        if event >= 0
    }


def test_without_names_every_file_goes_by_those_of_the_training_file(config, tmp_path):
    config.data.classes, config.model.heads.event.num_classes = (), 4
    file = EventFile(config.data.validation)
    names = ("cosmic", "nc", "nue", "numu")
    config.data.validation = reordered(file.path, tmp_path / "v.h5", names)
    data = open_loaders(config)
    assert isinstance(data.train, Loader)
    assert isinstance(data.validation, Loader)
    names_in_file = ("numu", "nue", "nc", "cosmic")
    assert data.class_names == {"classes": names_in_file}
    assert data.train.pipeline.classes == names_in_file
    assert data.validation.pipeline.classes == data.train.pipeline.classes
    found = labels_by_name(data.validation)
    assert len(found) > 20
    assert found == {n: file.event_classes[file.event_labels[n]] for n in found}
    config.data.validation = reordered(file.path, tmp_path / "w.h5", names[1:])
    with pytest.raises(InputError, match=r"data\.classes has 'cosmic' but the events of"):
        open_loaders(config)


def test_the_names_of_the_classes_are_stored_and_an_older_run_without_them_goes_on(
    config, tmp_path
):
    config.data.classes, config.model.heads.event.num_classes = (), 4
    config.train.steps, config.train.validate_every, config.train.checkpoint_every = 1, 0, 0
    config.optimizer.schedule = "constant"
    loop.train(config, tmp_path)
    path, names = tmp_path / "config.json", ["numu", "nue", "nc", "cosmic"]
    stored = json.loads(path.read_text())
    assert stored["data"]["classes"] == names
    stored["data"]["classes"] = []  # as it was written before
    path.write_text(json.dumps(stored))
    config.train.steps = 2
    assert loop.train(config, tmp_path).step == 2
    assert json.loads(path.read_text())["data"]["classes"] == names
    assert tuple(config.data.classes) == ()  # the caller's own is as it was
    path.write_text(json.dumps(stored))
    config.data.classes = tuple(reversed(names))
    with pytest.raises(InputError, match=r"config\.data\.classes is \('cosmic', "):
        loop.train(config, tmp_path)


def test_a_few_validation_events_are_of_the_whole_file(config):
    config.data.validation, config.data.split = "", (0.5, 0.5)
    whole = sorted(numbers(open_loaders(config).validation))
    config.train.validation_events = 5
    few = sorted(numbers(open_loaders(config).validation))
    assert len(few) == 5
    assert few == [whole[place * (len(whole) - 1) // 4] for place in range(5)]
