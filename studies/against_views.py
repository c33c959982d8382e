"""Answers in three dimensions beside those of networks of the views, on the same pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.data.cells import cell_numbers, row_of
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import ClassSet
from jaxsparse.errors import InputError
from jaxsparse.evaluation.grouped import told_columns
from jaxsparse.evaluation.heads.semantic import instance_metrics
from jaxsparse.evaluation.metrics.bootstrap import Counts, GroupedCounts, PairedCounts
from jaxsparse.evaluation.metrics.metric import Measured, Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import figure, with_error
from jaxsparse.inference.grouping import NOBODY, SeenEvent, SeenView
from jaxsparse.inference.predictions_of_views import PredictionsOfViews

# Words and dotted key of what is compared.
ANSWERS = (("pixels with an answer", "answers.given"), ("right answers of all", "answers.right"))
INSTANCES = (
    ("adjusted Rand index", "grouping.rand_index.mean"),
    ("efficiency of instances", "grouping.clusters.efficiency"),
    ("purity of instances", "grouping.clusters.purity"),
    ("panoptic quality", "grouping.panoptic.pq"),
    ("one number in two views", "grouping.view_agreement.part"),
)


class Answers(Metric):
    """How many pixels with a class have an answer, and how many of all have a right one.

    A pixel whose scores are all 0 has none.

    Args:
      counts: how errors are taken.
    """

    keys = ("answers", "errors")

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        given = scored.known & scored.scores.any(1)
        table = [scored.known.sum(), given.sum(), (given & scored.right).sum()]
        self.counts.add(np.array(table), scored.group)

    def result(self) -> dict[str, Any]:
        """``given`` and ``right``, parts of all pixels with a class."""
        known, *parts = np.asarray(self.counts.total).tolist()
        error = self.counts.error(lambda table: table[..., 1:] / table[..., :1])
        names = [key.split(".")[1] for _, key in ANSWERS]
        return {
            "answers": {n: ratio(p, known) for n, p in zip(names, parts, strict=True)},
            "errors": {f"answers.{n}": float(e) for n, e in zip(names, error, strict=True)},
        }


class AgainstViews:
    """The figures of both, and the errors of their differences.

    The pixels that count are those of the views that the networks of the views saw, of events that
    both were asked about.

    Args:
      paths: predictions of the networks of the views, one file or one a view.
      data: the file that they are of: that of the candidates, or what these were made of.
      views: names.
      kinds: the classes.
      least: pixels of the smallest instance that counts.

    Raises:
      InputError: the predictions are of another file, or of other classes.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], data: str | os.PathLike[str],
        views: Sequence[str], kinds: ClassSet, least: int,
    ):  # fmt: skip
        self._views, self._kinds = views, kinds
        self._file, self._said = EventFile(data), PredictionsOfViews(paths, data, views)
        if self._said.classes != kinds.names:
            raise InputError(
                f"views_predictions are of classes {', '.join(self._said.classes)}, the candidates "
                f"of {', '.join(kinds.names)}: give predictions of the same classes"
            )
        first: list[GroupedCounts] = []

        def counts() -> Counts:
            first.append(GroupedCounts())
            return first[-1]

        def paired() -> Counts:
            return PairedCounts(others.pop(0))

        of_views = [Answers(counts()), *instance_metrics(kinds, least, counts, several_views=True)]
        others = list(first)
        both = [Answers(paired()), *instance_metrics(kinds, least, paired, several_views=True)]
        self._of_views, self._in_volume = Measured(of_views), Measured(both)
        self._told = True
        self.events = self.pixels = 0

    def add(self, number: int, event: Event, images: Sequence[Scored]) -> None:
        """Counts an event.

        Args:
          number: of the event in its file.
          event: with candidates, of the same number in both files.
          images: what was read back, all pixels of every view.

        Raises:
          InputError: the files have different events.
        """
        if number not in self._said.events:
            return
        said = [self._of_view(number, event, name) for name in self._views]
        seen = [np.isfinite(scores).all(1) for scores, _ in said]
        chosen = [image.take(rows) for image, rows in zip(images, seen, strict=True)]
        other = [
            Scored(
                scores[rows], image.truth, image.classes, image.losses, image.columns,
                image.particles, image.group,
            )
            for (scores, _), rows, image in zip(said, seen, chosen, strict=True)
        ]  # fmt: skip
        places = [
            event.views[name].coords[rows] for name, rows in zip(self._views, seen, strict=True)
        ]
        whole = SeenEvent(
            tuple(SeenView(place, image.scores) for place, image in zip(places, other, strict=True))
        )
        numbers = [instance[rows] for (_, instance), rows in zip(said, seen, strict=True)]
        told = told_columns(whole, numbers, other, self._kinds)
        other = [image.with_columns(own) for image, own in zip(other, told, strict=True)]
        self._of_views.update(Scored.join(other))
        self._in_volume.update(Scored.join(chosen))
        self.events += 1
        self.pixels += sum(map(len, chosen))

    def _of_view(self, number: int, event: Event, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the pixels of a view, NaN where there are none, and their instances."""
        view = event.views[name]
        scores = np.full((len(view), len(self._kinds.names)), np.nan, np.float32)
        instance = np.full(len(view), NOBODY)
        if name not in self._said.views:
            return scores, instance
        whole = self._file.read_view(number, name)
        said = self._said.of_view(number, name, event.event_id, whole.coords)
        if said is None:
            return scores, instance
        of_file = np.full((len(whole), scores.shape[1]), np.nan, np.float32)
        of_file[said.rows] = said.scores
        rows = self._rows(view, whole, number, name)
        scores = of_file[rows]
        if said.instance is None:
            self._told = False
        else:
            numbers = np.full(len(whole), NOBODY)
            # Networks of single views number their instances by themselves: none is in two views.
            files = len(set(self._said.files.values()))
            numbers[said.rows] = np.where(
                said.instance >= 0, said.instance * files + self._said.files[name], NOBODY
            )
            instance = numbers[rows]
        return scores, instance

    def _rows(self, view: View, whole: View, number: int, name: str) -> np.ndarray:
        """Where the pixels of a view stand in the file that was predicted."""
        cells, known = (cell_numbers(each.coords, each.shape) for each in (view, whole))
        rows = row_of(cells, known)
        if whole.shape != view.shape or (rows < 0).any():
            raise InputError(
                f"view {name} of event {number} has pixels that {self._file.path} lacks: give the "
                "file that the candidates were made of as --views_data"
            )
        return rows

    def lines(self, told: bool) -> list[str]:
        """What there is to say.

        Args:
          told: whether particles were told apart in three dimensions.
        """
        if not self.events:
            return ["the networks of the views say nothing of these events"]
        volume, views = self._in_volume.figures(), self._of_views.figures()
        lines = [
            f"{self.pixels:,} pixels of {self.events} events that the networks of the views saw; "
            "pixels without a candidate count as unanswered",
            "| | in three dimensions | networks of the views | difference |",
            "| --- | --- | --- | --- |",
        ]
        for words, key in (*ANSWERS, *(INSTANCES if told and self._told else ())):
            one, two = _at(volume, key), _at(views, key)
            difference = None if one is None or two is None else one - two
            error = with_error(difference, volume["errors"][key])
            lines.append(f"| {words} | {figure(one)} | {figure(two)} | {error} |")
        return lines


def _at(figures: dict[str, Any], key: str) -> float | None:
    for part in key.split("."):
        figures = figures[part]
    return figures  # type: ignore[return-value]
