"""How many programs a run compiles at most, by what is measured of its batches."""

from __future__ import annotations

from jaxsparse.data.loader import Loader


def most_programs(train: Loader, validation: Loader | None, *, averages: bool = False) -> int:
    """Programs of batches like the measured ones; a larger batch may take another.

    Args:
      train: its steps have a program a bucket.
      validation: the same; None where nothing is validated.
      averages: whether a validation has moments made first, of the training's batches.
    """
    buckets = len(train.buckets.expected) * (2 if averages else 1)
    return buckets + (0 if validation is None else len(validation.buckets.expected))


def programs_fact(train: Loader, validation: Loader | None, *, averages: bool = False) -> str:
    """The same for people."""
    own = f"{len(train.buckets.expected)} of training"
    moments = f", {len(train.buckets.expected)} of its moments" if averages else ""
    other = f", {len(validation.buckets.expected)} of validation" if validation is not None else ""
    return (
        f"{most_programs(train, validation, averages=averages)} to compile at most ({own}{moments}"
        f"{other}), each when a batch first needs it"
    )
