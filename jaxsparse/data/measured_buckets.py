"""The bucket table of a run, measured on the events that it will see."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.buckets import BucketTable, fit_buckets, stated_buckets
from jaxsparse.data.pipeline import Pipeline

SAMPLED, LARGEST = (192, 1024), 32  # events drawn at random, at least and at most; and the largest
PIXELS = 1 << 18  # as many events as have so many
_STREAM = 0xF2


def measure_buckets(
    pipeline: Pipeline,
    events: np.ndarray,
    *,
    batch_size: int,
    num_shares: int,
    num_buckets: int,
    capacities: Sequence[Sequence[int]] = (),
) -> BucketTable:
    """Bucket table for batches of events: capacities of the levels of all views.

    Reads 192 to 1,024 of ``events`` drawn at random, the more the smaller they are, and the 32 with
    most pixels; the bound of every view is the most pixels that one of its events has in the file,
    or that its image has cells. With ``capacities`` nothing is read: they are the table, and the
    bound its last row where they do not reach it.
    """
    pixels = np.array([pipeline.source.num_pixels(view)[events] for view in pipeline.views])
    bound = [
        min(
            math.prod(-(-side // 2**level) for side in shape),
            int(most.max(initial=0)) * (2 * pipeline.halo + 1) ** len(shape),
        )
        for shape, most in zip(pipeline.shapes, pixels, strict=True)
        for level in range(pipeline.levels)
    ]
    if capacities:
        return stated_buckets(capacities, bound, slots=-(-batch_size // num_shares))
    sites = pixels.sum(axis=0)
    wanted = int(np.clip(PIXELS / max(1.0, sites.mean() if len(sites) else 1.0), *SAMPLED))
    rng = np.random.default_rng([_STREAM, pipeline.seed])
    drawn = np.sort(rng.choice(len(events), min(wanted, len(events)), replace=False))
    most = np.argsort(-sites, kind="stable")[:LARGEST]
    typical, largest = (_level_counts(pipeline, events[chosen]) for chosen in (drawn, most))
    return fit_buckets(
        typical, largest, bound, batch_size=batch_size, num_shares=num_shares,
        num_buckets=num_buckets, max_sites=pipeline.max_sites, seed=pipeline.seed,
        views=len(pipeline.views),
    )  # fmt: skip


def _level_counts(pipeline: Pipeline, events: np.ndarray) -> np.ndarray:
    """int64 ``[events, views * levels]``: sites of every event that can be read."""
    images, *_ = pipeline.readable_pixels(events)
    return np.concatenate([view.level_counts(pipeline.levels) for view in images], axis=1)
