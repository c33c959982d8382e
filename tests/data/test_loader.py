"""Batch b is a function of (seed, b): order, resume, workers, and events that do not fit."""

from __future__ import annotations

import itertools
import multiprocessing

import jax
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.loader import EpochOrder
from jaxsparse.data.schema import Event, View
from jaxsparse.data.weights import pixel_weights
from jaxsparse.errors import InputError
from tests.data.whole_events import LEVELS, NUM_EVENTS, data, event_of, source
from tests.loaders import make_loader, per_event

__all__ = ["data", "source"]  # fixtures


def take(loader, count):
    return list(itertools.islice(loader, count))


def numbers(batches):
    return [number for batch in batches for number, _ in per_event(batch, batch.views[0].features)]


def assert_same(first, second):
    assert str(jax.tree.structure(first)) == str(jax.tree.structure(second))
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.fixture
def load(events, data_config):
    """Function that makes a loader of the small file; options change the config's data part."""

    def make(*, data=(), **options):
        data_config.update(dict(data))
        settings = {
            "batch_size": 4, "levels": LEVELS, "seed": 7, "weigh": pixel_weights,
            "targets": ("labels", "weights"), **options,
        }  # fmt: skip
        return make_loader(events, data_config, **settings)

    return make


def test_every_epoch_holds_every_event_once_in_its_own_order(load):
    seen = numbers(take(load(batch_size=23), 3))
    epochs = [seen[:23], seen[23:46], seen[46:]]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    order = EpochOrder(np.arange(23), seed=7, shuffle=True)
    orders = [order.batch(epoch, 23)[1].tolist() for epoch in range(3)]
    assert len({tuple(entries) for entries in orders}) == 3
    assert orders[0] != list(range(23))


def test_seeds_give_unrelated_orders():
    def epoch(seed, number):
        return EpochOrder(np.arange(100), seed=seed, shuffle=True).batch(number, 100)[1].tolist()

    assert epoch(0, 0) == epoch(0, 0)
    orders = [tuple(epoch(seed, number)) for seed in range(3) for number in range(3)]
    assert len(set(orders)) == 9


def test_resuming_at_any_batch_gives_the_same_batches_bit_for_bit(load):
    whole = take(load(), 9)
    for start in (1, 5, 8):
        for first, second in zip(whole[start:], load(start_batch=start), strict=False):
            assert_same(first, second)


def test_the_first_batches_are_those_of_the_run_wherever_it_stands(load):
    loader = load(start_batch=5)
    running = iter(loader)
    expected = [next(running), *take(loader.first(3), 9), next(running)]
    whole = take(load(), 7)
    for one, two in zip(expected, (whole[5], *whole[:3], whole[6]), strict=True):
        assert_same(one, two)


def test_the_same_seed_repeats_and_another_does_not(load):
    assert_same(take(load(), 1)[0], take(load(), 1)[0])
    assert take(load(), 1)[0].events.tolist() != take(load(seed=8), 1)[0].events.tolist()


def test_worker_processes_change_nothing(load):
    expected = take(load(start_batch=2), 4)
    got = take(load(data={"workers": 2}, start_batch=2), 4)
    for first, second in zip(expected, got, strict=True):
        assert_same(first, second)


def test_a_worker_that_is_killed_is_one_line(load):
    batches = iter(load(data={"workers": 2}))
    next(batches)
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(InputError, match=r"died \(SIGKILL\).*: lower data\.workers"):
        list(batches)  # endless; some were made before


