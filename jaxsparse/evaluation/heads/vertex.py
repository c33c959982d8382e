"""The pixel that is named in every image: how far it is from the vertex, and what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.special import logsumexp

from jaxsparse.data.batch import Batch
from jaxsparse.data.pixels import Pixels
from jaxsparse.detectors import class_set
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.vertex import VertexDistance
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.vertex_predictions import VertexPredictions

CLASSES = ("vertex",)


class VertexHead(EvaluatedHead):
    """Where the interaction is; a :class:`Scored` of an event has a row an image.

    Rows with a pixel and a vertex are known; their score is the probability of the named pixel.
    """

    foreign: ClassVar[tuple[str, ...]] = (
        "thresholds", "baseline_data", "grouping", "true_classes"
    )  # fmt: skip

    def __init__(
        self, data_set: DataSet, other: DataSet | None, attributes: dict[str, Any], *, quiet: bool
    ):
        self.data_set, self.attributes = data_set, attributes
        self.classes = CLASSES
        self.class_set = class_set(CLASSES, data_set.detector.pixel_classes)
        counts = GroupedCounts(data_set.options.seed)
        self.metrics = [VertexDistance(data_set.views, counts)]
        self._sites = 0

    def writing(self, folder: Path) -> VertexPredictions:
        dim = len(self.data_set.shapes[0])
        path = folder / "predictions.h5"
        self._file = VertexPredictions(path, CLASSES, self.attributes, dim)
        return self._file

    def scored(
        self, portion: Portion, batch: Batch, outputs: Mapping[str, Any]
    ) -> Iterator[Scored]:
        for place, number in enumerate(portion.numbers.tolist()):
            images = []
            for view, (pixels, logits) in enumerate(
                zip(portion.images, outputs["vertex"], strict=True)
            ):
                own = pixels.events(np.array([place]))
                rows = slice(*pixels.bounds[place : place + 2])
                image = named(own, logits[rows, 0])
                self._write(number, view, own, image)
                images.append(image)
                self._sites += len(own)
            yield self._joined(images, self.data_set.group_of(number))

    def _write(self, number: int, view: int, own: Pixels, image: dict[str, Any]) -> None:
        row, there = image["row"], len(own) > 0
        columns = {
            "row": own.columns["rows"][row] if there else -1,
            "coords": own.coords[row] if there else [-1] * len(own.shape),
            "scores": [image["score"]],
            "distance": image["distance"],
            "event": number,
            "event_id": int(self.data_set.event_ids[number]),
            "view": view,
        }
        kinds = {"coords": np.int32, "scores": np.float32, "distance": np.float32, "view": np.int8}
        self._file.extend(
            {key: np.array([value], kinds.get(key, np.int64)) for key, value in columns.items()}
        )

    def _joined(self, images: list[dict[str, Any]], group: int) -> Scored:
        columns = {
            name: np.array([image[name] for image in images], float)
            for name in ("distance", "first_distance", "nearest")
        }
        known = np.isfinite(columns["nearest"])
        return Scored(
            scores=np.array([[image["score"]] for image in images], np.float32),
            truth=np.where(known, 0, -1).astype(np.int32),
            classes=CLASSES,
            losses=np.where(known, [image["loss"] for image in images], 0.0),
            columns={**columns, "view": np.arange(len(images))},
            group=group,
        )

    def facts(self) -> dict[str, Any]:
        return {"num_sites": self._sites}

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        """Nothing: the pictures of pixels are those of other heads."""


def named(pixels: Pixels, logits: np.ndarray) -> dict[str, Any]:
    """What is said of one image.

    Args:
      pixels: of the image.
      logits: float ``[pixels]``.

    Returns:
      ``row`` of the pixel with the highest score (the first of equals) and its ``score``;
      ``distance`` of it from the vertex, ``first_distance`` of the first pixel (of those in the
      first row of the image the one with the largest value), ``nearest`` of any pixel; ``loss``.
      Distances are infinite without a pixel or a vertex.
    """
    if not len(pixels):
        far = dict.fromkeys(("distance", "first_distance", "nearest"), np.inf)
        return {"row": -1, "score": 0.0, "loss": 0.0, **far}
    distance = pixels.columns.get("vertex_distance", np.full(len(pixels), np.inf))
    row = int(logits.argmax())
    top = pixels.coords[:, 0] == pixels.coords[0, 0]  # in lexicographic order
    first = int(np.flatnonzero(top)[pixels.values[top].argmax()])
    logarithms = logits.astype(np.float64) - logsumexp(logits.astype(np.float64))
    nearest = distance == distance.min()
    return {
        "row": row,
        "score": float(np.exp(logarithms[row])),
        "loss": float(-logsumexp(logarithms[nearest])),
        "distance": float(distance[row]),
        "first_distance": float(distance[first]),
        "nearest": float(distance.min()),
    }
