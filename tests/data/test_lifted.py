"""Rows of the pixels that show a site of the last view, against one pixel at a time."""

import numpy as np
import pytest

from jaxsparse.data.batch import make_batch, pad, share_out
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.errors import InputError
from jaxsparse.models.backbones.lifted import rows_of
from jaxsparse.training.config import default_config
from tests.data.linked_events import linked_event, linked_path, write_linked
from tests.loaders import images_of

__all__ = ["linked_event", "linked_path", "write_linked"]  # fixtures

VIEWS = ("U", "voxels", "Y")
EVENTS = np.array([6, 1, 4, 3, 6])  # 4 has no pixel in U and Y, 3 no link
LOW, HIGH = 60.0, 250.0


def pipeline_of(path, views=VIEWS, *, augment=False, **changes):
    data = default_config().data
    data.views, data.crop, data.low, data.high = views, (), LOW, HIGH
    for key, value in changes.items():
        data[key] = value
    return Pipeline(EventFile(path), data, levels=2, augment=augment, lifts=True)


def one_at_a_time(path, number):
    """By seen pixel of Y, the seen pixel of every other view of which it has the largest share."""
    event = EventFile(path)[number]

    def seen(view):
        return (view.values >= LOW) & (view.values <= HIGH)

    plane, found = event.views["Y"], {}
    for row in np.flatnonzero(seen(plane)).tolist():
        shown = {}
        for to in VIEWS[:-1]:
            other = event.views[to]
            links = plane.links[to].take([row])
            kept = seen(other)[links.rows]
            linked, shares = links.rows[kept], links.shares[kept]
            shown[to] = tuple(other.coords[linked[shares.argmax()]]) if len(linked) else None
        found[tuple(plane.coords[row])] = shown
    return found


def compared(batch, path, events):
    """Counts sites of Y that some pixel shows, after comparing them all."""
    images = [view.tensor() for view in batch.views]
    *others, last = images
    rows = [rows_of(x, last, own) for x, own in zip(others, batch.views[-1].shown, strict=True)]
    slots = np.asarray(images[-1].coords[:, 0])
    expected = [one_at_a_time(path, number) for number in events]
    shown = 0
    for site, slot in enumerate(slots):
        for view, name in enumerate(VIEWS[:-1]):
            row = int(rows[view][site])
            if slot < 0:
                assert row == -1
                continue
            wanted = expected[slot][tuple(np.asarray(images[-1].coords[site, 1:]))][name]
            if wanted is None:
                assert row == -1
            else:
                assert np.asarray(images[view].coords[row]).tolist() == [slot, *wanted]
                shown += 1
    return shown


def test_a_batch_leads_from_every_site_to_the_pixels_that_show_it(linked_path):
    images = images_of(pipeline_of(linked_path), EVENTS)
    batch = make_batch(images, levels=2, events=EVENTS)
    assert len(batch.views[-1].shown) == 2
    assert not batch.views[0].shown
    assert compared(batch, linked_path, batch.events) > 20


def test_rows_stay_right_in_padded_batches_of_several_devices(linked_path):
    images = images_of(pipeline_of(linked_path), EVENTS)
    shards = share_out(images, np.zeros(5, int), EVENTS, num_shares=2, slots=4, levels=2)
    room = np.max([shard.level_counts for shard in shards], axis=0) + 9
    batch = pad(shards, room.tolist(), slots=4)
    counts = [
        compared(batch.device(part), linked_path, batch.device(part).events[: len(shard.events)])
        for part, shard in enumerate(shards)
    ]
    assert min(counts) > 0


def test_flips_shifts_and_dropped_pixels_leave_the_links_alone(linked_path):
    """Values tell pixels apart, and no change here changes them."""
    *others, last = images_of(
        pipeline_of(
            linked_path,
            augment=True,
            flip_time=True,
            flip_wire=True,
            shift=2,
            drop=0.2,
            fluctuation=0.0,
        ),
        EVENTS,
    )
    compared = 0
    for position, number in enumerate(EVENTS.tolist()):
        views = EventFile(linked_path)[number].views
        own = np.flatnonzero(last.event == position)
        for name, other in zip(VIEWS, others, strict=False):
            there = other.values[other.event == position]
            for site in own:
                (row,) = np.flatnonzero(feature(views["Y"]) == last.values[site]).tolist()
                linked = feature(views[name])[views["Y"].links[name].take([row]).rows]
                found = last.columns[f"row in {name}"][site]
                if found < 0:
                    assert not np.isin(linked, there).any()
                else:
                    assert there[found] in linked
                    compared += 1
    assert compared > 20


SIDES = (14, 25)
CROP = {"crop": SIDES, "crop_anywhere": 0.5, "flip_time": False, "flip_wire": False}


def in_box(event, corner, to):
    """Rows of a view in the box around its seen pixels that a window of Y is linked to, by hand."""
    plane, other = event.views["Y"], event.views[to]
    shown = []
    for row, place in enumerate(plane.coords.tolist()):
        offsets = [at - start for at, start in zip(place, corner, strict=True)]
        seen = LOW <= plane.values[row] <= HIGH
        if seen and all(0 <= at < side for at, side in zip(offsets, SIDES, strict=True)):
            shown += plane.links[to].take([row]).rows.tolist()
    shown = [row for row in shown if LOW <= other.values[row] <= HIGH]
    places = [other.coords[row].tolist() for row in shown]
    return [
        row
        for row, place in enumerate(other.coords.tolist())
        if places
        and LOW <= other.values[row] <= HIGH
        and all(
            min(axis) <= at <= max(axis)
            for at, axis in zip(place, zip(*places, strict=True), strict=True)
        )
    ], len(set(shown))


