"""The local charge-density classifier beside the network, fitted on other events than it scores.

It passes over the images by itself, once to fit and once to guess.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.errors import InputError
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.track_shower import merged_sides, side_scores
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.local_classifier import (
    MAX_FIT_PIXELS,
    LocalClassifier,
    local_features,
)
from jaxsparse.evaluation.text import figure
from jaxsparse.viz.used_classes import used_classes


class LocalGuess(Metric):
    """Scores of the local classifier on the evaluated images.

    Args:
      data_set: that is evaluated.
      other: events to fit on; half of the evaluated ones for the other half, both ways, if
        ``None``.
      track: classes that are tracks, see :mod:`jaxsparse.evaluation.metrics.track_shower`.
      counts: how errors are taken.
      quiet: no progress bar.

    Raises:
      InputError: ``other`` has no pixels with classes.
    """

    keys = ("baselines", "errors")

    def __init__(
        self, data_set: DataSet, other: DataSet | None, track: Sequence[int] | None, counts: Counts,
        *, quiet: bool = True,
    ):  # fmt: skip
        if other is not None and not other.has_pixel_truth:
            raise InputError(
                f"--baseline_data={other.source.path}: it has no pixels with classes to fit on, "
                "give a file with truth or leave it out"
            )
        self.data_set, self.other, self.track = data_set, other, track
        self.counts, self.quiet = counts, quiet

    def update(self, scored: Scored) -> None:
        """What the network says is no matter here."""

    def result(self) -> dict[str, Any]:
        data_set, classes = self.data_set, self.data_set.pixel_classes
        if self.other is not None:
            fitted = fit_on_file(self.other)
        else:
            images = images_of(data_set, "fitting", self.quiet)
            fitted = fit_across(images, len(data_set) * len(data_set.views), len(classes))
        if fitted is None:
            entry: dict[str, Any] = {"fitted_on": "nothing: no labelled pixel", "accuracy": None}
            return {"baselines": {"local": entry}}
        for view, group in images_of(data_set, "guessing", self.quiet):
            guess = fitted.predict(view, group)
            assert view.labels is not None
            self.counts.add(scores.confusion_counts(view.labels, guess, len(classes)), group)
        confusion = np.asarray(self.counts.total)
        entry = {"fitted_on": fitted.fitted_on, **scores.confusion_scores(confusion, classes)}
        if self.track is not None:
            entry["track_shower"] = side_scores(merged_sides(confusion, self.track))
        error = self.counts.error(scores.accuracy)
        return {
            "baselines": {"local": entry},
            "errors": {"baselines.local.accuracy": error},
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        local = metrics["baselines"]["local"]
        lines = [f"The local charge density was fitted on {local['fitted_on']}."]
        if "per_class" in local:
            lines += ["", "| class | local: efficiency | purity |", "| --- | --- | --- |"]
            for name in used_classes(metrics, list(local["per_class"])):
                entry = local["per_class"][name]
                lines.append(
                    f"| {name} | {figure(entry['efficiency'])} | {figure(entry['purity'])} |"
                )
        return lines


@dataclasses.dataclass(frozen=True)
class FittedGuess:
    """The classifiers, and who guesses for whom.

    Attributes:
      classifiers: one, or one for even and one for odd groups of events.
      group_numbers: group -> running number; empty with one classifier.
      fitted_on: in words, for the report.
    """

    classifiers: tuple[LocalClassifier, ...]
    group_numbers: dict[int, int]
    fitted_on: str

    def predict(self, view: View, group: int) -> np.ndarray:
        """The likeliest class of every pixel, int64 ``[pixels]``."""
        fold = self.group_numbers.get(group, 0) % len(self.classifiers)
        return self.classifiers[fold].predict(local_features(view))


def images_of(data_set: DataSet, text: str = "", quiet: bool = True) -> Iterator[tuple[View, int]]:
    """All images of a data set that have truth, each with the group of its event."""
    for portion in data_set.portions(text=text, quiet=quiet):
        groups = [data_set.group_of(number) for number in portion.numbers]
        for pixels in portion.images:
            if "labels" in pixels.columns:  # one view may have truth and another none
                yield from zip(pixels.views(), groups, strict=True)


class FitSample:
    """A bounded random sample of labelled pixels, collected event by event."""

    def __init__(self, per_event: int, seed: int = 0):
        """At most ``per_event`` pixels of each event are taken."""
        self.per_event = per_event
        self._rng = np.random.default_rng(seed)
        self._features: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, view: View) -> None:
        """Takes pixels of one image with truth."""
        assert view.labels is not None
        known = np.flatnonzero(view.labels >= 0)
        if len(known) > self.per_event:
            known = np.sort(self._rng.choice(known, self.per_event, replace=False))
        self._features.append(local_features(view)[known])
        self._labels.append(view.labels[known].astype(np.int64))

    def fit(self, num_classes: int) -> LocalClassifier | None:
        """The classifier of what was collected; ``None`` without a pixel."""
        if not sum(map(len, self._labels)):
            return None
        return LocalClassifier.fit(
            np.concatenate(self._features), np.concatenate(self._labels), num_classes
        )


def fit_on_file(data_set: DataSet) -> FittedGuess | None:
    """Fitted on the events of another data set; ``None`` without a labelled pixel."""
    sample = FitSample(MAX_FIT_PIXELS // max(len(data_set) * len(data_set.views), 1))
    for view, _ in images_of(data_set):
        sample.add(view)
    classifier = sample.fit(len(data_set.pixel_classes))
    if classifier is None:
        return None
    return FittedGuess((classifier,), {}, f"{len(data_set)} events of {data_set.source.path}")


def fit_across(
    images: Iterable[tuple[View, int]], number: int, num_classes: int
) -> FittedGuess | None:
    """Fitted on each half of the images for the other; those of one group stay in one half."""
    per_image = max(2 * MAX_FIT_PIXELS // max(number, 1), 1)
    halves = (FitSample(per_image, 0), FitSample(per_image, 1))
    numbers: dict[int, int] = {}
    for view, group in images:
        place = numbers.setdefault(group, len(numbers))
        halves[(place + 1) % 2].add(view)  # the classifier that will not be asked about it
    fitted = [half.fit(num_classes) for half in halves]
    good = [classifier for classifier in fitted if classifier is not None]
    if not good:
        return None
    if len(good) == 1:
        return FittedGuess((good[0],), {}, "the evaluated events themselves (too few to halve)")
    return FittedGuess(
        tuple(good), numbers, "half of the evaluated events, scored on the other half"
    )
