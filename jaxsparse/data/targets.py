"""What a network is to say: of pixels, made from their truth, and of whole events."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from jaxsparse.data import weights
from jaxsparse.data.pixels import Pixels, Source, source_name
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.errors import InputError

# The weight of every pixel of some images, such as pixel_weights of jaxsparse.data.weights.
Weigh = Callable[[Pixels], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Target:
    """A number of every pixel that objectives may ask for.

    Attributes:
      make: all views of some events and what weighs their pixels (or None) -> ``[pixels]`` of
        every view.
      columns: truth columns that it is made from, those of them that a file has.
      dtype: of it.
      padding: what rows of a batch that are no pixel have.
    """

    make: Callable[[Sequence[Pixels], Weigh | None], list[np.ndarray]]
    columns: tuple[str, ...]
    dtype: type
    padding: float


def _labels(views: Sequence[Pixels], _: Weigh | None) -> list[np.ndarray]:
    """int32, the class of every pixel, -1 for none: all of them without truth."""
    return [_column(pixels, "labels", NO_CLASS).astype(np.int32) for pixels in views]


def _weights(views: Sequence[Pixels], weigh: Weigh | None) -> list[np.ndarray]:
    """float32, of ``weigh``; without it, or without truth, 1 where there is a class."""

    def of(pixels: Pixels) -> np.ndarray:
        if weigh is None or "labels" not in pixels.columns:
            return (_column(pixels, "labels", NO_CLASS) != NO_CLASS).astype(np.float32)
        return weigh(pixels)

    return list(map(of, views))


def _vertex_distance(views: Sequence[Pixels], _: Weigh | None) -> list[np.ndarray]:
    """float32, pixels to the nearest vertex, infinite without truth."""
    return [_column(pixels, "vertex_distance", np.inf).astype(np.float32) for pixels in views]


def _instances(views: Sequence[Pixels], _: Weigh | None) -> list[np.ndarray]:
    """int32, of every pixel the number of its particle, -1 for none.

    Particles are numbered event by event over all views together, the one with most pixels first
    and of equal ones the first of the particle table.
    """
    columns = [_column(pixels, "instance", -1).astype(np.int64) for pixels in views]
    rows = np.concatenate(columns)
    event = np.concatenate([pixels.event for pixels in views])
    owned = rows >= 0
    most = int(rows.max(initial=0)) + 1
    particles, member, sizes = np.unique(
        event[owned] * most + rows[owned], return_inverse=True, return_counts=True
    )
    events = particles // most
    order = np.lexsort((particles, -sizes, events))
    number = np.empty(len(particles), np.int64)
    number[order] = np.arange(len(particles)) - np.searchsorted(events, events)
    rows[owned] = number[member]
    return np.split(rows.astype(np.int32), np.cumsum(list(map(len, views)))[:-1])


def _shares(views: Sequence[Pixels], _: Weigh | None) -> list[np.ndarray]:
    """float32, of the charge of every pixel that of its particle; 1 where a file does not say."""
    return [_column(pixels, "share", 1).astype(np.float32) for pixels in views]


def _column(pixels: Pixels, name: str, none: float) -> np.ndarray:
    return pixels.columns[name] if name in pixels.columns else np.full(len(pixels), none)


TARGETS = {
    "labels": Target(_labels, ("labels",), np.int32, NO_CLASS),
    "weights": Target(_weights, weights.COLUMNS, np.float32, 0.0),
    "vertex_distance": Target(_vertex_distance, ("vertex_distance",), np.float32, np.inf),
    "instances": Target(_instances, ("instance",), np.int32, -1),
    "shares": Target(_shares, ("share",), np.float32, 0.0),
}


def make_targets(
    names: Sequence[str], views: Sequence[Pixels], weigh: Weigh | None
) -> dict[str, list[np.ndarray]]:
    """Targets of some events by name, ``[pixels]`` of every view each.

    Args:
      names: of :data:`TARGETS`.
      views: all views of the events.
      weigh: what weighs their pixels; None: nothing does.

    Raises:
      InputError: a target of a user's own that is not in the table of this process.
    """
    for name in names:
        if name not in TARGETS:
            raise InputError(
                f"target {name} is not in TARGETS of jaxsparse.data.targets in a process that "
                "makes batches: start the file that adds it, python FILE train, or data.workers=0"
            )
    return {name: TARGETS[name].make(views, weigh) for name in names}


def label_events(source: Source, classes: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The chosen classes of whole events, and every event's place among them.

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
