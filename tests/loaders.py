"""Loaders as a training makes them of the ``data`` part of a config, and what comes out of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.batch import Batch
from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels, Source
from jaxsparse.data.targets import Weigh


def make_loader(
    source: Source,
    data: Any,
    *,
    levels: int,
    targets: Sequence[str] = (),
    weigh: Weigh | None = None,
    seed: int = 0,
    shuffle: bool = True,
    **options: Any,
) -> Loader:
    """``options`` are those of the loader."""
    pipeline = Pipeline(
        source, data, levels=levels, targets=targets, weigh=weigh, seed=seed, augment=shuffle
    )
    settings = {"num_buckets", "capacities", "workers", "max_bad_events"}
    options = {name: data[name] for name in settings} | options
    return Loader(pipeline, shuffle=shuffle, **options)


def images_of(
    pipeline: Pipeline, events: np.ndarray, epochs: np.ndarray | int = 0
) -> tuple[Pixels, ...]:
    """Events as they go into batches: values are features, columns are targets."""
    return pipeline.finished(pipeline.pixels(events, epochs))


def per_event(batch: Batch, rows: np.ndarray, view: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """(event number, its rows) of an array with one row a site of a view, in slot order.

    Works with leading axes of devices and micro-batches and without; ``rows`` has those of
    ``coords``. Sites of an event come in the order of its image.
    """
    coords = np.asarray(batch.views[view].coords)
    active = np.asarray(batch.views[view].num_active).reshape(-1)
    slot_of = coords[..., 0].reshape(len(active), -1)
    events = np.asarray(batch.events).reshape(len(active), -1)
    rows = np.asarray(rows)
    rows = rows.reshape(*slot_of.shape, *rows.shape[coords.ndim - 1 :])
    for part, slots, numbers, count in zip(rows, slot_of, events, active, strict=True):
        bounds = np.searchsorted(slots[:count], np.arange(len(numbers) + 1))
        for slot, number in enumerate(numbers):
            if number >= 0:
                yield int(number), part[bounds[slot] : bounds[slot + 1]]
