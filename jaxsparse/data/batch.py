"""From the images of some events to one padded batch, a row of it for every device."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped

from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.lifted import NO_ROW, is_row
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.data.split import split_by_sites
from jaxsparse.data.targets import TARGETS
from jaxsparse.errors import InputError
from jaxsparse.tensor import SparseTensor

HostOrDevice = Any  # numpy until the step runs, jax arrays inside it


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ViewBatch:
    """Padded images of events in one view.

    Attributes:
      coords: int32 ``[sites, 1 + D]``; event slot, then pixel; canonical order, padding -1.
      features: float32 ``[sites, channels]``; padding 0.
      num_active: int32 scalar, rows that are sites.
      targets: ``[sites]`` by name, those of :data:`~jaxsparse.data.targets.TARGETS` that were asked
        for: ``labels`` int32, class or -1 (counts nowhere), padding -1; ``weights`` float32,
        padding 0.
      spatial_shape: pixels along each axis (static).
      batch_size: event slots (static).
      capacities: of every level, to build the geometry with (static).
      shown: of the last view of a network that lifts (:mod:`~jaxsparse.data.lifted`), for each view
        before it int32 ``[sites]``: the row within the event of the pixel that shows a site, -1
        where none does and on padding.
    """

    coords: Int[HostOrDevice, "sites axes"]
    features: Float[HostOrDevice, "sites channels"]
    num_active: Int[HostOrDevice, ""]
    targets: dict[str, Shaped[HostOrDevice, " sites"]]
    spatial_shape: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    batch_size: int = dataclasses.field(metadata={"static": True})
    capacities: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    shown: tuple[Int[HostOrDevice, " sites"], ...] = ()

    def tensor(self) -> SparseTensor:
        """Coordinates and features as the network's input (a batch without device axis)."""
        return SparseTensor(
            coords=self.coords,
            features=self.features,
            num_active=self.num_active,
            spatial_shape=self.spatial_shape,
            batch_size=self.batch_size,
            stride=(1,) * len(self.spatial_shape),
        )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """Events with all their views: what one step takes. Host arrays until it runs.

    Slot s of every view and of ``labels`` is the same event. A batch for several devices has one
    more leading axis, the device, on every array, and after it one for the micro-batches where
    gradients are accumulated over several; the static fields are those of one.

    Attributes:
      views: one a view, all with the same slots; they may differ in shape and number of pixels.
      labels: int32 ``[slots]``, class of the whole event, -1 for none and empty slots.
      events: int32 ``[slots]``, number in its file of the event in each slot, -1 for none.
      num_events: int32 scalar, slots that hold an event (one without any pixel too).
    """

    views: tuple[ViewBatch, ...]
    labels: Int[HostOrDevice, " slots"]
    events: Int[HostOrDevice, " slots"]
    num_events: Int[HostOrDevice, ""]

    @property
    def slots(self) -> int:
        """Events that one device has room for (static)."""
        return self.views[0].batch_size

    @property
    def num_active(self) -> HostOrDevice:
        """int32 scalar: active sites over all views."""
        return sum(view.num_active for view in self.views)

    def device(self, index: int) -> Batch:
        """The part of one device, without the device axis."""
        return jax.tree.map(lambda array: array[index], self)


@dataclasses.dataclass(frozen=True)
class Shard:
    """The events of one device and micro-batch before padding.

    Attributes:
      views: the images, one a view; values are features, columns are targets.
      labels: int32 ``[events]``.
      events: int32 ``[events]``, their numbers.
      level_counts: int64 ``[views * levels]``: sites of all levels of the first view, then of the
        next.
    """

    views: tuple[Pixels, ...]
    labels: np.ndarray
    events: np.ndarray
    level_counts: np.ndarray


def share_out(
    views: Sequence[Pixels],
    labels: np.ndarray,
    events: np.ndarray,
    *,
    num_shares: int,
    slots: int,
    levels: int,
) -> list[Shard]:
    """Shares events out so that all shares have about the same number of sites over all views.

    Args:
      views: the images of all events, one a view.
      labels: int ``[events]``.
      events: numbers of the events in their file.
      num_shares: one a device and micro-batch.
      slots: most events of a share; at least ``len(events) / num_shares``.
      levels: how many levels of sites to count.
    """
    sites = np.sum([view.lengths for view in views], axis=0)
    counts = np.concatenate([view.level_counts(levels) for view in views], axis=1)
    shares = split_by_sites(sites.tolist(), num_shares, slots=slots)
    return [
        Shard(
            tuple(view.events(share) for view in views),
            labels[share].astype(np.int32),
            events[share].astype(np.int32),
            counts[share].sum(axis=0),
        )
        for share in (np.array(share, np.int64) for share in shares)
    ]


