"""What a network calls the pixels of many events, and how two samples of them differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from jaxsparse.data.schema import Event, View
from jaxsparse.deploy.model import Model
from jaxsparse.detectors.microboone import CLASS_NAMES, MICROBOONE
from jaxsparse.errors import InputError
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.track_shower import merged_sides

BATCH = 8  # events that go through the network at once
FIGURES = (
    "five classes",
    "track / shower",
    "track / shower purity",
    *(f"{name} efficiency" for name in CLASS_NAMES),
    *(f"{name} purity" for name in CLASS_NAMES),
)


def checked(model: Model) -> Model:
    """The model, if it calls pixels by MicroBooNE's classes.

    Raises:
      InputError: it has other classes, or none of pixels.
    """
    own = model.classes.get("semantic", ())
    if own != CLASS_NAMES:
        raise InputError(
            f"model calls pixels {', '.join(own) or 'nothing'}: this study needs one that calls "
            f"them {', '.join(CLASS_NAMES)}"
        )
    return model


def confusion_tables(
    model: Model,
    events: Iterable[Event],
    chosen: Callable[[View, np.ndarray], np.ndarray] | None = None,
    batch_size: int = BATCH,
) -> np.ndarray:
    """int64 ``[events, classes, classes]``: pixels by true class (rows) and predicted one.

    Args:
      model: a trained network.
      events: with truth. Pixels outside of the network's mask and those without class do not count.
      chosen: from a view and the particles of its event to the pixels that count, bool; all by
        default.
      batch_size: events that go through the network at once.
    """
    tables = []
    for event, classes in with_classes(model, events, batch_size):
        table = np.zeros((len(CLASS_NAMES),) * 2, np.int64)
        for name, called in classes.items():
            view = event.views[name]
            assert view.labels is not None, "simulated events have truth"
            seen = called >= 0
            if chosen is not None:
                seen &= chosen(view, event.particles)
            table += scores.confusion_counts(view.labels[seen], called[seen], len(CLASS_NAMES))
        tables.append(table)
    return np.array(tables).reshape(-1, len(CLASS_NAMES), len(CLASS_NAMES))


def of_the_interaction(view: View, particles: np.ndarray) -> np.ndarray:
    """bool ``[pixels]``: whether the particle that named a pixel is not a cosmic one."""
    assert view.instance is not None, "simulated events have truth"
    return (view.instance >= 0) & particles["interaction"][view.instance]


def with_classes(
    model: Model, events: Iterable[Event], batch_size: int = BATCH
) -> Iterator[tuple[Event, dict[str, np.ndarray]]]:
    """Every event with the classes of its pixels by view, -1 outside of the network's mask."""
    waiting: deque[Event] = deque()

    def remembered() -> Iterator[Event]:
        for event in events:
            waiting.append(event)
            yield event

    for found in model.of_events(remembered(), batch_size):
        yield waiting.popleft(), found.pixel_classes


def figures(confusion: np.ndarray) -> np.ndarray:
    """The :data:`FIGURES` of tables ``[..., classes, classes]``: ``[..., figures]``.

    >>> figures(np.diag([1, 2, 3, 4, 5])).tolist() == [1.0] * len(FIGURES)
    True
    """
    sides = merged_sides(confusion, MICROBOONE.pixel_classes.track_numbers)
    each = (
        scores.accuracy(confusion),
        scores.accuracy(sides),
        scores.purity(sides).mean(-1),
        *np.moveaxis(scores.efficiency(confusion), -1, 0),
        *np.moveaxis(scores.purity(confusion), -1, 0),
    )
    return np.stack(each, axis=-1)


def compared(
    nominal: np.ndarray, varied: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, dict[str, Any]]:
    """The figures of a sample beside those of a nominal one of the same events.

    Errors are bootstrapped over events, those of the difference over pairs: what both samples owe
    to the choice of the events cancels.

    Args:
      nominal, varied: ``[events, classes, classes]``, one after the other the same events.
      groups: of every event; events of one group are drawn together.

    Returns:
      By figure its ``value`` and ``error``, the ``difference`` to nominal and its
      ``difference_error``.
    """
    pairs = GroupedCounts()
    for number, tables in enumerate(zip(nominal, varied, strict=True)):
        pairs.add(np.stack(tables), number if groups is None else int(groups[number]))

    def own(tables):
        return figures(tables[..., 1, :, :])

    def difference(tables):
        return own(tables) - figures(tables[..., 0, :, :])

    columns = {
        "value": own(pairs.total),
        "error": pairs.error(own),
        "difference": difference(pairs.total),
        "difference_error": pairs.error(difference),
    }
    return {
        name: {column: float(values[place]) for column, values in columns.items()}
        for place, name in enumerate(FIGURES)
    }


def percent(figure: dict[str, float]) -> str:
    """A figure as a cell of a table, in per cent.

    >>> percent({"value": 0.9, "error": 0.01, "difference": -0.02, "difference_error": 0.004})
    '90.0 (-2.0 ± 0.4)'
    """
    if not np.isfinite(figure["value"]):
        return "–"
    value, difference, error = (
        100 * figure[key] for key in ("value", "difference", "difference_error")
    )
    return f"{value:.1f} ({difference:+.1f} ± {error:.1f})"
