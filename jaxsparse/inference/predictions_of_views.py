"""What networks said of the pixels of a file's views, in one file of predictions or one a view."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.stored_predictions import StoredPredictions, ViewScores


class PredictionsOfViews:
    """Scores of classes of pixels that ``jaxsparse eval`` or ``predict`` wrote of a file.

    Args:
      paths: of the predictions, one for all views or some for a view each.
      data: path of the file of events.
      views: names of its views that are of interest.

    Attributes:
      classes: names, in the order of the scores.
      views: those that there are scores of.
      events: int64, numbers of the events that have scores, sorted.
      files: of every view, the place of its predictions among the paths.

    Raises:
      InputError: a file of predictions that cannot be read, that has no scores of pixels of these
        views, scores of a view that another one has too, or other classes than another one.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        data: str | os.PathLike[str],
        views: Iterable[str],
    ):
        views = tuple(views)
        self.files: dict[str, int] = {}
        self._said: list[StoredPredictions] = []
        for place, path in enumerate(paths):
            said = StoredPredictions(path, data).pixels
            if said is None:
                raise InputError(
                    f"{path} has scores of whole events alone: give those of pixels, which "
                    "jaxsparse eval writes into heads/semantic/predictions.h5 then"
                )
            said.require_a_view(views)
            if said.classes != (first := [*self._said, said][0]).classes:
                raise InputError(
                    f"{first.path} has classes {', '.join(first.classes)}, {path} "
                    f"{', '.join(said.classes)}: give predictions of the same classes"
                )
            self._said.append(said)
            for view in said.views:
                if view in self.files:
                    raise InputError(
                        f"{self._said[self.files[view]].path} and {path} have scores of view "
                        f"{view}: give one file for a view"
                    )
                self.files[view] = place
        self.classes = self._said[0].classes
        self.views = tuple(view for view in views if view in self.files)
        self.events = np.unique(np.concatenate([said.events for said in self._said]))

    def of_view(
        self, number: int, name: str, event_id: int, coords: np.ndarray
    ) -> ViewScores | None:
        """What is said of a view of an event; see ``StoredPredictions.of_view``."""
        return self._said[self.files[name]].of_view(number, name, event_id, coords)
