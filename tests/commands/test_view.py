"""The program that writes a page: which events, whose predictions, and what it refuses."""

import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from jaxsparse.commands.event_page import page_of
from jaxsparse.commands.view import chosen_events
from jaxsparse.data.event_file import EventFile
from jaxsparse.errors import InputError
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.inference.stored_predictions import StoredPredictions
from tests.viz.page.events import write
from tests.viz.page.test_document import column, read


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "events.h5")


def predict(path, event_id=102):
    """Of event 2 all pixels of ``cube`` but the last: class "b&c", in a number of its own."""
    with PixelPredictions(path, ("b&c", "new"), {"views": ["cube"]}) as writer:
        scores = np.tile(np.array([0.75, 0.25], np.float32), (49, 1))
        writer.append(2, event_id, 0, np.arange(49), scores)
    return path


def test_the_program_writes_a_page(path, tmp_path):
    out = tmp_path / "page.html"
    done = subprocess.run(
        [sys.executable, "-m", "jaxsparse", "view", path, "--events=2", f"--out={out}"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    some = r"2 of 3 events \(--events=N and --event=FIRST choose\)"
    assert re.fullmatch(rf".*page\.html: {some}, \d\.\d MB, open it in a browser\n", done.stdout)
    described, _ = read(out.read_text(encoding="utf-8"))
    assert [event["number"] for event in described["events"]] == [0, 1]


def test_predicted_classes_go_by_their_names(path, tmp_path):
    predictions = StoredPredictions(predict(tmp_path / "scores.h5"), path)
    described, (stored,) = read(page_of(EventFile(path), [2], "page", predictions))
    assert [entry["name"] for entry in described["classes"]][2:] == ["b&c", "new"]
    views = described["events"][0]["views"]
    found = column(views["cube"]["columns"]["prediction"], stored)
    assert found.tolist() == [2] * 49 + [-1]
    score = column(views["cube"]["columns"]["score"], stored)
    assert score[0] == 0.75
    assert np.isnan(score[-1])
    assert "prediction" not in views["top"]["columns"]


def test_the_track_that_a_predicted_particle_belongs_to_is_on_the_page(path, tmp_path):
    scores = predict(tmp_path / "scores.h5")
    with h5py.File(scores, "r+") as file:
        file["predicted_instance"] = np.array([3] * 40 + [5] * 9, np.int32)
        for name, values in (("event", [2, 2]), ("instance", [3, 5]), ("parent", [-1, 3])):
            file[f"particles/{name}"] = np.array(values)
    described, (stored,) = read(
        page_of(EventFile(path), [2], "page", StoredPredictions(scores, path))
    )
    columns = described["events"][0]["views"]["cube"]["columns"]
    found = column(columns["predicted_parent"], stored)
    assert np.isnan(found[[0, 39, -1]]).all()
    assert (found[40:-1] == 3).all()


def test_events_that_have_predictions_are_shown_where_none_is_asked_for(path, tmp_path):
    predictions = StoredPredictions(predict(tmp_path / "scores.h5"), path)
    assert chosen_events(3, None, None, predictions) == [2]
    assert chosen_events(3, 0, 2, predictions) == [0, 1]
    with pytest.raises(InputError, match="There is no event to show"):
        chosen_events(2, None, None, predictions)
    with pytest.raises(InputError, match="event is 3: the file has 3 events, numbered from 0"):
        chosen_events(3, 3, None)