def pad(shards: Sequence[Shard], capacities: Sequence[int], *, slots: int) -> Batch:
    """Pads every shard and stacks them along a new device axis.

    Args:
      shards: one a device; at least one.
      capacities: of every level of the first view, then of the next, and so on.
      slots: events that every device has room for.

    Raises:
      InputError: a shard does not fit.
    """
    for shard in shards:
        if len(shard.events) > slots:
            raise InputError(
                f"a batch has {len(shard.events)} events but slots is {slots}: give more slots"
            )
        if (shard.level_counts > np.asarray(capacities)).any():
            raise InputError(
                f"a batch has {shard.level_counts.tolist()} sites a level but capacities are "
                f"{list(capacities)}: give a bucket that fits"
            )
    count = len(shards[0].views)
    parts = np.reshape(capacities, (count, -1)).tolist()
    labels = np.full((len(shards), slots), NO_CLASS, np.int32)
    events = np.full((len(shards), slots), -1, np.int32)
    for device, shard in enumerate(shards):
        labels[device, : len(shard.labels)] = shard.labels
        events[device, : len(shard.events)] = shard.events
    return Batch(
        views=tuple(
            _pad_view([shard.views[view] for shard in shards], parts[view], slots)
            for view in range(count)
        ),
        labels=labels,
        events=events,
        num_events=(events >= 0).sum(axis=1, dtype=np.int32),
    )


def _pad_view(images: Sequence[Pixels], capacities: Sequence[int], slots: int) -> ViewBatch:
    first, shape = images[0], (len(images), capacities[0])
    coords = np.full((*shape, 1 + len(first.shape)), -1, np.int32)
    features = np.zeros((*shape, *(first.values.shape[1:] or (1,))), np.float32)
    shown = {name: np.full(shape, NO_ROW, np.int32) for name in first.columns if is_row(name)}
    targets: dict[str, np.ndarray] = {
        name: np.full(shape, TARGETS[name].padding, TARGETS[name].dtype)
        for name in first.columns
        if name not in shown
    }
    for device, pixels in enumerate(images):
        rows = device, slice(len(pixels))
        coords[(*rows, 0)] = pixels.event
        coords[(*rows, slice(1, None))] = pixels.coords
        features[rows] = pixels.values.reshape(len(pixels), features.shape[-1])
        for name, column in pixels.columns.items():
            (shown if name in shown else targets)[name][rows] = column
    return ViewBatch(
        coords=coords,
        features=features,
        num_active=np.array([len(pixels) for pixels in images], np.int32),
        targets=targets,
        spatial_shape=first.shape,
        batch_size=slots,
        capacities=tuple(capacities),
        shown=tuple(shown.values()),
    )


def make_batch(
    views: Sequence[Pixels],
    labels: np.ndarray | None = None,
    *,
    levels: int,
    events: np.ndarray | None = None,
    buckets: BucketTable | None = None,
) -> Batch:
    """One batch for one device, straight from images; without ``buckets`` it fits exactly.

    Args:
      views: images of the same events, one a view; values are features, columns targets.
      labels: class of every event; none if None.
      levels: of the network.
      events: their numbers; counted from 0 if None.
      buckets: to pad to.

    >>> coords, values = np.array([[1, 2]], np.int32), np.array([0.5], np.float32)
    >>> one = Pixels(coords, values, np.array([1]), (8, 8))
    >>> batch = make_batch([one, one], np.array([2]), levels=2)
    >>> batch.labels.tolist(), batch.views[1].coords.tolist(), batch.views[1].capacities
    ([2], [[0, 1, 2]], (1, 1))

    Raises:
      InputError: no view, no event, views of different numbers of events, too many sites, or
        labels or events that are not one whole number an event.
    """
    counts = [len(view.lengths) for view in views]
    if len(set(counts)) != 1 or not counts[0]:
        raise InputError(
            f"views hold {counts} events: give at least one view and one event, which may be "
            "empty, and all views of the same events"
        )
    labels = np.full(counts[0], NO_CLASS) if labels is None else np.asarray(labels)
    events = np.arange(counts[0]) if events is None else np.asarray(events)
    for name, column in {"labels": labels, "events": events}.items():
        if column.shape != (counts[0],) or column.dtype.kind not in "iu":
            raise InputError(
                f"{name} are {column.dtype}{list(column.shape)}: must be whole numbers, one for "
                f"each of the {counts[0]} events"
            )
    (shard,) = share_out(views, labels, events, num_shares=1, slots=counts[0], levels=levels)
    capacities = tuple(max(1, int(count)) for count in shard.level_counts)
    if buckets is not None:
        bucket = buckets.pick(shard.level_counts)
        if bucket is None:
            raise InputError(
                f"a batch has {shard.level_counts.tolist()} sites a level but the largest bucket "
                f"is {list(buckets.largest)}: put fewer events in it"
            )
        capacities = buckets.capacities[bucket]
    return pad([shard], capacities, slots=counts[0]).device(0)
