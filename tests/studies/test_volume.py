"""A network that knows candidates: its answers for the views, and what is printed of it."""

import subprocess
import sys

import numpy as np

from jaxsparse.candidates.finders import finder_of
from jaxsparse.candidates.sites import GHOST
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_PIXEL_CLASSES, NOVA_VIEWS
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.inference.stored_predictions import StoredPredictions
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.source import ScintillatorEvents

CLASSES = (*NOVA_PIXEL_CLASSES, GHOST)


def test_perfect_answers_are_right_in_the_views(tmp_path):
    source, finder = ScintillatorEvents(ScintillatorConfig(), seed=3), finder_of("nova", {})
    events = [finder(source[number], ghost=len(CLASSES) - 1).event for number in range(3)]
    shapes = {name: view.shape for name, view in events[0].views.items()}
    with EventWriter(
        tmp_path / "volume.h5", detector="nova", views=shapes, class_names=CLASSES,
        event_classes=NOVA_EVENT_CLASSES, axes={CANDIDATES: finder.axes},
    ) as writer:  # fmt: skip
        for event in events:
            writer.append(event)
    with PixelPredictions(
        tmp_path / "said.h5", CLASSES, {"views": [CANDIDATES]}, instances=True
    ) as said:
        for number, event in enumerate(events):
            view = event.views[CANDIDATES]
            scores = np.eye(len(CLASSES), dtype=np.float32)[view.labels]
            said.append(number, event.event_id, 0, np.arange(len(view)), scores, view.instance)
    command = [sys.executable, "-m", "studies.volume"]
    command += [f"--{name}={tmp_path / file}.h5" for name, file in
                (("data", "volume"), ("predictions", "said"), ("out", "views"))]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
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
            found = answers.of_view(number, name, event.event_id, len(view))
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
