"""Whole events in a batch: one padded :class:`~jaxsparse.data.batching.Batch` a view, one label."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from jaxsparse.data.batching import Batch, Shard, pad
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.data.split import split_by_sites
from jaxsparse.errors import InputError
from jaxsparse.ops.coordinates import count_levels

HostOrDevice = Any  # numpy until the step runs, jax arrays inside it


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class EventBatch:
    """Events with all their views and one class each: what one step of a classifier takes.

    Slot s of every view and of ``labels`` is the same event. A batch for several devices has one
    more leading axis, the device, on every array, and after it one for the micro-batches where
    gradients are accumulated over several.

    Attributes:
      views: one padded image list a view, all with the same slots. Their pixels have no labels.
      labels: int32 ``[slots]``, class of the event, -1 for none (counts nowhere) and empty slots.
      num_events: int32 scalar, slots that hold an event (one without any pixel too).
      events: int32 ``[slots]``, number in its file of the event in each slot, -1 for none.
    """

    views: tuple[Batch, ...]
    labels: Int[HostOrDevice, " slots"]
    num_events: Int[HostOrDevice, ""]
    events: Int[HostOrDevice, " slots"]

    @property
    def slots(self) -> int:
        """Events that one device has room for (static)."""
        return self.views[0].batch_size

    @property
    def num_active(self) -> HostOrDevice:
        """int32 scalar: active sites over all views."""
        return sum(view.num_active for view in self.views)

    def device(self, index: int) -> EventBatch:
        """The part of one device, without the device axis."""
        return jax.tree.map(lambda array: array[index], self)


@dataclasses.dataclass(frozen=True)
class EventShard:
    """The events of one device before padding.

    Attributes:
      views: one a view.
      labels: int32 ``[slots]``.
      events: int32 ``[slots]``.
    """

    views: tuple[Shard, ...]
    labels: np.ndarray
    events: np.ndarray

    @property
    def level_counts(self) -> np.ndarray:
        """int64 ``[views * levels]``: sites of all levels of the first view, then of the next."""
        return np.concatenate([view.level_counts for view in self.views])


def share_events(
    views: Sequence[Pixels],
    labels: np.ndarray,
    events: np.ndarray,
    *,
    num_shares: int,
    slots: int,
    levels: int,
) -> list[EventShard]:
    """Shares events out so that all shares have about the same number of sites over all views.

    Args:
      views: the images of all events, one a view; values are taken as features.
      labels: int32 ``[events]``.
      events: numbers of the events in their file.
      num_shares: one a device and micro-batch.
      slots: most events of a share; at least ``len(events) / num_shares``.
      levels: how many levels of sites to count.
    """
    sites = np.sum([view.lengths for view in views], axis=0)
    shares = split_by_sites(sites.tolist(), num_shares, slots=slots)
    return [
        _collate(views, labels, events, np.array(share, np.int64), slots, levels)
        for share in shares
    ]


def _collate(
    views: Sequence[Pixels],
    labels: np.ndarray,
    events: np.ndarray,
    share: np.ndarray,
    slots: int,
    levels: int,
) -> EventShard:
    own_labels = np.full(slots, NO_CLASS, np.int32)
    own_events = np.full(slots, -1, np.int32)
    own_labels[: len(share)] = labels[share]
    own_events[: len(share)] = events[share]
    shards = []
    for view in views:
        own = view.events(share)
        coords = np.empty((len(own), 1 + len(own.shape)), np.int32)
        coords[:, 0] = own.event
        coords[:, 1:] = own.coords
        shards.append(
            Shard(
                coords=coords,
                features=own.values[:, None],
                labels=np.full(len(own), NO_CLASS, np.int32),
                weights=np.zeros(len(own), np.float32),
                events=own_events,
                level_counts=np.array(count_levels(coords, levels), np.int64),
                spatial_shape=own.shape,
            )
        )
    return EventShard(tuple(shards), own_labels, own_events)


def pad_events(shards: Sequence[EventShard], capacities: Sequence[int]) -> EventBatch:
    """Pads every shard and stacks them along a new device axis.

    Args:
      shards: one a device, of the same number of slots.
      capacities: of every level of the first view, then of the next, and so on.

    Raises:
      InputError: a shard does not fit.
    """
    count = len(shards[0].views)
    parts = np.reshape(capacities, (count, -1)).tolist()
    views = tuple(
        pad([shard.views[view] for shard in shards], parts[view]) for view in range(count)
    )
    return EventBatch(
        views=views,
        labels=np.stack([shard.labels for shard in shards]),
        num_events=views[0].num_events,
        events=views[0].events,
    )


def make_event_batch(
    views: Sequence[Pixels],
    labels: np.ndarray | None = None,
    *,
    levels: int,
    events: np.ndarray | None = None,
) -> EventBatch:
    """One batch for one device, straight from images; it fits exactly.

    >>> coords, values = np.array([[1, 2]], np.int32), np.array([0.5], np.float32)
    >>> one = Pixels(coords, values, np.array([1]), (8, 8))
    >>> batch = make_event_batch([one, one], np.array([2]), levels=2)
    >>> batch.labels.tolist(), batch.views[1].coords.tolist(), batch.views[1].capacities
    ([2], [[0, 1, 2]], (1, 1))

    Raises:
      InputError: no view, or views of different numbers of events.
    """
    if not views or len({len(view.lengths) for view in views}) != 1:
        raise InputError(
            f"views hold {[len(view.lengths) for view in views]} events: give at least one view, "
            "all of the same events"
        )
    count = len(views[0].lengths)
    labels = np.full(count, NO_CLASS, np.int32) if labels is None else np.asarray(labels)
    events = np.arange(count) if events is None else np.asarray(events)
    (shard,) = share_events(views, labels, events, num_shares=1, slots=count, levels=levels)
    return pad_events([shard], np.maximum(shard.level_counts, 1).tolist()).device(0)
