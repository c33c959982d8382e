"""Events that cannot be read end a run with their line, or are left out, as the config says."""

from __future__ import annotations

import itertools
import pickle
import shutil

import h5py
import numpy as np
import pytest

from jaxsparse.data.bad_events import read_all, unreadable
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.partition import content_hashes
from jaxsparse.errors import InputError
from tests.loaders import make_loader, per_event

BAD = (6, 7)


@pytest.fixture
def broken(tmp_path, events_path):
    """The small file, two events of which hold a NaN."""
    path = tmp_path / "bad.h5"
    shutil.copy(events_path, path)
    with h5py.File(path, "r+") as file:
        for event in BAD:
            file["views/Y/values"][file["views/Y/offsets"][event]] = np.nan
    return EventFile(path)


@pytest.fixture
def load(data_config):
    """Function that makes a loader of one pass; options change the config's data part."""

    def make(source, *, batch_size=4, events=None, buckets=None, **data):
        data_config.update(data)
        return make_loader(
            source, data_config, batch_size=batch_size, levels=3, shuffle=False, events=events,
            buckets=buckets,
        )  # fmt: skip

    return make


def pixels_of(batches):
    """By event number, what the batches hold of its image."""
    return {
        number: rows
        for batch in batches
        for number, rows in per_event(batch, np.asarray(batch.views[0].coords)[..., 1:])
    }


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_events_are_left_out_and_reported_once(broken, events, load, capsys, workers):
    whole = pixels_of(load(events))
    loader = load(broken, bad_events="skip", workers=workers)
    batches = list(itertools.islice(loader, 6))
    found = pixels_of(batches)
    assert list(found) == [number for number in whole if number not in BAD]
    for number, coords in found.items():
        np.testing.assert_array_equal(coords, whole[number])
    assert batches[1].num_events.tolist() == [2]
    assert list(loader.left_out.events) == list(BAD)
    list(loader)  # another pass says nothing more
    reported = capsys.readouterr().err.splitlines()
    assert [line[:29] for line in reported] == [f"left out: Event {n} of bad.h5, " for n in BAD]


def test_a_batch_of_bad_events_alone_is_an_empty_one(broken, load):
    first, second = load(broken, batch_size=2, events=np.array([*BAD, 8]), bad_events="skip")
    assert first.num_events.tolist() == [0]
    assert first.num_active.tolist() == [0]
    assert second.events.tolist() == [[8, -1]]


def test_too_many_bad_events_end_the_iteration(broken, load):
    with pytest.raises(InputError, match=r"max_bad_events is 1 but 2 events of bad\.h5 cannot"):
        list(load(broken, bad_events="skip", max_bad_events=1))


def test_bad_events_have_a_hash_and_change_no_other(broken, events):
    hashes, good = (content_hashes(file, ("U", "Y")) for file in (broken, events))
    assert np.flatnonzero(hashes != good).tolist() == list(BAD)
    assert len(fingerprint(broken)) == 32


def test_a_bad_event_stops_the_loader_with_its_line(broken, events, load):
    batches = iter(load(broken, buckets=load(events).buckets))
    next(batches)
    with pytest.raises(InputError, match=r"^Event 6 of bad\.h5, view Y: value nan") as error:
        next(batches)
    assert "\n" not in str(error.value)
    # It crosses processes as a value, so it must survive pickling.
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


def test_an_event_whose_energy_breaks_a_rule_is_bad_too(events_path, tmp_path):
    path = tmp_path / "bad.h5"
    shutil.copy(events_path, path)
    with h5py.File(path, "r+") as file:
        file["events/energy"][3] = -5.0
    file = EventFile(path)
    wrong = unreadable(np.array([2, 3, 4]), lambda some: read_all(file, some, ("Y",)))
    with pytest.raises(InputError) as reading:
        file[3]
    assert wrong == {3: str(reading.value)}
