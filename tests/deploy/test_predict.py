"""``predict``: what ``eval.py`` says of whole images, of every pixel, whatever ends the run."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap

import h5py
import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse.commands.convert import convert
from jaxsparse.commands.predict import open_input
from jaxsparse.data import partial_file
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.source import EventSource
from jaxsparse.deploy import model
from jaxsparse.deploy.inputs import Input
from jaxsparse.deploy.predict import Summary, predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation import evaluator
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.evaluation.studies import forest
from jaxsparse.inference import Predictor
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from jaxsparse.training.trained import load_trained
from jaxsparse.viz import figures
from tests.data.readers.small_files import keys_of, write_caf_file, write_edep_sim_file
from tests.evaluation.workdirs import make_workdir

pytestmark = pytest.mark.filterwarnings("ignore:84% of the values")
RUN = functools.partial(predict, quiet=True)


def inputs(*paths, **options):
    return [Input(str(path), functools.partial(open_input, path, options)) for path in paths]


def stored(path, *names):
    with h5py.File(path) as file:
        found = [file[name][:] for name in names]
    return found if len(names) > 1 else found[0]


def attributes(path):
    with h5py.File(path) as file:
        return dict(file.attrs)


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Plots and forests are other tests' matter, and a network's programs are compiled once."""
    programs: dict[tuple[str, str], Predictor] = {}

    def shared(network, variables):
        sums = str([float(np.sum(leaf)) for leaf in jax.tree.leaves(variables)])
        return programs.setdefault((str(network), sums), Predictor(network, variables))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FIGURES", {})
        patch.setattr(forest, "TREES", 5)
        patch.setattr(model, "Predictor", shared)
        patch.setattr(evaluator, "Predictor", shared)
        yield


@pytest.fixture(scope="module")
def network(workdir, tmp_path_factory):
    """The file of a network."""
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    write_model(path, load_trained(workdir))
    return path


@pytest.fixture(scope="module")
def undisturbed(network, truth_file, tmp_path_factory):
    """The bytes of the predictions for a file."""
    out = tmp_path_factory.mktemp("undisturbed") / "scores.h5"
    summary = RUN(network, inputs(truth_file), out)
    assert (summary.events, summary.done, summary.bad, summary.stopped) == (5, 5, 0, "")
    assert os.listdir(out.parent) == ["scores.h5"]
    return out.read_bytes()


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
    np.testing.assert_array_equal(scores[3:], stored(tmp_path / "predictions.h5", "scores"))
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
    np.testing.assert_array_equal(np.isnan(scores).all(axis=1), readable == 0)


class Interrupting(EventSource):
    """A source in which something happens when an event is asked for."""

    def __init__(self, source, happens):
        self._source, self._happens = source, happens
        self.files, self.detector = [source.path], source.detector
        self.view_shapes = source.view_shapes

    def __len__(self):
        return len(self._source)

    def __getitem__(self, number):
        if number in self._happens:
            self._happens[number]()
        return self._source[number]


def happening(path, happens):
    return [Input(str(path), lambda views: Interrupting(EventFile(path), happens))]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_leaves_what_is_done_and_the_same_command_goes_on(
    undisturbed, network, truth_file, tmp_path, name
):
    out = tmp_path / "scores.h5"
    stop = functools.partial(signal.raise_signal, getattr(signal, name))
    for number, done in ((1, 2), (2, 3)):
        summary = RUN(network, happening(truth_file, {number: stop}), out)
        assert summary == Summary(5, done, stopped=name)
        assert not out.exists()
    read: list[int] = []
    again = happening(truth_file, {n: functools.partial(read.append, n) for n in range(5)})
    assert RUN(network, again, out).done == 5
    assert read == [3, 4]
    assert out.read_bytes() == undisturbed
    assert os.listdir(tmp_path) == ["scores.h5"]


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


def test_parts_of_another_run_are_not_taken(network, truth_file, plain_file, tmp_path):
    out = tmp_path / "scores.h5"
    stop = functools.partial(signal.raise_signal, signal.SIGTERM)
    RUN(network, happening(truth_file, {1: stop}), out)
    for more, word in (
        ({"inputs": inputs(truth_file, plain_file)}, r"inputs: not those"),
        ({"inputs": inputs(truth_file), "options": {"seed": 1}}, r"options: not those"),
    ):
        with pytest.raises(InputError, match=rf"holds parts of another run \({word}"):
            RUN(network, out=out, **more)
    assert RUN(network, inputs(truth_file), out).done == 5


