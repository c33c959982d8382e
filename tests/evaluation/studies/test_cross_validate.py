"""The cross-validation around a stand-in for training: who sees what, and what is pooled."""

import json

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.detectors import Detector, TopologyWords
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies import cross_validate as module
from jaxsparse.evaluation.studies import forest as forest_module
from jaxsparse.evaluation.studies.cross_validate import (
    copy_events,
    cross_validate,
    shared_capacities,
)


@pytest.fixture
def config(classifier_config):
    config = classifier_config.copy_and_resolve_references()
    config.optimizer.schedule = "constant"
    return config


class Recorder:
    """Scores an event rightly if its number is even; remembers what it was given."""

    def __init__(self):
        self.trained, self.tested, self.seeds = [], [], []

    def __call__(self, config, workdir, test):
        assert config.data.validation == ""
        assert not config.data.split
        assert not workdir.exists()  # a training warns of a folder that holds other files
        self.seeds.append(config.seed)
        train, test = EventFile(config.data.train), EventFile(test)
        self.trained.append({event.event_id for event in train})
        self.tested.append([event.event_id for event in test])
        places = {"nue": 0, "numu": 1, "nc": 2}
        truth = np.array([places[test.event_classes[label]] for label in test.event_labels])
        wrong = np.array(self.tested[-1]) % 2
        return np.eye(3, dtype=np.float32)[(truth + wrong) % 3]


def test_every_event_is_tested_once_a_repeat_by_what_never_saw_it(
    config, event_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(forest_module, "TREES", 3)
    run = Recorder()
    metrics = cross_validate(config, event_file, tmp_path, folds=3, repeats=2, train_and_score=run)
    chosen = [number for number in range(24) if number % 4 != 3]  # no cosmics
    assert len(run.tested) == 6
    assert len(set(run.seeds)) == 6
    for trained, tested in zip(run.trained, run.tested, strict=True):
        assert not trained & set(tested)
        assert sorted(trained | set(tested)) == chosen
    for repeat in (0, 1):
        assert (
            sorted(number for fold in run.tested[3 * repeat : 3 * repeat + 3] for number in fold)
            == chosen
        )
    # Of the 18 events 12 have even numbers, all of classes numu and nc.
    assert metrics["network"]["accuracy"] == pytest.approx(12 / 18)
    assert metrics["network"]["per_class"]["nue"]["efficiency"] == 0.0
    assert metrics["network"]["accuracy_by_repeat"] == pytest.approx([12 / 18] * 2)
    assert metrics["tau_decay"] is None
    assert set(metrics) == {*module.KEYS, "tau_decay"}
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    assert (tmp_path / "confusion.png").stat().st_size > 5000
    if forest_module.have_forest():
        pair = metrics["network_against_forest"]
        assert pair["accuracy_second"] == pytest.approx(metrics["forest"]["accuracy"])
    assert not list(tmp_path.glob("repeat_*/fold_*/*.h5"))


def test_what_was_done_is_not_done_again_and_another_run_is_refused(config, event_file, tmp_path):
    first = Recorder()
    done = cross_validate(config, event_file, tmp_path, folds=2, train_and_score=first)
    again = Recorder()
    same = cross_validate(config, event_file, tmp_path, folds=2, train_and_score=again)
    assert not again.tested
    assert same == done
    config.optimizer.learning_rate = 0.5
    with pytest.raises(InputError, match="another config"):
        cross_validate(config, event_file, tmp_path, folds=2, train_and_score=again)


def test_a_copy_has_the_events_and_the_words_of_its_file(event_file, tmp_path):
    source = EventFile(event_file)
    copy_events(source, np.array([5, 2]), tmp_path / "copy.h5")
    copy = EventFile(tmp_path / "copy.h5")
    assert copy.event_classes == source.event_classes
    assert copy.axes == source.axes
    assert copy.event_labels.tolist() == source.event_labels[[5, 2]].tolist()
    np.testing.assert_array_equal(copy.read_view(1, "YZ").values, source.read_view(2, "YZ").values)


def test_bad_runs_are_one_line(config, event_file, tmp_path):
    with pytest.raises(InputError, match="--repeats=0"):
        cross_validate(config, event_file, tmp_path, repeats=0)
    with pytest.raises(InputError, match="--draws=-1"):
        cross_validate(config, event_file, tmp_path, draws=-1)
    config.optimizer.schedule = "plateau"
    with pytest.raises(InputError, match="plateau"):
        cross_validate(config, event_file, tmp_path)


def test_all_folds_share_the_capacities_of_the_whole_file(
    config, event_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(forest_module, "TREES", 3)
    seen = []

    def training(config, workdir, test, draws):
        seen.append((config.data.capacities, draws))
        return np.ones((len(EventFile(test)), 3), np.float32) / 3

    monkeypatch.setattr(module, "train_network", training)
    cross_validate(config, event_file, tmp_path, folds=3, draws=2)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert config.data.capacities == ()
    capacities, draws = seen[0]
    assert draws == 2
    assert [len(row) for row in capacities] == [4]  # one bucket: two levels of two views
    assert capacities == shared_capacities(config, DataSet(event_file, config, Options(part="all")))


def test_results_never_replace_the_file_that_is_read(config, event_file, tmp_path):
    """A fold's own file of training events, which the fold would write and then remove."""
    data = tmp_path / "repeat_0" / "fold_0" / "train.h5"
    data.parent.mkdir(parents=True)
    data.write_bytes(event_file.read_bytes())
    run = Recorder()
    with pytest.raises(InputError, match="would be overwritten"):
        cross_validate(config, data, tmp_path, folds=2, train_and_score=run)
    assert not run.tested
    assert data.read_bytes() == event_file.read_bytes()


def test_a_place_that_cannot_be_written_is_one_line(config, event_file, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="the folder cannot be made"):
        cross_validate(config, event_file, tmp_path / "file", folds=2, train_and_score=Recorder())
    with pytest.raises(InputError, match="seed is -1"):
        cross_validate(config, event_file, tmp_path, seed=-1, train_and_score=Recorder())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["scores.npy", "fold.json"])
def test_a_fold_that_was_cut_off_is_one_line_and_never_other_scores(
    config, event_file, tmp_path, name
):
    cross_validate(config, event_file, tmp_path, folds=2, train_and_score=Recorder())
    path = tmp_path / "repeat_0" / "fold_1" / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError) as caught:
        cross_validate(config, event_file, tmp_path, folds=2, train_and_score=Recorder())
    assert "remove it" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scores_of_a_fold_take_their_name_when_they_are_whole(
    config, event_file, tmp_path, monkeypatch
):
    def killed(path, scores):
        path.write_bytes(b"\x93NUMPY")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.np, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            cross_validate(config, event_file, tmp_path, folds=2, train_and_score=Recorder())
    run = Recorder()
    cross_validate(config, event_file, tmp_path, folds=2, train_and_score=run)
    assert len(run.tested) == 2


def test_words_of_a_detector_do_not_overwrite_another_figure(
    config, event_file, tmp_path, monkeypatch
):
    own = Detector("own", {}, topology_words={"network": TopologyWords(("QE",), "numu")})
    monkeypatch.setattr("jaxsparse.evaluation.data_set.find", lambda *_: own)
    run = Recorder()
    with pytest.raises(InputError, match="'own' has topology_words named 'network', which"):
        cross_validate(config, event_file, tmp_path, folds=2, train_and_score=run)
    assert not run.tested
