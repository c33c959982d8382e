"""A network that names whole events: its pass, the metrics that apply, its pictures."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse.data.nova import NOVA_AXES
from jaxsparse.data.spread_out import spread_out
from jaxsparse.evaluation.event_pass import Passed, pass_events
from jaxsparse.evaluation.event_predictions import write_predictions
from jaxsparse.evaluation.events import Events
from jaxsparse.evaluation.extremes import surest_events
from jaxsparse.evaluation.metrics.bootstrap import EventCounts
from jaxsparse.evaluation.metrics.calibration import Calibration
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.distributions import ScoreDistributions
from jaxsparse.evaluation.metrics.loss import EventLoss
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.profiles import AccuracyAgainst
from jaxsparse.evaluation.metrics.roc import RocCurves
from jaxsparse.evaluation.metrics.thresholds import Thresholds, parse_rules
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.progress import progress
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.forest_guess import ForestGuess
from jaxsparse.evaluation.studies.neutral_currents import NeutralCurrents
from jaxsparse.evaluation.studies.pions import read_pions
from jaxsparse.training.inputs import read_inputs

GALLERY = 4  # events of each class, right and wrong


def event_metrics(
    classes: Sequence[str], rules: Sequence[tuple[str, int, float]] = (), seed: int = 0
) -> list[Metric]:
    """What the scores and the truth of whole events say.

    Args:
      classes: class names.
      rules: of :func:`~jaxsparse.evaluation.metrics.thresholds.parse_rules`.
      seed: of the bootstrap draws.
    """
    return [
        Confusion(classes, EventCounts(seed)),
        EventLoss(seed),
        RocCurves(),
        ScoreDistributions(),
        Calibration(classes, "events"),
        Thresholds(classes, rules),
        AccuracyAgainst(seed),
    ]


class EventHead:
    """See :class:`jaxsparse.evaluation.evaluator.Head`; the pass gives all events at once."""

    def __init__(
        self,
        trained: Trained,
        data: str | os.PathLike[str],
        workdir: Path,
        options: Options,
        quiet: bool,
    ):
        self.trained, self.data, self.quiet = trained, str(data), quiet
        self.pictures = options.pictures
        config = trained.config
        trained_on = read_inputs(workdir, config).get("data.train")
        self.events = Events(
            data, config, trained_on=trained_on, part=options.part, num_events=options.num_events
        )
        if self.events.remark and not quiet:
            print(self.events.remark)
        self.classes = self.events.classes
        other = Events(options.baseline_data, config, part="all") if options.baseline_data else None
        rules = parse_rules(options.rules(self.classes), self.classes)
        self.metrics = [
            *event_metrics(self.classes, rules, options.seed),
            ForestGuess(self.events, other, options.seed),
            NeutralCurrents(functools.partial(read_pions, self.events.source), options.seed),
        ]
        self.passed: Passed
        self.scored: Scored

    def __len__(self) -> int:
        return len(self.events)

    def run(self, folder: Path) -> Iterator[Scored]:
        events = self.events
        self.passed = pass_events(self.trained, events, quiet=self.quiet)
        columns = {
            "event": events.numbers,
            "energy": events.energy,
            "topology": np.array(events.topology, object),
        }
        self.scored = Scored.of_logits(
            self.passed.logits, events.truth, events.classes, columns=columns
        )
        keys = {name: column[events.numbers] for name, column in events.source.event_keys.items()}
        attributes = {
            "data": self.data, "part": events.part, "views": list(events.views),
            "checkpoint_step": self.trained.step,
        }  # fmt: skip
        write_predictions(folder / "predictions.h5", self.scored, attributes, keys)
        yield self.scored

    def facts(self) -> dict[str, Any]:
        predictor = self.passed.predictor
        return {
            "num_events_without_truth": int((~self.scored.known).sum()),
            "num_sites": self.passed.num_sites,
            "part": self.events.part,
            "part_remark": self.events.remark,
            "views": list(self.events.views),
            "seconds_per_event": float(np.median(predictor.seconds or [math.nan])),
            "batch_size": self.passed.batch_size,
            "compilations": predictor.compilations,
            "capacities": predictor.capacities,
        }

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        from jaxsparse.viz.event_views import gallery_figure, views_figure
        from jaxsparse.viz.events import save

        for row in progress(spread_out(len(self), self.pictures).tolist(), "drawing", self.quiet):
            figure = views_figure(self._picture(row))
            save(figure, folder / f"pictures/event_{self.events.numbers[row]:06d}.png")
        if metrics["accuracy"] is None or not self.pictures:
            return
        for label, name in enumerate(self.classes):
            right, wrong = surest_events(self.scored, label, GALLERY)
            rows = {
                f"true {name}, called so": [self._picture(row) for row in right],
                f"true {name}, called another": [self._picture(row) for row in wrong],
            }
            if right or wrong:
                figure = gallery_figure(rows, f"The surest events of {name}")
                save(figure, folder / f"pictures/surest_{_file_name(name)}.png")

    def _picture(self, row: int) -> Any:
        from jaxsparse.viz.event_views import EventPicture

        events, scored = self.events, self.scored
        number = int(events.numbers[row])
        views = {name: events.source.read_view(number, name) for name in events.views}
        axes = events.source.axes[events.views[0]]
        return EventPicture(
            views=views,
            classes=events.classes,
            truth=int(scored.truth[row]),
            scores=scored.scores[row],
            energy=float(events.energy[row]),
            details=events.topology[row],
            name=f"event {number}",
            pixel_classes=tuple(events.source.class_names),
            axes=axes,
            across=0 if axes == NOVA_AXES else 1,  # the beam goes from left to right
            unit=events.source.value_units[events.views[0]],
        )


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
