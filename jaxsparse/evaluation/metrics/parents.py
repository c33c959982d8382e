"""Whether delta rays and Michel electrons are said to be of the track that set them off.

Asked of the matched instances of these classes (panoptic quality: same class, IoU > 0.5) whose true
parent is in the image. The true parent is the nearest ancestor that is a large enough track there:
a pion that decays at rest leaves its muon one or two pixels. The answer is right if most pixels of
the predicted parent are of the true one, which may be in pieces; it is whole if the two are matched
(IoU > 0.5).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.detectors import ClassSet
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.panoptic_quality import Matches
from jaxsparse.evaluation.overlaps import NOBODY, Segments
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import figure, with_error

# What is counted of those that are asked: words of the report by key.
ANSWERS = {
    "right": "parent right",
    "whole": "and whole",
    "largest_track": "largest track (baseline)",
    "true_instances": "by true instances (bound)",
}


class Parents(Metric):
    """The part of the matched instances that have the right parent, by class.

    Args:
      kinds: which classes are tracks, and which are set off by these.
      least: pixels of the smallest instance that counts.
      counts: how errors are taken.
    """

    title = "Parents"
    keys = ("grouping", "errors")

    def __init__(self, kinds: ClassSet, least: int, counts: Counts):
        self.kinds, self.least, self.counts = kinds, least, counts
        self.asked = tuple(
            name for name in kinds.names if name in kinds.along_tracks + kinds.at_track_ends
        )

    def update(self, scored: Scored) -> None:
        table = parent_counts(scored, self.kinds.track_numbers, self.least)
        self.counts.add(table[list(self.kinds.numbers(self.asked))], scored.group)

    def result(self) -> dict[str, Any]:
        """By class the ``number`` of matched instances with a parent in the image, and of them the
        part that is ``right`` and ``whole``, that the baseline ``largest_track`` has right, and
        that the same rule has right with ``true_instances`` and classes.
        """
        table, error = np.asarray(self.counts.total), self.counts.error(_parts)
        parts, summary, errors = _parts(table), {}, {}
        for row, name in enumerate(self.asked):
            cells = dict(zip(ANSWERS, parts[row].tolist(), strict=True))
            summary[name] = {"number": int(table[row, -1]), **cells}
            for key, value in zip(ANSWERS, error[row].tolist(), strict=True):
                errors[f"grouping.parents.{name}.{key}"] = value
        return {"grouping": {"parents": summary}, "errors": errors}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        parents = metrics["grouping"]["parents"]
        if not any(entry["number"] for entry in parents.values()):
            return []
        lines = [
            f"| matched, with a parent | number | {' | '.join(ANSWERS.values())} |",
            "| --- |" + " --- |" * (1 + len(ANSWERS)),
        ]
        for name, entry in parents.items():
            error = metrics["errors"][f"grouping.parents.{name}.right"]
            cells = [with_error(entry["right"], error), *(figure(entry[k]) for k in [*ANSWERS][1:])]
            lines.append(f"| {name} | {entry['number']} | {' | '.join(cells)} |")
        return lines


def parent_counts(scored: Scored, tracks: tuple[int, ...], least: int) -> np.ndarray:
    """Of one event and every class int64 ``[classes, len(ANSWERS) + 1]``: answers, and all asked.

    Args:
      scored: with the columns of :func:`~jaxsparse.evaluation.grouped.told_columns`.
      tracks: classes.
      least: pixels of the smallest instance that counts.
    """
    overlaps, columns = scored.overlaps, scored.columns
    true, guessed = overlaps.true, overlaps.predicted
    matches = Matches.of(overlaps, least)
    said = _by_number(columns, "predicted_instance", "predicted_parent")
    by_rule = _by_number(columns, "instance", "parent_by_rule")
    best, _ = overlaps.best_of_predicted()
    own, other = overlaps.pairs.T
    half = 2 * overlaps.shared > true.size[own] + guessed.size[other] - overlaps.shared
    whole = set(zip(own[half].tolist(), other[half].tolist(), strict=True))
    large = np.isin(true.label, tracks) & (true.size >= least)

    table = np.zeros((len(scored.classes), len(ANSWERS) + 1), np.int64)
    for row, predicted in zip(matches.true.tolist(), matches.predicted.tolist(), strict=True):
        view = true.view[row]
        parent = _ancestor(scored.particles, true, row, large)
        if parent is None:
            continue
        chosen = _row(guessed, view, said.get(int(guessed.number[predicted]), NOBODY))
        candidates = np.flatnonzero(np.isin(guessed.label, tracks) & (guessed.view == view))
        largest = candidates[guessed.size[candidates].argmax()] if len(candidates) else None
        table[true.label[row]] += (
            chosen is not None and best[chosen] == parent,
            (parent, chosen) in whole,
            largest is not None and best[largest] == parent,
            by_rule.get(int(true.number[row]), NOBODY) == true.number[parent],
            1,
        )
    return table


def _ancestor(particles: np.ndarray, true: Segments, row: int, large: np.ndarray) -> int | None:
    """Row of the nearest ancestor of a true instance that is a large track of its view."""
    number, seen = int(true.number[row]), set[int]()
    while 0 <= number < len(particles) and number not in seen:
        seen.add(number)
        number = int(particles["parent"][number])
        if number >= 0:
            found = _row(true, true.view[row], int(particles["instance"][number]))
            if found is not None and found != row and large[found]:
                return found
    return None


def _row(segments: Segments, view: int, number: int) -> int | None:
    rows = np.flatnonzero((segments.view == view) & (segments.number == number))
    return int(rows[0]) if len(rows) else None


def _by_number(columns: Any, key: str, value: str) -> dict[int, int]:
    """What every instance has, of columns of pixels; nothing where a column is missing."""
    if key not in columns or value not in columns:
        return {}
    known = columns[value] >= 0
    return dict(zip(columns[key][known].tolist(), columns[value][known].tolist(), strict=True))


def _parts(table: np.ndarray) -> np.ndarray:
    return ratio(table[..., :-1], table[..., -1:])
