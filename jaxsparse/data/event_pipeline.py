"""From the numbers of events to their images as the network sees them: numpy, many at a time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse import settings
from jaxsparse.data.buckets import BucketTable, fit_buckets, stated_buckets
from jaxsparse.data.hashing import normal, uniform
from jaxsparse.data.pipeline import source_name
from jaxsparse.data.pixels import Pixels, PixelSource, read_pixels
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.data.validation import cell_numbers
from jaxsparse.errors import InputError
from jaxsparse.ops.coordinates import count_levels

_FLUCTUATION, _FLIP, _SHIFT, _DROP = 0xF1, 0xF2, 0xF3, 0xF4  # streams of random numbers
SAMPLED, LARGEST = 1024, 32  # events that buckets are measured on


class EventPipeline:
    """Makes the images of any events of a source, the same ones whoever asks and whenever.

    In this order: pixels outside ``low <= value <= high`` go; each allowed flip happens with
    probability 1/2; images move by 0 to ``shift`` pixels towards larger coordinates, along every
    axis by as many as chance has it; every pixel goes with the probability ``drop``; blocks of
    ``coarsen`` pixels along every axis become one, with the sum of their values; values are
    multiplied by ``1 + fluctuation * g`` with g of a standard normal distribution, one number an
    event and view, or one an event (``fluctuation_shared``); features are
    ``(value - mean) / std``. Only active sites are ever touched: an empty pixel stays empty,
    it does not become ``-mean / std``. At the end empty pixels within ``halo`` of an active one
    become sites, with the feature 0 that they have in a dense image.

    What is random is drawn from (seed, epoch, event number, view), so resuming, workers and the
    order of events change nothing. The first axis is one that all views share (drift time; the
    plane along the beam): its flip and its shift take all views of an event together. Other axes
    are each view's own, and so are their flip and shift.

    Args:
      source: where events come from.
      data: the ``data`` part of a config: ``views``, ``classes``, ``low``, ``high``, ``mean``,
        ``std``, ``fluctuation``, ``fluctuation_shared``, ``flip_time``, ``flip_wire``, ``shift``,
        ``drop``, ``coarsen``, ``halo``.
      levels: how many levels of sites to count.
      seed: of all that is random, not negative.
      augment: whether to flip, shift, drop and fluctuate.

    Attributes:
      classes: names of the classes, in the order of the labels.
      labels: int32 ``[events of the source]``: place of every event's class in ``classes``, -1 for
        none and for a class that was not chosen.

    Raises:
      InputError: the source lacks a view or a class, or an option is out of its range.
    """

    def __init__(
        self, source: PixelSource, data: Any, *, levels: int, seed: int = 0, augment: bool = False
    ):
        settings.check("data", data)
        settings.check("", {"seed": seed})
        self.source = source
        self.views = chosen_views(source, data)
        self.coarsen = int(data.coarsen)
        longest = max(max(source.view_shapes[view]) for view in self.views)
        rule = f"must lie in [1, {longest}], the images' longest side, 1 changes nothing"
        _require(self.coarsen <= longest, "coarsen", self.coarsen, rule)
        self.halo = int(data.halo)
        self.shapes = tuple(
            tuple(-(-side // self.coarsen) for side in source.view_shapes[view])
            for view in self.views
        )
        self.classes, self.labels = label_events(source, tuple(data.classes))
        self.low, self.high = float(data.low), float(data.high)
        self.mean, self.std = float(data.mean), float(data.std)
        self.fluctuation = float(data.fluctuation)
        self.fluctuation_shared = bool(data.fluctuation_shared)
        _require(self.low <= self.high, "low", self.low, f"must not be above data.high {self.high}")
        self.shift, self.drop = int(data.shift), float(data.drop)
        rule = f"must lie in [0, {longest}), the images' longest side, 0 moves nothing"
        _require(self.shift < longest, "shift", self.shift, rule)
        _require(not data.crop, "crop", tuple(data.crop), "must be () for whole events")
        _require(not data.max_sites, "max_sites", data.max_sites, "must be 0 for whole events")
        self.flip_first, self.flip_others = bool(data.flip_time), bool(data.flip_wire)
        self.levels, self.seed, self.augment = levels, int(seed), augment

    def images(self, events: np.ndarray, epochs: np.ndarray | int = 0) -> tuple[Pixels, ...]:
        """The views of ``events`` (numbers in the file) as they are in ``epochs``; values are
        features."""
        draw = (self.seed, np.broadcast_to(epochs, events.shape), events)
        made = []
        for number, view in enumerate(self.views):
            pixels = read_pixels(self.source, events, view)
            pixels = pixels.take((pixels.values >= self.low) & (pixels.values <= self.high))
            if self.augment:
                pixels = self._flipped(pixels, number, draw)
                pixels = self._dropped(self._shifted(pixels, number, draw), number, draw)
            pixels = pixels.coarsen(self.coarsen)
            values = pixels.values
            if self.augment and self.fluctuation:
                own = 0 if self.fluctuation_shared else number
                factor = 1 + self.fluctuation * normal(*draw, _FLUCTUATION, own)
                factor = np.maximum(factor, 0).astype(np.float32)  # charge has one sign
                values = values * pixels.per_event(factor)
            features = (values - np.float32(self.mean)) / np.float32(self.std)
            made.append(dataclasses.replace(pixels, values=features).with_halo(self.halo))
        return tuple(made)

    def _flipped(self, pixels: Pixels, view: int, draw: tuple) -> Pixels:
        if self.flip_first:
            pixels = pixels.flip(0, uniform(*draw, _FLIP) < 0.5)
        if self.flip_others:
            for axis in range(1, len(pixels.shape)):
                pixels = pixels.flip(axis, uniform(*draw, _FLIP, view, axis) < 0.5)
        return pixels

    def _shifted(self, pixels: Pixels, view: int, draw: tuple) -> Pixels:
        # Towards larger coordinates alone: images begin where the event does, and the other way
        # its vertex would leave.
        if not self.shift:
            return pixels
        chances = [uniform(*draw, _SHIFT)]
        chances += [uniform(*draw, _SHIFT, view, axis) for axis in range(1, len(pixels.shape))]
        return pixels.shift(np.floor(np.stack(chances, axis=1) * (self.shift + 1)).astype(int))

    def _dropped(self, pixels: Pixels, view: int, draw: tuple) -> Pixels:
        if not self.drop:
            return pixels
        seed, epochs, events = draw
        cells = cell_numbers(pixels.coords, pixels.shape)
        own = seed, pixels.per_event(epochs), pixels.per_event(events)
        return pixels.take(uniform(*own, _DROP, view, cells) >= self.drop)


def label_events(source: PixelSource, classes: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The chosen classes, and every event's place among them.

    Args:
      source: with ``event_classes`` and ``event_labels``.
      classes: names in the order that the network shall number them; all of the file's if empty.

    Returns:
      The names, and int32 ``[events]``, -1 for none of them.

    Raises:
      InputError: the file does not know a class, or a name comes twice.
    """
    known, name = tuple(source.event_classes), source_name(source)
    if not known:
        raise InputError(
            f"{name} has no event classes: whole events cannot be classified, make the file with "
            "event_classes"
        )
    chosen = tuple(str(one) for one in classes) or known
    for one in chosen:
        if one not in known:
            raise InputError(
                f"data.classes has {one!r} but the events of {name} are {', '.join(known)}: choose "
                "among these"
            )
    if len(set(chosen)) != len(chosen):
        raise InputError(f"data.classes is {chosen}: no name may come twice")
    places = np.full(len(known) + 1, NO_CLASS, np.int32)  # the last is where -1 points
    places[[known.index(one) for one in chosen]] = np.arange(len(chosen))
    return chosen, places[source.event_labels]


