"""Plots of a classifier of whole events, drawn from ``metrics.json`` and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxsparse.viz.error_bars import NOTE, error_bars
from jaxsparse.viz.plots import bin_names, colours_of, rounded, set_title
from jaxsparse.viz.style import DPI, FRAME, count_axis, plain_axes

SETS = {
    "right": ("of the class, called so", "#2c7fb8"),
    "missed": ("of the class, called another", "#d95f0e"),
    "wrongly_called": ("of another class, called so", "#756bb1"),
}
FEW = 10  # events: bins of fewer are not drawn


def roc_figure(metrics: Mapping[str, Any]) -> Figure:
    """Efficiency against the part of the rest that passes, linear and for small backgrounds."""
    figure = Figure(figsize=(11, 4.9), dpi=DPI, layout="constrained")
    linear, small = figure.subplots(1, 2)
    colours = colours_of(metrics)
    for name, colour in zip(metrics["classes"], colours, strict=True):
        curve = metrics["roc"][name]
        background = np.array(curve["background"], float)
        efficiency = np.array(curve["efficiency"], float)
        error = "" if curve["error"] is None else f" ± {curve['error']:.4f}"
        text = f"{name}: area {rounded(curve['area'], 4)}{error}"
        for ax in (linear, small):
            ax.plot(background, efficiency, color=colour, lw=1.7, label=text)
    linear.plot([0, 1], [0, 1], color="#999999", lw=1, ls="--")
    linear.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="efficiency of the class")
    small.set(xlim=(1e-3, 1), ylim=(0, 1.02), xscale="log")
    linear.legend(frameon=False, fontsize=9.5, loc="lower right")
    for ax in (linear, small):
        ax.set_xlabel("part of the other classes that passes")
        plain_axes(ax)
    set_title(figure, metrics, "one class against the rest")
    return figure


def scores_figure(metrics: Mapping[str, Any]) -> Figure:
    """Each class's score where the network is right, misses the class, and calls it wrongly."""
    distributions = metrics["score_distributions"]
    classes = metrics["classes"]
    edges = np.array(distributions["edges"])
    columns = min(len(classes), 3)
    rows = -(-len(classes) // columns)
    figure = Figure(figsize=(4.3 * columns, 3.1 * rows + 0.7), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in list(axes.flat)[len(classes) :]:
        ax.set_axis_off()
    for ax, name in zip(axes.flat, classes, strict=False):
        for key, (words, colour) in SETS.items():
            counts = np.array(distributions[name][key], float)
            ax.stairs(counts, edges, fill=True, color=colour, alpha=0.22)
            ax.stairs(counts, edges, color=colour, lw=1.5, label=words)
            ax.text(
                0.03, 0.95 - 0.075 * list(SETS).index(key), f"{int(counts.sum()):,}", color=colour,
                transform=ax.transAxes, fontsize=9, va="top", fontweight="bold",
            )  # fmt: skip
        ax.set(xlim=(0, 1), xlabel=f"score of {name}")
        most = max(max(distributions[name][key]) for key in SETS)
        count_axis(ax, most, "")
        ax.set_ylim(top=(5 if ax.get_yscale() == "log" else 1.5) * max(most, 1))  # for the counts
        plain_axes(ax)
    for ax in axes[:, 0]:
        ax.set_ylabel("events")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), frameon=False, ncols=3, fontsize=10,
        loc="outside lower center",
    )  # fmt: skip
    set_title(figure, metrics)
    return figure


def energy_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """Accuracy and each class's efficiency against the true energy, None where it is unknown."""
    profile = metrics["accuracy_against"]["energy"]
    if profile is None:
        return None
    figure = Figure(figsize=(8.6, 6.2), dpi=DPI, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 1])
    edges = np.array(profile["edges"], float)
    places = np.arange(len(edges) - 1)
    names = metrics["classes"]
    colours = colours_of(metrics)
    for label, name in enumerate(names):
        entry = profile["per_class"][name]
        shift = (label - (len(names) - 1) / 2) * 0.09
        if sum(entry["events"]):
            _points(top, places + shift, entry, "efficiency", colours[label], name)
        counts = np.array(entry["events"], float)
        low = np.sum([profile["per_class"][other]["events"] for other in names[:label]], axis=0)
        bottom.bar(places, counts, 0.72, bottom=low, color=colours[label])
    _points(top, places, profile, "accuracy", "#222222", "accuracy", marker="D", ls="--")
    top.set(ylabel="efficiency, accuracy", ylim=(0, 1.04))
    figure.legend(
        *top.get_legend_handles_labels(), frameon=False, fontsize=10, ncols=6,
        loc="outside lower center",
    )  # fmt: skip
    bottom.set_xticks(places, bin_names(edges), fontsize=9)
    bottom.set_xlabel(f"true neutrino energy [{profile['unit']}]")
    bottom.set_ylabel("events")
    bottom.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    for ax in (top, bottom):
        plain_axes(ax)
    set_title(figure, metrics, f"bins of fewer than {FEW} events left out; {NOTE}")
    return figure


