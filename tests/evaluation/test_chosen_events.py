"""Which events of which file are evaluated, and by which names."""

from __future__ import annotations

import dataclasses
import shutil

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.event_predictions import EventPredictions, read_predictions
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.scored import Scored
from jaxsparse.training.workdir import Input

EVENTS = 24


def opened(path, config, *, trained_on=None, **options):
    return DataSet(path, config, Options(**options), trained_on=trained_on)


def rewritten(path, out, classes):
    """A copy of a file whose classes have other numbers."""
    source = EventFile(path)
    with EventWriter(
        out, detector="nova", views=source.view_shapes, event_classes=classes
    ) as writer:
        for event in source:
            label = classes.index(source.event_classes[event.label])
            writer.append(dataclasses.replace(event, label=label))
    return out


@pytest.fixture
def config(classifier_config):
    return classifier_config.copy_and_resolve_references()


@pytest.mark.parametrize("names", [("numu", "nue", "nc", "cosmic"), ()])
def test_a_file_in_another_order_is_looked_up_by_name(config, event_file, tmp_path, names):
    """Without names, as configs of older runs are, by those of the training file."""
    config.data.classes, config.model.heads.event.num_classes = names, 4
    other = rewritten(event_file, tmp_path / "o.h5", ("cosmic", "nc", "nue", "numu"))
    own, same = opened(event_file, config, part="all"), opened(other, config, part="all")
    assert own.classes == same.classes == ("numu", "nue", "nc", "cosmic")
    np.testing.assert_array_equal(same.truth, own.truth)
    foreign = rewritten(event_file, tmp_path / "f.h5", ("cosmic", "nc", "nue", "numu", "tau"))
    config.data.classes = ("numu", "nue", "nc", "muon")
    with pytest.raises(InputError, match=r"data\.classes has 'muon' but the events of"):
        opened(foreign, config, part="all")


def test_events_of_no_class_of_the_network_were_not_trained_on(config, event_file):
    """They are evaluated as they are, without a truth, but no part of the training was theirs."""
    config.data.classes, config.model.heads.event.num_classes = ("numu", "nue"), 2
    events = opened(event_file, config, part="all")
    assert (events.truth < 0).any()
    assert len(events.training)
    assert (events.truth_of(events.training) >= 0).all()


def test_a_copy_of_the_file_that_was_split_is_known_by_its_events(config, event_file, tmp_path):
    copy = shutil.copy(event_file, tmp_path / "copy.h5")
    own, same = opened(event_file, config), opened(copy, config)
    assert (own.part, own.remark) == ("validation", "")
    assert same.part == "validation"
    np.testing.assert_array_equal(same.numbers, own.numbers)
    np.testing.assert_array_equal(same.training, own.training)
    assert f"{copy} has the events of {event_file}, which training split" in same.remark
    chosen = opened(copy, config, part="all")
    assert (len(chosen), chosen.remark) == (EVENTS, "")


def test_another_file_under_a_split_is_evaluated_whole_with_a_word(config, event_file, tmp_path):
    other = tmp_path / "other.h5"
    source = EventFile(event_file)
    with EventWriter(
        other, detector="nova", views=source.view_shapes, event_classes=source.event_classes
    ) as writer:
        for event in [source[number] for number in (1, *range(1, EVENTS))]:
            writer.append(event)
    events = opened(other, config)
    assert (events.part, len(events)) == ("all", EVENTS)
    assert "--part=validation takes those alone that were kept apart" in events.remark
    config.data.train = str(tmp_path / "moved.h5")
    assert opened(event_file, config).part == "all"
    assert "--part=validation" in opened(event_file, config).remark
    (tmp_path / "moved.h5").write_text("something else")
    assert opened(event_file, config).part == "all"
    config.data.split = ()
    assert opened(event_file, config).remark == ""


def test_the_file_that_was_split_is_known_by_content_wherever_it_lies(
    config, event_file, tmp_path, monkeypatch
):
    """The training file itself is gone; all that is left is what the run wrote of it."""
    trained_on = Input(str(tmp_path / "gone.h5"), fingerprint(EventFile(event_file)))
    config.data.train = trained_on.path
    own = opened(event_file, config, trained_on=trained_on)
    assert own.part == "validation"
    assert f"{event_file} has the events of {trained_on.path}" in own.remark
    monkeypatch.chdir(event_file.parent)
    here = opened(event_file.name, config, trained_on=trained_on)
    np.testing.assert_array_equal(here.numbers, own.numbers)


