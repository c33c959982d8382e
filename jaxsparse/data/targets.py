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
      make: images and what weighs their pixels (or None) -> ``[pixels]``.
      columns: truth columns that it is made from, those of them that a file has.
      dtype: of it.
      padding: what rows of a batch that are no pixel have.
    """

    make: Callable[[Pixels, Weigh | None], np.ndarray]
    columns: tuple[str, ...]
    dtype: type
    padding: float


def _labels(pixels: Pixels, _: Weigh | None) -> np.ndarray:
    """int32, the class of every pixel, -1 for none: all of them without truth."""
    labels = pixels.columns.get("labels")
    return np.full(len(pixels), NO_CLASS, np.int32) if labels is None else labels.astype(np.int32)


def _weights(pixels: Pixels, weigh: Weigh | None) -> np.ndarray:
    """float32, of ``weigh``; without it, or without truth, 1 where there is a class."""
    if weigh is None or "labels" not in pixels.columns:
        return (_labels(pixels, weigh) != NO_CLASS).astype(np.float32)
    return weigh(pixels)


TARGETS = {
    "labels": Target(_labels, ("labels",), np.int32, NO_CLASS),
    "weights": Target(_weights, weights.COLUMNS, np.float32, 0.0),
}


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
