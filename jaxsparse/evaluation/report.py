"""``report.md``: the figures of an evaluation as a page that people read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.text import figure, with_error

BASELINES = {
    "local": "local charge density", "surroundings": "forest on surroundings",
    "forest": "forest on sizes", "majority": "majority guess", "first": "first pixel",
}  # fmt: skip


PICTURES = "## Pictures"


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the figures of a report are from.

    Attributes:
      network: its work directory, file or name.
      config: file of the training's config; empty where it lies in the network's own file.
      checkpoint: as it was asked for: ``best``, ``latest`` or a step.
      command: which gives the same again; empty if it was no command.
      operating_point: of the network's file; empty: that of its last layer.
    """

    network: str
    config: str = ""
    checkpoint: str = "best"
    command: str = ""
    operating_point: str = ""

    def lines(self) -> list[str]:
        """For a report."""
        network = f"Network: `{self.network}`, "
        network += (
            f"checkpoint `{self.checkpoint}`, config `{self.config}`."
            if self.config
            else "which holds its config."
        )
        if self.operating_point:
            network += f" Operating point: `{self.operating_point}`."
        return ["", network, *(["", f"    {self.command}"] if self.command else [])]


def page(
    metrics: dict[str, Any],
    parts: Sequence[Metric],
    origin: Origin | None = None,
    summary: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The report.

    Args:
      metrics: values of ``metrics.json``.
      parts: the metrics that gave them; each adds its rows to the first table, and its section.
      origin: of the figures.
      summary: of a network of several heads, what is told, figures of it, and the page with more,
        empty for this one.
    """
    lines = _heading(metrics, origin)
    lines += ["", *_summary(summary)] if summary else []
    if metrics["accuracy"] is None:
        return "\n".join([*lines, "", "Nothing has truth: no scores."]) + "\n"
    lines += ["", *_headline(metrics, parts)]
    for part in parts:
        if section := "\n".join(part.section(metrics)).strip("\n"):
            lines += ["", *([f"## {part.title}", ""] if part.title else []), section]
    lines += ["", "Errors: bootstrap over events, statistics of this sample only."]
    return "\n".join(lines) + "\n"


def with_pictures(text: str, folder: Path, order: Sequence[str] = ()) -> str:
    """A report, at its end all plots and pictures that lie in its folder.

    Args:
      text: of the report.
      folder: of its results.
      order: names of plots, in the order in which they are shown; others follow.
    """
    first = {f"{name}.png": place for place, name in enumerate(order)}
    plots = sorted(
        folder.glob("plots/*.png"), key=lambda path: (first.get(path.name, len(first)), path.name)
    )
    paths = [*plots, *sorted(folder.glob("pictures/*.png"))]
    if not paths:
        return text
    shown = [
        f"![{path.stem.replace('_', ' ')}]({path.relative_to(folder).as_posix()})" for path in paths
    ]
    return "\n\n".join([text.rstrip("\n"), PICTURES, *shown]) + "\n"


def _heading(metrics: dict[str, Any], origin: Origin | None) -> list[str]:
    part = "" if metrics.get("part", "all") == "all" else f", part {metrics['part']}"
    views = f"view{'s' * (len(metrics['views']) > 1)} {', '.join(metrics['views'])}"
    shapes = {" × ".join(map(str, shape)): None for shape in metrics.get("image_shapes", ())}
    images = f", images of {' and '.join(shapes)}" if shapes else ""
    seconds = metrics["seconds_per_event"]
    return [
        f"# Evaluation of step {metrics['checkpoint_step']}",
        "",
        f"{metrics['data']}{part}, {views}{images}: {metrics['num_events']} events, "
        f"{metrics['num_sites']} pixels.",
        *(origin.lines() if origin else []),
        *(["", metrics["part_remark"]] if metrics.get("part_remark") else []),
        *_note(metrics.get("num_bad_events"), "cannot be read: they are left out"),
        *_note(
            metrics.get("num_events_without_truth"),
            "have no class of the network: no figure counts them",
        ),
        "",
        f"{figure(None if seconds is None else 1000 * seconds, 3)} ms an event (median of batches "
        f"of {metrics['batch_size']}, after compilation; {metrics['compilations']} compilations), "
        f"peak memory of the process {figure(metrics['peak_memory_mb'], 0)} MB, on "
        f"{metrics['versions']['device']}.",
        *_grouping(metrics.get("grouped_by")),
    ]


def _summary(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """A row a subject, which leads to the page with more of it."""
    return [
        "| what is told | figures |",
        "| --- | --- |",
        *(
            f"| {f'[{subject}]({path})' if path else subject} | {figures} |"
            for subject, figures, path in rows
        ),
    ]


def _grouping(facts: dict[str, Any] | None) -> list[str]:
    if facts is None:
        return []
    classes = "true" if facts["true_classes"] else "predicted"
    seconds = facts["seconds_per_event"]
    time = figure(None if seconds is None else 1000 * seconds, 3)
    return ["", f"Particles told apart by {facts['name']} with {classes} classes: {time} ms more."]


def _note(number: int | None, words: str) -> list[str]:
    return ["", f"{number} events {words}."] if number else []


def _headline(metrics: dict[str, Any], parts: Sequence[Metric]) -> list[str]:
    """The first table: the network, and the baselines that say something of the same figures."""
    baselines = [
        name for name in BASELINES if look_up(metrics, f"baselines.{name}.accuracy") is not None
    ]
    titles = ["network", *(BASELINES[name] for name in baselines)]
    lines = [f"| | {' | '.join(titles)} |", "| --- |" + " --- |" * len(titles)]
    for words, key in (row for part in parts for row in part.headline):
        if (value := look_up(metrics, key)) is not None:
            others = [look_up(metrics, f"baselines.{name}.{key}") for name in baselines]
            cells = [
                with_error(value, metrics["errors"].get(key)),
                *("" if other is None else figure(other) for other in others),
            ]
            lines.append(f"| {words} | {' | '.join(cells)} |")
    return lines


def look_up(metrics: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key, ``None`` where there is none.

    >>> look_up({"a": {"b": 1}}, "a.b"), look_up({"a": None}, "a.b")
    (1, None)
    """
    value: Any = metrics
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
