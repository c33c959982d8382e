"""The step on whole events: devices, micro-batches, empty shards and events without a class."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.event_file import EventFile
from jaxsparse.inference import make_forward
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import Replicas, local_devices
from jaxsparse.training.state import create_state
from jaxsparse.training.step import AXIS, make_train_step
from tests.loaders import make_loader

EVENTS, SITES = 10, ((256, 256),)  # one bucket for all batches: few programs


def batch_of(config, *, num_devices=1, micro_batches=1, events=tuple(range(EVENTS))):
    """Events of the file as one batch with room for ten; the last slots may be empty."""
    source = EventFile(config.data.train)
    (batch,) = make_loader(
        source, config.data, batch_size=EVENTS, num_devices=num_devices, levels=1,
        micro_batches=micro_batches, shuffle=False, events=np.array(events),
        buckets=BucketTable(SITES),
    )  # fmt: skip
    source.close()
    return batch


_programs: dict = {}  # (first state, step) of the tiny network, compiled once for all tests


def program(config, num_devices, micro_batches):
    key = config.model.normalize, num_devices, micro_batches
    if key not in _programs:
        objectives, optimizer = objectives_of(config), Optimizer(**config.optimizer)
        replicas = Replicas("pmap", local_devices(num_devices))
        forward = make_forward(models.build(config.model, AXIS))
        step = make_train_step(objectives, forward, optimizer, micro_batches=micro_batches)
        state = create_state(models.init_variables(config.model, 0), optimizer, seed=0)
        _programs[key] = replicas.replicate(state), replicas.wrap(step, "train")
    return _programs[key]


def stepped(config, batch, *, num_devices=1, micro_batches=1, steps=2):
    """(state, sums of the last step) after some steps on one batch."""
    state, run = program(config, num_devices, micro_batches)
    for _ in range(steps):
        state, sums = run(state, batch, np.float32(0.05))
    return state, sums.fetch()


def event(sums):
    return sums.head("event")


def assert_close(first, second, tolerance=1e-5):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=tolerance),
        (first.params, first.batch_stats),
        (second.params, second.batch_stats),
    )


@pytest.fixture
def normalized(event_config):
    """With batch norm: its moments tie the devices together."""
    event_config.model.normalize = True
    return event_config


def test_four_devices_train_like_one_also_when_one_has_no_event(normalized):
    one, sums = stepped(normalized, batch_of(normalized, events=range(3)))
    batch = batch_of(normalized, num_devices=4, events=range(3))
    assert 0 in batch.num_events.tolist()
    four, many_sums = stepped(normalized, batch, num_devices=4)
    assert_close(four, one)
    np.testing.assert_allclose(event(many_sums).loss, event(sums).loss, rtol=1e-4)
    np.testing.assert_array_equal(
        event(many_sums).confusion.sum(axis=1), event(sums).confusion.sum(axis=1)
    )
    assert (many_sums.events, many_sums.sites) == (sums.events, sums.sites)


def test_micro_batches_add_up_to_the_whole_batch(event_config):
    whole, sums = stepped(event_config, batch_of(event_config))
    parts = batch_of(event_config, micro_batches=4)
    assert parts.labels.shape == (1, 4, 3)  # 10 events in parts of 3: two slots are empty
    added, added_sums = stepped(event_config, parts, micro_batches=4)
    assert_close(added, whole)
    np.testing.assert_allclose(event(added_sums).loss, event(sums).loss, rtol=1e-5)
    np.testing.assert_array_equal(event(added_sums).confusion, event(sums).confusion)
    assert (added_sums.events, added_sums.sites) == (sums.events, sums.sites)


def test_batch_norm_sees_micro_batches(normalized):
    whole, _ = stepped(normalized, batch_of(normalized), steps=1)
    added, _ = stepped(normalized, batch_of(normalized, micro_batches=2), micro_batches=2, steps=1)
    means = [jax.tree.leaves(state.batch_stats)[0] for state in (whole, added)]
    # After two updates of a running mean that keeps 0.9 more has moved than after one.
    assert np.abs(means[1]).sum() > 1.5 * np.abs(means[0]).sum()


def test_events_without_class_change_neither_loss_nor_gradient(event_config):
    batch = batch_of(event_config)
    none = dataclasses.replace(batch, labels=np.full_like(batch.labels, -1))
    before = program(event_config, 1, 1)[0].params
    state, sums = stepped(event_config, none)
    jax.tree.map(np.testing.assert_array_equal, state.params, before)
    assert (event(sums).loss, event(sums).count, event(sums).confusion.sum()) == (0.0, 0, 0)

    labels = batch.labels.copy()
    labels[0, 3:] = -1
    few, few_sums = stepped(event_config, dataclasses.replace(batch, labels=labels))
    alone, alone_sums = stepped(event_config, batch_of(event_config, events=range(3)))
    assert_close(few, alone)
    assert event(few_sums).count == event(alone_sums).count
    np.testing.assert_allclose(event(few_sums).loss, event(alone_sums).loss, rtol=1e-5)


def test_what_is_descended_is_the_mean_over_the_events(event_config):
    """Each event twice is the same batch to a mean."""
    once, _ = stepped(event_config, batch_of(event_config, events=range(5)), steps=1)
    batch = batch_of(event_config, events=[*range(5), *range(5)])
    twice, sums = stepped(event_config, batch, steps=1)
    assert event(sums).count == 2 * (batch.labels[0, :5] >= 0).sum()
    assert_close(twice, once)
