"""The local charge-density classifier beside the network, fitted on other events than it scores.

It passes over the images by itself, once to fit and once to guess.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.errors import InputError
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.images import Image, Images
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.track_shower import merged_sides, side_scores
from jaxsparse.evaluation.progress import progress
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.local_classifier import (
    MAX_FIT_PIXELS,
    LocalClassifier,
    local_features,
)
from jaxsparse.evaluation.text import figure

FIT_EVENTS = 200


class LocalGuess(Metric):
    """Scores of the local classifier on the evaluated images.

    Args:
      images: that are evaluated.
      other: images to fit on; half of the evaluated events for the other half, both ways, if
        ``None``.
      track: classes that are tracks, see :mod:`jaxsparse.evaluation.metrics.track_shower`.
      counts: how errors are taken.
      quiet: no progress bar.

    Raises:
      InputError: ``other`` has no pixels with classes.
    """

    keys = ("baselines", "errors")

    def __init__(
        self, images: Images, other: Images | None, track: Sequence[int] | None, counts: Counts,
        *, quiet: bool = True,
    ):  # fmt: skip
        if other is not None and not other.has_truth:
            raise InputError(
                f"--baseline_data={other.source.path}: it has no pixels with classes to fit on, "
                "give a file with truth or leave it out"
            )
        self.images, self.other, self.track = images, other, track
        self.counts, self.quiet = counts, quiet

    def update(self, scored: Scored) -> None:
        """What the network says is no matter here."""

    def result(self) -> dict[str, Any]:
        images, classes = self.images, self.images.classes
        if self.other is not None:
            fitted = fit_on_file(self.other)
        else:
            fitted = fit_across(self._passed("fitting"), len(images), len(classes))
        if fitted is None:
            entry: dict[str, Any] = {"fitted_on": "nothing: no labelled pixel", "accuracy": None}
            return {"baselines": {"local": entry}}
        for image in self._passed("guessing"):
            guess = fitted.predict(image)
            assert image.view.labels is not None
            table = scores.confusion_counts(image.view.labels, guess, len(classes))
            self.counts.add(table, image.group)
        confusion = np.asarray(self.counts.total)
        entry = {"fitted_on": fitted.fitted_on, **scores.confusion_scores(confusion, classes)}
        if self.track is not None:
            entry["track_shower"] = side_scores(merged_sides(confusion, self.track))
        error = self.counts.error(scores.accuracy)
        return {
            "baselines": {"local": entry},
            "errors": {"baselines.local.accuracy": error},
        }

    def _passed(self, words: str) -> Iterator[Image]:
        return (self.images[i] for i in progress(range(len(self.images)), words, self.quiet))

    def section(self, metrics: dict[str, Any]) -> list[str]:
        local = metrics["baselines"]["local"]
        lines = [f"The local charge density was fitted on {local['fitted_on']}."]
        if "per_class" in local:
            lines += ["", "| class | local: efficiency | purity |", "| --- | --- | --- |"]
            for name, entry in local["per_class"].items():
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

    def predict(self, image: Image) -> np.ndarray:
        """The likeliest class of every pixel, int64 ``[pixels]``."""
        fold = self.group_numbers.get(image.group, 0) % len(self.classifiers)
        return self.classifiers[fold].predict(local_features(image.view))


class FitSample:
    """A bounded random sample of labelled pixels, collected event by event."""

    def __init__(self, per_event: int, seed: int = 0):
        """At most ``per_event`` pixels of each event are taken."""
        self.per_event = per_event
        self._rng = np.random.default_rng(seed)
        self._features: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, image: Image) -> None:
        """Takes pixels of one image with truth."""
        assert image.view.labels is not None
        known = np.flatnonzero(image.view.labels >= 0)
        if len(known) > self.per_event:
            known = np.sort(self._rng.choice(known, self.per_event, replace=False))
        self._features.append(local_features(image.view)[known])
        self._labels.append(image.view.labels[known].astype(np.int64))

    def fit(self, num_classes: int) -> LocalClassifier | None:
        """The classifier of what was collected; ``None`` without a pixel."""
        if not sum(map(len, self._labels)):
            return None
        return LocalClassifier.fit(
            np.concatenate(self._features), np.concatenate(self._labels), num_classes
        )


def fit_on_file(images: Images) -> FittedGuess | None:
    """Fitted on some events of another file, evenly spread; ``None`` without a labelled pixel."""
    chosen = spread_or_all(len(images), FIT_EVENTS)
    sample = FitSample(MAX_FIT_PIXELS // max(len(chosen), 1))
    for number in chosen:
        sample.add(images[int(number)])
    classifier = sample.fit(len(images.classes))
    if classifier is None:
        return None
    return FittedGuess((classifier,), {}, f"{len(chosen)} events of {images.source.path}")


def fit_across(images: Iterable[Image], num_events: int, num_classes: int) -> FittedGuess | None:
    """Fitted on each half of the events for the other; events of one group stay in one half."""
    per_event = max(2 * MAX_FIT_PIXELS // max(num_events, 1), 1)
    halves = (FitSample(per_event, 0), FitSample(per_event, 1))
    numbers: dict[int, int] = {}
    for image in images:
        number = numbers.setdefault(image.group, len(numbers))
        halves[(number + 1) % 2].add(image)  # the classifier that will not be asked about it
    fitted = [half.fit(num_classes) for half in halves]
    good = [classifier for classifier in fitted if classifier is not None]
    if not good:
        return None
    if len(good) == 1:
        return FittedGuess((good[0],), {}, "the evaluated events themselves (too few to halve)")
    return FittedGuess(
        tuple(good), numbers, "half of the evaluated events, scored on the other half"
    )