def measure_event_buckets(
    pipeline: EventPipeline,
    events: np.ndarray,
    *,
    batch_size: int,
    num_shares: int,
    slots: int,
    num_buckets: int = 2,
    capacities: Sequence[Sequence[int]] = (),
) -> BucketTable:
    """Bucket table for batches of whole events: capacities of the levels of all views.

    Reads up to 1,024 of ``events`` drawn at random and the 32 with most pixels; the bound of every
    view is the most pixels that one of its events has in the file. With ``capacities`` nothing is
    read: they are the table, and the bound its last row where they do not reach it.
    """
    pixels = np.array(
        [pipeline.source.num_pixels(view)[events] for view in pipeline.views], np.int64
    ).reshape(len(pipeline.views), -1)
    bound = [
        min(
            math.prod(-(-side // 2**level) for side in shape),
            int(most_pixels.max(initial=0)) * (2 * pipeline.halo + 1) ** len(shape),
        )
        for shape, most_pixels in zip(pipeline.shapes, pixels, strict=True)
        for level in range(pipeline.levels)
    ]
    if capacities:
        return stated_buckets(capacities, bound, slots=slots)
    rng = np.random.default_rng([_FLIP, pipeline.seed])
    drawn = rng.choice(len(events), min(SAMPLED, len(events)), replace=False)
    most = np.argsort(-pixels.sum(axis=0), kind="stable")[:LARGEST]
    typical, largest = (
        _count_events(pipeline, events[np.sort(chosen)]) for chosen in (drawn, most)
    )
    return fit_buckets(
        typical, largest, bound, batch_size=batch_size, num_devices=num_shares, slots=slots,
        num_buckets=num_buckets, seed=pipeline.seed, views=len(pipeline.views),
    )  # fmt: skip


def _count_events(pipeline: EventPipeline, events: np.ndarray) -> np.ndarray:
    """int64 ``[events, views * levels]``: sites of every event."""
    counts = []
    for view in pipeline.images(events):
        ends = np.cumsum(view.lengths)
        zeros = np.zeros((len(view), 1), np.int32)
        rows = np.concatenate([zeros, view.coords], axis=1)
        counts.append(
            [
                count_levels(rows[end - length : end], pipeline.levels)
                for end, length in zip(ends, view.lengths, strict=True)
            ]
        )
    shape = len(pipeline.views), len(events), pipeline.levels
    table = np.array(counts, np.int64).reshape(shape).transpose(1, 0, 2)
    return table.reshape(len(events), shape[0] * shape[2])


def chosen_views(source: PixelSource, data: Any) -> tuple[str, ...]:
    """The views of ``data.views``, all of them in the source.

    Raises:
      InputError: no view, one that the source lacks, or one twice.
    """
    views = tuple(str(view) for view in data.views)
    known = ", ".join(source.view_shapes)
    if not views:
        raise InputError(
            f"data.views is (): whole events need their views, choose among {known} of "
            f"{source_name(source)}"
        )
    for view in views:
        if view not in source.view_shapes:
            raise InputError(
                f"data.views has {view!r} but {source_name(source)} has {known}: choose among these"
            )
    if len(set(views)) != len(views):
        raise InputError(f"data.views is {views}: no view may come twice")
    return views


def _require(condition: bool, key: str, value: Any, rule: str) -> None:
    if not condition:
        raise InputError(f"data.{key} is {value}: it {rule}")