def test_a_file_that_changes_under_way_ends_the_run_and_costs_nothing(
    network, truth_file, tmp_path
):
    data, out = tmp_path / "data.h5", tmp_path / "scores.h5"
    shutil.copy(truth_file, data)

    def change():
        shutil.copy(truth_file, tmp_path / "new.h5")
        os.replace(tmp_path / "new.h5", data)
        raise InputError("it cannot be read")

    with pytest.raises(InputError, match=r"data\.h5 has changed since the beginning.*; 2 of 5"):
        RUN(network, happening(data, {2: change}), out, part_seconds=0)
    assert RUN(network, inputs(data), out).done == 5


def test_a_full_disk_costs_one_part(network, truth_file, undisturbed, tmp_path, monkeypatch):
    out = tmp_path / "scores.h5"

    def fill():
        monkeypatch.setattr(partial_file.os, "write", full)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"the disk is full.*; 3 of 5 events are kept, the same"):
        RUN(network, happening(truth_file, {3: fill}), out, part_seconds=0)
    monkeypatch.undo()
    parts = sorted(os.listdir(tmp_path / "scores.h5.parts"))
    assert [name for name in parts if name.endswith(".h5")] == [
        f"{first:012d}-{first + 1:012d}.h5" for first in range(3)
    ]
    damaged = tmp_path / "scores.h5.parts" / parts[1]
    content = bytearray(damaged.read_bytes())
    with h5py.File(damaged) as file:
        content[file["scores"].id.get_chunk_info(0).byte_offset + 9] ^= 64
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=rf"{parts[1]} is damaged .*delete it, the same command"):
        RUN(network, inputs(truth_file), out)
    damaged.unlink()
    RUN(network, inputs(truth_file), out)
    assert out.read_bytes() == undisturbed


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["event_file"], "is of detector nova with views XZ, YZ but the network sees Y: give"),
        (["truth_file", "event_file"], "is of detector nova"),
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
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: Event 0 of data.h5: no pixel has a value between 10 and 300")
    assert line.endswith("(said once)")
    assert np.isnan(stored(tmp_path / "scores.h5", "scores")).all()
    RUN(network, inputs(data), tmp_path / "scaled.h5", value_scale=0.001)
    np.testing.assert_allclose(
        stored(tmp_path / "scaled.h5", "scores"), stored(before, "scores"), atol=1e-5
    )


def test_files_without_events_give_a_result_without_rows(network, eventless_file, tmp_path):
    assert RUN(network, inputs(eventless_file), tmp_path / "scores.h5").done == 0
    scores, offsets = stored(tmp_path / "scores.h5", "scores", "offsets")
    assert (scores.shape, offsets.tolist()) == ((0, 5), [0])


KILLED = textwrap.dedent(
    """
    import os, pathlib, signal, sys
    from jaxsparse.deploy.inputs import Input
    from jaxsparse.data.event_file import EventFile
    from jaxsparse.deploy import predict

    network, data, out, moment = sys.argv[1:]
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)

    def at(name, call):
        def instead(*arguments):
            if moment == "part" and str(arguments[1]).endswith("2-000000000003.h5"):
                kill()  # written, and without its name
            if moment == "join" and str(arguments[1]) == out:
                kill()
            return call(*arguments)
        setattr(os, name, instead)

    at("replace", os.replace)
    unlink = pathlib.Path.unlink
    if moment == "end":
        pathlib.Path.unlink = lambda path, **o: (unlink(path, **o), path.suffix == ".h5" and kill())
    inputs = [Input(data, lambda views: EventFile(data))]
    predict.predict(network, inputs, out, part_seconds=0, quiet=True)
    """
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_killed_run_ends_in_the_same_bytes(network, truth_file, undisturbed, tmp_path):
    out = tmp_path / "scores.h5"
    for moment, whole, parts in (("part", False, 2), ("join", False, 5), ("end", True, 4)):
        command = [sys.executable, "-c", KILLED, str(network), str(truth_file), str(out), moment]
        done = subprocess.run(
            command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert out.exists() == whole
        there = list((tmp_path / "scores.h5.parts").glob("*.h5"))
        assert len(there) == parts
    RUN(network, inputs(truth_file), out)
    assert out.read_bytes() == undisturbed
    assert os.listdir(tmp_path) == ["scores.h5"]
