"""How far the pixel that a network names lies from the vertex, beside a simple guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of
from jaxsparse.evaluation.text import figure, with_error

WITHIN = (0, 1, 2, 5, 10)  # pixels
PERCENTILES = (50, 68, 90, 95)
NAMED = ("distance", "first_distance")  # columns: of the network, and of the guess


class VertexDistance(Metric):
    """Chebyshev distances of named pixels from the nearest vertex, over the images that have one.

    The guess beside it is the first pixel of the image, along its first axis: the most upstream one
    where that is the beam's. Rows are images, with the columns ``distance``, ``first_distance``,
    ``nearest`` (the smallest distance of any pixel) and ``view``.

    Args:
      views: their names.
      counts: how errors are taken.
    """

    title = "Vertex"
    keys = ("loss", "accuracy", "vertex", "baselines", "errors")
    headline = (
        ("accuracy (a nearest pixel is named)", "accuracy"),
        *((f"within {pixels} pixels", f"vertex.within.{pixels}") for pixels in WITHIN[1:]),
        ("median distance, pixels", "vertex.percentiles.50"),
        ("90 % of distances, pixels", "vertex.percentiles.90"),
    )

    def __init__(self, views: Sequence[str], counts: Counts):
        self.views, self.counts = tuple(views), counts
        self._loss, self._events = 0.0, 0
        self._images: list[np.ndarray] = []

    def update(self, scored: Scored) -> None:
        columns = scored.columns
        self._loss += float(scored.losses.sum())
        self._events += 1
        names = ("view", "nearest", *NAMED)
        images = np.stack([columns[name] for name in names], axis=1)[scored.known]
        self._images.append(images)
        self.counts.add(_table(images), scored.group)

    def result(self) -> dict[str, Any]:
        """``loss``: of an event, the sum over its images. ``accuracy``: images of which a pixel
        nearest to the vertex is named. ``vertex``: ``images``; part of them ``within`` so many
        pixels and ``percentiles`` of the distance; ``nearest``, those of the distance of the
        nearest pixel, which nobody can beat; ``per_view`` the same. ``baselines.first``: of the
        first pixel.
        """
        images = np.concatenate(self._images)
        network, first = (self._figures(images, name) for name in NAMED)
        errors = self.counts.error(_accuracy)
        within = self.counts.error(_within)
        return {
            "loss": self._loss / max(self._events, 1),
            **network,
            "baselines": {"first": first},
            "errors": {
                "accuracy": errors,
                **{f"vertex.within.{p}": within[i] for i, p in enumerate(WITHIN)},
            },
        }

    def _figures(self, images: np.ndarray, name: str) -> dict[str, Any]:
        figures = _distances(images, name)
        figures["per_view"] = {
            view: _distances(images[images[:, 0] == number], name)
            for number, view in enumerate(self.views)
        }
        accuracy = figures.pop("accuracy")
        return {"accuracy": accuracy, "vertex": figures}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        lines = ["| view | images | nearest pixel named | within 2 | median | 90 % | first pixel |"]
        lines.append("| --- |" + " --- |" * 6)
        others = metrics["baselines"]["first"]["vertex"]["per_view"]
        for view, entry in metrics["vertex"]["per_view"].items():
            cells = [
                figure(entry["accuracy"]),
                figure(entry["within"]["2"]),
                *(figure(entry["percentiles"][q], 1) for q in ("50", "90")),
                figure(others[view]["accuracy"]),
            ]
            lines.append(f"| {view} | {entry['images']} | {' | '.join(cells)} |")
        total = with_error(metrics["accuracy"], metrics["errors"]["accuracy"])
        return [*lines, "", f"Of all images {total} name a pixel nearest to the vertex."]


def _distances(images: np.ndarray, name: str) -> dict[str, Any]:
    _, nearest, *named = images.T
    distance = named[NAMED.index(name)]
    return {
        "images": len(images),
        "accuracy": _part(distance == nearest),
        "within": {str(pixels): _part(distance <= pixels) for pixels in WITHIN},
        "percentiles": _percentiles(distance),
        "nearest": _percentiles(nearest),
    }


def _part(rows: np.ndarray) -> float | None:
    return float(rows.mean()) if len(rows) else None


def _percentiles(values: np.ndarray) -> dict[str, float | None]:
    return {
        str(percent): float(np.percentile(values, percent)) if len(values) else None
        for percent in PERCENTILES
    }


def _table(images: np.ndarray) -> np.ndarray:
    """Of one event, images with a vertex, rightly named, and named within so many pixels."""
    _, nearest, distance, _ = images.T
    right = (distance == nearest).sum()
    return np.array([len(images), right, *((distance <= p).sum() for p in WITHIN)], float)


def _accuracy(table: np.ndarray) -> Any:
    return mean_of(table[..., [1, 0]])


def _within(table: np.ndarray) -> Any:
    return np.stack([mean_of(table[..., [2 + i, 0]]) for i in range(len(WITHIN))], axis=-1)
