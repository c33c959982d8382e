"""From an event's number to its sample: read, mask, crop, flip, weigh, count. Numpy, one event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from jaxsparse import settings
from jaxsparse.data.batching import Sample, make_sample
from jaxsparse.data.buckets import BucketTable, fit_buckets
from jaxsparse.data.schema import View
from jaxsparse.data.transforms import (
    choose_window,
    crop,
    flip,
    mask_adc,
    pixel_weights,
    window_shape,
)
from jaxsparse.errors import InputError

_RANDOM_STREAM = 0x0A6E  # keeps these draws apart from others of the same seed
SAMPLED, LARGEST = 192, 16  # events that buckets are measured on


class Source(Protocol):
    """What the pipeline reads from: an :class:`~jaxsparse.data.event_file.EventFile` or alike."""

    view_shapes: dict[str, tuple[int, ...]]

    def __len__(self) -> int: ...

    def read_view(self, index: int, name: str) -> View: ...

    def num_pixels(self, name: str) -> np.ndarray: ...


class Pipeline:
    """Makes the sample of any event of a source, the same one whoever asks and whenever.

    All that is random (crop window, flips) is drawn from (seed, epoch, event number), so resuming,
    the number of workers and the order of events change nothing.

    Args:
      source: where events come from.
      data: the ``data`` part of a config: ``view``, ``low``, ``high``, ``crop``, ``crop_keep``,
        ``flip_time``, ``flip_wire``, ``max_sites``, ``oversize``.
      loss: the ``loss`` part: ``cluster_low``, ``cluster_high``, ``cluster_scale``,
        ``vertex_weight``, ``vertex_radius``. Without it, or without truth, every pixel with a class
        weighs 1.
      levels: how many levels of sites to count.
      seed: of crops and flips, not negative.
      augment: whether to flip, each allowed axis with probability 1/2.

    Raises:
      InputError: the source has no such view, or an option is out of its range.
    """

    def __init__(
        self,
        source: Source,
        data: Any,
        loss: Any = None,
        *,
        levels: int,
        seed: int = 0,
        augment: bool = False,
    ):
        settings.check("data", data)
        self.source = source
        self.view = chosen_view(source, data)
        self.image_shape = tuple(source.view_shapes[self.view])
        self.low, self.high = float(data.low), float(data.high)
        if not self.low <= self.high:
            raise InputError(
                f"data.low is {self.low} and data.high is {self.high}: they must be low <= high"
            )
        window = tuple(int(side) for side in data.crop)
        self.spatial_shape = window_shape(self.image_shape, window) if window else self.image_shape
        self.crop_keep = str(data.crop_keep)
        # The first axis is the drift time, the others are wires (or the voxel axes across it).
        wires = range(1, len(self.image_shape))
        self.flip_axes = [0] * bool(data.flip_time) + list(wires) * bool(data.flip_wire)
        self.oversize = str(data.oversize)
        self.max_sites = int(data.max_sites)
        self.weighting = None
        if loss is not None:
            settings.check("loss", loss)
            self.weighting = {
                "low": float(loss.cluster_low),
                "high": float(loss.cluster_high),
                "scale": float(loss.cluster_scale),
                "vertex_weight": float(loss.vertex_weight),
                "vertex_radius": float(loss.vertex_radius),
            }
        settings.check("", {"seed": seed})
        self.levels, self.seed, self.augment = levels, int(seed), augment

    def sample(self, event: int, epoch: int = 0) -> Sample:
        """The event as the network sees it in that epoch."""
        view = mask_adc(self.source.read_view(event, self.view), self.low, self.high)
        rng = self._rng(event, epoch)
        if self.spatial_shape != self.image_shape:
            view = crop(view, self.spatial_shape, keep=self.crop_keep, rng=rng)
        if self.augment:
            for axis in self.flip_axes:
                if rng.random() < 0.5:
                    view = flip(view, axis)
        return self._finish(event, view)

    def fit(self, sample: Sample, buckets: BucketTable, epoch: int = 0) -> Sample:
        """The sample, if it fits in the largest bucket; else what ``data.oversize`` says.

        ``"crop"`` shrinks a window around the interaction by an eighth of its sides until the
        pixels in it fit; the image keeps its shape and the pixels keep their place.

        Raises:
          InputError: it does not fit and ``data.oversize`` is ``"error"``.
        """
        if buckets.pick(sample.level_counts) is not None:
            return sample
        if self.oversize == "error":
            raise InputError(
                f"Event {sample.event} of {source_name(self.source)} has {len(sample.view)} sites "
                f"but {self.limit(buckets)}: raise it, or set data.oversize=crop"
            )
        return self.shrink(sample, buckets.largest, epoch)

    def limit(self, buckets: BucketTable) -> str:
        """What bounds the sites of a batch, for messages."""
        name = "data.max_sites" if self.max_sites else "the largest bucket"
        return f"{name} is {buckets.largest[0]}"

    def shrink(self, sample: Sample, capacities: Sequence[int], epoch: int = 0) -> Sample:
        """Drops the pixels outside a window, small enough for ``capacities`` (see :meth:`fit`)."""
        window = sample.view.shape
        while any(
            count > room for count, room in zip(sample.level_counts, capacities, strict=True)
        ):
            window = tuple(max(side * 7 // 8, 1) for side in window)
            sample = self._finish(sample.event, self._inside(sample, window, epoch))
        return sample

    def _inside(self, sample: Sample, window: tuple[int, ...], epoch: int) -> View:
        rng = self._rng(sample.event, epoch)
        view = sample.view
        start = np.array(choose_window(view, window, keep=self.crop_keep, rng=rng), np.int64)
        return view.take(np.all((view.coords >= start) & (view.coords < start + window), axis=1))

    def _finish(self, event: int, view: View) -> Sample:
        weights = None
        if self.weighting is not None and view.labels is not None:
            weights = pixel_weights(view, **self.weighting)
        return make_sample(event, view, weights, self.levels)

    def _rng(self, event: int, epoch: int) -> np.random.Generator:
        return np.random.default_rng([_RANDOM_STREAM, self.seed, epoch, event])


def measure_buckets(
    pipeline: Pipeline, *, batch_size: int, num_devices: int = 1, num_buckets: int = 4
) -> BucketTable:
    """Bucket table for batches of a pipeline (:func:`jaxsparse.data.buckets.fit_buckets`).

    Reads up to 192 events drawn at random and the 16 with most pixels; that no event has more than
    the pixels counted in the file, or than its window has cells, gives the bound.
    """
    source, seed = pipeline.source, pipeline.seed
    pixels = source.num_pixels(pipeline.view)
    rng = np.random.default_rng([_RANDOM_STREAM, seed])
    drawn = rng.choice(len(pixels), min(SAMPLED, len(pixels)), replace=False)
    most = np.argsort(-pixels, kind="stable")[:LARGEST]
    typical, largest = (
        np.array(
            [pipeline.sample(int(event)).level_counts for event in np.sort(events)], np.int64
        ).reshape(-1, pipeline.levels)
        for events in (drawn, most)
    )
    cells = np.array(
        [
            math.prod(-(-side // 2**level) for side in pipeline.spatial_shape)
            for level in range(pipeline.levels)
        ],
        np.int64,
    )
    return fit_buckets(
        typical, largest, np.minimum(cells, pixels.max(initial=0)), batch_size=batch_size,
        num_devices=num_devices, num_buckets=num_buckets, max_sites=pipeline.max_sites, seed=seed,
    )  # fmt: skip


def chosen_view(source: Source, data: Any) -> str:
    """``data.view``, which the source must have.

    Raises:
      InputError: it has not.
    """
    view = str(data.view)
    if view not in source.view_shapes:
        raise InputError(
            f"data.view is {view!r} but {source_name(source)} has "
            f"{', '.join(source.view_shapes)}: choose one of these"
        )
    return view


def source_name(source: Source) -> str:
    """The source's file name for messages."""
    path = getattr(source, "path", None)
    return path.name if path is not None else type(source).__name__
