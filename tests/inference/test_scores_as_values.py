"""Scores of two-dimensional networks as further values of the pixels that they are of."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.errors import InputError
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.inference.predictions_of_views import PredictionsOfViews
from jaxsparse.inference.scores_as_values import names_of_scores, with_scores

VIEWS, SHAPE = ("XZ", "YZ"), (100, 80)
CLASSES = ("electron", "muon")


def hits(seed):
    """Hits of neighbouring planes, some of them below one, which candidates leave out."""
    rng = np.random.default_rng(seed)
    cells = np.sort(rng.choice(5 * 80, 40, replace=False))
    coords = np.stack(np.divmod(cells, 80), axis=1).astype(np.int32)
    return View(coords, rng.uniform(0, 9, 40).astype(np.float32), SHAPE, corner=(8, 0))


EVENTS = [Event(70 + number, {name: hits(2 * number + place) for place, name in enumerate(VIEWS)})
          for number in range(3)]  # fmt: skip


def scores_of(number, view):
    """Scores of all pixels, which no two pixels share."""
    rng = np.random.default_rng([number, *view.encode()])
    first = rng.random(40).astype(np.float32)
    return np.column_stack([first, 1 - first])


@pytest.fixture
def folder(tmp_path):
    shapes = dict.fromkeys(VIEWS, SHAPE)
    with EventWriter(
        tmp_path / "in.h5", detector="nova", views=shapes, class_names=CLASSES
    ) as writer:
        for event in EVENTS:
            writer.append(event)
    return tmp_path


def predict(path, *, views=VIEWS, classes=CLASSES, numbers=(0, 2), event_id=70):
    """A file of predictions, of the pixels with even rows, in an order of their own."""
    rows = np.arange(0, 40, 2)[::-1].copy()
    with PixelPredictions(path, classes, {"views": list(views)}) as said:
        for number in numbers:
            for place, view in enumerate(views):
                scores = scores_of(number, view)[rows]
                scores[0] = np.nan  # outside of the network's mask
                said.append(number, event_id + number, place, rows, scores)
    return path


def expected(number, view):
    """Of the score of a muon: known for even rows but the last of them."""
    found = np.full(40, np.nan, np.float32)
    if number != 1:
        found[0:38:2] = scores_of(number, view)[0:38:2, 1]
    return found


def test_every_pixel_has_the_scores_of_its_row(folder):
    said = PredictionsOfViews([predict(folder / "p.h5")], folder / "in.h5", VIEWS)
    assert (said.classes, said.views, said.events.tolist()) == (CLASSES, VIEWS, [0, 2])
    for number, event in enumerate(EventFile(folder / "in.h5")):
        for name, view in with_scores(number, event, said).views.items():
            assert tuple(view.further) == names_of_scores(CLASSES)
            np.testing.assert_array_equal(view.further["score_muon"], expected(number, name))


def test_views_may_have_a_file_each_and_one_may_have_none(folder):
    paths = [predict(folder / f"{view}.h5", views=(view,)) for view in VIEWS]
    both = PredictionsOfViews(paths[::-1], folder / "in.h5", VIEWS)
    event = with_scores(2, EVENTS[2], both)
    for name in VIEWS:
        further = event.views[name].further["score_muon"]
        np.testing.assert_array_equal(further, expected(2, name))
    one = with_scores(0, EVENTS[0], PredictionsOfViews(paths[:1], folder / "in.h5", VIEWS))
    assert [list(one.views[name].further) for name in VIEWS] == [
        ["score_electron", "score_muon"], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([{"views": ("U",)}], r"has predictions of views U, the file has XZ, YZ"),
        ([{}, {"views": ("YZ",)}], "0.h5 and .*1.h5 have scores of view YZ: give one file"),
        (
            [{"views": ("XZ",)}, {"views": ("YZ",), "classes": ("muon", "electron")}],
            "0.h5 has classes electron, muon, .*1.h5 muon, electron: give predictions of the same",
        ),
    ],
)
def test_predictions_that_do_not_fit_are_one_line(folder, options, line):
    paths = [predict(folder / f"{place}.h5", **one) for place, one in enumerate(options)]
    with pytest.raises(InputError, match=line):
        PredictionsOfViews(paths, folder / "in.h5", VIEWS)


def test_predictions_of_whole_events_are_one_line(folder):
    with h5py.File(folder / "p.h5", "w") as file:
        file.attrs.update({"format": "jaxsparse-predictions", "complete": True})
        file.attrs["class_names"] = list(CLASSES)
        file["event"], file["scores"] = np.arange(3), np.ones((3, 2), np.float32)
    with pytest.raises(InputError, match=r"whole events alone: give those of pixels, .* heads/sem"):
        PredictionsOfViews([folder / "p.h5"], folder / "in.h5", VIEWS)


def test_predictions_of_other_events_are_one_line(folder):
    said = PredictionsOfViews([predict(folder / "p.h5", event_id=5)], folder / "in.h5", VIEWS)
    with pytest.raises(InputError, match="has event_id 5 as event 0, which is 70 in the file"):
        with_scores(0, EVENTS[0], said)


def test_candidates_keep_them_of_the_pixels_that_are_left(folder):
    predict(folder / "p.h5")
    command = [sys.executable, "-m", "jaxsparse", "candidates", "in.h5", "--out=out.h5"]
    command += ["--predictions=p.h5", "--low=3"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert "scores of views XZ, YZ in 2 of 3 events" in done.stdout
    assert "--config.data.gathered_further='score_electron,score_muon'" in done.stdout
    file = EventFile(folder / "out.h5")
    assert file.further_values(CANDIDATES) == ()
    for number, event in enumerate(EVENTS):
        for name in VIEWS:
            kept = event.views[name].values >= 3
            view = file[number].views[name]
            assert 0 < kept.sum() == len(view) < 40
            np.testing.assert_array_equal(view.further["score_muon"], expected(number, name)[kept])