@pytest.mark.parametrize("batch_size", [1, 4, 23, 50])
@pytest.mark.parametrize("num_devices", [1, 4])
def test_evaluation_is_one_pass_over_the_file(load, batch_size, num_devices):
    loader = load(shuffle=False, batch_size=batch_size, num_devices=num_devices)
    batches = list(loader)
    assert len(batches) == loader.num_batches == -(-23 // batch_size)
    assert sorted(numbers(batches)) == list(range(23))
    if num_devices == 1:
        assert numbers(batches) == list(range(23))
    assert {batch.slots for batch in batches} == {-(-batch_size // num_devices)}
    assert {batch.views[0].capacities for batch in batches} <= set(loader.buckets.capacities)


def test_one_device_sees_the_events_in_the_order_asked_for(load):
    events = np.array([7, 2, 20, 11, 4])
    batches = list(load(shuffle=False, events=events, batch_size=2))
    assert np.concatenate([batch.events[0] for batch in batches]).tolist() == [7, 2, 20, 11, 4, -1]


def test_evaluation_sees_whole_images_as_they_are(load, make_event):
    loader = load(data={"crop": (), "low": 0.0, "high": 1e9}, shuffle=False)
    assert loader.pipeline.shapes == ((40, 80),)
    for batch in loader:
        for number, values in per_event(batch, batch.views[0].features):
            expected = make_event(number).views["Y"].values / np.float32(50)
            np.testing.assert_array_equal(values[:, 0], expected)


def test_training_crops_hold_only_masked_pixels_with_their_weights(load):
    for batch in take(load(), 4):
        (view,) = batch.views
        active = view.targets["weights"][0, : view.num_active[0]]
        labels = view.targets["labels"][0, : view.num_active[0]]
        charge = 50 * view.features[0, : view.num_active[0]]
        assert ((charge > 9.99) & (charge < 300.01)).all()
        assert (active[labels == -1] == 0).all()
        assert ((active[labels >= 0] >= 2e-4 - 1e-9) & (active[labels >= 0] <= 2e-2 + 1e-9)).all()
        assert view.spatial_shape == (32, 32)


def test_devices_are_loaded_evenly(load):
    for batch in take(load(data={"crop": ()}, batch_size=16, num_devices=4), 3):
        assert batch.num_active.max() <= 1.5 * batch.num_active.mean()


def test_an_event_above_the_limit_is_named(load):
    with pytest.raises(
        InputError,
        match=r"Event \d+ of events\.h5 has \d+ sites but data\.max_sites is 20: raise it, or set "
        r"data\.oversize=crop",
    ):
        take(load(data={"max_sites": 20}), 3)


def test_a_batch_above_the_limit_is_named(load, events):
    most = int(events.num_pixels("Y").max())
    with pytest.raises(InputError, match=r"Batch \d+ of .*lower train\.batch_size"):
        take(load(data={"max_sites": most, "crop": ()}, batch_size=23), 2)


def test_oversize_events_may_be_cropped_the_same_way_each_time(load):
    options = {"data": {"max_sites": 20, "oversize": "crop"}}
    batches = take(load(**options), 4)
    assert max(batch.num_active.max() for batch in batches) <= 20
    assert sum(batch.num_active.sum() for batch in batches) > 0
    for first, second in zip(batches, take(load(**options), 4), strict=True):
        assert_same(first, second)


def test_views_without_truth_have_no_weight(tmp_path, make_event, write_events, data_config):
    bare = {name: View(v.coords, v.values, v.shape) for name, v in make_event(1).views.items()}
    path = write_events(tmp_path / "bare.h5", [Event(0, bare)])
    (batch,) = make_loader(
        EventFile(path), data_config, batch_size=2, levels=LEVELS, shuffle=False,
        targets=("labels", "weights"),
    )  # fmt: skip
    assert (batch.views[0].targets["labels"] == -1).all()
    assert batch.views[0].targets["weights"].sum() == 0
    assert batch.num_active.sum() > 0


def test_files_without_events_can_be_evaluated_but_not_trained_on(
    tmp_path, write_events, data_config
):
    source = EventFile(write_events(tmp_path / "none.h5", []))
    assert list(make_loader(source, data_config, batch_size=2, levels=LEVELS, shuffle=False)) == []
    with pytest.raises(InputError, match=r"none\.h5 has no events: training"):
        make_loader(source, data_config, batch_size=2, levels=LEVELS)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"views": ("Z",)}, r"data\.views has 'Z' but events\.h5 has U, Y"),
        ({"low": 400.0}, r"data\.low is 400\.0"),
        ({"crop": (0, 32)}, r"data\.crop is \(0, 32\)"),
        ({"oversize": "drop"}, r"data\.oversize is 'drop'"),
        ({"max_sites": -1}, r"data\.max_sites is -1"),
        ({"num_buckets": 0}, r"data\.num_buckets is 0"),
        ({"crop_keep": "all"}, r"data\.crop_keep is 'all'"),
        ({"std": 0.0}, r"data\.std is 0\.0: it must be positive"),
        ({"workers": -1}, r"data\.workers is -1: it must be a whole number from 0"),
    ],
)
def test_options_out_of_range_are_refused_at_once(load, data, match):
    with pytest.raises(InputError, match=match):
        load(data=data)


def test_batch_sizes_and_seeds_out_of_range_are_refused(load):
    with pytest.raises(InputError, match=r"train\.batch_size is 0"):
        load(batch_size=0)
    with pytest.raises(InputError, match="seed is -1"):
        load(seed=-1)


# ----- several views, whole events -----


@pytest.fixture
def load_events(source, data):
    """Function that makes a loader of small events in two views with classes."""

    def make(**options):
        return make_loader(
            source, data, **{"batch_size": 8, "levels": LEVELS, "seed": 3, **options}
        )

    return make


