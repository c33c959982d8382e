"""Events that cannot be read end an evaluation, or it goes on as if they were not in the file."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.evaluation.event_predictions import read_predictions
from jaxsparse.evaluation.studies import forest
from jaxsparse.viz import figures
from tests.evaluation.workdirs import make_workdir

BAD_EVENTS = (0, 9, 10)  # the first of the file, and two of the batch of 8 to 15
BAD_IMAGES = (0, 3)
# What differs between two evaluations of the same events.
OF_THE_RUN = {
    "data", "num_bad_events", "seconds_total", "seconds_per_event", "peak_memory_mb",
    "device_peak_memory_mb",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No plots, which other tests draw, and forests of few trees."""
    monkeypatch.setattr(figures, "FIGURES", {})
    monkeypatch.setattr(forest, "TREES", 5)


def spoiled(source, path, numbers, view):
    """A copy of a file in which a value of each of some events is no number."""
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        for number in numbers:
            file[f"views/{view}/values"][file[f"views/{view}/offsets"][number]] = np.nan
    return path


def without(source, path, numbers):
    """A file without some of the events."""
    file = EventFile(source)
    with EventWriter(
        path, detector=file.detector, views=file.view_shapes, class_names=file.class_names,
        event_classes=file.event_classes, made_by=file.attributes,
    ) as writer:  # fmt: skip
        for number, event in enumerate(file):
            if number not in numbers:
                writer.append(event)
    return path


def figures_of(out):
    metrics = json.loads((out / "metrics.json").read_text())
    return {key: value for key, value in metrics.items() if key not in OF_THE_RUN}


@pytest.fixture
def bad_file(event_file, tmp_path):
    return spoiled(event_file, tmp_path / "bad.h5", BAD_EVENTS, "YZ")


def test_whole_events_score_as_in_a_file_without_the_bad_ones(
    event_file, bad_file, classifier_config, tmp_path, capsys
):
    config = classifier_config.copy_and_resolve_references()
    config.data.bad_events, config.data.workers = "skip", 2
    workdir, options = make_workdir(tmp_path / "run", config), Options(part="all", pictures=0)
    metrics = evaluate(workdir, bad_file, tmp_path / "bad", options, quiet=True)
    good_file = without(event_file, tmp_path / "good.h5", BAD_EVENTS)
    evaluate(workdir, good_file, tmp_path / "good", options, quiet=True)
    assert metrics["num_bad_events"] == len(BAD_EVENTS)
    assert metrics["num_events"] == 21
    assert figures_of(tmp_path / "bad") == figures_of(tmp_path / "good")
    (scored, numbers), (others, _) = (
        read_predictions(tmp_path / name / "predictions.h5") for name in ("bad", "good")
    )
    assert numbers.tolist() == [number for number in range(24) if number not in BAD_EVENTS]
    np.testing.assert_array_equal(scored.scores, others.scores)
    assert "3 events cannot be read: they are left out." in (tmp_path / "bad/report.md").read_text()
    assert "cannot be read" not in (tmp_path / "good/report.md").read_text()
    reported = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in reported] == [
        f"left out: Event {number} of bad.h5" for number in BAD_EVENTS
    ]


def test_pixels_score_as_in_a_file_without_the_bad_events(workdir, truth_file, tmp_path):
    bad_file = spoiled(truth_file, tmp_path / "bad.h5", BAD_IMAGES, "Y")
    good_file = without(truth_file, tmp_path / "good.h5", BAD_IMAGES)
    options = Options(bad_events="skip", whole_plane=True, pictures=0)
    evaluate(workdir, bad_file, tmp_path / "bad", options, quiet=True)
    evaluate(workdir, good_file, tmp_path / "good", options, quiet=True)
    assert figures_of(tmp_path / "bad") == figures_of(tmp_path / "good")
    with h5py.File(tmp_path / "bad/predictions.h5") as file:
        assert file["event"][:].tolist() == [1, 2, 4]


def test_a_part_leaves_its_own_bad_events_out(classifier, bad_file, tmp_path):
    """The forest beside the network is fitted on another part, which has bad events too."""
    counts = [
        evaluate(
            classifier, bad_file, tmp_path / part,
            Options(part=part, bad_events="skip", pictures=0), quiet=True,
        )["num_bad_events"]
        for part in ("train", "validation")
    ]  # fmt: skip
    assert sum(counts) == len(BAD_EVENTS)
    most = max(counts)  # for each part by itself
    assert 0 < most < len(BAD_EVENTS)
    options = Options(part="validation", bad_events="skip", max_bad_events=most, pictures=0)
    metrics = evaluate(classifier, bad_file, tmp_path / "again", options, quiet=True)
    assert metrics["num_bad_events"] == counts[1]


def test_by_default_the_first_bad_event_ends_the_evaluation_with_its_line(
    classifier, bad_file, tmp_path
):
    for options in (Options(part="all"), Options(part="all", bad_events="error")):
        with pytest.raises(InputError, match=r"^Event 0 of bad\.h5, view YZ: value nan"):
            evaluate(classifier, bad_file, tmp_path / "out", options, quiet=True)
    assert not (tmp_path / "out").exists()


def test_too_many_bad_events_end_it_too(classifier, bad_file, tmp_path):
    options = Options(part="all", bad_events="skip", max_bad_events=2)
    with pytest.raises(InputError, match=r"data.max_bad_events is 2 but 3 events of bad\.h5"):
        evaluate(classifier, bad_file, tmp_path / "out", options, quiet=True)


def test_a_file_of_bad_events_alone_is_one_line(workdir, truth_file, tmp_path, capsys):
    """A piece of the file that is damaged, here the particles of all events, is in no event."""
    damaged = tmp_path / "damaged.h5"
    shutil.copy(truth_file, damaged)
    with h5py.File(damaged) as file:
        chunk = file["particles/table"].id.get_chunk_info(0)
    with damaged.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))
    with pytest.raises(InputError, match=r"None of the 5 events of .*damaged\.h5 that are"):
        evaluate(workdir, damaged, tmp_path / "out", Options(bad_events="skip"), quiet=True)
    reported = capsys.readouterr().err.splitlines()
    assert len(reported) == 5
    assert reported[3].startswith("left out: Event 3 of damaged.h5: ")
    assert "particles/table cannot be read" in reported[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(bad_events="ignore"), "data.bad_events is 'ignore'"),
        (Options(max_bad_events=-1), "data.max_bad_events is -1"),
    ],
)
def test_an_option_out_of_its_range_is_refused(classifier, event_file, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        evaluate(classifier, event_file, tmp_path / "out", options, quiet=True)
