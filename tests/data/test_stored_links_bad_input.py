"""Every link that breaks a rule gives one line that names event, views, value, rule and remedy."""

from __future__ import annotations

import dataclasses
from typing import Any

import h5py
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.links import Links
from jaxsparse.errors import InputError
from tests.data.linked_events import (
    EVENT,
    GROUP,
    NUM_EVENTS,
    assert_same,
    edit,
    linked_event,
    linked_path,
    write_linked,
    writer_of,
)

__all__ = ["edit", "linked_event", "linked_path", "write_linked"]  # fixtures


def linked(**changes: Any) -> Any:
    """Changes of the links from Y to voxels of an event."""
    return lambda table: dataclasses.replace(table, **changes)


def entry(name: str, value: float, place: int = 0) -> Any:
    def change(table: Links) -> Links:
        column = getattr(table, name).astype(float)
        column[place] = value
        return dataclasses.replace(table, **{name: column})

    return change


REFUSED = [
    (entry("rows", 18), r"row 18 of pixel \d+ must be a pixel of that view, of which there are 18"),
    (entry("rows", -1), r"row -1 of pixel \d+ must be a pixel of that view"),
    (entry("rows", 2**31), r"rows 2147483648\.0 of entry 0 must be a whole number"),
    (entry("rows", 0.5), r"rows 0\.5 of entry 0 must be a whole number"),
    (entry("shares", np.nan), r"share nan of pixel \d+ must be finite and not negative"),
    (entry("shares", np.inf), r"share inf of pixel \d+ must be finite"),
    (entry("shares", -0.25), r"share -0\.25 of pixel \d+ must be finite and not negative"),
    (entry("shares", 1.25), r"sum of shares 1\.\d+ of pixel \d+ must not be above 1"),
    (entry("offsets", 1), "offsets for .* offsets must be one more than the pixels and rise"),
    (entry("offsets", 10**6, -1), "offsets must be one more than the pixels and rise"),
    (entry("offsets", 10**6, 4), "offsets must be one more than the pixels and rise"),
    (lambda table: table.take(slice(1, None)), "offsets must be one more than the pixels"),
    (linked(shares=np.zeros(3)), "and 3 shares: offsets"),
    (linked(rows=None), r"links to voxels: rows None must be"),
    (lambda table: None, "links to voxels are a NoneType: give jaxsparse Links"),
    (lambda table: dataclasses.replace(table, rows=table.rows[::-1]), "larger than the one before"),
]


@pytest.mark.parametrize(("change", "line"), REFUSED)
def test_what_is_wrong_is_refused_by_name_and_the_good_events_are_a_whole_file(
    tmp_path, linked_event, change, line
):
    good = linked_event(EVENT)
    plane = good.views["Y"]
    changed = {**plane.links, "voxels": change(plane.links["voxels"])}
    bad = {**good.views, "Y": dataclasses.replace(plane, links=changed)}
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(good)
        with pytest.raises(InputError, match=line) as error:
            writer.append(dataclasses.replace(good, views=bad))
        writer.append(linked_event(1))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("Event 1 for a.h5, view Y")
    first, second = EventFile(tmp_path / "a.h5")
    assert_same(first, good)
    assert_same(second, linked_event(1))


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, r"links to \[\] differ from those of the first event, to \['U', 'voxels'\]"),
        ({"Y": Links.none(0)}, "links to 'Y' must lead to another view of the file: choose among"),
        ({"W": Links.none(0)}, "links to 'W' must lead to another view .* among U, voxels"),
        ({3: Links.none(0)}, "links to '3' must lead to another view"),
        (None, "links are None: give a dictionary by name of a view"),
    ],
)
def test_links_of_every_event_lead_to_the_same_other_views(tmp_path, linked_event, changed, line):
    good = linked_event(EVENT)
    bad = {**good.views, "Y": dataclasses.replace(good.views["Y"], links=changed)}
    with writer_of(tmp_path / "a.h5") as writer:
        writer.append(good)
        with pytest.raises(InputError, match=line) as error:
            writer.append(dataclasses.replace(good, views=bad))
    assert "\n" not in str(error.value)
    assert len(EventFile(tmp_path / "a.h5")) == 1


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("rows", 18, r"row 18 of pixel \d+ must be a pixel of that view, of which there are 18"),
        ("rows", -1, r"row -1 of pixel \d+ must be a pixel of that view"),
        ("shares", np.nan, r"share nan of pixel \d+ must be finite and not negative"),
        ("shares", -1.0, r"share -1\.0 of pixel \d+ must be finite"),
        ("shares", 1.5, r"sum of shares 1\.\d+ of pixel \d+ must not be above 1"),
        ("counts", -3, "counts from -3 that add up to .* must not be negative and add up to its"),
        ("counts", 2**31 - 1, "must not be negative and add up to its"),
    ],
)
def test_a_bad_entry_is_named_when_its_event_is_read(edit, name, value, match):
    path, file = edit
    first = file["views/Y/offsets" if name == "counts" else f"{GROUP}/offsets"][EVENT]
    file[f"{GROUP}/{name}"][first] = value
    file.close()
    source = EventFile(path)  # opening stays cheap: it does not look at entries
    source[EVENT - 1]
    for read in (
        lambda: source[EVENT],
        lambda: source.read_links([0, EVENT, 3], "Y", "voxels"),
    ):
        with pytest.raises(InputError, match=match) as error:
            read()
        assert str(error.value).startswith(f"Event {EVENT} of bad.h5, view Y, links to voxels: ")
        assert "\n" not in str(error.value)
    assert len(source.read_pixels([EVENT], "Y")) > 0  # whoever does not ask for links