@pytest.mark.parametrize(("num_devices", "micro_batches"), [(1, 1), (3, 1), (2, 2)])
def test_every_event_is_in_one_slot_with_its_label_and_all_its_pixels(
    load_events, num_devices, micro_batches
):
    loader = load_events(shuffle=False, num_devices=num_devices, micro_batches=micro_batches)
    found: dict = {}
    labels: dict = {}
    for batch in loader:
        shards = num_devices * micro_batches
        axes = (num_devices, micro_batches) if micro_batches > 1 else (num_devices,)
        assert batch.labels.shape == (*axes, batch.slots)
        assert batch.slots == -(-8 // shards)
        np.testing.assert_array_equal(batch.num_events, (batch.events >= 0).sum(axis=-1))
        assert (batch.labels[batch.events < 0] == -1).all()
        used = batch.events >= 0
        labels |= dict(zip(batch.events[used].tolist(), batch.labels[used].tolist(), strict=True))
        for place, view in enumerate(batch.views):
            assert view.targets == {}  # nobody asked for any
            assert view.capacities[0] == view.coords.shape[-2]
            rows = np.concatenate([view.coords, view.features], axis=-1)
            for number, own in per_event(batch, rows, place):
                found[number, place] = own
            for part, count in zip(
                view.coords.reshape(shards, -1, 3), view.num_active.ravel(), strict=True
            ):
                keys = [tuple(row) for row in part[:count].tolist()]
                assert keys == sorted(set(keys))
                assert (part[count:] == -1).all()
    assert sorted(labels) == list(range(NUM_EVENTS))
    for (number, place), rows in found.items():
        event = event_of(number)
        assert labels[number] == event.label
        view = event.views[("XZ", "YZ")[place]]
        np.testing.assert_array_equal(rows[:, 1:3], view.coords)
        np.testing.assert_allclose(rows[:, 3], (view.values - 14.57) / 16.27, rtol=1e-5, atol=1e-6)


def test_planes_of_different_shapes_make_one_batch_with_targets(load, make_event):
    loader = load(
        data={"views": ("U", "Y"), "crop": (), "low": 0.0, "high": 1e9},
        shuffle=False, num_devices=2, batch_size=6,
    )  # fmt: skip
    for batch in loader:
        assert [view.spatial_shape for view in batch.views] == [(40, 60), (40, 80)]
        for place, name in enumerate("UY"):
            rows = batch.views[place].targets["labels"]
            for number, labels in per_event(batch, rows, place):
                np.testing.assert_array_equal(labels, make_event(number).views[name].labels)


def test_shares_have_about_as_many_sites_and_the_same_slots(load_events):
    for batch in take(load_events(num_devices=4, batch_size=24), 3):
        assert batch.slots == 6
        assert batch.num_active.max() <= 1.4 * batch.num_active.mean()


def test_no_batch_needs_more_than_the_largest_bucket_and_few_are_needed(load_events):
    loader = load_events(num_devices=2, batch_size=16)
    batches = take(loader, 20)
    used = {tuple(view.capacities for view in batch.views) for batch in batches}
    known = {(row[:LEVELS], row[LEVELS:]) for row in loader.buckets.capacities}
    assert used <= known
    assert len(known) <= 8


def test_stated_capacities_are_used_and_the_largest_batch_still_fits(load_events, data):
    measured = load_events(shuffle=False).buckets.capacities
    data.capacities = (measured[0],)
    loader = load_events(shuffle=False, batch_size=4)
    assert loader.buckets.capacities[0] == measured[0]
    data.capacities = ((64,) * 6, (16, 8, 4, 16, 8, 4))
    loader = load_events(shuffle=False)
    assert loader.buckets.measured == 2
    assert sorted(numbers(loader)) == list(range(NUM_EVENTS))


@pytest.mark.parametrize("row", [(64,) * 5, (64, 64, 0, 64, 64, 64), (64.0,) * 6, 64])
def test_capacities_that_are_none_are_refused(load_events, data, row):
    data.capacities = ((64,) * 6, row)
    with pytest.raises(InputError, match=r"data\.capacities has the row .*: it must be 6 positive"):
        load_events()


def test_events_of_several_views_above_the_limit_are_cropped_in_each(load_events, data):
    data.max_sites, data.oversize = 40, "crop"
    for batch in take(load_events(batch_size=2), 4):
        for view in batch.views:
            assert 0 < view.num_active[0] <= 40


def test_no_events_to_train_on_is_refused(load_events):
    with pytest.raises(InputError, match=r"events\.h5 has no events of the classes chosen"):
        load_events(events=np.zeros(0, np.int64))
    assert list(load_events(events=np.zeros(0, np.int64), shuffle=False)) == []