@pytest.mark.parametrize("augment", [False, True])
def test_of_the_others_a_window_keeps_the_box_around_the_pixels_that_show_it(linked_path, augment):
    pipeline = pipeline_of(linked_path, augment=augment, **CROP)
    *others, last = pipeline.pixels(EVENTS)
    *unmoved, corners = pipeline.corners(EVENTS)
    assert not np.any(np.concatenate(unmoved, axis=1))
    assert [view.shape for view in (*others, last)] == [(40, 60), (8, 9, 10), SIDES]
    sizes = np.zeros(2, int)
    for position, number in enumerate(EVENTS.tolist()):
        event = EventFile(linked_path)[number]
        for name, found in zip(VIEWS, others, strict=False):
            rows, shown = in_box(event, corners[position], name)
            own = found.views()[position]
            view = event.views[name].take(rows)
            np.testing.assert_array_equal(own.coords, view.coords)
            np.testing.assert_array_equal(own.values, view.values)
            sizes += len(own), shown
    assert sizes[0] > sizes[1] > 20


def test_no_site_of_a_window_loses_a_pixel_that_shows_it(linked_path):
    whole = pipeline_of(linked_path).finished(pipeline_of(linked_path).pixels(EVENTS))[-1]
    *others, last = images_of(pipeline_of(linked_path, **CROP), EVENTS)
    *_, corners = pipeline_of(linked_path, **CROP).corners(EVENTS)
    places = np.column_stack([last.event, last.coords + corners[last.event]]).tolist()
    before = np.column_stack([whole.event, whole.coords]).tolist()
    rows = np.array([before.index(place) for place in places])
    seen = images_of(pipeline_of(linked_path), EVENTS)
    for name, there, here in zip(VIEWS, seen, others, strict=False):
        expected, found = whole.columns[f"row in {name}"][rows], last.columns[f"row in {name}"]
        np.testing.assert_array_equal(found < 0, expected < 0)
        some = found >= 0
        assert some.sum() > 10
        event = last.event[some]
        one, other = there.bounds[event] + expected[some], here.bounds[event] + found[some]
        np.testing.assert_array_equal(there.coords[one], here.coords[other])
        np.testing.assert_array_equal(there.values[one], here.values[other])


def test_windows_are_those_of_a_network_that_sees_the_last_view_alone(linked_path):
    lifted = pipeline_of(linked_path, augment=True, **CROP)
    data = default_config().data
    data.views, data.low, data.high = ("Y",), LOW, HIGH
    data.update(CROP)
    alone = Pipeline(EventFile(linked_path), data, levels=2, augment=True)
    for epoch in range(3):
        one, other = lifted.corners(EVENTS, epoch)[-1], alone.corners(EVENTS, epoch)[0]
        np.testing.assert_array_equal(one, other)


def test_a_window_is_the_same_whatever_events_are_made_with_it(linked_path):
    pipeline = pipeline_of(linked_path, augment=True, **CROP)
    together = images_of(pipeline, EVENTS, 3)
    for position, number in enumerate(EVENTS.tolist()):
        alone = images_of(pipeline_of(linked_path, augment=True, **CROP), np.array([number]), 3)
        for view, own in zip(together, alone, strict=True):
            part = view.events(np.array([position]))
            np.testing.assert_array_equal(part.coords, own.coords)
            np.testing.assert_array_equal(part.values, own.values)
            for name, column in own.columns.items():
                np.testing.assert_array_equal(part.columns[name], column)


def test_a_window_without_a_site_and_one_without_links_show_nothing_of_the_others(linked_path):
    none, unlinked = EVENTS.tolist().index(4), EVENTS.tolist().index(3)
    *others, last = images_of(pipeline_of(linked_path, **CROP), EVENTS)
    assert last.lengths[none] == 0 < last.lengths[unlinked]
    for view in others:
        assert view.lengths[none] == view.lengths[unlinked] == 0
    *others, last = images_of(pipeline_of(linked_path, **CROP), EVENTS[[none]])
    assert not any(map(len, (*others, last)))


def test_whole_views_stay_whole(linked_path):
    """Also what lies outside of the box around all links."""
    views = images_of(pipeline_of(linked_path), EVENTS)
    for name, view in zip(VIEWS, views, strict=True):
        values = [EventFile(linked_path)[number].views[name].values for number in EVENTS]
        expected = [((own >= LOW) & (own <= HIGH)).sum() for own in values]
        assert view.lengths.tolist() == expected


def feature(view):
    """What the pipeline makes of the values."""
    data = default_config().data
    return (view.values - np.float32(data.mean)) / np.float32(data.std)


def test_a_view_without_links_is_one_line(linked_path):
    with pytest.raises(InputError, match="links has 'Y' but no view is linked to it"):
        pipeline_of(linked_path, ("Y", "U"))
