"""What a network reaches in a few lines: the first figures of every head beside their baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxsparse.evaluation.report import BASELINES, look_up
from jaxsparse.evaluation.text import figure, with_error

TASKS = {"semantic": "segmentation", "event": "classification"}

ACCURACY = {"accuracy": "accuracy"}  # all that is known of a user's own head
# Head -> what it tells -> words and dotted keys of the head's figures.
SUBJECTS: dict[str, dict[str, dict[str, str]]] = {
    "event": {"events": ACCURACY},
    "semantic": {
        "pixels": {
            "accuracy": "accuracy",
            "mean efficiency of the classes": "accuracy_balanced",
        },
        "particles": {
            "adjusted Rand index": "grouping.rand_index.mean",
            "efficiency": "grouping.clusters.efficiency",
            "purity": "grouping.clusters.purity",
            "prong accuracy": "grouping.prong_accuracy",
            "one number in both views, of primaries seen in both": "grouping.view_agreement.part",
            "of primaries found in both": "grouping.view_agreement.of_matched",
        },
    },
    "vertex": {
        "vertex": {
            "nearest pixel named": "accuracy",
            "within 2 pixels": "vertex.within.2",
        },
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Line:
    """What is said of one subject.

    Attributes:
      head: of the network.
      subject: what it tells.
      figures: in words, with errors and baselines.
    """

    head: str
    subject: str
    figures: str


def summary(metrics: Mapping[str, Any]) -> list[Line]:
    """A line for everything that a head tells, the main head first.

    A head without any figure has one line, which says so.

    Args:
      metrics: values of ``metrics.json``, those of other heads below ``heads``.

    >>> pixels = {"accuracy": 0.8, "errors": {"accuracy": 0.05}}
    >>> pixels["baselines"] = {"majority": {"accuracy": 0.5}}
    >>> vertex = {"accuracy": 0.7}
    >>> for line in summary({"task": "segmentation", **pixels, "heads": {"vertex": vertex}}):
    ...     print(f"{line.subject}: {line.figures}")
    pixels: accuracy 0.8000 ± 0.0500 (majority guess 0.5000)
    vertex: nearest pixel named 0.7000
    """
    main = {task: name for name, task in TASKS.items()}.get(metrics["task"], metrics["task"])
    heads = {main: metrics, **metrics.get("heads", {})}
    return [line for name, figures in heads.items() for line in _lines(name, figures)]


def task_of(head: str) -> str:
    """The word of ``metrics.json`` for what a head does.

    >>> task_of("semantic"), task_of("vertex")
    ('segmentation', 'vertex')
    """
    return TASKS.get(head, head)


def _lines(head: str, metrics: Mapping[str, Any]) -> list[Line]:
    told = {
        subject: "; ".join(filter(None, (_figure(metrics, *item) for item in keys.items())))
        for subject, keys in SUBJECTS.get(head, {head: ACCURACY}).items()
    }
    lines = [Line(head, subject, figures) for subject, figures in told.items() if figures]
    return lines or [Line(head, next(iter(told)), "nothing has truth")]


def _figure(metrics: Mapping[str, Any], words: str, key: str) -> str:
    """A figure with its error, the baselines' in brackets; empty where there is none."""
    value = look_up(metrics, key)
    if value is None:
        return ""
    others = [
        f"{name} {figure(other)}"
        for baseline, name in BASELINES.items()
        if (other := look_up(metrics, f"baselines.{baseline}.{key}")) is not None
    ]
    error = (metrics.get("errors") or {}).get(key)
    return f"{words} {with_error(value, error)}" + (f" ({', '.join(others)})" if others else "")
