"""What a page shows: a file's events, and what a network says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.detectors import Detector


@dataclasses.dataclass(frozen=True)
class Predicted:
    """What a network says of the pixels of a view.

    Attributes:
      labels: integer ``[pixels]``, number of a class of :attr:`ShownFile.predicted_classes`; -1
        where nothing is said.
      scores: float ``[pixels]``, the score of that class; NaN where nothing is said.
      instance: integer ``[pixels]``, the particle that the pixel is counted to, -1 for none;
        ``None`` of a network that tells no particles apart.
      parent: integer ``[pixels]``, the particle that this one belongs to, -1 for none; ``None``
        where nobody says.
    """

    labels: np.ndarray
    scores: np.ndarray
    instance: np.ndarray | None = None
    parent: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class ShownEvent:
    """An event.

    Attributes:
      number: of the event in its file.
      event: with all its views.
      title: a line above the views.
      predicted: by view; views without one are not in it.
    """

    number: int
    event: Event
    title: str = ""
    predicted: Mapping[str, Predicted] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ShownFile:
    """What is common to the events.

    Attributes:
      title: of the page.
      detector: its views and colours.
      view_shapes: full images by view.
      axes: by view, what its axes count.
      units: by view, of its values.
      classes: names of the pixels' true classes.
      predicted_classes: names of the predicted ones, in whatever order.
    """

    title: str
    detector: Detector
    view_shapes: Mapping[str, tuple[int, ...]]
    axes: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str]
    classes: Sequence[str] = ()
    predicted_classes: Sequence[str] = ()
