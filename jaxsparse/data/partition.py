"""Training, validation and test events of one file, parted by what the events look like.

The side of an event is a function of its own pixels: no seed, no place in the file. Events with
the same pixels (a sample written twice, overlapping productions) land on one side, so no duplicate
of a test event was trained on; and an event stays on its side when others are added to the file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.bad_events import unreadable
from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.hashing import combine, mix
from jaxsparse.data.pixels import Source
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.data.targets import label_events
from jaxsparse.errors import InputError

PARTS = ("train", "validation", "test")
_AT_ONCE = 8192  # events read at a time


def content_hashes(
    source: Source, views: Sequence[str], events: np.ndarray | None = None
) -> np.ndarray:
    """uint64 ``[events]``: equal for events with the same pixels and values in all ``views``.

    Pixels are hashed one by one and added up, so their order in the file does not matter.

    An event that cannot be read is hashed by its number: it is for those who train on it to say so.

    Args:
      source: an event file.
      views: names, in an order that counts.
      events: integer, numbers of some events; all if None.
    """
    chosen = np.arange(len(source)) if events is None else events
    parts = [np.zeros(0, np.uint64)]
    for start in range(0, len(chosen), _AT_ONCE):
        numbers = np.asarray(chosen[start : start + _AT_ONCE])
        try:
            parts.append(_hashes(source, views, numbers))
        except InputError:
            bad = unreadable(numbers, lambda some: _hashes(source, views, some))
            good = ~np.isin(numbers, list(bad))
            hashes = mix(numbers.astype(np.uint64))
            hashes[good] = _hashes(source, views, numbers[good])
            parts.append(hashes)
    return np.concatenate(parts)


def _hashes(source: Source, views: Sequence[str], numbers: np.ndarray) -> np.ndarray:
    hashes = np.zeros(len(numbers), np.uint64)
    for place, view in enumerate(views):
        pixels = source.read_pixels(numbers, view, ())
        bits = np.ascontiguousarray(pixels.values, np.float32).view(np.uint32)
        each = combine(place, cell_numbers(pixels.coords, pixels.shape), bits)
        running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(each, dtype=np.uint64)])
        ends = np.cumsum(pixels.lengths)
        hashes += running[ends] - running[ends - pixels.lengths]  # modulo 2**64: exact
    return mix(hashes)


def part_numbers(hashes: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """int8 ``[events]``: which part every event belongs to.

    Args:
      hashes: of :func:`content_hashes`.
      fractions: share of each part, two or three that add up to 1: training, validation, test.

    Raises:
      InputError: other fractions.

    >>> hashes = mix(np.arange(10_000, dtype=np.uint64))
    >>> counts = np.bincount(part_numbers(hashes, (0.9, 0.05, 0.05)))
    >>> (abs(counts / 10_000 - [0.9, 0.05, 0.05]) < 0.01).tolist()
    [True, True, True]
    """
    shares = tuple(float(share) for share in fractions)
    if not (
        2 <= len(shares) <= len(PARTS)
        and all(0 <= share <= 1 for share in shares)
        and shares[0] > 0
        and math.isclose(sum(shares), 1, abs_tol=1e-6)
    ):
        raise InputError(
            f"data.split is {shares}: it must be the shares of training, validation and, if "
            "wanted, test, which add up to 1, such as (0.9,0.05,0.05)"
        )
    place = (hashes >> np.uint64(11)) * 2.0**-53  # in [0, 1)
    bounds = np.cumsum(shares)[:-1]
    return np.searchsorted(bounds, place, side="right").astype(np.int8)


@dataclasses.dataclass(frozen=True)
class Selection:
    """The events of a file that one pass uses.

    Attributes:
      events: int64, their numbers, increasing.
      left_out: events of the part by the name of their class, which was not chosen;
        ``"no class"`` for those without.
    """

    events: np.ndarray
    left_out: dict[str, int]

    def describe(self) -> str:
        """For people: how many, and what was left out."""
        left = ", ".join(f"{count:,} {name}" for name, count in self.left_out.items())
        return f"{len(self.events):,} events" + (f", left out {left}" if left else "")


def select_events(
    source: Source,
    *,
    views: Sequence[str],
    classes: Sequence[str] = (),
    fractions: Sequence[float] = (),
    part: str = "train",
    keep_all: bool = False,
) -> Selection:
    """The events of one part of a file that have one of the chosen classes.

    Args:
      source: an event file.
      views: that the content is read from.
      classes: names; all if empty.
      fractions: ``data.split``; without them all events are in the part.
      part: ``"train"``, ``"validation"`` or ``"test"``.
      keep_all: keep events of other classes and of none: they have label -1.

    Raises:
      InputError: an unknown part or class, fractions that do not add up.
    """
    if part not in PARTS:
        raise InputError(f"part is {part!r}: it must be one of {', '.join(PARTS)}")
    inside = np.ones(len(source), bool)
    if fractions:
        numbers = part_numbers(content_hashes(source, views), fractions)
        inside = numbers == PARTS.index(part)
    own, chosen = source.event_labels, inside
    if classes or not keep_all:
        _, labels = label_events(source, classes)
        chosen = inside & ((labels != NO_CLASS) | keep_all)
    names = (*source.event_classes, "no class")
    counts = np.bincount(own[inside & ~chosen] % len(names), minlength=len(names))
    left_out = {name: int(n) for name, n in zip(names, counts, strict=True) if n}
    return Selection(np.flatnonzero(chosen), left_out)
