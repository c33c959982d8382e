"""Events and what was predicted of them, as the page that ``jaxsparse view`` writes."""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse.data.description import event_words
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.source import EventSource
from jaxsparse.detectors import find
from jaxsparse.inference.stored_predictions import StoredPredictions, ViewScores
from jaxsparse.viz.page import Predicted, ShownEvent, ShownFile, document


def page_of(
    source: EventFile | EventSource,
    numbers: list[int],
    title: str,
    predictions: StoredPredictions | None = None,
) -> str:
    """The page of some events.

    Args:
      source: of the events.
      numbers: of them in their order.
      title: of the page.
      predictions: of the same file.

    Raises:
      InputError: an event breaks a rule of its format, or the predictions are of other events.
    """
    pixels = predictions.pixels if predictions is not None else None
    shown = ShownFile(
        title,
        find(source.detector, source.described),
        source.view_shapes,
        source.axes,
        source.value_units,
        source.class_names,
        pixels.classes if pixels is not None else (),
    )
    read = functools.partial(_shown_event, source, predictions)
    return document(shown, map(read, numbers))


def _shown_event(
    source: EventFile | EventSource, predictions: StoredPredictions | None, number: int
) -> ShownEvent:
    event = source[number]
    title = event_words(event, source.event_classes)
    if predictions is None:
        return ShownEvent(number, event, title)
    scores = predictions.of_event(number, event.event_id)
    if scores is not None:
        best = int(scores.argmax())
        title += f", called {predictions.classes[best]} ({scores[best]:.3f})"
    pixels, predicted = predictions.pixels, {}
    if pixels is None:
        return ShownEvent(number, event, title)
    for name, view in event.views.items():
        found = pixels.of_view(number, name, event.event_id, view.coords)
        if found is not None:
            predicted[name] = _predicted(found, len(view))
    return ShownEvent(number, event, title, predicted)


def _predicted(found: ViewScores, pixels: int) -> Predicted:
    """What is said of all pixels of a view, those included that the network did not see."""
    labels = np.full(pixels, -1)
    scores = np.full(pixels, np.nan, np.float32)
    known = np.isfinite(found.scores).all(1)
    rows = found.rows[known]
    labels[rows] = found.scores[known].argmax(1)
    scores[rows] = found.scores[known].max(1)
    instance, parent = (
        None if column is None else _of_rows(column, found.rows, pixels)
        for column in (found.instance, found.parent)
    )
    return Predicted(labels, scores, instance, parent)


def _of_rows(column: np.ndarray, rows: np.ndarray, pixels: int) -> np.ndarray:
    whole = np.full(pixels, -1)
    whole[rows] = column
    return whole
