"""What to say of events that are not like those that a network was trained on."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.data import transforms
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy.images import SortedView
from jaxsparse.deploy.standalone.shapes import odd_shape
from jaxsparse.deploy.standalone.units import other_unit
from jaxsparse.deploy.usual_shapes import usual_shapes


class OddEvents:
    """Compares events with what is known of the training.

    Args:
      data: group of the training's config.
      dim: axes of an image.
      trained: images of the training. None where they are not known: then shapes are those of a
        known detector with these views, if there is one.
      names_events: whether the network scores whole events.
    """

    def __init__(self, data: Any, dim: int, trained: TrainedImages | None, *, names_events: bool):
        self._data, self._trained, self._names_events = data, trained, names_events
        shapes = usual_shapes(data.views, dim)
        usual = dict(zip(map(str, data.views), shapes, strict=False))
        self._shapes = dict(trained.shapes) if trained else usual
        if trained and trained.windows:  # square ones cannot tell swapped axes: images of the
            for name, shape in usual.items():  # detector can, if windows of them were trained on
                window = self._shapes[name]
                if len({*window}) == 1 and all(map(operator.le, window, shape)):
                    self._shapes[name] = shape

    def lines(
        self, events: Sequence[Mapping[str, SortedView]], seen: Sequence[Pixels]
    ) -> dict[str, str]:
        """A line each about pixels, units and shapes, by the kind of what is odd.

        Args:
          events: views by name.
          seen: what passes the mask, one a view.
        """
        data, said = self._data, {}
        given = np.array([sum(len(each.order) for each in event.values()) for event in events])
        unseen = unseen_events(seen)
        whose = " of an event" if len(events) > 1 else ""
        if (unseen & (given > 0)).any():
            said["mask"] = (
                f"no pixel{whose} has a value between {data.low:g} and {data.high:g}, which the "
                "network looks at: all scores are NaN"
            )
        elif self._names_events and not given.all():
            said["empty"] = "an event has no pixel: its scores are NaN"
        values = [
            transforms.on_view(each.view, transforms.coarsen, int(data.coarsen)).values
            for event in events
            for each in event.values()
        ]
        usual = self._trained.upper_value if self._trained else None
        if line := other_unit(np.concatenate(values), float(data.mean), float(data.std), usual):
            said["unit"] = line
        shapes = [line for event in events for line in self._shapes_of(event)]
        if shapes:
            said["shape"] = "; ".join(dict.fromkeys(shapes[: len(self._shapes)]))
        return said

    def _shapes_of(self, event: Mapping[str, SortedView]) -> list[str]:
        lines = {
            name: odd_shape(
                event[name].view.coords.max(axis=0, initial=0).tolist(),
                usual,
                event[name].shape,
                trained=self._trained is not None and not self._trained.windows,
            )
            for name, usual in self._shapes.items()
        }
        return [f"view {name}: {line}" for name, line in lines.items() if line]


def unseen_events(seen: Sequence[Pixels]) -> np.ndarray:
    """bool ``[events]``: which have no pixel that a network sees, in any of its views."""
    return np.sum([image.lengths for image in seen], axis=0) == 0
