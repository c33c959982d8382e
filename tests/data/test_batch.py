"""A batch holds every pixel of its events once, in canonical order, and nothing in its padding."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from jaxsparse.data.batch import make_batch, pad, share_out
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.targets import TARGETS
from jaxsparse.errors import InputError
from tests.loaders import per_event

SHAPE, LEVELS = (40, 60), 4


@pytest.fixture
def views(make_view):
    rng = np.random.default_rng(0)
    return [make_view(rng, pixels) for pixels in (30, 0, 200, 1, 77)]


def images(views) -> Pixels:
    """With the targets of pixels."""
    pixels = Pixels.of(views, SHAPE)
    targets = {name: target.make([pixels], None)[0] for name, target in TARGETS.items()}
    return dataclasses.replace(pixels, columns=targets)


def split(views, num_devices, slots=None):
    pixels = images(views)
    pixels.columns["weights"] = 1 + np.arange(len(pixels)) - pixels.per_event(pixels.bounds[:-1])
    return share_out(
        [pixels], np.arange(len(views)), 100 + np.arange(len(views)), num_shares=num_devices,
        slots=slots or -(-len(views) // num_devices), levels=LEVELS,
    )  # fmt: skip


def padded(shards, slots):
    counts = np.max([shard.level_counts for shard in shards], axis=0) + 5
    return pad(shards, counts, slots=slots)


def test_rows_are_the_pixels_in_canonical_order_then_padding(views):
    whole = make_batch([images(views)], levels=LEVELS, buckets=BucketTable(((512,) * 4,)))
    (batch,) = whole.views
    count = sum(map(len, views))
    assert batch.coords.shape == (512, 3)
    assert int(batch.num_active) == int(whole.num_active) == count
    assert (int(whole.num_events), whole.slots) == (5, 5)
    assert whole.events.tolist() == [0, 1, 2, 3, 4]
    labels, weights = batch.targets["labels"], batch.targets["weights"]
    keys = [tuple(row) for row in batch.coords[:count].tolist()]
    assert keys == sorted(set(keys))
    for slot, view in enumerate(views):
        rows = np.flatnonzero(batch.coords[:, 0] == slot)
        np.testing.assert_array_equal(batch.coords[rows, 1:], view.coords)
        np.testing.assert_array_equal(batch.features[rows, 0], view.values)
        np.testing.assert_array_equal(labels[rows], view.labels)
        np.testing.assert_array_equal(weights[rows], view.labels >= 0)
    assert (batch.coords[count:] == -1).all()
    assert (batch.features[count:] == 0).all()
    assert (labels[count:] == -1).all()
    assert (weights[count:] == 0).all()
    assert batch.capacities == (512,) * 4
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(whole)} == {"int32", "float32"}


def test_level_counts_are_those_of_the_distinct_halved_coordinates(views):
    batch = make_batch([images(views)], levels=LEVELS)
    for level, capacity in enumerate(batch.views[0].capacities):
        halved = {
            (slot, *(pixel >> level).tolist())
            for slot, view in enumerate(views)
            for pixel in view.coords
        }
        assert capacity == len(halved)


@pytest.mark.parametrize("num_devices", [1, 2, 3, 8])
def test_every_event_lands_on_one_device_with_all_its_pixels(views, num_devices):
    batch = padded(split(views, num_devices), 5)
    assert batch.views[0].coords.shape[0] == num_devices
    seen = dict(per_event(batch, batch.views[0].targets["weights"]))
    assert sorted(seen) == [100, 101, 102, 103, 104]
    for number, weights in seen.items():
        assert weights.tolist() == list(range(1, len(views[number - 100]) + 1))
    assert batch.num_events.sum() == 5
    assert batch.num_active.sum() == sum(map(len, views))
    for device in range(num_devices):
        part = batch.device(device)
        rows = dict(per_event(part, part.views[0].coords))
        assert rows.keys() == set(part.events.tolist()) - {-1}
        for number, coords in rows.items():
            np.testing.assert_array_equal(coords[:, 1:], views[number - 100].coords)
            assert part.labels[part.events.tolist().index(number)] == number - 100


def test_all_devices_share_shapes_and_static_fields_whatever_they_hold(views):
    full, short = padded(split(views, 4), 2), padded(split(views[:2], 4), 2)
    assert full.slots == short.slots == 2
    assert full.views[0].spatial_shape == short.views[0].spatial_shape == SHAPE
    assert short.labels.tolist() == [[0, -1], [1, -1], [-1, -1], [-1, -1]]
    assert short.num_events.tolist() == [1, 1, 0, 0]
    assert short.num_active.sum() == 30


def test_a_batch_without_a_site_and_one_without_an_event_are_legal(make_view):
    empty = make_view(np.random.default_rng(0), 0)
    batch = make_batch([images([empty, empty])], levels=LEVELS)
    assert int(batch.num_active) == 0
    assert int(batch.num_events) == 2
    assert [len(rows) for _, rows in per_event(batch, batch.views[0].features)] == [0, 0]
    none = padded(split([], 2, slots=2), 2)
    assert none.num_events.tolist() == [0, 0]
    assert list(per_event(none, none.views[0].features)) == []


def test_a_batch_may_be_exactly_full(views):
    batch = make_batch([images(views)], levels=LEVELS)
    assert int(batch.num_active) == len(batch.views[0].coords)


def test_views_of_different_shapes_and_dimensions_share_their_slots(views, make_view):
    rng = np.random.default_rng(1)
    other = [make_view(rng, pixels, (8, 6, 4)) for pixels in (9, 4, 0, 12, 1)]
    both = [images(views), dataclasses.replace(Pixels.of(other), columns={})]
    shards = share_out(both, np.arange(5), np.arange(5), num_shares=2, slots=3, levels=2)
    batch = pad(shards, np.max([shard.level_counts for shard in shards], axis=0), slots=3)
    assert [view.spatial_shape for view in batch.views] == [SHAPE, (8, 6, 4)]
    assert [view.coords.shape[-1] for view in batch.views] == [3, 4]
    assert batch.views[1].targets == {}
    for place, source in enumerate((views, other)):
        found = dict(per_event(batch, batch.views[place].coords, place))
        assert sorted(found) == list(range(5))
        for number, rows in found.items():
            np.testing.assert_array_equal(rows[:, 1:], source[number].coords)
    sites = sum(map(len, views)) + sum(map(len, other))
    assert batch.num_active.sum() == sites


def test_the_tensor_of_a_batch_is_its_dense_image(views):
    batch = make_batch([images(views)], levels=LEVELS, buckets=BucketTable(((400,) * 4,)))
    tensor = batch.views[0].tensor()
    dense = np.asarray(tensor.to_dense())
    for slot, view in enumerate(views):
        expected = np.zeros(SHAPE, np.float32)
        expected[tuple(view.coords.T)] = view.values
        np.testing.assert_array_equal(dense[slot, ..., 0], expected)


def test_what_cannot_be_one_batch_is_refused(views, make_view):
    with pytest.raises(InputError, match="largest bucket"):
        make_batch([images(views)], levels=LEVELS, buckets=BucketTable(((64, 64, 64, 64),)))
    for wrong in ([], [images([])], [images(views), images(views[:2])]):
        with pytest.raises(InputError, match=r"views hold \["):
            make_batch(wrong, levels=LEVELS)
    with pytest.raises(InputError, match="give a bucket that fits"):
        pad(split(views, 1), (10, 10, 10, 10), slots=5)
    with pytest.raises(InputError, match=r"has \d events but slots is 2: give more slots"):
        pad(split(views, 1), (500, 500, 500, 500), slots=2)


@pytest.mark.parametrize("name", ["labels", "events"])
@pytest.mark.parametrize("column", [[2, 3, 4], [2.7], [], [[1]]])
def test_a_batch_takes_one_whole_number_an_event(views, name, column):
    given: Any = {name: np.array(column)}
    with pytest.raises(InputError, match=f"{name} are .* must be whole numbers, one for each of"):
        make_batch([images(views[:1])], levels=LEVELS, **given)