def test_another_file_under_the_path_that_was_split_is_not_taken_for_it(config, event_file):
    trained_on = Input(str(event_file), "0" * 32)
    events = opened(event_file, config, trained_on=trained_on)
    assert events.part == "all"
    assert "it is not what" in events.remark


def test_keys_join_predictions_with_the_tables_they_are_from(config, event_file, tmp_path):
    """The lines of docs/formats.md."""
    source, path = EventFile(event_file), tmp_path / "keyed.h5"
    with EventWriter(
        path, detector="nova", views=source.view_shapes, event_classes=source.event_classes
    ) as writer:
        for number, event in enumerate(source):
            named = {"run": 5 + number // 7, "evt": number % 7}
            writer.append(dataclasses.replace(event, keys=named))
    events = opened(path, config, part="train")
    scored = Scored.of(
        np.full((len(events), 3), 1 / 3), events.truth, events.classes,
        events.energies[events.numbers], events.topologies[events.numbers],
    )  # fmt: skip
    scored = dataclasses.replace(scored, columns={**scored.columns, "event": events.numbers})
    keys = events.source.event_keys
    with EventPredictions(tmp_path / "predictions.h5", events.classes, {}, keys) as file:
        file.append(scored)
    order = np.random.default_rng(0).permutation(EVENTS)[1:]
    table = {"run": 5 + order // 7, "evt": order % 7}
    with h5py.File(tmp_path / "predictions.h5") as ours:
        names = ("run", "evt")
        keys = [np.stack([np.ravel(one[name]) for name in names], axis=1) for one in (table, ours)]
        _, first, key = np.unique(
            np.concatenate(keys), axis=0, return_index=True, return_inverse=True
        )
        rows = first[key.ravel()[len(keys[0]) :]]
        found = rows < len(keys[0])
        np.testing.assert_array_equal(order[rows[found]], ours["event"][:][found])
    assert (~found).sum() == np.setdiff1d(events.numbers, order).size
    read_predictions(tmp_path / "predictions.h5")


def test_values_of_another_unit_are_told(config, event_file):
    values = np.concatenate(
        [view.values for e in EventFile(event_file) for view in e.views.values()]
    )
    upper = float(np.quantile(values, 0.84))
    images = TrainedImages(EventFile(event_file).view_shapes, upper)
    config.data.mean, config.data.std = 0.0, 100 * upper  # round figures that somebody typed
    assert opened(event_file, config).odd_remark(images) == ""
    assert opened(event_file, config, value_scale=2.0).odd_remark(images) == ""
    for factor, word in ((10.0, "0.1"), (0.01, "100")):
        told = opened(event_file, config, value_scale=factor).odd_remark(images)
        assert f"Multiply them by about {word} (right to a factor of 2 only)" in told
        assert told.endswith(" (--value_scale multiplies them)")
    told = opened(event_file, config).odd_remark(None)
    assert f"the network reads (value - 0) / {100 * upper:g}: in other units?" in told
    assert "Multiply" not in told  # nobody knows by how much


def test_images_of_another_shape_than_those_of_the_training_are_told(config, event_file):
    shapes = EventFile(event_file).view_shapes
    (name, shape), *_ = shapes.items()
    told = opened(event_file, config).odd_remark(
        TrainedImages({**shapes, name: shape[::-1]}, config.data.std)
    )
    assert f"view {name}: the image is {shape[0]} x {shape[1]}, the network was trained on" in told
    assert told.endswith("are the axes swapped?")


def test_a_few_events_are_of_the_whole_file(config, event_file):
    assert opened(event_file, config, part="all", num_events=4).numbers.tolist() == [0, 7, 15, 23]
    part = opened(event_file, config, part="train").numbers
    few = opened(event_file, config, part="train", num_events=2).numbers
    assert few.tolist() == [part[0], part[-1]]