def test_counts_that_are_right_in_all_but_not_in_an_event_are_refused(edit):
    path, file = edit
    bounds, counts = file["views/Y/offsets"][:], file[f"{GROUP}/counts"][:]
    counts[bounds[EVENT - 1]] += 1
    counts[bounds[EVENT] + np.argmax(counts[bounds[EVENT] :] > 0)] -= 1
    file[f"{GROUP}/counts"][:] = counts
    file.close()
    with pytest.raises(InputError, match=rf"Event {EVENT - 1} of bad\.h5.* add up to its"):
        EventFile(path).read_links(range(NUM_EVENTS), "Y", "voxels")


@pytest.mark.parametrize("name", ["counts", "rows", "shares", "offsets"])
@pytest.mark.parametrize("how", ["missing", "type", "short", "outside"])
def test_datasets_that_break_the_layout_are_refused_at_opening(edit, linked_path, name, how):
    path, file = edit
    dataset = f"{GROUP}/{name}"
    rows = file[dataset][:]
    del file[dataset]
    if how == "type":
        file[dataset] = rows.astype(np.float64)
    elif how == "short":
        file[dataset] = rows[:-1]
    elif how == "outside":
        file[dataset] = h5py.ExternalLink(str(linked_path), dataset)
    file.close()
    match = {
        "missing": f"has no dataset {dataset}", "type": f"{dataset} is float64",
        "short": "rows", "outside": "points outside the file",
    }  # fmt: skip
    with pytest.raises(InputError, match=match[how]) as error:
        EventFile(path)
    assert "\n" not in str(error.value)


def test_offsets_of_links_must_climb(edit):
    path, file = edit
    file[f"{GROUP}/offsets"][2] = 10**6
    file.close()
    with pytest.raises(InputError, match=f"{GROUP}/offsets of event 2 goes from 1000000 to"):
        EventFile(path)


@pytest.mark.parametrize("name", ["W", "Y"])
def test_links_to_no_other_view_of_the_file_are_refused_at_opening(edit, name):
    path, file = edit
    file.move(GROUP, f"views/Y/links/{name}")
    file.close()
    match = f"views/Y/links has '{name}' but must name another view of the file, U, voxels"
    with pytest.raises(InputError, match=match):
        EventFile(path)


def test_links_that_are_no_group_are_refused(edit):
    path, file = edit
    del file["views/Y/links"]
    file["views/Y/links"] = np.zeros(3)
    file.close()
    with pytest.raises(InputError, match="views/Y/links must be a group"):
        EventFile(path)
