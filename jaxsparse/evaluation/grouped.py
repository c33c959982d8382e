"""Instances of an evaluated event: a grouping, timed, with predicted or with true classes.

Also the track that each belongs to, by a rule that is applied to the true instances as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from jaxsparse.detectors import ClassSet
from jaxsparse.detectors.class_set import NO_CLASSES
from jaxsparse.errors import InputError
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.scored import Scored
from jaxsparse.inference.grouping import (
    GROUPINGS,
    NOBODY,
    Kinds,
    SeenEvent,
    SeenView,
    classes_and_parents,
    grouping_by,
    grouping_of,
    of_real,
)
from jaxsparse.inference.joiner import Joiner

NOTHING: Mapping[str, Any] = MappingProxyType({})
COLUMNS = ("predicted_instance", "predicted_instance_class", "predicted_parent", "parent_by_rule")


class Grouped:
    """Tells the particles of one event after the other apart.

    Args:
      name: of a grouping.
      true_classes: group by true classes in place of the predicted ones, an upper bound; pixels
        without a true class are of no instance then.
      kinds: which classes are tracks, which these set off, and which is none of a particle.
      joiner: of ``joined``.
    """

    def __init__(
        self,
        name: str,
        *,
        true_classes: bool = False,
        kinds: ClassSet = NO_CLASSES,
        joiner: Joiner | None = None,
    ):
        self.name, self.true_classes, self.kinds = name, true_classes, kinds
        self._group = grouping_by(name, joiner)
        self._seconds: list[float] = []

    @classmethod
    def of(
        cls,
        options: Options,
        heads: Sequence[str],
        kinds: ClassSet = NO_CLASSES,
        joiner: Joiner | None = None,
    ) -> Grouped | None:
        """What the user chose, or what the heads of the network bring; ``None`` without any.

        Args:
          options: say which grouping, and whether by true classes.
          heads: of the network.
          kinds: of the constructor.
          joiner: of the constructor; ``options`` name the file that it was read from.

        Raises:
          InputError: no such grouping, or nothing to group with true classes.
        """
        name = grouping_of(options.grouping, heads, joiner=joiner is not None)
        if options.true_classes and not name:
            raise InputError(
                "--true_classes: nothing is grouped, give --grouping too, one of "
                f"{', '.join(GROUPINGS)}"
            )
        if not name:
            return None
        return cls(name, true_classes=options.true_classes, kinds=kinds, joiner=joiner)

    def __call__(
        self,
        images: Sequence[Scored],
        coords: Sequence[np.ndarray],
        outputs: Mapping[str, Any] = NOTHING,
        place: int = 0,
        rows: Sequence[slice] = (),
    ) -> list[dict[str, np.ndarray]]:
        """The columns of every view, :func:`told_columns`.

        Args:
          images: the pixels of every view.
          coords: integer ``[pixels, dim]`` of every view.
          outputs: of all heads, by name; without, only groupings that need no head can be used.
          place: of the event in the batch.
          rows: of its pixels in every view.
        """
        views = [
            SeenView(
                of_view,
                of_real(
                    true_scores(image) if self.true_classes else image.scores, self.kinds.ghost
                ),
                image.columns.get("values"),
            )
            for image, of_view in zip(images, coords, strict=True)
        ]
        event = SeenEvent.of(views, outputs, place, rows)
        start = time.perf_counter()
        numbers = self._group(event)
        self._seconds.append(time.perf_counter() - start)
        return told_columns(event, numbers, images, self.kinds)

    def facts(self) -> dict[str, Any]:
        """``name``, ``true_classes``, and the median of the seconds of an event."""
        return {
            "name": self.name,
            "true_classes": self.true_classes,
            "seconds_per_event": float(np.median(self._seconds or [np.nan])),
        }


def told_columns(
    event: SeenEvent, numbers: Sequence[np.ndarray], images: Sequence[Scored], kinds: ClassSet
) -> list[dict[str, np.ndarray]]:
    """What is known of the instances of an event, columns of its pixels, view by view.

    Args:
      event: with the scores that name instances.
      numbers: of every view int ``[pixels]``, predicted instances, -1 for none.
      images: the pixels of every view, with what truth there is.
      kinds: which classes are tracks and which these set off.

    Returns:
      Of every view int32 ``[pixels]``, -1 for none: ``predicted_instance``,
      ``predicted_instance_class`` and ``predicted_parent``, the instance that it belongs to;
      ``parent_by_rule``, the particle to which the same rule says that the true instance belongs.
    """
    of_tracks = Kinds.of(kinds)
    classes, parents = classes_and_parents(event, numbers, of_tracks)
    truth = SeenEvent(
        tuple(
            SeenView(view.coords, true_scores(image))
            for view, image in zip(event.views, images, strict=True)
        )
    )
    true = [
        np.where(image.known, image.columns.get("instance", NOBODY), NOBODY) for image in images
    ]
    _, by_rule = classes_and_parents(truth, true, of_tracks)
    return [
        dict(zip(COLUMNS, columns, strict=True))
        for columns in zip(numbers, classes, parents, by_rule, strict=True)
    ]


def true_scores(image: Scored) -> np.ndarray:
    """A score of 1 for the true class of every pixel; 0 for all classes of one without truth.

    >>> true_scores(Scored.of([[0.3, 0.7], [0.5, 0.5]], [0, -1], "ab")).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    return np.equal(image.truth[:, None], np.arange(len(image.classes))).astype(np.float32)
