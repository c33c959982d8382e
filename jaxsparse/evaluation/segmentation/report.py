"""From summed tables to ``metrics.json``, and to a page that people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation import scores
from jaxsparse.evaluation.calibration import calibration_summary
from jaxsparse.evaluation.segmentation.efficiency import profile_efficiencies, profile_summary
from jaxsparse.evaluation.segmentation.instances import found_by_energy, instance_summary
from jaxsparse.evaluation.segmentation.tallies import SAMPLES, Tallies
from jaxsparse.evaluation.text import figure, with_error
from jaxsparse.evaluation.thresholds import threshold_summary

# Present, and null, where the data has no truth.
TRUTH_KEYS = (
    "loss", "accuracy", "confusion", "per_class", "accuracy_per_event_mean", "track_shower",
    "class_shares", "errors", "near_vertex", "interaction", "overlay", "threshold_rules",
    "threshold_curves", "calibration", "efficiency_against", "instances", "baselines",
)  # fmt: skip


def truth_metrics(
    tallies: Tallies,
    classes: Sequence[str],
    rules: Sequence[tuple[str, int, float]],
    fitted_on: str,
) -> dict[str, Any]:
    """Everything in ``metrics.json`` that compares with truth.

    Args:
      tallies: of :func:`~jaxsparse.evaluation.segmentation.tables.event_tables`, of at least one
        event.
      classes: class names.
      rules: threshold rules of the tables ``rule_<i>``.
      fitted_on: what the local baseline was fitted on.
    """
    total = tallies.total
    confusion = total["confusion"]
    events = total["event_accuracy"][1]
    errors = tallies.bootstrap(
        lambda tables: {
            "headline": np.array(list(headline(tables, classes).values())),
            "instances": found_by_energy(tables["instances"]),
            **profile_efficiencies(tables),
        }
    )
    return {
        "num_sites": int(confusion.sum()),
        "num_sites_without_truth": int(total["sites"][1]),
        "loss": float(scores.ratio(total["loss"], tallies.num_events)),
        "accuracy": float(scores.accuracy(confusion)),
        "confusion": confusion.astype(int).tolist(),
        "per_class": scores.class_scores(confusion, classes),
        "accuracy_per_event_mean": float(scores.ratio(total["event_accuracy"][0], events)),
        "track_shower": scores.track_shower(confusion, classes),
        "class_shares": dict(
            zip(classes, scores.ratio(confusion.sum(1), confusion.sum()).tolist(), strict=True)
        ),
        "errors": {
            "groups": tallies.num_groups,
            "samples": SAMPLES,
            **dict(zip(headline(total, classes), errors["headline"].tolist(), strict=True)),
        },
        "near_vertex": part_scores(total["near_vertex"], classes),
        "interaction": part_scores(total["interaction"], classes),
        "overlay": part_scores(total["overlay"], classes),
        "threshold_rules": {
            rule: part_scores(total[f"rule_{i}"], classes) for i, (rule, _, _) in enumerate(rules)
        },
        "threshold_curves": threshold_summary(total["thresholds"], classes),
        "calibration": calibration_summary(total, classes),
        "efficiency_against": profile_summary(total, errors, classes),
        "instances": instance_summary(total["instances"], errors["instances"], classes),
        "baselines": {
            "majority": part_scores(scores.majority_guess(confusion), classes),
            "local": {"fitted_on": fitted_on, **part_scores(total["local"], classes)},
        },
    }


def part_scores(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The scores of part of the pixels, or of another labelling of them."""
    return {
        "num_sites": int(confusion.sum()),
        "accuracy": float(scores.accuracy(confusion)),
        "confusion": confusion.astype(int).tolist(),
        "per_class": scores.class_scores(confusion, classes),
        "track_shower": scores.track_shower(confusion, classes),
    }


