"""The figures of a classifier of events as a page that people read."""

from __future__ import annotations

import itertools
from typing import Any

from jaxsparse.evaluation.text import figure, with_error

PION_WORDS = {
    "neutral_energy": "energy of the neutral pion",
    "photon_gap": "gap before its first shower",
    "charged_length": "length of the charged pion",
}


def page(metrics: dict[str, Any]) -> str:
    """``report.md``; takes the values of ``metrics.json``."""
    part = "" if metrics["part"] == "all" else f", part {metrics['part']}"
    lines = [
        f"# Evaluation of step {metrics['checkpoint_step']}",
        "",
        f"{metrics['data']}{part}, views {', '.join(metrics['views'])}: {metrics['num_events']} "
        f"events, {metrics['num_sites']} pixels.",
        "",
        *([metrics["part_remark"], ""] if metrics.get("part_remark") else []),
        f"{figure(_milli(metrics['seconds_per_event']), 3)} ms an event (median of batches of "
        f"{metrics['batch_size']}, after compilation; {metrics['compilations']} compilations), "
        f"peak memory of the process {figure(metrics['peak_memory_mb'], 0)} MB, on "
        f"{metrics['versions']['device']}.",
        "",
    ]
    if metrics["accuracy"] is None:
        return "\n".join([*lines, "No event has truth: no scores."]) + "\n"
    errors, baselines = metrics["errors"], metrics["baselines"]
    forest, majority = baselines["forest"], baselines["majority"]
    unknown = metrics["num_events_without_truth"]
    lines += [
        "| | network | forest on sizes | majority guess |",
        "| --- | --- | --- | --- |",
        f"| accuracy | {with_error(metrics['accuracy'], errors['accuracy'])} "
        f"| {with_error(forest['accuracy'], forest.get('error'))} "
        f"| {figure(majority['accuracy'])} |",
        f"| mean efficiency of the classes "
        f"| {with_error(metrics['accuracy_balanced'], errors['accuracy_balanced'])} | | |",
        f"| cross entropy | {with_error(metrics['loss'], errors['loss'])} | | |",
        "",
        "| class | share | efficiency | purity | IoU | area under ROC | forest: efficiency |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_class_row(name, metrics) for name in metrics["classes"]),
        "",
        *_confusion(metrics),
        "",
        f"The forest was fitted on {forest['fitted_on']}.",
    ]
    if pair := forest.get("network_against_it"):
        lines.append(
            f"Network less forest on the same events: "
            f"{with_error(pair['difference'], pair['error'])}, "
            f"McNemar p = {_short(pair['p_value'])}."
        )
    if unknown:
        lines.append(f"{unknown} events without a class of the network count in no figure.")
    calibration = metrics["calibration"]["expected_calibration_error"]
    lines += [
        f"Expected calibration error {figure(calibration)}. Errors: bootstrap over events, "
        "statistics of this sample only.",
        "",
    ]
    lines += _profile("energy [GeV]", _bin_rows(metrics["accuracy_against"]["energy"]))
    for key, words in (("mode", "mode"), ("tau_decay", "decay of the tau")):
        profile = metrics["accuracy_against"][key]
        rows = [(name, entry) for name, entry in (profile or {}).items()]
        lines += _profile(words, rows)
    lines += _neutral_currents(metrics)
    for rule, entry in metrics["threshold_rules"].items():
        own = entry["per_class"][rule.partition(">")[0]]
        lines.append(
            f"With {rule}: accuracy {figure(entry['accuracy'])}, efficiency "
            f"{figure(own['efficiency'])}, purity {figure(own['purity'])} of that class."
        )
    return "\n".join(lines).rstrip() + "\n"


def _class_row(name: str, metrics: dict[str, Any]) -> str:
    entry, errors, roc = metrics["per_class"][name], metrics["errors"], metrics["roc"][name]
    forest = metrics["baselines"]["forest"].get("per_class", {}).get(name, {})
    return (
        f"| {name} | {figure(metrics['class_shares'][name], 3)} "
        f"| {with_error(entry['efficiency'], errors[f'per_class.{name}.efficiency'])} "
        f"| {with_error(entry['purity'], errors[f'per_class.{name}.purity'])} "
        f"| {figure(entry['iou'])} | {with_error(roc['area'], roc['error'])} "
        f"| {figure(forest.get('efficiency'))} |"
    )


def _confusion(metrics: dict[str, Any]) -> list[str]:
    classes = metrics["classes"]
    lines = [
        f"| truth, called | {' | '.join(classes)} |",
        "| --- |" + " --- |" * len(classes),
    ]
    for name, counts in zip(classes, metrics["confusion"], strict=True):
        lines.append(f"| {name} | {' | '.join(str(count) for count in counts)} |")
    return lines


def _neutral_currents(metrics: dict[str, Any]) -> list[str]:
    profiles = metrics["nc_called"] or {}
    missing = [PION_WORDS[name] for name, profile in profiles.items() if profile is None]
    lines = []
    for name, profile in profiles.items():
        if profile is not None:
            rows = _bin_rows(profile, "part")
            rows += [("none", profile["none"])] * bool(profile["none"]["events"])
            words = f"NC, {PION_WORDS[name]} [{profile['unit']}]"
            lines += _profile(words, rows, "part", f"part called {profile['called']}")
    if missing:
        lines += [
            f"NC taken for others against {', '.join(missing)}: left out, the file or the network "
            "does not know.",
            "",
        ]
    return lines


def _bin_rows(
    profile: dict[str, Any] | None, column: str = "accuracy"
) -> list[tuple[str, dict[str, Any]]]:
    if profile is None:
        return []
    edges = profile["edges"]
    return [
        (
            f"{low:g} and more" if high is None else f"{low:g} to {high:g}",
            {key: profile[key][place] for key in ("events", column, "error")},
        )
        for place, (low, high) in enumerate(itertools.pairwise(edges))
        if profile["events"][place]
    ]


def _profile(
    words: str, rows: list[tuple[str, dict[str, Any]]], column: str = "accuracy", title: str = ""
) -> list[str]:
    if not rows:
        return []
    lines = [f"| {words} | events | {title or column} |", "| --- | --- | --- |"]
    for name, entry in rows:
        lines.append(
            f"| {name} | {entry['events']} | {with_error(entry[column], entry['error'])} |"
        )
    return [*lines, ""]


def _milli(value: float | None) -> float | None:
    return None if value is None else 1000 * value


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
