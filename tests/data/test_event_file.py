"""What is written is what is read: by number, view by view, from threads and other processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import PIXEL_COLUMNS, SCHEMA_VERSION, Event, View
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError


def assert_same(first: Event, second: Event) -> None:
    assert (first.event_id, first.label, first.topology) == (
        second.event_id, second.label, second.topology,
    )  # fmt: skip
    np.testing.assert_equal(second.energy, np.float32(first.energy))
    np.testing.assert_array_equal(first.particles, second.particles)
    assert list(first.views) == list(second.views)
    for name, view in first.views.items():
        for column in PIXEL_COLUMNS:
            got, expected = getattr(second.views[name], column), getattr(view, column)
            np.testing.assert_array_equal(got, expected)
            assert expected is None or got.dtype == expected.dtype


def test_events_come_back_as_they_were_written_in_any_order(events, make_event):
    for number in np.random.default_rng(0).permutation(len(events)):
        assert_same(make_event(int(number)), events[number])
    assert_same(make_event(22), events[-1])


def test_header_says_what_the_file_is(events):
    assert len(events) == 23
    assert events.detector == "toy"
    assert events.class_names == CLASS_NAMES
    assert events.view_shapes == {"U": (40, 60), "Y": (40, 80)}
    assert events.attributes == {"seed": 3}
    assert events.dead_wires("Y").tolist() == [3, 79]
    assert events.dead_wires("U").tolist() == []


def test_pixels_are_counted_without_reading_them(events, make_event):
    expected = [len(make_event(number).views["Y"]) for number in range(23)]
    assert events.num_pixels("Y").tolist() == expected


def test_one_view_is_read_alone(events, make_event):
    np.testing.assert_array_equal(events.read_view(7, "U").values, make_event(7).views["U"].values)


def test_events_larger_than_a_chunk_and_files_of_many_chunks_survive(
    tmp_path, monkeypatch, make_event, write_events
):
    monkeypatch.setattr("jaxsparse.data.event_tables.PIXEL_CHUNK", 16)
    monkeypatch.setattr("jaxsparse.data.event_tables.EVENT_CHUNK", 4)
    path = write_events(tmp_path / "chunks.h5", map(make_event, range(11)))
    for number, event in enumerate(EventFile(path)):
        assert_same(make_event(number), event)


def test_a_file_without_events_is_legal(tmp_path, write_events):
    file = EventFile(write_events(tmp_path / "none.h5", []))
    assert len(file) == 0
    assert list(file) == []
    assert file.num_pixels("Y").tolist() == []


def test_voxels_and_events_without_truth_are_legal(tmp_path):
    coords = np.array([[0, 0, 1], [3, 3, 3]], np.int32)
    view = View(coords, np.array([0.5, 0.0], np.float32), (4, 4, 4))
    with EventWriter(tmp_path / "a.h5", detector="toy", views={"voxels": (4, 4, 4)}) as writer:
        writer.append(Event(0, {"voxels": view}))
    event = EventFile(tmp_path / "a.h5")[0]
    assert_same(Event(0, {"voxels": view}), event)
    assert event.views["voxels"].labels is None


def test_threads_and_processes_may_share_the_source(events, make_event):
    with ThreadPoolExecutor(4) as pool:
        for number, event in enumerate(pool.map(events.__getitem__, range(len(events)))):
            assert_same(make_event(number), event)
    copy = pickle.loads(pickle.dumps(events))
    assert_same(make_event(3), copy[3])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
def test_a_forked_process_opens_its_own_handle(events, make_event):
    assert len(events[0].views) == 2  # the parent's handle is open before the fork
    reader, writer = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=lambda: os.write(writer, str(events[5].event_id).encode())
    )
    child.start()
    child.join()
    assert os.read(reader, 100) == b"1005"


def test_a_closed_file_opens_again(events, make_event):
    events.close()
    assert_same(make_event(1), events[1])


def test_the_layout_is_what_the_documentation_says(events_path):
    with h5py.File(events_path) as file:
        assert file.attrs["format"] == "jaxsparse-events"
        assert file.attrs["schema_version"] == SCHEMA_VERSION
        assert file.attrs["complete"]
        group = file["views/Y"]
        assert group.attrs["value_unit"] == ""
        assert list(group.attrs["axes"]) == ["row", "column"]
        first, last = group["offsets"][7:9]
        expected = EventFile(events_path).read_view(7, "Y")
        np.testing.assert_array_equal(group["coords"][first:last], expected.coords)
        assert group["values"].compression == "gzip"
        assert group["values"].shuffle


def test_event_classes_and_energies_are_kept_and_read_as_columns(
    tmp_path, make_event, write_events
):
    energy = [2.25, 0.0, np.nan]
    events = [dataclasses.replace(make_event(i), label=i - 1, energy=energy[i]) for i in range(3)]
    path = write_events(tmp_path / "a.h5", events, event_classes=("numu", "nue"))
    file = EventFile(path)
    assert file.event_classes == ("numu", "nue")
    assert file.event_labels.dtype == np.int32
    assert file.event_labels.tolist() == [-1, 0, 1]
    assert file.event_energy.dtype == np.float32
    np.testing.assert_array_equal(file.event_energy, np.asarray(energy, np.float32))
    assert file.topologies == ["bomb"] * 3
    for number, event in enumerate(events):
        assert_same(event, file[number])


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_many_views_are_read_at_once_in_any_order(
    tmp_path, monkeypatch, make_event, write_events, compression
):
    monkeypatch.setattr("jaxsparse.data.event_tables.PIXEL_CHUNK", 64)
    monkeypatch.setattr("jaxsparse.data.event_tables.PLAIN_CHUNK", 48)
    path = write_events(tmp_path / "a.h5", map(make_event, range(12)), compression=compression)
    file = EventFile(path)
    for numbers in ([5, 2, 3, 4, 4, -1, 0], [], range(12)):
        views = file.read_many(numbers, "Y")
        assert len(views) == len(numbers)
        for number, view in zip(numbers, views, strict=True):
            expected = make_event(number % 12).views["Y"]
            for column in PIXEL_COLUMNS:
                np.testing.assert_array_equal(getattr(view, column), getattr(expected, column))
    with h5py.File(path) as stored:
        assert stored["views/Y/coords"].compression == {"gzip": "gzip", "none": None}[compression]


def test_only_the_columns_asked_for_are_read(events, make_event):
    view = events.read_many([6], "Y", ())[0]
    assert view.labels is None
    np.testing.assert_array_equal(view.values, make_event(6).views["Y"].values)
    view = events.read_many([6], "Y", ["instance"])[0]
    np.testing.assert_array_equal(view.instance, make_event(6).views["Y"].instance)
    assert view.labels is None
    pixels = events.read_pixels([6, 1], "Y", ())
    assert pixels.columns == {}
    assert pixels.lengths.tolist() == [len(make_event(number).views["Y"]) for number in (6, 1)]
    with pytest.raises(InputError, match="column 'charge' is not in view Y"):
        events.read_many([6], "Y", ["charge"])


def test_columns_with_other_filters_are_read_through_hdf5(tmp_path, make_event, write_events):
    path = write_events(tmp_path / "a.h5", map(make_event, range(4)))
    with h5py.File(path, "r+") as file:
        values = file["views/Y/values"][:]
        del file["views/Y/values"]
        file.create_dataset("views/Y/values", data=values, compression="lzf")
    file = EventFile(path)
    assert_same(make_event(2), pickle.loads(pickle.dumps(file))[2])
    file.close()
    assert_same(make_event(3), file[3])


def test_axes_and_units_of_another_detector_are_kept(tmp_path, make_event, write_events, events):
    path = write_events(
        tmp_path / "a.h5", [make_event(0)], axes=("plane", "cell"), value_unit="byte"
    )
    file = EventFile(path)
    assert file.axes == {"U": ("plane", "cell"), "Y": ("plane", "cell")}
    assert file.value_units == {"U": "byte", "Y": "byte"}
    assert events.axes["Y"] == ("row", "column")  # of a detector that nobody described
    known = EventFile(write_events(tmp_path / "b.h5", [make_event(0)], detector="microboone"))
    assert (known.axes["Y"], known.value_units["Y"]) == (("time row", "wire"), "ADC")


def test_a_file_from_before_energies_and_event_classes_is_read(tmp_path, make_event, write_events):
    path = write_events(tmp_path / "old.h5", map(make_event, range(4)))
    with h5py.File(path, "r+") as old:
        del old["events/energy"]
        assert "event_classes" not in old.attrs
    file = EventFile(path)
    assert file.event_classes == ()
    assert np.isnan(file.event_energy).all()
    assert file.event_labels.tolist() == [0, 1, 2, 0]
    assert_same(make_event(3), file[3])


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path, make_event, write_events):
    path = write_events(tmp_path / "a.h5", [make_event(0)])
    before = path.read_bytes()

    def interrupted():
        yield make_event(1)
        assert path.read_bytes() == before
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_events(path, interrupted())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_refused_event_leaves_the_file_as_if_it_had_not_been_given(tmp_path, make_event):
    good, bad = make_event(0), make_event(1)
    broken = dataclasses.replace(bad.views["Y"], values=-bad.views["Y"].values)
    with EventWriter(
        tmp_path / "a.h5",
        detector="toy",
        views={"U": (40, 60), "Y": (40, 80)},
        class_names=CLASS_NAMES,
    ) as writer:
        with pytest.raises(InputError, match=r"Event 0 for a\.h5, view Y: value -"):
            writer.append(dataclasses.replace(bad, views={**bad.views, "Y": broken}))
        without = {name: View(v.coords, v.values, v.shape) for name, v in bad.views.items()}
        writer.append(good)
        with pytest.raises(InputError, match="truth columns"):
            writer.append(dataclasses.replace(bad, views=without))
        writer.append(bad)
    file = EventFile(tmp_path / "a.h5")
    assert len(file) == 2
    assert_same(good, file[0])
    assert_same(bad, file[1])


def test_two_programs_cannot_write_one_file(tmp_path):
    first, second = (
        EventWriter(tmp_path / "a.h5", detector="toy", views={"Y": (4, 4)}) for _ in range(2)
    )
    with first, pytest.raises(InputError, match="another program"):
        second.__enter__()
    assert len(EventFile(tmp_path / "a.h5")) == 0
