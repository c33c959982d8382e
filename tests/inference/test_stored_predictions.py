"""Scores are read back for the pixels that they were stored for, and for no others."""

import dataclasses

import h5py
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.event_predictions import EventPredictions
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.evaluation.scored import Scored
from jaxsparse.inference.stored_predictions import StoredPredictions

SCORES = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]], np.float32)
PIXELS = np.array([[0, 1], [1, 1], [2, 5]])  # of the file that they are of


def write_pixels(path):
    """Event 4 with three pixels of view V, the second of which is none of the file's."""
    with PixelPredictions(path, ("a", "b"), {"views": ["U", "V"], "view": "U"}) as writer:
        writer.append(4, 104, 1, np.array([2, -1, 0]), SCORES)
        writer.append(6, 106, 0, np.array([1]), SCORES[:1])
    return path


def test_the_scores_of_a_view_come_with_the_rows_of_its_pixels(tmp_path):
    stored = StoredPredictions(write_pixels(tmp_path / "a.h5"), "events.h5")
    assert (stored.classes, stored.of_pixels, stored.events.tolist()) == (("a", "b"), True, [4, 6])
    found = stored.of_view(4, "V", 104, PIXELS)
    assert found is not None
    assert found.rows.tolist() == [2, 0]
    np.testing.assert_array_equal(found.scores, SCORES[[0, 2]])
    assert found.instance is None
    for number, name in ((4, "U"), (5, "V"), (4, "W")):
        assert stored.of_view(number, name, 104, PIXELS) is None
    assert stored.of_event(4, 104) is None


def test_predicted_particles_come_with_the_pixels(tmp_path):
    path = write_pixels(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["predicted_instance"] = np.array([7, -1, 8, 9], np.int32)
    found = StoredPredictions(path, "events.h5").of_view(4, "V", 104, PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found.instance, [7, 8])
    assert found.parent is None  # a file of an earlier version


def test_the_particles_that_others_belong_to_come_with_the_pixels_of_their_event(tmp_path):
    path = tmp_path / "a.h5"
    with PixelPredictions(path, ("a", "b"), {"views": ["V"]}, instances=True) as writer:
        for event, parents in ((4, [-1, 0, -1]), (6, [1, -1, -1])):
            instance = np.array([0, 1, -1])
            writer.append(event, 104, 0, np.arange(3), SCORES, instance)
            columns = (instance, np.array([0, 1, -1]), np.array(parents), np.arange(3))
            names = ("predicted_instance", "predicted_instance_class", "predicted_parent", "rows")
            writer.append_particles(event, dict(zip(names, columns, strict=True)))
    stored = StoredPredictions(path, "events.h5")
    for event, parents in ((4, [-1, 0, -1]), (6, [1, -1, -1])):
        found = stored.of_view(event, "V", 104, PIXELS)
        assert found is not None
        np.testing.assert_array_equal(found.parent, parents)
    with h5py.File(path, "r+") as file:  # as predict writes them, of two files
        file["inputs"], file["input"] = np.array([b"one.h5", b"two.h5"]), np.array([0, 1])
        file["event"][...], file["particles/event"][...] = 4, 4
        file["particles/input"] = np.array([0, 0, 1, 1])
    for name, parents in (("one.h5", [-1, 0, -1]), ("two.h5", [1, -1, -1])):
        found = StoredPredictions(path, name).of_view(4, "V", 104, PIXELS)
        assert found is not None
        np.testing.assert_array_equal(found.parent, parents)


def test_predictions_of_other_events_are_refused(tmp_path):
    stored = StoredPredictions(write_pixels(tmp_path / "a.h5"), "events.h5")
    with pytest.raises(InputError, match="event_id 104 as event 4, which is 9 in the file"):
        stored.of_view(4, "V", 9, PIXELS)
    with pytest.raises(InputError, match="pixel 2 of view V of event 4, which has 2"):
        stored.of_view(4, "V", 104, PIXELS[:2])
    with h5py.File(stored.path, "r+") as file:  # as predict writes it
        file["coords"] = np.array([[2, 5], [2, 6], [0, 1], [7, 7]], np.int32)
    assert stored.of_view(4, "V", 104, PIXELS) is not None
    with pytest.raises(InputError, match="has other pixels of view V of event 4 than the file: gi"):
        stored.of_view(4, "V", 104, PIXELS + 1)
    stored.require_a_view(["Y", "U"])
    with pytest.raises(InputError, match="has predictions of views U, V, the file has top"):
        stored.require_a_view(["top"])


def test_of_predictions_of_several_files_those_of_the_file_by_its_name_are_read(tmp_path):
    path = write_pixels(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["inputs"] = np.array([b"data/one.h5", b"data/two.h5"])
        file["input"] = np.array([0, 1], np.int32)
    assert StoredPredictions(path, "elsewhere/two.h5").events.tolist() == [6]
    with pytest.raises(InputError, match=r"predictions of one\.h5, two\.h5: three\.h5 must be one"):
        StoredPredictions(path, "three.h5")


def test_scores_of_whole_events_are_found_by_number(tmp_path):
    path = tmp_path / "a.h5"
    scored = Scored.of(SCORES[:1], [0], ("a", "b"), [1.0], ["1e1p"])
    scored = dataclasses.replace(scored, columns={**scored.columns, "event": np.array([3])})
    with EventPredictions(path, ("a", "b"), {}, {}) as writer:
        writer.append(scored)
    stored = StoredPredictions(path, "events.h5")
    assert not stored.of_pixels
    np.testing.assert_array_equal(stored.of_event(3, 103), SCORES[0])
    assert stored.of_event(2, 102) is None
    assert stored.of_view(3, "V", 103, PIXELS[:1]) is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.attrs.__setitem__("complete", False), "no complete file of predictions"),
        (lambda file: file.__delitem__("event"), "cannot be read"),
        (lambda file: file["offsets"].__setitem__(1, 9), "lengths that do not fit"),
        (lambda file: file["offsets"].__setitem__(0, -1), "lengths that do not fit"),
        (lambda file: file["rows"].resize(2, axis=0), "lengths that do not fit"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, message):
    path = write_pixels(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(InputError, match=message):
        StoredPredictions(path, "events.h5")


def test_pixels_of_a_head_beside_that_of_events_are_read_with_their_particles(tmp_path):
    path = tmp_path / "a.h5"
    with EventPredictions(path, ("nue", "numu"), {"views": ["U", "V"]}, {}) as writer:
        scored = Scored.of(SCORES[:1], [0], ("nue", "numu"), [1.0], ["1e1p"])
        writer.append(
            dataclasses.replace(scored, columns={**scored.columns, "event": np.array([4])})
        )
    with h5py.File(path, "r+") as file, h5py.File(write_pixels(tmp_path / "b.h5")) as pixels:
        group = file.create_group("heads/semantic")
        for name in pixels:
            pixels.copy(name, group)
        group.attrs["class_names"] = ["a", "b"]
        group["predicted_instance"] = np.array([7, -1, 8, 9], np.int32)
    stored = StoredPredictions(path, "events.h5")
    assert (stored.classes, stored.of_pixels) == (("nue", "numu"), False)
    assert stored.pixels is not None
    assert stored.pixels.classes == ("a", "b")
    found = stored.pixels.of_view(4, "V", 104, PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found.scores, SCORES[[0, 2]])
    np.testing.assert_array_equal(found.instance, [7, 8])