def headline(tables: dict[str, np.ndarray], classes: Sequence[str]) -> dict[str, float]:
    """The numbers that get a bootstrap error, by dotted key of ``metrics.json``."""
    confusion = tables["confusion"]
    values = {
        "accuracy": float(scores.accuracy(confusion)),
        "accuracy_per_event_mean": float(scores.ratio(*tables["event_accuracy"])),
    }
    if both := scores.track_shower(confusion, classes):
        for name in ("accuracy", "purity", "efficiency"):
            values[f"track_shower.{name}"] = both[name]
    for name, entry in scores.class_scores(confusion, classes).items():
        values[f"per_class.{name}.efficiency"] = entry["efficiency"]
        values[f"per_class.{name}.purity"] = entry["purity"]
    for part in ("near_vertex", "interaction", "overlay"):
        values[f"{part}.accuracy"] = float(scores.accuracy(tables[part]))
    values["baselines.local.accuracy"] = float(scores.accuracy(tables["local"]))
    found = tables["instances"][0].sum(1)
    for c, name in enumerate(classes):
        values[f"instances.{name}.found"] = float(scores.ratio(found[c, 1], found[c, 0]))
    return values


def page(metrics: dict[str, Any]) -> str:
    """The figures as Markdown, with errors where there are any; takes the values of the JSON."""
    lines = [
        f"# Evaluation of step {metrics['checkpoint_step']}",
        "",
        f"{metrics['data']}, view {metrics['view']}, images of "
        f"{' × '.join(map(str, metrics['image_shape']))}: {metrics['num_events']} events, "
        f"{metrics['num_sites']} pixels.",
        "",
        f"{figure(metrics['seconds_per_event'], 4)} s an image (median, after compilation; "
        f"{metrics['compilations']} compilations), peak memory of the process "
        f"{figure(metrics['peak_memory_mb'], 0)} MB, on {metrics['versions']['device']}.",
        "",
    ]
    if metrics["accuracy"] is None:
        return "\n".join([*lines, "No pixel has truth: no scores."]) + "\n"
    errors = metrics["errors"]
    local = metrics["baselines"]["local"]
    majority = metrics["baselines"]["majority"]
    both = metrics["track_shower"]
    rows = [("accuracy, all pixels", "accuracy", metrics["accuracy"], local["accuracy"],
             majority["accuracy"])]  # fmt: skip
    rows.append(
        ("accuracy, mean of events", "accuracy_per_event_mean",
         metrics["accuracy_per_event_mean"], None, None)
    )  # fmt: skip
    if both:
        for name in ("accuracy", "purity", "efficiency"):
            rows.append(
                (f"track / shower {name}", f"track_shower.{name}", both[name],
                 local["track_shower"][name], majority["track_shower"][name])
            )  # fmt: skip
    for part, words in (
        ("near_vertex", "accuracy within 3 pixels of a vertex"),
        ("interaction", "accuracy, pixels of the interaction"),
        ("overlay", "accuracy, pixels of the overlay"),
    ):
        rows.append((words, f"{part}.accuracy", metrics[part]["accuracy"], None, None))
    lines += [
        "| | network | local charge density | majority guess |",
        "| --- | --- | --- | --- |",
        *(
            f"| {words} | {with_error(value, errors.get(key))} | {figure(other)} | {figure(last)} |"
            for words, key, value, other, last in rows
            if value is not None
        ),
        "",
        "| class | share | efficiency | purity | IoU | local: efficiency | clusters found |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in metrics["classes"]:
        entry, cluster = metrics["per_class"][name], metrics["instances"][name]
        lines.append(
            f"| {name} | {figure(metrics['class_shares'][name], 3)} "
            f"| {with_error(entry['efficiency'], errors.get(f'per_class.{name}.efficiency'))} "
            f"| {with_error(entry['purity'], errors.get(f'per_class.{name}.purity'))} "
            f"| {figure(entry['iou'])} | {figure(local['per_class'][name]['efficiency'])} "
            f"| {figure(cluster['found'], 3)} of {cluster['number']} |"
        )
    calibration = metrics["calibration"]["expected_calibration_error"]
    lines += [
        "",
        f"Expected calibration error {figure(calibration)}. Errors: bootstrap over "
        f"{errors['groups']} groups of events. The local classifier was fitted on "
        f"{local['fitted_on']}. The track / shower purity is the mean of both sides.",
        "",
    ]
    for rule, entry in metrics["threshold_rules"].items():
        name = rule.partition(">")[0]
        own = entry["per_class"][name]
        lines.append(
            f"With {rule}: accuracy {figure(entry['accuracy'])}, {name} efficiency "
            f"{figure(own['efficiency'])}, purity {figure(own['purity'])}."
        )
    return "\n".join(lines) + "\n"
