"""Scores of whole events: which metrics apply, what is stored and drawn."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jaxsparse.data.batch import Batch
from jaxsparse.data.progress import with_progress
from jaxsparse.data.spread_out import spread_out
from jaxsparse.detectors import Detector, class_set
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.event_predictions import EventPredictions
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.heads.surest import surest_events
from jaxsparse.evaluation.metrics.bootstrap import EventCounts
from jaxsparse.evaluation.metrics.calibration import Calibration
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.distributions import ScoreDistributions
from jaxsparse.evaluation.metrics.loss import EventLoss
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.profiles import UNDESCRIBED, AccuracyAgainst
from jaxsparse.evaluation.metrics.roc import RocCurves
from jaxsparse.evaluation.metrics.thresholds import Thresholds, parse_rules
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.forest_guess import ForestGuess
from jaxsparse.evaluation.studies.neutral_currents import NeutralCurrents
from jaxsparse.evaluation.studies.pions import read_pions

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn
    from jaxsparse.viz.event_picture import EventPicture
    from jaxsparse.viz.picture import Picture

GALLERY = 4  # events of each class, right and wrong


def event_metrics(
    classes: Sequence[str],
    rules: Sequence[tuple[str, int, float]] = (),
    seed: int = 0,
    detector: Detector = UNDESCRIBED,
) -> list[Metric]:
    """What the scores and the truth of whole events say.

    Args:
      classes: class names.
      rules: of :func:`~jaxsparse.evaluation.metrics.thresholds.parse_rules`.
      seed: of the bootstrap draws.
      detector: which words their topologies have, and which energies matter.
    """
    return [
        Confusion(classes, EventCounts(seed), "events"),
        EventLoss(seed),
        RocCurves(),
        ScoreDistributions(),
        Calibration(classes, "events"),
        Thresholds(classes, rules),
        AccuracyAgainst(detector, seed),
    ]


class EventHead(EvaluatedHead):
    """Scores of every event; a portion gives one :class:`Scored` of all its events."""

    foreign: ClassVar[tuple[str, ...]] = (
        "view", "whole_plane", "bootstrap_group", "grouping", "true_classes"
    )  # fmt: skip

    def __init__(
        self, data_set: DataSet, other: DataSet | None, attributes: dict[str, Any], *, quiet: bool
    ):
        self.data_set, self.attributes, self.quiet = data_set, attributes, quiet
        self.classes, options = data_set.classes, data_set.options
        self.detector = data_set.detector
        self.class_set = class_set(self.classes, self.detector.event_classes)
        rules = parse_rules(options.rules(self.class_set), self.classes)
        self.metrics = [
            *event_metrics(self.classes, rules, options.seed, self.detector),
            ForestGuess(data_set, other, options.seed),
        ]
        if declared := self.detector.neutral_currents:
            read = functools.partial(read_pions, data_set.source)
            self.metrics.append(NeutralCurrents(declared, read, options.seed))
        self._parts: list[Scored] = []
        self._num_sites = 0

    def writing(self, folder: Path) -> EventPredictions:
        attributes = {**self.attributes, "part": self.data_set.part}
        keys = self.data_set.source.event_keys
        self._file = EventPredictions(folder / "predictions.h5", self.classes, attributes, keys)
        return self._file

    def scored(
        self, portion: Portion, batch: Batch, outputs: Mapping[str, Any]
    ) -> Iterator[Scored]:
        data_set, numbers = self.data_set, portion.numbers
        columns = {
            "event": numbers,
            "energy": data_set.energies[numbers],
            "topology": data_set.topologies[numbers],
        }
        scored = Scored.of_logits(
            outputs["event"][: len(numbers)],
            data_set.truth_of(numbers),
            self.classes,
            columns=columns,
        )
        self._file.append(scored)
        self._parts.append(scored)
        self._num_sites += int(batch.num_active)
        yield scored

    def facts(self) -> dict[str, Any]:
        return {
            "num_events_without_truth": sum(int((~part.known).sum()) for part in self._parts),
            "num_sites": self._num_sites,
        }

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        from jaxsparse.viz.event_gallery import gallery_figure
        from jaxsparse.viz.event_views import views_figure
        from jaxsparse.viz.style import save

        if not self._parts:
            return
        scored, wanted = Scored.join(self._parts), self.data_set.options.pictures
        rows = spread_out(len(scored), wanted).tolist()
        for row in with_progress(rows, len(rows), "drawing", quiet=self.quiet):
            number = int(scored.columns["event"][row])
            seen = next(filter(None, (head.images(number) for head in self.heads.values())), {})
            save(
                views_figure(self._picture(scored, row, seen)),
                folder / f"pictures/event_{number:06d}.png",
            )
        if metrics["accuracy"] is None or not wanted:
            return
        for label, name in enumerate(self.classes):
            right, wrong = surest_events(scored, label, GALLERY)
            rows = {
                f"true {name}, called so": [self._picture(scored, row) for row in right],
                f"true {name}, called another": [self._picture(scored, row) for row in wrong],
            }
            if right or wrong:
                figure = gallery_figure(rows, f"The surest events of {name}")
                save(figure, folder / f"pictures/surest_{_file_name(name)}.png")

    def _picture(
        self, scored: Scored, row: int, seen: Mapping[str, Picture] | None = None
    ) -> EventPicture:
        """An event with its images as another head has ``seen`` them, else those of the file."""
        from jaxsparse.viz.event_picture import EventPicture

        names = self.data_set.views
        number = int(scored.columns["event"][row])
        return EventPicture(
            views=seen or {name: self._image(number, name) for name in names},
            shared=self.data_set.shared,
            classes=self.classes,
            truth=int(scored.truth[row]),
            scores=scored.scores[row],
            energy=float(scored.columns["energy"][row]),
            details=scored.columns["topology"][row],
            name=f"event {number}",
        )

    def _image(self, number: int, name: str) -> Picture:
        """A view as the file has it."""
        from jaxsparse.viz.picture import Picture

        source = self.data_set.source
        return Picture(
            source.read_view(number, name), classes=tuple(source.class_names),
            axes=source.axes[name], unit=source.value_units[name],
            across=self.detector.view(name, len(source.view_shapes[name])).across,
            colours=class_set(source.class_names, self.detector.pixel_classes).colours,
        )  # fmt: skip


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
