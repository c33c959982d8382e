"""What is called what, and every score that is read off the counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation import scores
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import figure, with_error
from jaxsparse.viz.used_classes import with_used_classes


class Confusion(Metric):
    """Confusion of all rows; accuracy, efficiency, purity; the majority guess beside them.

    Args:
      classes: class names.
      counts: how errors are taken.
      counted: what the rows are, "pixels" or "events".
    """

    title = "Classes"
    keys = (
        "accuracy", "accuracy_balanced", "confusion", "efficiency_matrix", "purity_matrix",
        "per_class", "class_shares", "errors", "baselines",
    )  # fmt: skip
    headline = (
        ("accuracy", "accuracy"),
        ("mean efficiency of the classes", "accuracy_balanced"),
    )

    def __init__(self, classes: Sequence[str], counts: Counts, counted: str = "pixels"):
        self.classes, self.counts, self.counted = tuple(classes), counts, counted

    def update(self, scored: Scored) -> None:
        self.counts.add(confusion_of(scored), scored.group)

    def result(self) -> dict[str, Any]:
        confusion, error = self.counts.total, self.counts.error
        efficiency, purity = error(scores.efficiency), error(scores.purity)
        errors = {
            **self.counts.describe(),
            "accuracy": error(scores.accuracy),
            "accuracy_balanced": error(scores.balanced_accuracy),
        }
        for c, name in enumerate(self.classes):
            errors[f"per_class.{name}.efficiency"] = efficiency[c]
            errors[f"per_class.{name}.purity"] = purity[c]
        shares = scores.ratio(confusion.sum(1), confusion.sum())
        return {
            **scores.confusion_scores(confusion, self.classes),
            "accuracy_balanced": scores.balanced_accuracy(confusion),
            "efficiency_matrix": scores.efficiency_matrix(confusion),
            "purity_matrix": scores.purity_matrix(confusion),
            "class_shares": dict(zip(self.classes, shares, strict=True)),
            "errors": errors,
            "baselines": {
                "majority": scores.confusion_scores(scores.majority_guess(confusion), self.classes)
            },
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        errors = metrics["errors"]
        lines = [
            "| class | share | efficiency | purity | IoU |",
            "| --- | --- | --- | --- | --- |",
        ]
        shown = with_used_classes({"classes": self.classes, **metrics})
        used = shown["classes"]
        for name in used:
            entry, key = metrics["per_class"][name], f"per_class.{name}"
            lines.append(
                f"| {name} | {figure(metrics['class_shares'][name], 3)} "
                f"| {with_error(entry['efficiency'], errors[f'{key}.efficiency'])} "
                f"| {with_error(entry['purity'], errors[f'{key}.purity'])} "
                f"| {figure(entry['iou'])} |"
            )
        lines += [
            "",
            f"| truth, called | {' | '.join(used)} |",
            "| --- |" + " --- |" * len(used),
        ]
        for name, row in zip(used, shown["confusion"], strict=True):
            cells = [f"{count:,} ({count / max(sum(row), 1):.3f})" for count in row]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines += ["", "In brackets: the part of the true class."]
        if unused := [name for name in self.classes if name not in used]:
            thing = self.counted.removesuffix("s")
            lines += [
                "",
                f"Left out of all tables and plots, because no {thing} is of them and none is "
                f"called so: {', '.join(unused)}.",
            ]
        return lines


def confusion_of(scored: Scored, part: np.ndarray | None = None) -> np.ndarray:
    """Confusion counts of the rows, or of part of them (bool ``[rows]``)."""
    known = scored.known if part is None else scored.known & part
    return scores.confusion_counts(
        scored.truth[known], scored.predicted[known], len(scored.classes)
    )
