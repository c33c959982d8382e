"""What a sample as a whole makes suspicious: views without pixels, pixels without a class."""

import numpy as np

from jaxsparse.data.schema import Event, View
from jaxsparse.data.seen_pixels import SeenPixels


def view(*labels):
    """Pixels with these labels; None has none."""
    named = None if None in labels else np.array(labels, np.int8)
    coords = np.stack([np.arange(len(labels)), np.zeros(len(labels))], 1).astype(np.int32)
    return View(coords, np.ones(len(labels), np.float32), (8, 8), labels=named)


def warnings_of(*events):
    seen = SeenPixels(["U", "Y"])
    for number, (of_u, of_y) in enumerate(events):
        seen.add(Event(number, {"U": of_u, "Y": of_y}))
    return seen.warnings()


def test_events_of_a_view_whose_pixels_have_no_class_are_counted():
    (line,) = warnings_of((view(-1, -1), view(0, -1)), (view(None), view(1)), (view(), view(1)))
    assert line.startswith("WARNING   no pixel of view U has a class in 2 of 3 events: ")
    (line,) = warnings_of((view(0), view(0)), (view(0), view(-1)))
    assert line.startswith("WARNING   no pixel of view Y has a class in 1 of 2 events: ")


def test_a_file_without_any_classes_is_one_without_truth_and_nothing_is_said():
    assert warnings_of((view(-1), view(None)), (view(None), view(-1))) == []
    assert warnings_of((view(0), view(0, -1))) == []
