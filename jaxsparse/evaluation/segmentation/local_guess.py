"""Fits the local charge-density classifier on other events than it is scored on."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.evaluation.segmentation.baselines import (
    MAX_FIT_PIXELS,
    LocalClassifier,
    local_features,
)
from jaxsparse.evaluation.segmentation.images import Image, Images

FIT_EVENTS = 200


@dataclasses.dataclass(frozen=True)
class LocalGuess:
    """The baseline as the evaluation uses it.

    Attributes:
      classifiers: one, or one for even and one for odd groups of events.
      group_numbers: group -> running number; empty with one classifier.
      fitted_on: in words, for the report.
    """

    classifiers: tuple[LocalClassifier, ...]
    group_numbers: dict[int, int]
    fitted_on: str

    def predict(self, image: Image, group: int) -> np.ndarray:
        """The likeliest class of every pixel, int64 ``[pixels]``."""
        fold = self.group_numbers.get(group, 0) % len(self.classifiers)
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


def fit_on_file(images: Images) -> LocalGuess | None:
    """The baseline fitted on the first events of another file.

    Raises:
      InputError: it has no pixels with classes.
    """
    if not images.has_truth:
        raise InputError(
            f"--baseline_data={images.source.path}: it has no pixels with classes to fit on, "
            "give a file with truth or leave it out"
        )
    events = min(len(images), FIT_EVENTS)
    sample = FitSample(MAX_FIT_PIXELS // max(events, 1))
    for number in range(events):
        sample.add(images[number])
    classifier = sample.fit(len(images.classes))
    if classifier is None:
        return None
    return LocalGuess((classifier,), {}, f"{events} events of {images.source.path}")


class CrossFit:
    """The baseline fitted on half of the evaluated events and used on the other half, both ways."""

    def __init__(self, num_events: int, num_classes: int):
        self._num_classes = num_classes
        per_event = max(2 * MAX_FIT_PIXELS // max(num_events, 1), 1)
        self._halves = (FitSample(per_event, 0), FitSample(per_event, 1))
        self._numbers: dict[int, int] = {}

    def add(self, image: Image, group: int) -> None:
        """Takes pixels of one image; events of one group stay in one half."""
        number = self._numbers.setdefault(group, len(self._numbers))
        self._halves[(number + 1) % 2].add(image)  # the classifier that will not be asked about it

    def finish(self) -> LocalGuess | None:
        """The two classifiers; ``None`` without a labelled pixel."""
        fitted = [half.fit(self._num_classes) for half in self._halves]
        good = [classifier for classifier in fitted if classifier is not None]
        if not good:
            return None
        if len(good) == 1:
            return LocalGuess((good[0],), {}, "the evaluated events themselves (too few to halve)")
        return LocalGuess(
            tuple(good), self._numbers, "half of the evaluated events, scored on the other half"
        )
