"""Loaders as a training makes them of the ``data`` part of a config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Source
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
