"""Links in an event file: written, read, copied, described."""

from __future__ import annotations

import dataclasses
import pickle

import h5py
import numpy as np
import pytest

from jaxsparse.data import growing_table, transforms
from jaxsparse.data.copying import copy_events
from jaxsparse.data.description import describe
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.links import Links
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import SCHEMA_VERSION
from jaxsparse.errors import InputError
from tests.data.linked_events import (
    EVENT,
    GROUP,
    LINKED,
    NUM_EVENTS,
    VIEWS,
    assert_equal,
    assert_same,
    edit,
    linked_event,
    linked_path,
    write_linked,
    writer_of,
)
from tests.data.stored_anyhow import Storage
from tests.loaders import images_of

__all__ = ["edit", "linked_event", "linked_path", "write_linked"]  # fixtures


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_links_come_back_as_they_were_written_in_any_order(
    tmp_path, monkeypatch, linked_event, write_linked, compression
):
    monkeypatch.setattr("jaxsparse.data.event_tables.PIXEL_CHUNK", 64)
    monkeypatch.setattr("jaxsparse.data.event_tables.PLAIN_CHUNK", 48)
    file = EventFile(write_linked(tmp_path / "a.h5", compression=compression))
    assert {name: file.linked_views(name) for name in VIEWS} == LINKED
    for number in (6, 0, 3, 4, 7, 1):
        assert_same(file[number], linked_event(number))
        assert_same(pickle.loads(pickle.dumps(file))[number], linked_event(number))
    for numbers in ([5, 2, 3, 4, 4, -1, 0], [], range(NUM_EVENTS)):
        for name, linked in LINKED.items():
            for to in linked:
                tables = [linked_event(number % 8).views[name].links[to] for number in numbers]
                assert_equal(file.read_links(numbers, name, to), Links.joined(tables))
            for number, view in zip(numbers, file.read_many(numbers, name), strict=True):
                assert view.links == linked_event(number % 8).views[name].links


def test_a_table_is_read_without_jaxsparse_as_the_documentation_says(linked_path, linked_event):
    with h5py.File(linked_path) as file:
        assert file.attrs["schema_version"] == SCHEMA_VERSION
        plane, table = file["views/Y"], file[GROUP]
        first, last = plane["offsets"][EVENT : EVENT + 2]
        begin, end = table["offsets"][EVENT : EVENT + 2]
        pixel = np.repeat(np.arange(last - first), table["counts"][first:last])
        rows, shares = table["rows"][begin:end], table["shares"][begin:end]
        assert table["rows"].compression == "gzip"
    expected = linked_event(EVENT).views["Y"].links["voxels"]
    assert_equal(Links.of(pixel, rows, shares, int(last - first)), expected)


def test_a_file_without_links_has_none(tmp_path, make_event, write_events, events):
    assert events.linked_views("Y") == ()
    assert events[1].views["Y"].links == {}
    with pytest.raises(InputError, match=r"view Y of .* has no links to 'U': it has links to none"):
        events.read_links([1], "Y", "U")
    file = EventFile(write_events(tmp_path / "none.h5", [], views=VIEWS))
    assert file.linked_views("Y") == ()


def test_copies_keep_links_and_fingerprints_tell_links_apart(
    tmp_path, linked_path, linked_event, write_events, edit
):
    source = EventFile(linked_path)
    copy_events(source, np.array([6, 1, 1]), tmp_path / "copy.h5")
    for number, event in zip((6, 1, 1), EventFile(tmp_path / "copy.h5"), strict=True):
        assert_same(event, linked_event(number))
    copy_events(source, np.arange(NUM_EVENTS), tmp_path / "whole.h5")
    assert fingerprint(EventFile(tmp_path / "whole.h5")) == fingerprint(source)
    path, file = edit
    file[f"{GROUP}/shares"][0] /= 2
    file.flush()
    other = fingerprint(EventFile(path))
    for name in VIEWS:
        file.pop(f"views/{name}/links", None)
    file.close()
    bare = [
        dataclasses.replace(
            event,
            views={name: dataclasses.replace(v, links={}) for name, v in event.views.items()},
        )
        for event in map(linked_event, range(NUM_EVENTS))
    ]
    without = fingerprint(EventFile(write_events(tmp_path / "bare.h5", bare, views=VIEWS)))
    assert fingerprint(EventFile(path)) == without
    assert len({fingerprint(source), other, without}) == 3


def test_a_description_has_figures_of_links(linked_path, linked_event):
    figures = describe(str(linked_path))["views"]["Y"]["figures"]["links"]
    assert list(figures) == ["U", "voxels"]
    views = [linked_event(number).views["Y"] for number in range(NUM_EVENTS)]
    linked = sum(int((np.diff(view.links["U"].offsets) > 0).sum()) for view in views)
    assert figures["U"]["pixels"] == pytest.approx(linked / sum(map(len, views)))


