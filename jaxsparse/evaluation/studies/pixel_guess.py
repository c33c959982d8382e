"""Guesses at pixels beside the network, fitted on other events than they score.

They are the local charge density and, with scikit-learn, a forest on a pixel's surroundings. Both
pass over the images by themselves, once to fit and once to guess.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.errors import InputError
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.track_shower import merged_sides, side_scores
from jaxsparse.evaluation.report import BASELINES
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.forest import have_forest
from jaxsparse.evaluation.studies.local_classifier import (
    MAX_FIT_PIXELS,
    NUM_LOCAL,
    LocalClassifier,
    local_features,
)
from jaxsparse.evaluation.studies.pixel_forest import PixelForest, place_and_size
from jaxsparse.evaluation.text import figure
from jaxsparse.viz.used_classes import used_classes

LOCAL, FOREST = "local", "surroundings"  # keys of ``baselines``
MAX_FIT_EVENTS = 2000  # of whole events, whose images are small
FEW_EVENTS = 20
AT_ONCE = 50_000  # pixels that are guessed together


class PixelGuess(Metric):
    """Scores of the local classifier, and of the forest, on the evaluated images.

    Args:
      data_set: that is evaluated.
      other: events to fit on; half of the evaluated ones for the other half, both ways, if
        ``None``.
      track: classes that are tracks, see :mod:`jaxsparse.evaluation.metrics.track_shower`.
      counts: makes the tables that errors are taken from.
      quiet: no progress bar.

    Raises:
      InputError: ``other`` has no pixels with classes.
    """

    title = "Guesses at pixels"
    keys = ("baselines", "errors")

    def __init__(
        self, data_set: DataSet, other: DataSet | None, track: Sequence[int] | None,
        counts: Callable[[], Counts],
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
            return {"baselines": {LOCAL: entry}}
        tables = {name: self.counts() for name in fitted.names}
        for view, group, said in fitted.guesses(images_of(data_set, "guessing", self.quiet)):
            assert view.labels is not None
            for name, guess in said.items():
                counted = scores.confusion_counts(view.labels, guess, len(classes))
                tables[name].add(counted, group)
        found: dict[str, Any] = {"baselines": {}, "errors": {}}
        for name, table in tables.items():
            confusion = np.asarray(table.total)
            entry = {"fitted_on": fitted.fitted_on, **scores.confusion_scores(confusion, classes)}
            if self.track is not None:
                entry["track_shower"] = side_scores(merged_sides(confusion, self.track))
            found["baselines"][name] = entry
            found["errors"][f"baselines.{name}.accuracy"] = table.error(scores.accuracy)
        return found

    def section(self, metrics: dict[str, Any]) -> list[str]:
        guesses = {
            BASELINES[name]: metrics["baselines"][name]
            for name in (LOCAL, FOREST)
            if name in metrics["baselines"]
        }
        fitted = metrics["baselines"][LOCAL]["fitted_on"]
        lines = [f"Guesses at pixels ({', '.join(guesses)}) were fitted on {fitted}."]
        classes = metrics["baselines"][LOCAL].get("per_class")
        if classes is None:
            return lines
        titles = [f"{words}: efficiency | purity" for words in guesses]
        lines += ["", f"| class | {' | '.join(titles)} |", "| --- |" + " --- | --- |" * len(titles)]
        for name in used_classes(metrics, list(classes)):
            cells = [
                figure(guess["per_class"][name][key])
                for guess in guesses.values()
                for key in ("efficiency", "purity")
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return lines


def features_of(view: View) -> np.ndarray:
    """Features of every pixel, float64 ``[pixels, features]``, those of ``local`` first."""
    return np.concatenate([local_features(view), place_and_size(view)], axis=1)


@dataclasses.dataclass(frozen=True)
class Guesser:
    """Classifiers that were fitted on the same pixels.

    Attributes:
      local: on the first features.
      forest: on all features; ``None`` without scikit-learn.
    """

    local: LocalClassifier
    forest: PixelForest | None

    def predict(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """By name the likeliest class of every pixel, int64 ``[pixels]``."""
        guesses = {LOCAL: self.local.predict(features[:, :NUM_LOCAL])}
        if self.forest is not None:
            guesses[FOREST] = self.forest.predict(features)
        return guesses


@dataclasses.dataclass(frozen=True)
class FittedGuess:
    """The classifiers, and who guesses for whom.

    Attributes:
      guessers: one, or one for even and one for odd groups of events.
      group_numbers: group -> running number; empty with one guesser.
      fitted_on: in words, for the report.
    """

    guessers: tuple[Guesser, ...]
    group_numbers: dict[int, int]
    fitted_on: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classifiers."""
        return (LOCAL,) if self.guessers[0].forest is None else (LOCAL, FOREST)

    def guesses(
        self, images: Iterable[tuple[View, int]]
    ) -> Iterator[tuple[View, int, dict[str, np.ndarray]]]:
        """The images, not in their order, each with what :meth:`Guesser.predict` says of it.

        Many are guessed at once, for every call of a forest takes some milliseconds.
        """
        waiting: list[list[tuple[View, int]]] = [[] for _ in self.guessers]
        for view, group in images:
            half = self.group_numbers.get(group, 0) % len(self.guessers)
            waiting[half].append((view, group))
            if sum(len(view) for view, _ in waiting[half]) > AT_ONCE:
                yield from _guessed(self.guessers[half], waiting[half])
                waiting[half] = []
        for guesser, own in zip(self.guessers, waiting, strict=True):
            if own:
                yield from _guessed(guesser, own)


