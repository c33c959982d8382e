"""What networks said of the pixels of a file, as further values of these pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.inference.predictions_of_views import PredictionsOfViews

PREFIX = "score_"


def names_of_scores(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the further values that the scores of classes are.

    >>> names_of_scores(("HIP", "MIP"))
    ('score_HIP', 'score_MIP')
    """
    return tuple(PREFIX + name for name in classes)


def with_scores(number: int, event: Event, said: PredictionsOfViews) -> Event:
    """An event with scores as further values of its pixels, beside those that it has.

    Args:
      number: of the event in its file.
      event: as it is in the file.
      said: what networks said of the file.

    Returns:
      The event; NaN for pixels without scores.

    Raises:
      InputError: the predictions are of other events.
    """
    views, names = dict(event.views), names_of_scores(said.classes)
    for name in said.views:
        view = views[name]
        scores = np.full((len(view), len(names)), np.nan, np.float32)
        found = said.of_view(number, name, event.event_id, view.coords)
        if found is not None:
            scores[found.rows] = found.scores
        further = dict(zip(names, scores.T, strict=True))
        views[name] = dataclasses.replace(view, further={**view.further, **further})
    return dataclasses.replace(event, views=views)
