"""``predict``: what ``eval.py`` says of whole images, of every pixel of any files."""

from __future__ import annotations

import hashlib
import os
import shutil

import h5py
import numpy as np
import pytest

import jaxsparse
from jaxsparse.commands.convert import convert
from jaxsparse.data.event_file import EventFile
from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.config import default_config
from tests.data.readers.small_files import keys_of, write_caf_file, write_edep_sim_file
from tests.deploy.predicting import RUN, attributes, inputs, stored
from tests.evaluation.workdirs import make_workdir

pytestmark = [
    pytest.mark.filterwarnings("ignore:84% of the values", "ignore:an event has no pixel"),
    pytest.mark.usefixtures("quick"),
]


@pytest.fixture
def before(undisturbed, tmp_path):
    (tmp_path / "before.h5").write_bytes(undisturbed)
    return tmp_path / "before.h5"


def test_every_pixel_has_a_row_and_the_bits_that_an_evaluation_of_whole_images_stores(
    before, network, truth_file, tmp_path
):
    evaluate(network, truth_file, tmp_path / "e", Options(whole_plane=True, pictures=0), quiet=True)
    names = ("scores", "rows", "offsets", "event", "event_id", "view")
    scores, rows, offsets, event, event_id, view = stored(before, *names)
    e_scores, e_rows, e_offsets, *others = stored(tmp_path / "e/predictions.h5", *names)
    for ours, theirs in zip((event, event_id, view), others, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    file = EventFile(truth_file)
    assert np.diff(offsets).tolist() == file.num_pixels("Y").tolist()
    for number, image in enumerate(event.views["Y"] for event in file):
        own = slice(*offsets[number : number + 2])
        assert rows[own].tolist() == list(range(len(image)))
        np.testing.assert_array_equal(stored(before, "coords")[own], image.coords)
        seen = ~np.isnan(scores[own]).any(axis=1)
        np.testing.assert_array_equal(seen, (image.values >= 10) & (image.values <= 300))
        theirs = slice(*e_offsets[number : number + 2])
        np.testing.assert_array_equal(np.flatnonzero(seen), e_rows[theirs])
        np.testing.assert_array_equal(scores[own][seen], e_scores[theirs])
    said, evaluated = attributes(before), attributes(tmp_path / "e/predictions.h5")
    for name in ("format", "view", "checkpoint_step", "complete"):
        assert said[name] == evaluated[name]
    assert len(said["class_names"]) == 5
    assert said["model_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert np.isnan(said["outside_mask"])


def test_events_have_the_bits_of_an_evaluation_and_know_their_files(
    classifier, event_file, tmp_path
):
    evaluate(classifier, event_file, tmp_path, Options(part="all", pictures=0), quiet=True)
    caf = write_caf_file(tmp_path / "caf.h5", keys_of(3), keys_of(3), [0, 4, 13])
    RUN(classifier, inputs(caf, event_file), tmp_path / "scores.h5")
    scores, file, event = stored(tmp_path / "scores.h5", "scores", "input", "event")
    seen = ~np.isnan(scores[3:, 0])  # the rest has no pixel, and an evaluation an empty image
    expected = stored(tmp_path / "predictions.h5", "scores")
    np.testing.assert_array_equal(scores[3:][seen], expected[seen])
    for one, given in zip(seen, EventFile(event_file), strict=True):
        values = np.concatenate([view.values for view in given.views.values()])
        assert one == ((values >= 1) & (values <= 255)).any()
    assert 0 < (~seen).sum() < 5
    said = attributes(tmp_path / "scores.h5")
    assert said["num_unseen_events"] == np.isnan(scores[:, 0]).sum()
    assert said["num_bad_events"] == 0
    assert file.tolist() == [0] * 3 + [1] * 24
    assert event.tolist() == [*range(3), *range(24)]
    names, counts = stored(tmp_path / "scores.h5", "inputs", "input_events")
    assert [name.decode() for name in names] == [str(caf), str(event_file)]
    assert counts.tolist() == [3, 24]
    run, subevent = stored(tmp_path / "scores.h5", "run", "subevt")
    assert run.tolist() == [10000] * 3 + [-1] * 24
    assert subevent[:3].tolist() == [1, 2, 1]
    with h5py.File(tmp_path / "scores.h5") as file:
        assert "batch" not in file  # a key that no event has
    assert attributes(tmp_path / "scores.h5")["class_names"].tolist() == ["nue", "numu", "nc"]


def test_a_second_head_has_a_group_of_its_own(classifier_config, event_file, tmp_path):
    config = default_config("uresnet", ("event", "semantic"))
    config.data, config.train = classifier_config.data, classifier_config.train
    config.model.views, config.model.filters, config.model.depth, config.model.blocks = 2, 2, 2, 1
    config.model.heads.event.num_classes = 3
    config.model.heads.semantic.num_classes = len(EventFile(event_file).class_names)
    workdir = make_workdir(tmp_path / "run", config)
    RUN(workdir, inputs(event_file), tmp_path / "scores.h5")
    loaded = jaxsparse.load(workdir)
    expected = list(loaded.of_events(EventFile(event_file)))
    np.testing.assert_array_equal(
        stored(tmp_path / "scores.h5", "scores"), [scores.event for scores in expected]
    )
    scores, rows, view, offsets = stored(
        tmp_path / "scores.h5",
        *(f"heads/semantic/{n}" for n in ("scores", "rows", "view", "offsets")),
    )
    assert view.tolist() == [0, 1] * 24
    assert len(scores) == len(rows) == offsets[-1]
    pixels = [scores.pixels[name] for scores in expected for name in loaded.views]
    np.testing.assert_array_equal(scores, np.concatenate(pixels))
    with h5py.File(tmp_path / "scores.h5") as file:
        assert len(file["heads/semantic"].attrs["class_names"]) == scores.shape[1]


def test_deposits_are_seen_by_the_detector_as_when_they_are_converted(workdir, tmp_path, capsys):
    deposits = write_edep_sim_file(tmp_path / "edep.h5")
    convert(str(deposits), str(tmp_path / "events.h5"), format="edep_sim", placements=1, seed=3)
    RUN(workdir, inputs(deposits, placements=1, seed=3), tmp_path / "a.h5")
    RUN(workdir, inputs(tmp_path / "events.h5"), tmp_path / "b.h5")
    for name in ("scores", "coords", "event_id"):
        ours, theirs = (stored(tmp_path / f"{letter}.h5", name) for letter in "ab")
        np.testing.assert_array_equal(ours, theirs)
    said = attributes(tmp_path / "a.h5")
    assert (said["model"], said["checkpoint_step"]) == (str(workdir), 0)
    assert said["model_sha256"] == ""


def test_a_damaged_event_costs_that_event(before, network, truth_file, tmp_path, capsys):
    bad = tmp_path / "bad.h5"
    shutil.copy(truth_file, bad)
    with h5py.File(bad, "r+") as file:
        file["views/Y/values"][file["views/Y/offsets"][3]] = np.nan
    assert RUN(network, inputs(bad), tmp_path / "scores.h5").bad == 1
    assert "\nleft out: Event 3 of bad.h5, view Y: value nan" in capsys.readouterr().err
    readable, event_id, offsets, scores = stored(
        tmp_path / "scores.h5", "readable", "event_id", "offsets", "scores"
    )
    assert readable.tolist() == [1, 1, 1, 0, 1]
    assert event_id.tolist() == [10, 11, 12, -1, 14]
    assert offsets[3] == offsets[4]
    there, others = stored(before, "offsets", "scores")
    np.testing.assert_array_equal(scores[: offsets[3]], others[: there[3]])
    np.testing.assert_array_equal(scores[offsets[4] :], others[there[4] :])
    assert attributes(tmp_path / "scores.h5")["num_bad_events"] == 1


def test_a_classifier_knows_no_scores_of_a_damaged_event(classifier, event_file, tmp_path):
    bad = tmp_path / "bad.h5"
    shutil.copy(event_file, bad)
    with h5py.File(bad, "r+") as file:
        for number in range(16, 24):  # all that go through the network at once
            file["views/XZ/values"][file["views/XZ/offsets"][number]] = np.nan
    summary = RUN(classifier, inputs(bad), tmp_path / "scores.h5")
    readable, scores = stored(tmp_path / "scores.h5", "readable", "scores")
    assert summary.bad == 8
    assert readable.tolist() == [1] * 16 + [0] * 8
    file = EventFile(event_file)
    empty = sum(file.num_pixels(view) for view in ("XZ", "YZ")) == 0
    np.testing.assert_array_equal(np.isnan(scores).all(axis=1), (readable == 0) | empty)
    assert summary.unseen == (empty & (readable > 0)).sum() == 1


def test_a_result_of_the_same_run_is_left_as_it_is(network, truth_file, undisturbed, tmp_path):
    out = tmp_path / "scores.h5"
    out.write_bytes(undisturbed)
    when = out.stat().st_mtime_ns
    assert RUN(network, inputs(truth_file), out).done == 5
    assert out.stat().st_mtime_ns == when
    assert os.listdir(tmp_path) == ["scores.h5"]


def test_the_same_files_in_another_place_are_the_same_run(
    network, truth_file, undisturbed, tmp_path
):
    moved = {name: tmp_path / name for name in ("net.safetensors", "moved.h5")}
    shutil.copy(network, moved["net.safetensors"])
    shutil.copy(truth_file, moved["moved.h5"])
    out = tmp_path / "out.h5"
    out.write_bytes(undisturbed)
    RUN(moved["net.safetensors"], inputs(moved["moved.h5"]), out)
    assert out.read_bytes() == undisturbed


def test_values_that_are_no_numbers_any_more_cost_their_event(
    network, truth_file, tmp_path, capsys
):
    out = tmp_path / "out.h5"
    found = predict(network, inputs(truth_file), out, value_scale=1e38, quiet=True)
    assert found.bad == 4  # one of the five has no pixel
    assert "Event 0 of truth.h5: view Y has values that are infinite" in capsys.readouterr().err


def test_another_file_is_replaced_only_if_that_is_wanted(
    network, truth_file, undisturbed, tmp_path
):
    out = tmp_path / "scores.h5"
    out.write_text("mine")
    with pytest.raises(InputError, match=r"scores\.h5, which is there and not of this run"):
        RUN(network, inputs(truth_file), out)
    assert out.read_text() == "mine"
    RUN(network, inputs(truth_file), out, overwrite=True)
    assert out.read_bytes() == undisturbed
    with pytest.raises(InputError, match="is the input"):
        RUN(network, inputs(truth_file), truth_file, overwrite=True)
    with pytest.raises(InputError, match=r"is the input .*net\.safetensors"):
        RUN(network, inputs(truth_file), network, overwrite=True)
    for name, words in (("", "no file"), ("n" * 248, "File name too long")):
        with pytest.raises(InputError, match=words):
            RUN(network, inputs(truth_file), tmp_path / name, overwrite=True)
    assert os.listdir(tmp_path) == ["scores.h5"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["event_file"], r"\(detector nova\) has views XZ, YZ but the network reads Y: give"),
        (["truth_file", "event_file"], r"\(detector nova\) has views XZ, YZ"),
    ],
)
def test_files_of_another_detector_are_refused_before_anything_is_computed(
    network, files, message, tmp_path, request
):
    paths = [request.getfixturevalue(name) for name in files]
    with pytest.raises(InputError, match=message) as error:
        RUN(network, inputs(*paths), tmp_path / "deep/scores.h5")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_odd_values_are_told_once(before, network, truth_file, tmp_path, capsys):
    data = tmp_path / "data.h5"
    shutil.copy(truth_file, data)
    with h5py.File(data, "r+") as file:
        file["views/Y/values"][:] = file["views/Y/values"][:] * 1000
    RUN(network, inputs(data), tmp_path / "scores.h5")
    mask, unit = capsys.readouterr().err.splitlines()  # a line of each kind, though events are more
    assert mask.startswith("warning: Event 0 of data.h5: no pixel has a value between 10 and 300")
    assert unit.startswith("warning: Event 0 of data.h5: 84% of the values are below ")
    assert mask.endswith("(said once)")
    assert unit.endswith("(said once)")
    assert np.isnan(stored(tmp_path / "scores.h5", "scores")).all()
    RUN(network, inputs(data), tmp_path / "scaled.h5", value_scale=0.001)
    np.testing.assert_allclose(
        stored(tmp_path / "scaled.h5", "scores"), stored(before, "scores"), atol=1e-5
    )


def test_files_without_events_give_a_result_without_rows(network, eventless_file, tmp_path):
    assert RUN(network, inputs(eventless_file), tmp_path / "scores.h5").done == 0
    scores, offsets = stored(tmp_path / "scores.h5", "scores", "offsets")
    assert (scores.shape, offsets.tolist()) == ((0, 5), [0])