def test_a_pipeline_reads_the_links_that_are_asked_for(linked_path, data_config):
    """Through mask, crop, coarsening and halo they are those of the transforms one by one."""
    data_config.update({
        "views": ("Y", "voxels", "U"), "crop": (), "coarsen": 2, "halo": 1, "low": 20.0,
        "high": 300.0,
    })  # fmt: skip
    file, numbers = EventFile(linked_path), np.array([6, 2, 7])
    pipeline = Pipeline(file, data_config, levels=2, augment=False, links=("voxels",))
    plane, voxels, other = pipeline.pixels(numbers)
    assert (set(plane.links), set(voxels.links), set(other.links)) == ({"voxels"},) * 3
    found = plane.linked_to(voxels, "voxels")
    assert_equal(found, images_of(pipeline, numbers)[0].linked_to(voxels, "voxels"))

    def changed(pixels: Pixels, links: Links) -> Pixels:
        pixels = dataclasses.replace(pixels, links={"voxels": links})
        pixels = transforms.coarsen(transforms.mask(pixels, 20.0, 300.0), 2)
        return transforms.halo(pixels, 1)

    first, second = (file.read_pixels(numbers, name, ()) for name in ("Y", "voxels"))
    first = changed(first, file.read_links(numbers, "Y", "voxels"))
    second = changed(second, Links.own(second.lengths))
    assert_equal(found, first.linked_to(second, "voxels"))
    assert len(found.rows) > 0
    assert Pipeline(file, data_config, levels=2, augment=False).pixels(numbers)[0].links == {}


def test_links_that_a_pipeline_cannot_follow_are_refused(linked_path, data_config):
    file = EventFile(linked_path)
    for views, to, match in (
        (("Y", "voxels"), "U", "links has 'U' but data.views lacks it"),
        (("Y", "voxels"), "Y", "links has 'Y' but no view is linked to it"),
        (("voxels",), "voxels", "links has 'voxels' but no view is linked to it"),
    ):
        data_config.update({"views": views, "crop": ()})
        with pytest.raises(InputError, match=match):
            Pipeline(file, data_config, levels=2, augment=False, links=(to,))


def test_an_event_with_bad_links_is_left_out_where_links_are_read(edit, data_config):
    path, file = edit
    file[f"{GROUP}/shares"][file[f"{GROUP}/offsets"][EVENT]] = np.nan
    file.close()
    data_config.update({"views": ("Y", "voxels"), "crop": (), "bad_events": "skip"})
    source, numbers = EventFile(path), np.array([2, EVENT, 1])
    images, good, wrong = Pipeline(
        source, data_config, levels=2, augment=False, links=("voxels",)
    ).readable_pixels(numbers)
    assert good.tolist() == [True, False, True]
    assert list(wrong) == [EVENT]
    assert "share nan of pixel" in wrong[EVENT]
    assert len(images[0].lengths) == 2
    assert Pipeline(source, data_config, levels=2, augment=False).readable_pixels(numbers)[1].all()


def test_lists_and_wider_types_are_what_they_say(tmp_path, linked_event):
    event = linked_event(EVENT)
    tables = {
        to: Links(*(getattr(one, name).tolist() for name in ("offsets", "rows", "shares")))
        for to, one in event.views["Y"].links.items()
    }
    given = {**event.views, "Y": dataclasses.replace(event.views["Y"], links=tables)}
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(dataclasses.replace(event, views=given))
    assert_same(EventFile(tmp_path / "a.h5")[0], event)


def test_shares_that_rounding_makes_more_than_one_are_legal(tmp_path, linked_event):
    event = linked_event(EVENT)
    rows = len(event.views["U"])
    shares = np.full(rows, 1 / rows + 1e-7)
    table = Links.of(np.zeros(rows, int), np.arange(rows), shares, len(event.views["Y"]))
    assert table.totals[0] > 1
    changed = {**event.views["Y"].links, "U": table}
    views = {**event.views, "Y": dataclasses.replace(event.views["Y"], links=changed)}
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(dataclasses.replace(event, views=views))
    assert_equal(EventFile(tmp_path / "a.h5")[0].views["Y"].links["U"], table)


@pytest.mark.parametrize(
    "storage",
    [Storage("compact"), Storage("contiguous"), Storage(filters=("lzf",)), Storage(swapped=True)],
    ids=["compact", "contiguous", "lzf", "swapped"],
)
def test_links_that_other_programs_store_in_other_ways_are_the_same(edit, linked_event, storage):
    path, file = edit
    for name in ("counts", "rows", "shares", "offsets"):
        rows = file[f"{GROUP}/{name}"][:]
        del file[f"{GROUP}/{name}"]
        storage.store(file, f"{GROUP}/{name}", rows)
    file.close()
    for number in (2, EVENT):
        assert_same(EventFile(path)[number], linked_event(number))


@pytest.mark.parametrize("at", [7, 8, 9])  # six calls take the pixels of three views
def test_an_event_that_was_half_written_is_never_published(tmp_path, monkeypatch, linked_event, at):
    """One append to the links fails, as for lack of memory; the caller goes on."""
    append, calls = growing_table.GrowingTable.append, 0

    def fail(table, rows):
        nonlocal calls
        calls += 1
        if calls == at:
            raise MemoryError
        append(table, rows)

    def write_badly(writer):
        writer.append(linked_event(1))
        monkeypatch.setattr(growing_table.GrowingTable, "append", fail)
        with pytest.raises(MemoryError):
            writer.append(linked_event(2))

    with (
        pytest.raises(InputError, match="event 1 was left half written"),
        writer_of(tmp_path / "a.h5") as writer,
    ):
        write_badly(writer)
    assert not list(tmp_path.iterdir())
