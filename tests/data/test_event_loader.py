"""Batches of whole events: what they hold, and that batch b is (seed, b)."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from jaxsparse.data.event_loader import EventLoader

from jaxsparse.data.pixels import join
from jaxsparse.errors import InputError
from tests.data.whole_events import LEVELS, NUM_EVENTS, SHAPE, data, event_of, source

__all__ = ["data", "source"]  # fixtures


@pytest.fixture
def load(source, data):
    def make(**options):
        return EventLoader(
            source, data, **{"batch_size": 8, "levels": LEVELS, "seed": 3, **options}
        )

    return make


def take(loader, count):
    return list(itertools.islice(loader, count))


def assert_same(first, second):
    assert str(jax.tree.structure(first)) == str(jax.tree.structure(second))
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.mark.parametrize(("num_devices", "micro_batches"), [(1, 1), (3, 1), (2, 2)])
def test_every_event_is_in_one_slot_with_its_label_and_all_its_pixels(
    load, num_devices, micro_batches
):
    loader = load(shuffle=False, num_devices=num_devices, micro_batches=micro_batches)
    found = {}
    for batch in loader:
        if micro_batches > 1:
            assert batch.labels.shape[:2] == (num_devices, micro_batches)
            batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)
        assert batch.labels.shape == (num_devices * micro_batches, batch.slots)
        for shard in map(batch.device, range(len(batch.labels))):
            assert int(shard.num_events) == (shard.events >= 0).sum()
            assert int(shard.num_active) == sum(int(v.num_active) for v in shard.views)
            assert (shard.labels[shard.events < 0] == -1).all()
            for view in shard.views:
                np.testing.assert_array_equal(view.events, shard.events)
                assert view.capacities[0] == len(view.coords)
                keys = [tuple(row) for row in view.coords[: int(view.num_active)].tolist()]
                assert keys == sorted(set(keys))
                assert (view.coords[int(view.num_active) :] == -1).all()
                assert (view.features[int(view.num_active) :] == 0).all()
            for slot, number in enumerate(shard.events):
                if number >= 0:
                    found[int(number)] = (int(shard.labels[slot]), [
                        (view.coords[view.coords[:, 0] == slot, 1:],
                         view.features[view.coords[:, 0] == slot, 0])
                        for view in shard.views
                    ])  # fmt: skip
    assert sorted(found) == list(range(NUM_EVENTS))
    for number, (label, views) in found.items():
        event = event_of(number)
        assert label == event.label
        for name, (coords, features) in zip(("XZ", "YZ"), views, strict=True):
            np.testing.assert_array_equal(coords, event.views[name].coords)
            expected = (event.views[name].values - 14.57) / 16.27
            np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_one_device_sees_the_events_in_the_order_asked_for(load):
    events = np.array([7, 2, 30, 11, 4])
    batches = take(load(shuffle=False, events=events, batch_size=2), 9)
    numbers = np.concatenate([batch.events[0] for batch in batches])
    assert numbers.tolist() == [7, 2, 30, 11, 4, -1]


def test_shares_have_about_as_many_sites_and_the_same_slots(load):
    for batch in take(load(num_devices=4, batch_size=24), 3):
        assert batch.slots == 6
        sites = sum(view.num_active for view in batch.views)
        assert sites.max() <= 1.4 * sites.mean()


def test_no_batch_needs_more_than_the_largest_bucket_and_few_are_needed(load):
    loader = load(num_devices=2, batch_size=16)
    batches = take(loader, 20)
    used = {tuple(view.capacities for view in batch.views) for batch in batches}
    known = {(row[:LEVELS], row[LEVELS:]) for row in loader.buckets.capacities}
    assert used <= known
    assert len(known) <= 8


def test_resuming_at_any_batch_gives_the_same_batches_bit_for_bit(load):
    whole = take(load(), 8)
    for start in (1, 6):
        for first, second in zip(whole[start:], load(start_batch=start), strict=False):
            assert_same(first, second)


def test_worker_processes_change_nothing(load, data):
    expected = take(load(start_batch=2), 3)
    data.workers = 1
    for first, second in zip(expected, take(load(start_batch=2), 3), strict=True):
        assert_same(first, second)


def test_every_epoch_holds_every_event_once_in_its_own_order(load):
    batches = take(load(batch_size=10), 8)
    numbers = np.concatenate([batch.events[0] for batch in batches])
    first, second = numbers[:40].tolist(), numbers[40:].tolist()
    assert sorted(first) == sorted(second) == list(range(NUM_EVENTS))
    assert first != second
    assert take(load(seed=4, batch_size=10), 1)[0].events[0].tolist() != numbers[:10].tolist()


def test_stated_capacities_are_used_and_the_largest_batch_still_fits(load, data):
    measured = load(shuffle=False).buckets.capacities
    data.capacities = (measured[0],)
    loader = load(shuffle=False, batch_size=4)
    assert loader.buckets.capacities[0] == measured[0]
    data.capacities = ((64,) * 6, (16, 8, 4, 16, 8, 4))
    loader = load(shuffle=False)
    assert loader.buckets.measured == 2
    events = [int(n) for batch in loader for n in batch.events.ravel() if n >= 0]
    assert sorted(events) == list(range(NUM_EVENTS))


def test_sources_that_read_one_event_at_a_time_give_the_same(source, data):
    class Slow:
        path, view_shapes, event_classes = source.path, source.view_shapes, source.event_classes
        event_labels = source.event_labels
        num_pixels, read_view = source.num_pixels, source.read_view

        def __len__(self):
            return len(source)

    slow, fast = (
        EventLoader(one, data, batch_size=8, levels=LEVELS, shuffle=False)
        for one in (Slow(), source)
    )
    for first, second in zip(slow, fast, strict=True):
        assert_same(first, second)
    assert len(join([], SHAPE)) == 0


@pytest.mark.parametrize("row", [(64,) * 5, (64, 64, 0, 64, 64, 64), (64.0,) * 6, 64])
def test_capacities_that_are_none_are_refused(load, data, row):
    data.capacities = ((64,) * 6, row)
    with pytest.raises(InputError, match=r"data\.capacities has the row .*: it must be 6 positive"):
        load()


def test_no_events_to_train_on_is_refused(load):
    with pytest.raises(InputError, match=r"events\.h5 has no events of the classes chosen"):
        load(events=np.zeros(0, np.int64))
    assert list(load(events=np.zeros(0, np.int64), shuffle=False)) == []