def kinds_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """What events of each kind are called: interaction, mode, ... None of unknown kinds."""
    against = metrics["accuracy_against"]
    named = {"true interaction": against["topology"]}
    named |= {
        key.replace("_", " "): profile
        for key, profile in against.items()
        if key not in ("energy", "topology")
    }
    panels = {words: profile for words, profile in named.items() if profile}
    if not panels:
        return None
    lengths = [len(profile) for profile in panels.values()]
    height = 1.6 + 0.27 * sum(lengths) + 0.55 * len(lengths)
    figure = Figure(figsize=(9.6, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(lengths), 1, squeeze=False, height_ratios=lengths)[:, 0]
    colours = colours_of(metrics)
    for ax, (words, profile) in zip(axes, panels.items(), strict=True):
        names = sorted(profile) if words == "true interaction" else list(profile)
        places = np.arange(len(names))[::-1]
        left = np.zeros(len(names))
        for label, name in enumerate(metrics["classes"]):
            share = np.array([profile[kind]["called"][name] for kind in names])
            ax.barh(places, share, 0.72, left=left, color=colours[label], label=name)
            left += share
        for place, kind in zip(places, names, strict=True):
            ax.text(1.01, place, _accuracy_of(profile[kind]), va="center", fontsize=8.5)
        ax.set_yticks(places, names, fontsize=9)
        ax.set(xlim=(0, 1), ylim=(-0.6, len(names) - 0.4))
        ax.set_title(words, loc="left", fontsize=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(left=False)
    axes[-1].set_xlabel("part of the events called each class; right: accuracy")
    figure.legend(
        *axes[0].get_legend_handles_labels(), frameon=False, ncols=6, fontsize=10,
        loc="outside lower center",
    )  # fmt: skip
    set_title(figure, metrics)
    return figure


PION_AXES = {
    "neutral_energy": ("energy of the most energetic pi0", "no pi0"),
    "photon_gap": ("vertex to the nearest conversion of a pi0's photon", "no pi0"),
    "charged_length": ("length of the longest charged pion", "no pion"),
}


def neutral_currents_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """What part of the true neutral currents is called nu_e or nu_mu, against known pions."""
    profiles = {name: p for name, p in (metrics["nc_called"] or {}).items() if p is not None}
    if not profiles:
        return None
    figure = Figure(figsize=(4.9 * len(profiles), 4.6), dpi=DPI, layout="constrained")
    axes = figure.subplots(
        2, len(profiles), sharex="col", sharey="row", squeeze=False, height_ratios=[2.4, 1]
    )
    colours = dict(zip(metrics["classes"], colours_of(metrics), strict=True))
    for (top, bottom), (name, profile) in zip(axes.T, profiles.items(), strict=True):
        words, without = PION_AXES[name]
        edges = np.array(profile["edges"], float)
        places, apart = np.arange(1, len(edges)), np.zeros(1)
        colour = colours.get(profile["called"], FRAME)  # nothing may be called so
        _points(top, places, profile, "part", colour, "")
        alone = {key: [value] for key, value in profile["none"].items()}
        _points(top, apart, alone, "part", colour, "", marker="s", ls="none")
        bottom.bar(places, profile["events"], 0.72, color=colour)
        bottom.bar(apart, alone["events"], 0.72, color=colour, alpha=0.45)
        bottom.set_xticks([0, *places], [without, *bin_names(edges)], fontsize=8, rotation=40)
        bottom.set_xlabel(f"{words} [{profile['unit']}]", fontsize=10)
        bottom.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        top.set_title(f"{profile['true']} called {profile['called']}", loc="left", fontsize=10)
        for ax in (top, bottom):
            ax.axvline(0.5, color="#bbbbbb", lw=0.8)
            plain_axes(ax)
    true = profile["true"]
    axes[0, 0].set(ylabel=f"part of the true {true} events", ylim=(0, None))
    axes[1, 0].set_ylabel(f"{true} events")
    set_title(figure, metrics, f"bins of fewer than {FEW} events left out; {NOTE}")
    return figure


def _accuracy_of(entry: Mapping[str, Any]) -> str:
    # Where all events are right, or all wrong, a bootstrap sees no error.
    error = f" ± {entry['error']:.3f}" if entry["error"] else ""
    return f"{entry['accuracy']:.3f}{error} of {entry['events']:,}"


def _points(
    ax: Axes, places: np.ndarray, entry: Mapping[str, Any], key: str, colour: str, name: str,
    *, marker: str = "o", ls: str = "-",
) -> None:  # fmt: skip
    enough = np.array(entry["events"]) >= FEW
    values = np.where(enough, np.array(entry[key], float), np.nan)
    error = error_bars(values, entry["events"], entry["error"])
    ax.errorbar(
        places, values, error, marker=marker, ls=ls, color=colour, ms=4.5, lw=1.1, elinewidth=0.9,
        label=name,
    )  # fmt: skip
