"""What networks said of the pixels of a file, as further values of these pixels."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence

import numpy as np

from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError
from jaxsparse.inference.stored_predictions import StoredPredictions

PREFIX = "score_"


class ScoresAsValues:
    """Scores of classes of pixels that ``jaxsparse eval`` or ``predict`` wrote of a file.

    Args:
      paths: of the predictions, one for all views or some for a view each.
      data: path of the file of events.
      views: names of its views that are of interest.

    Attributes:
      names: of the further values, one a class: ``score_HIP``, ...
      views: those that there are scores of.
      events: how many events of the file have scores.

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
        self._of_view: dict[str, StoredPredictions] = {}
        for path in paths:
            said = StoredPredictions(path, data).pixels
            if said is None:
                raise InputError(
                    f"{path} has no scores of pixels: give those of a network with them"
                )
            said.require_a_view(views)
            for view in said.views:
                if view in self._of_view:
                    raise InputError(
                        f"{self._of_view[view].path} and {path} have scores of view {view}: give "
                        "one file for a view"
                    )
                if view in views:
                    self._of_view[view] = said
        first, *others = self._of_view.values()
        for other in others:
            if other.classes != first.classes:
                raise InputError(
                    f"{first.path} has classes {', '.join(first.classes)}, {other.path} "
                    f"{', '.join(other.classes)}: give predictions of the same classes"
                )
        self.names = tuple(PREFIX + name for name in first.classes)
        self.views = tuple(view for view in views if view in self._of_view)
        self.events = len(set.union(*(set(s.events.tolist()) for s in self._of_view.values())))

    def of(self, number: int, event: Event) -> Event:
        """The event with the scores as further values of its pixels, beside those that it has.

        Args:
          number: of the event in its file.
          event: as it is in the file.

        Returns:
          The event; NaN for pixels without scores.

        Raises:
          InputError: the predictions are of other events.
        """
        views = dict(event.views)
        for name in self.views:
            view = views[name]
            scores = self._scores(number, name, event.event_id, view)
            further = dict(zip(self.names, scores.T, strict=True))
            views[name] = dataclasses.replace(view, further={**view.further, **further})
        return dataclasses.replace(event, views=views)

    def _scores(self, number: int, name: str, event_id: int, view: View) -> np.ndarray:
        """float32 ``[pixels, classes]``."""
        scores = np.full((len(view), len(self.names)), np.nan, np.float32)
        said = self._of_view[name].of_view(number, name, event_id, len(view))
        if said is not None:
            scores[said.rows] = said.scores
        return scores
