"""A network that knows candidates: its answers for the views, and what is printed of it."""

import subprocess
import sys

import numpy as np

from jaxsparse.candidates.finders import finder_of
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import class_set
from jaxsparse.detectors.class_set import GHOST
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_PIXEL_CLASSES, NOVA_VIEWS
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.inference.stored_predictions import StoredPredictions, ViewScores
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.source import ScintillatorEvents
from studies.volume import answers

CLASSES = (*NOVA_PIXEL_CLASSES, GHOST)


SOURCE, FINDER = ScintillatorEvents(ScintillatorConfig(), seed=3), finder_of("nova", {})


def write(path, events, classes):
    shapes = {name: view.shape for name, view in events[0].views.items()}
    axes = {CANDIDATES: FINDER.axes} if CANDIDATES in shapes else {}
    with EventWriter(
        path, detector="nova", views=shapes, class_names=classes,
        event_classes=NOVA_EVENT_CLASSES, axes=axes,
    ) as writer:  # fmt: skip
        for event in events:
            writer.append(event)


def with_candidates(folder, low=0.0):
    """A file of candidates, and perfect answers for them."""
    events = [FINDER(SOURCE[number], ghost=len(CLASSES) - 1, low=low).event for number in range(3)]
    write(folder / "volume.h5", events, CLASSES)
    with PixelPredictions(
        folder / "said.h5", CLASSES, {"views": [CANDIDATES]}, instances=True
    ) as said:
        for number, event in enumerate(events):
            view = event.views[CANDIDATES]
            scores = np.eye(len(CLASSES), dtype=np.float32)[view.labels]
            said.append(number, event.event_id, 0, np.arange(len(view)), scores, view.instance)
    return events


def study(folder, **flags):
    flags = {"data": "volume", "predictions": "said", "out": "views", **flags}
    command = [sys.executable, "-m", "studies.volume"]
    command += [f"--{name}={folder / file}.h5" for name, file in flags.items()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_perfect_answers_are_right_in_the_views(tmp_path):
    events = with_candidates(tmp_path)
    done = study(tmp_path)
    assert done.returncode == 0, done.stderr

    answers, file = (
        StoredPredictions(tmp_path / "views.h5", "volume.h5"),
        EventFile(tmp_path / "volume.h5"),
    )
    known = answered = 0
    for number, event in enumerate(events):
        real = np.asarray(event.views[CANDIDATES].instance) >= 0
        for name in NOVA_VIEWS:
            view = file[number].views[name]
            links = event.views[CANDIDATES].links[name]
            shown = np.zeros(len(view), bool)
            shown[links.rows[real[links.owner]]] = True
            found = answers.of_view(number, name, event.event_id, view.coords)
            assert found is not None
            np.testing.assert_array_equal(found.scores.any(1), shown)
            np.testing.assert_array_equal(
                found.scores.argmax(1)[shown], np.asarray(view.labels)[shown]
            )
            expected = np.where(shown, np.asarray(view.instance), -1)
            np.testing.assert_array_equal(found.instance, expected)
            known += (np.asarray(view.labels) >= 0).sum()
            answered += shown.sum()
    lines = done.stdout.splitlines()
    assert lines[2].startswith(
        "of 0.95 of the real ones kept: 1.0000 of the ghosts rejected, 1.000"
    )
    assert f"{known:,} pixels with a class, {answered / known:.3f} have an answer" in lines
    assert "1.000 of the answers are right" in lines


def test_networks_of_the_views_are_compared_on_the_pixels_that_both_have(tmp_path):
    # Rows of the file that was predicted and of the file of candidates differ: some pixels went.
    events, low = with_candidates(tmp_path, low=8.0), 8.0
    whole = [SOURCE[number] for number in range(3)]
    write(tmp_path / "planes.h5", whole, NOVA_PIXEL_CLASSES)
    known = answered = right = 0
    attributes = {"views": list(NOVA_VIEWS)}
    with PixelPredictions(
        tmp_path / "planes_said.h5", NOVA_PIXEL_CLASSES, attributes, instances=True
    ) as said:
        for number in (0, 2):  # the network was not asked about event 1
            event = whole[number]
            real = np.asarray(events[number].views[CANDIDATES].instance) >= 0
            for place, name in enumerate(NOVA_VIEWS):
                view = event.views[name]
                rows = np.arange(0, len(view), 2)  # of each second pixel
                labels = np.asarray(view.labels)[rows].astype(int)
                called = np.where(np.arange(len(rows)) % 3 == 0, (labels + 1) % 11, labels)
                scores = np.eye(11, dtype=np.float32)[called]
                instance = np.asarray(view.instance)[rows]
                said.append(number, event.event_id, place, rows, scores, instance)
                counts = (view.values[rows] >= low) & (labels >= 0)
                known += counts.sum()
                right += (counts & (called == labels)).sum()
                links = events[number].views[CANDIDATES].links[name]
                shown = set(links.rows[real[links.owner]].tolist())
                kept = np.cumsum(view.values >= low) - 1
                answered += sum(int(kept[row]) in shown for row in rows[counts])
    done = study(tmp_path, views_predictions="planes_said", views_data="planes")
    assert done.returncode == 0, done.stderr
    printed = dict(
        (words.strip(), [part.strip() for part in parts])
        for words, *parts in (
            line.strip("|").split("|") for line in done.stdout.splitlines() if line.count("|") == 5
        )
    )
    given, volume, views = answered / known, answered / known, right / known
    assert printed["pixels with an answer"][:2] == [f"{given:.4f}", "1.0000"]
    assert printed["right answers of all"][:2] == [f"{volume:.4f}", f"{views:.4f}"]
    assert printed["right answers of all"][2].startswith(f"{volume - views:.4f} ±")
    assert printed["adjusted Rand index"][1] == "1.0000"
    assert " of 2 events that the networks of the views saw" in done.stdout

    wrong = study(tmp_path, views_predictions="planes_said")  # which is of another file
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1


def test_a_candidate_counts_where_all_classes_together_have_a_twentieth():
    hit = View(np.array([[3, 4]], np.int32), np.ones(1, np.float32), (100, 80))
    site = View(
        np.array([[6, 4, 4]], np.int32), np.ones(1, np.float32), (200, 80, 80),
        links={name: Links.own([1]) for name in NOVA_VIEWS},
    )  # fmt: skip
    event = Event(0, {**dict.fromkeys(NOVA_VIEWS, hit), CANDIDATES: site})
    for ghost, expected in ((0.94, 7), (0.96, -1)):
        scores = np.zeros((1, len(CLASSES)), np.float32)
        scores[0, [0, 1, -1]] = (1 - ghost) / 2, (1 - ghost) / 2, ghost
        said = ViewScores(np.array([0]), scores, np.array([7]))
        for image in answers(event, said, NOVA_VIEWS, class_set(NOVA_PIXEL_CLASSES)):
            assert image.columns["predicted_instance"].tolist() == [expected]
