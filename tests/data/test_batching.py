"""A batch holds every pixel of its events once, in canonical order, and nothing in its padding."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jaxsparse.data.batching import make_batch, make_sample, pad, split_samples
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.schema import View
from jaxsparse.errors import InputError

SHAPE, LEVELS = (40, 60), 4


@pytest.fixture
def views(make_view):
    rng = np.random.default_rng(0)
    return [make_view(rng, pixels) for pixels in (30, 0, 200, 1, 77)]


def split(views, num_devices, batch_size=None):
    samples = [
        make_sample(100 + row, view, np.arange(1, len(view) + 1, dtype=np.float32), LEVELS)
        for row, view in enumerate(views)
    ]
    return split_samples(
        samples, num_devices, batch_size=batch_size or len(views), spatial_shape=SHAPE,
        levels=LEVELS, feature_scale=50.0,
    )  # fmt: skip


def padded(shards):
    return pad(shards, np.max([shard.level_counts for shard in shards], axis=0) + 5)


def test_rows_are_the_pixels_in_canonical_order_then_padding(views):
    batch = make_batch(views, levels=LEVELS, feature_scale=50.0, buckets=BucketTable(((512,) * 4,)))
    count = sum(map(len, views))
    assert batch.coords.shape == (512, 3)
    assert int(batch.num_active) == count
    assert int(batch.num_events) == 5
    keys = [tuple(row) for row in batch.coords[:count].tolist()]
    assert keys == sorted(set(keys))
    for slot, view in enumerate(views):
        rows = np.flatnonzero(batch.coords[:, 0] == slot)
        np.testing.assert_array_equal(batch.coords[rows, 1:], view.coords)
        np.testing.assert_allclose(batch.features[rows, 0], view.values / 50, rtol=1e-6)
        np.testing.assert_array_equal(batch.labels[rows], view.labels)
        np.testing.assert_array_equal(batch.weights[rows], view.labels >= 0)
    assert (batch.coords[count:] == -1).all()
    assert (batch.features[count:] == 0).all()
    assert (batch.labels[count:] == -1).all()
    assert (batch.weights[count:] == 0).all()
    assert batch.capacities == (512,) * 4
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(batch)} == {"int32", "float32"}


def test_level_counts_are_those_of_the_distinct_halved_coordinates(views):
    batch = make_batch(views, levels=LEVELS)
    for level, capacity in enumerate(batch.capacities):
        halved = {
            (slot, *(pixel >> level).tolist())
            for slot, view in enumerate(views)
            for pixel in view.coords
        }
        assert capacity == len(halved)


@pytest.mark.parametrize("num_devices", [1, 2, 3, 8])
def test_every_event_lands_on_one_device_with_all_its_pixels(views, num_devices):
    batch = padded(split(views, num_devices))
    assert batch.coords.shape[0] == num_devices
    seen = dict(batch.per_event(batch.weights))
    assert sorted(seen) == [100, 101, 102, 103, 104]
    for number, weights in seen.items():
        assert weights.tolist() == list(range(1, len(views[number - 100]) + 1))
    assert batch.num_events.sum() == 5
    assert batch.num_active.sum() == sum(map(len, views))
    for device in range(num_devices):
        part = batch.device(device)
        assert dict(part.per_event(part.weights)).keys() == set(part.events.tolist()) - {-1}


def test_all_devices_share_shapes_and_static_fields_whatever_they_hold(views):
    full, short = padded(split(views, 4)), padded(split(views[:2], 4, batch_size=5))
    assert full.batch_size == short.batch_size == 4
    assert short.num_events.tolist() == [1, 1, 0, 0]
    assert short.num_active.sum() == 30


def test_a_batch_without_a_site_and_one_without_an_event_are_legal(make_view):
    empty = make_view(np.random.default_rng(0), 0)
    batch = make_batch([empty, empty], levels=LEVELS)
    assert int(batch.num_active) == 0
    assert int(batch.num_events) == 2
    assert [len(rows) for _, rows in batch.per_event(batch.labels)] == [0, 0]
    none = padded(split([], 2, batch_size=3))
    assert none.num_events.tolist() == [0, 0]
    assert list(none.per_event(none.labels)) == []


def test_a_batch_may_be_exactly_full(views):
    batch = make_batch(views, levels=LEVELS)
    assert int(batch.num_active) == len(batch.coords)


def test_images_without_truth_have_no_label_and_no_weight(views):
    bare = View(views[0].coords, views[0].values, SHAPE)
    batch = make_batch([bare], levels=LEVELS)
    assert (batch.labels == -1).all()
    assert (batch.weights == 0).all()


def test_the_tensor_of_a_batch_is_its_dense_image(views):
    tensor = make_batch(views, levels=LEVELS, buckets=BucketTable(((400,) * 4,))).tensor()
    dense = np.asarray(tensor.to_dense())
    for slot, view in enumerate(views):
        expected = np.zeros(SHAPE, np.float32)
        expected[tuple(view.coords.T)] = view.values
        np.testing.assert_array_equal(dense[slot, ..., 0], expected)


def test_what_cannot_be_one_batch_is_refused(views, make_view):
    with pytest.raises(InputError, match="largest bucket"):
        make_batch(views, levels=LEVELS, buckets=BucketTable(((64, 64, 64, 64),)))
    with pytest.raises(InputError, match=r"all images of a batch share one shape"):
        make_batch([views[0], make_view(np.random.default_rng(0), 3, (8, 8))], levels=LEVELS)
    with pytest.raises(InputError, match="views is empty"):
        make_batch([])
    with pytest.raises(InputError, match="give a bucket that fits"):
        pad(split(views, 1), (10, 10, 10, 10))