def _guessed(
    guesser: Guesser, images: Sequence[tuple[View, int]]
) -> Iterator[tuple[View, int, dict[str, np.ndarray]]]:
    said = guesser.predict(np.concatenate([features_of(view) for view, _ in images]))
    ends = np.cumsum([len(view) for view, _ in images])[:-1]
    parts = {name: np.split(guess, ends) for name, guess in said.items()}
    for place, (view, group) in enumerate(images):
        yield view, group, {name: part[place] for name, part in parts.items()}


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
        self._features.append(features_of(view)[known])
        self._labels.append(view.labels[known].astype(np.int64))

    def fit(self, num_classes: int) -> Guesser | None:
        """The classifiers of what was collected; ``None`` without a pixel."""
        if not sum(map(len, self._labels)):
            return None
        features, labels = np.concatenate(self._features), np.concatenate(self._labels)
        local = LocalClassifier.fit(features[:, :NUM_LOCAL], labels, num_classes)
        return Guesser(local, PixelForest.fit(features, labels) if have_forest() else None)


def fit_on_file(data_set: DataSet) -> FittedGuess | None:
    """Fitted on 2,000 events of another data set at most; ``None`` without a labelled pixel."""
    data_set = data_set.some(MAX_FIT_EVENTS)
    sample = FitSample(MAX_FIT_PIXELS // max(len(data_set) * len(data_set.views), 1))
    for view, _ in images_of(data_set):
        sample.add(view)
    guesser = sample.fit(len(data_set.pixel_classes))
    if guesser is None:
        return None
    return FittedGuess((guesser,), {}, f"{len(data_set)} events of {data_set.source.path}")


def fit_across(
    images: Iterable[tuple[View, int]], number: int, num_classes: int
) -> FittedGuess | None:
    """Fitted on each half of the images for the other; those of one group stay in one half."""
    per_image = max(2 * MAX_FIT_PIXELS // max(number, 1), 1)
    halves = (FitSample(per_image, 0), FitSample(per_image, 1))
    numbers: dict[int, int] = {}
    for view, group in images:
        place = numbers.setdefault(group, len(numbers))
        halves[(place + 1) % 2].add(view)  # the one that will not be asked about it
    fitted = [half.fit(num_classes) for half in halves]
    good = [guesser for guesser in fitted if guesser is not None]
    if not good:
        return None
    few = f" (of {len(numbers)}: too few to compare with)" if len(numbers) < FEW_EVENTS else ""
    if len(good) == 1:
        return FittedGuess((good[0],), {}, "the evaluated events themselves (too few to halve)")
    return FittedGuess(
        tuple(good), numbers, "half of the evaluated events, scored on the other half" + few
    )
