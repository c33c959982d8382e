"""What names events in their experiment's tables, in the event file."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError

KEYS = [{"run": 7, "evt": number, "subevt": -1} for number in (3, 2**40, 0)]


def event(number, keys):
    view = View(np.array([[0, number]], np.int32), np.ones(1, np.float32), (4, 4))
    return Event(number, {"Y": view}, keys=keys)


def write(path, keys):
    with EventWriter(path, detector="toy", views={"Y": (4, 4)}) as writer:
        for number, one in enumerate(keys):
            writer.append(event(number, one))
    return path


def test_keys_come_back_by_event_and_by_column(tmp_path):
    file = EventFile(write(tmp_path / "a.h5", KEYS))
    assert [one.keys for one in file] == KEYS
    columns = {name: column.tolist() for name, column in file.event_keys.items()}
    assert columns == {"run": [7, 7, 7], "evt": [3, 2**40, 0], "subevt": [-1, -1, -1]}
    with h5py.File(tmp_path / "a.h5") as plain:
        assert plain["events/evt"][:].tolist() == [3, 2**40, 0]
    some = {name: column.tolist() for name, column in file.read_names([2, 0]).items()}
    assert some == {"event_id": [2, 0], "run": [7, 7], "evt": [0, 3], "subevt": [-1, -1]}


def test_files_without_keys_have_none(tmp_path):
    none: list[list[dict[str, int]]] = [[{}, {}], []]
    for keys in none:
        file = EventFile(write(tmp_path / "a.h5", keys))
        assert file.event_keys == {}
        assert [one.keys for one in file] == keys


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ([{"run": 1}, {"run": 2, "evt": 3}], "Event 1 for a.h5: keys .* differ from those of the"),
        ([{"run": 1}, {}], "Event 1 for a.h5: keys .* differ from those of the first event"),
        ([{"label": 1}], "keys has 'label': it must be one of file, run"),
    ],
)
def test_keys_that_no_column_can_hold_are_refused(tmp_path, keys, line):
    with pytest.raises(InputError, match=line):
        write(tmp_path / "a.h5", keys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", [np.zeros(2, np.int64), np.zeros(3, np.int32)])
def test_a_column_of_another_kind_is_refused(tmp_path, column):
    path = write(tmp_path / "a.h5", KEYS)
    with h5py.File(path, "r+") as file:
        del file["events/run"]
        file["events/run"] = column
    with pytest.raises(InputError, match="events/run"):
        EventFile(path)
