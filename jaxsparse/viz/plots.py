"""Plots of an evaluation, each drawn from what ``metrics.json`` holds and nothing else."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jaxsparse.detectors import class_set
from jaxsparse.viz.error_bars import NOTE, error_bars
from jaxsparse.viz.style import DPI, count_axis, name_ticks, plain_axes

LETTERS_AN_INCH = 13  # of a title


def confusion_figure(metrics: Mapping[str, Any]) -> Figure:
    """Confusion normalised to truth (efficiency) and to prediction (purity), with the counts."""
    classes = metrics["classes"]
    counts = np.array(metrics["confusion"], float)
    figure = Figure(figsize=(4.2 + 1.7 * len(classes), 1.9 + 0.72 * len(classes)), dpi=DPI,
                    layout="constrained")  # fmt: skip
    axes = figure.subplots(1, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        tables = {
            "normalised to truth": counts / counts.sum(1, keepdims=True),
            "normalised to prediction": counts / counts.sum(0, keepdims=True),
        }
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        ax.imshow(table, cmap="Blues", vmin=0, vmax=1.1)
        for row, column in np.ndindex(table.shape):
            share = table[row, column]
            ax.text(
                column, row - 0.08, "–" if np.isnan(share) else f"{share:.3f}",
                ha="center", va="center", fontsize=11 if row == column else 9.5,
                fontweight="bold" if row == column else "normal",
                color="white" if share > 0.5 else "#222222",
            )  # fmt: skip
            count = float(counts[row, column])  # the mean of several repeats may be no whole number
            ax.text(
                column, row + 0.25, f"{count:,.{0 if count.is_integer() else 1}f}", ha="center",
                va="center", fontsize=8.5, color="white" if share > 0.5 else "#555555",
            )  # fmt: skip
        name_ticks(ax, classes, room=0.85)
        ax.set_yticks(range(len(classes)), classes, fontsize=9)
        ax.set_xlabel("prediction")
        ax.set_title(title, fontsize=11)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes[0].set_ylabel("truth")
    set_title(figure, metrics)
    return figure


def calibration_figure(metrics: Mapping[str, Any]) -> Figure:
    """Reliability: accuracy against score, and how much each bin of the score holds."""
    summary = metrics["calibration"]
    score = np.array(summary["mean_score"], float)
    right = np.array(summary["accuracy"], float)
    counted = "events" if "events" in summary else "pixels"
    pixels = np.array(summary[counted], float)
    edges = np.linspace(0, 1, len(pixels) + 1)
    figure = Figure(figsize=(5.6, 6.4), dpi=DPI, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.plot([0, 1], [0, 1], color="#999999", lw=1, ls="--", label="perfect")
    for left, s, r in zip(edges, score, right, strict=False):
        if np.isfinite(s):
            low, high = sorted((s, r))
            top.add_patch(Rectangle((left, low), edges[1], high - low, color="#c44e52", alpha=0.18))
    error = rounded(summary["expected_calibration_error"], 4)
    name = f"this network\nexpected calibration error {error}"
    top.plot(score, right, "o-", color="#1f77b4", label=name)
    top.set(ylabel="part that is right", xlim=(0, 1), ylim=(0, 1.02))
    top.legend(frameon=False, fontsize=9, loc="lower right")  # no curve of use comes there
    bottom.bar(edges[:-1], pixels, width=edges[1], align="edge", color="#7aa6c2", edgecolor="white")
    bottom.set_xlabel("highest score")
    count_axis(bottom, pixels.max(initial=0), counted)
    for ax in (top, bottom):
        plain_axes(ax)
    set_title(figure, metrics)
    return figure


def threshold_figure(metrics: Mapping[str, Any]) -> Figure:
    """Purity against efficiency of each class as its threshold moves, and the accuracy it costs."""
    curves = metrics["threshold_curves"]
    thresholds = np.array(curves["thresholds"])
    figure = Figure(figsize=(11, 4.8), dpi=DPI, layout="constrained")
    trade, cost = figure.subplots(1, 2)
    colours = colours_of(metrics)
    for name, colour in zip(metrics["classes"], colours, strict=True):
        curve = {key: np.array(values, float) for key, values in curves[name].items()}
        trade.plot(curve["efficiency"], curve["purity"], color=colour, label=name)
        half = int(np.abs(thresholds - 0.5).argmin())
        trade.plot(curve["efficiency"][half], curve["purity"][half], "o", color=colour, ms=6)
        default = metrics["per_class"][name]
        point = np.array([default["efficiency"], default["purity"]], float)
        trade.plot(*point, "D", color=colour, ms=6, mfc="white")
        cost.plot(thresholds, curve["accuracy"], color=colour, label=name)
    trade.plot([], [], "o", color="#555555", label="threshold 0.5")
    trade.plot([], [], "D", color="#555555", mfc="white", label="highest score")
    trade.set(xlabel="efficiency of the class", ylabel="purity of the class")
    trade.set(xlim=(0, 1.02), ylim=(0, 1.02))
    trade.legend(frameon=False, fontsize=9)
    accuracy = metrics["accuracy"]
    if accuracy is not None:
        cost.axhline(accuracy, color="#999999", lw=1, ls="--")
        cost.text(0.01, accuracy, "highest score", va="bottom", fontsize=8, color="#777777")
    cost.set(xlabel="threshold on the class's score", ylabel="accuracy of all classes", xlim=(0, 1))
    for ax in (trade, cost):
        plain_axes(ax)
    set_title(figure, metrics)
    return figure


def efficiency_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """Pixel efficiency of every class against energy, angles and overlap; None without a pixel."""
    profiles = metrics["efficiency_against"]
    names = [n for n, p in profiles.items() if any(any(p[c]["pixels"]) for c in metrics["classes"])]
    if not names:
        return None
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(5.8 * columns, 3.9 * rows), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in list(grid.flat)[len(names) :]:
        ax.set_axis_off()
    colours = colours_of(metrics)
    for ax, name in zip(grid.flat, names, strict=False):
        profile = profiles[name]
        edges = np.array(profile["edges"], float)
        centres = np.arange(len(edges) - 1)
        for label, class_name in enumerate(metrics["classes"]):
            values = np.array(profile[class_name]["efficiency"], float)
            shift = (label - (len(metrics["classes"]) - 1) / 2) * 0.08
            enough = np.array(profile[class_name]["pixels"]) >= 20
            values = np.where(enough, values, np.nan)
            entry = profile[class_name]
            error = error_bars(values, entry["pixels"], entry["error"])
            ax.errorbar(centres + shift, values, error, fmt="o-", color=colours[label], ms=4,
                        lw=1, elinewidth=0.8, label=class_name)  # fmt: skip
        ax.set_xticks(centres, bin_names(edges), fontsize=8, rotation=30 if len(edges) > 8 else 0)
        unit = f" [{profile['unit']}]" if profile["unit"] else ""
        ax.set(xlabel=_words(name) + unit, ylabel="efficiency", ylim=(0, 1.03))
        plain_axes(ax)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), frameon=False, fontsize=10, ncols=8,
        loc="outside lower center",
    )  # fmt: skip
    set_title(figure, metrics, f"bins of fewer than 20 pixels left out; {NOTE}")
    return figure


def instance_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """The part of the clusters found against energy, and how many there are; None without one
    whose energy is known.
    """
    instances = metrics["instances"]
    if not any(any(instances[name]["number_by_energy"]) for name in metrics["classes"]):
        return None
    edges = np.array(instances["energy_edges"], float)
    centres = np.arange(len(edges) - 1)
    figure = Figure(figsize=(8.4, 6.0), dpi=DPI, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    classes = metrics["classes"]
    colours = colours_of(metrics)
    for label, name in enumerate(classes):
        entry = instances[name]
        found = np.array(entry["found_by_energy"], float)
        number = np.array(entry["number_by_energy"], float)
        error = error_bars(found, entry["number_by_energy"], entry["error_by_energy"])
        shift = (label - (len(classes) - 1) / 2) * 0.09
        style = {"color": colours[label], "ms": 5, "lw": 1.2, "capsize": 2}
        text = f"{name}: {rounded(entry['found'], 2)} of {entry['number']:,}"
        top.errorbar(centres + shift, found, error, fmt="o-", label=text, **style)
        bottom.bar(
            centres + (label - (len(classes) - 1) / 2) * 0.16,
            number,
            0.15,
            color=colours[label],
        )
    top.set(ylabel="clusters found", ylim=(0, 1.05))
    figure.legend(
        *top.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3,
        loc="outside lower center",
    )  # fmt: skip
    most = max(max(instances[name]["number_by_energy"]) for name in classes)
    count_axis(bottom, most, "clusters")
    bottom.set_xlabel("kinetic energy [MeV]")
    bottom.set_xticks(centres, bin_names(edges), fontsize=8)
    for ax in (top, bottom):
        plain_axes(ax)
    set_title(figure, metrics, f"found: more than half of the pixels right; {NOTE}")
    return figure


def colours_of(metrics: Mapping[str, Any]) -> Sequence[str]:
    """One a class; by their names where the figures do not say them."""
    colours: Sequence[str] = metrics.get("colours") or class_set(metrics["classes"]).colours
    return colours


def set_title(figure: Figure, metrics: Mapping[str, Any], note: str = "") -> None:
    pixels = metrics["task"] == "segmentation"
    sites = f"{metrics['num_sites']:,} pixels of " if pixels else ""
    events = metrics["num_events"] - metrics.get("num_events_without_truth", 0)
    text = f"accuracy {rounded(metrics['accuracy'], 4)} on {sites}{events:,} events"
    letters = int(LETTERS_AN_INCH * figure.get_figwidth())
    lines = [line for part in (text, note) for line in textwrap.wrap(part, letters)]
    figure.suptitle("\n".join(lines), fontsize=10, color="#444444")


def rounded(value: float | None, digits: int) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def _words(name: str) -> str:
    names = {"energy": "kinetic energy", "overlap": "particles that share the pixel"}
    return names.get(name, name.replace("_", " "))


def bin_names(edges: np.ndarray) -> list[str]:
    """Names of bins, open ended where the last edge is infinite (``null`` in JSON).

    >>> bin_names(np.array([1, 2, 4, np.nan])), bin_names(np.array([0, 10, 30.0]))
    (['1', '2–4', '≥4'], ['0–10', '10–30'])
    """
    names = []
    counted = np.isnan(edges[-1]) or np.isinf(edges[-1])
    for low, high in itertools.pairwise(edges):
        if not np.isfinite(high):
            names.append(f"≥{low:g}")
        elif counted and high == low + 1 and high < 5 and edges[0] == 1:
            names.append(f"{low:g}")
        else:
            names.append(f"{low:g}–{high:g}")
    return names
