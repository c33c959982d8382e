"""From the images of some events to one padded batch, a row of it for every device."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.schema import NO_CLASS, View
from jaxsparse.data.split import event_slots, split_by_sites
from jaxsparse.errors import InputError
from jaxsparse.ops.coordinates import count_levels
from jaxsparse.tensor import SparseTensor

HostOrDevice = Any  # numpy until the step runs, jax arrays inside it


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """Padded events with their truth: what one training step takes. Host arrays until it runs.

    A batch for several devices has one more leading axis, the device, on every array; the static
    fields are those of one device.

    Attributes:
      coords: int32 ``[sites, 1 + D]``; event slot, then pixel; canonical order, padding -1.
      features: float32 ``[sites, channels]``, value divided by ``feature_scale``; padding 0.
      labels: int32 ``[sites]``, class or -1 (counts nowhere); padding -1.
      weights: float32 ``[sites]``; padding 0.
      num_active: int32 scalar, rows that are sites.
      num_events: int32 scalar, slots that hold an event (one without site too).
      events: int32 ``[batch_size]``, number in its file of the event in each slot, -1 for none.
      spatial_shape: pixels along each axis (static).
      batch_size: event slots (static).
      capacities: of every level, to build the geometry with (static).
    """

    coords: Int[HostOrDevice, "sites axes"]
    features: Float[HostOrDevice, "sites channels"]
    labels: Int[HostOrDevice, " sites"]
    weights: Float[HostOrDevice, " sites"]
    num_active: Int[HostOrDevice, ""]
    num_events: Int[HostOrDevice, ""]
    events: Int[HostOrDevice, " events"]
    spatial_shape: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    batch_size: int = dataclasses.field(metadata={"static": True})
    capacities: tuple[int, ...] = dataclasses.field(metadata={"static": True})

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

    def device(self, index: int) -> Batch:
        """The part of one device, without the device axis."""
        return jax.tree.map(lambda array: array[index], self)

    def per_event(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """(event number, its rows) of an array with one row a site, in slot order; host side.

        Works with and without device axis; ``rows`` has the leading axes of ``coords``. Sites of an
        event come in the order of its image.
        """
        rows, coords = np.asarray(rows), np.asarray(self.coords)
        events, active = np.asarray(self.events), np.asarray(self.num_active)
        if coords.ndim == 2:
            rows, coords, events, active = rows[None], coords[None], events[None], active[None]
        for part, slot_of, numbers, count in zip(rows, coords[..., 0], events, active, strict=True):
            bounds = np.searchsorted(slot_of[:count], np.arange(len(numbers) + 1))
            for slot, number in enumerate(numbers):
                if number >= 0:
                    yield int(number), part[bounds[slot] : bounds[slot + 1]]


@dataclasses.dataclass(frozen=True)
class Sample:
    """One event ready for a batch.

    Attributes:
      event: its number in the file.
      view: the image, after all transforms.
      weights: float32 ``[pixels]``.
      level_counts: sites of every level.
    """

    event: int
    view: View
    weights: np.ndarray
    level_counts: tuple[int, ...]


def make_sample(event: int, view: View, weights: np.ndarray | None, levels: int) -> Sample:
    """Counts the levels of an image; weights default to 1 where there is a class, else 0."""
    if weights is None:
        truth = np.full(len(view), NO_CLASS) if view.labels is None else view.labels
        weights = (truth != NO_CLASS).astype(np.float32)
    rows = np.concatenate([np.zeros((len(view), 1), np.int32), view.coords], axis=1)
    return Sample(event, view, weights, tuple(count_levels(rows, levels)))


@dataclasses.dataclass(frozen=True)
class Shard:
    """The events of one device, before padding; arrays as in :class:`Batch` without padding."""

    coords: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    events: np.ndarray
    level_counts: np.ndarray
    spatial_shape: tuple[int, ...]


def collate(
    samples: Sequence[Sample],
    *,
    slots: int,
    spatial_shape: tuple[int, ...],
    levels: int,
    feature_scale: float = 1.0,
) -> Shard:
    """Join events in the order given; none at all is legal."""
    dim = len(spatial_shape)
    for sample in samples:
        if sample.view.shape != spatial_shape:
            raise InputError(
                f"event {sample.event} has an image of {sample.view.shape} but the batch "
                f"{spatial_shape}: all images of a batch share one shape, set data.crop"
            )
    lengths = [len(sample.view) for sample in samples]
    coords = np.empty((sum(lengths), 1 + dim), np.int32)
    coords[:, 0] = np.repeat(np.arange(len(samples)), lengths)
    labels = np.full(len(coords), NO_CLASS, np.int32)
    values = np.empty((len(coords), 1), np.float32)
    weights = np.empty(len(coords), np.float32)
    end = 0
    for sample, length in zip(samples, lengths, strict=True):
        rows = slice(end, end := end + length)
        coords[rows, 1:] = sample.view.coords
        values[rows, 0] = sample.view.values
        weights[rows] = sample.weights
        if sample.view.labels is not None:
            labels[rows] = sample.view.labels
    events = np.full(slots, -1, np.int32)
    events[: len(samples)] = [sample.event for sample in samples]
    counts = np.array([sample.level_counts for sample in samples], np.int64).reshape(-1, levels)
    return Shard(
        coords, values / np.float32(feature_scale), labels, weights, events, counts.sum(axis=0),
        spatial_shape,
    )  # fmt: skip


def split_samples(
    samples: Sequence[Sample],
    num_devices: int,
    *,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    levels: int,
    feature_scale: float = 1.0,
) -> list[Shard]:
    """One shard a device, with even numbers of sites (:func:`jaxsparse.data.split.split_by_sites`).

    ``batch_size`` is that of a full batch: it fixes the event slots, also of a last, short batch.
    """
    slots = event_slots(batch_size, num_devices)
    shares = split_by_sites([len(sample.view) for sample in samples], num_devices, slots=slots)
    return [
        collate(
            [samples[position] for position in share], slots=slots, spatial_shape=spatial_shape,
            levels=levels, feature_scale=feature_scale,
        )
        for share in shares
    ]  # fmt: skip


def pad(shards: Sequence[Shard], capacities: Sequence[int]) -> Batch:
    """Pads every shard to ``capacities[0]`` rows and stacks them along a new device axis."""
    devices, rows = len(shards), capacities[0]
    first = shards[0]
    coords = np.full((devices, rows, first.coords.shape[1]), -1, np.int32)
    features = np.zeros((devices, rows, first.features.shape[1]), np.float32)
    labels = np.full((devices, rows), NO_CLASS, np.int32)
    weights = np.zeros((devices, rows), np.float32)
    for device, shard in enumerate(shards):
        if (shard.level_counts > np.asarray(capacities)).any():
            raise InputError(
                f"a batch has {shard.level_counts.tolist()} sites a level but capacities are "
                f"{list(capacities)}: give a bucket that fits"
            )
        count = len(shard.coords)
        coords[device, :count] = shard.coords
        features[device, :count] = shard.features
        labels[device, :count] = shard.labels
        weights[device, :count] = shard.weights
    return Batch(
        coords=coords,
        features=features,
        labels=labels,
        weights=weights,
        num_active=np.array([len(shard.coords) for shard in shards], np.int32),
        num_events=np.array([(shard.events >= 0).sum() for shard in shards], np.int32),
        events=np.stack([shard.events for shard in shards]),
        spatial_shape=first.spatial_shape,
        batch_size=len(first.events),
        capacities=tuple(int(capacity) for capacity in capacities),
    )


def make_batch(
    views: Sequence[View],
    weights: Sequence[np.ndarray] | None = None,
    *,
    levels: int = 5,
    feature_scale: float = 1.0,
    buckets: BucketTable | None = None,
    events: Sequence[int] | None = None,
) -> Batch:
    """One batch for one device, straight from images; without ``buckets`` it fits exactly.

    >>> view = View(np.array([[1, 2]], np.int32), np.array([50.0], np.float32), (8, 8))
    >>> batch = make_batch([view, view], levels=2, feature_scale=50.0)
    >>> batch.coords.tolist(), batch.features.tolist(), batch.capacities
    ([[0, 1, 2], [1, 1, 2]], [[1.0], [1.0]], (2, 2))
    """
    if not views:
        raise InputError("views is empty: a batch needs at least one image, which may be empty")
    numbers = range(len(views)) if events is None else events
    samples = [
        make_sample(number, view, None if weights is None else weights[row], levels)
        for row, (number, view) in enumerate(zip(numbers, views, strict=True))
    ]
    shard = collate(
        samples, slots=len(samples), spatial_shape=views[0].shape, levels=levels,
        feature_scale=feature_scale,
    )  # fmt: skip
    if buckets is None:
        capacities = tuple(max(1, int(count)) for count in shard.level_counts)
    else:
        bucket = buckets.pick(shard.level_counts)
        if bucket is None:
            raise InputError(
                f"a batch has {shard.level_counts.tolist()} sites a level but the largest bucket "
                f"is {list(buckets.largest)}: put fewer events in it"
            )
        capacities = buckets.capacities[bucket]
    return pad([shard], capacities).device(0)
