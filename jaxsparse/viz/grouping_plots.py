"""Plots of how well particles are told apart, from ``metrics.json`` and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxsparse.viz.plots import bin_names, colours_of, set_title
from jaxsparse.viz.style import DPI, name_ticks, plain_axes

INCHES_A_NAME = 1.9  # of a legend
FEW = 10  # instances: bins of fewer are not drawn
PROFILES = {  # keys of the clusters' figures, and their words
    "by_energy": "kinetic energy [MeV]",
    "by_overlap": "part of the pixels that particles share",
}
FACTORS = {"pq": 1.0, "sq": 0.55, "rq": 0.3}  # and how strong their bars are


def grouping_figure(metrics: Mapping[str, Any]) -> Figure | None:
    """Panoptic quality by class, efficiency of instances against energy and overlap, where these
    are known; None without an instance.
    """
    grouping = metrics["grouping"]
    clusters = grouping["clusters"]
    if not any(entry["number"] for entry in clusters["per_class"].values()):
        return None
    profiles = {
        words: clusters[key]
        for key, words in PROFILES.items()
        if len(_bins_with_any(clusters[key], metrics["classes"])) > 1
    }
    panels = 1 + len(profiles)
    figure = Figure(figsize=(1.0 + 4.5 * panels, 4.6), dpi=DPI, layout="constrained")
    quality, *others = figure.subplots(1, panels, squeeze=False)[0]
    _quality(quality, metrics)
    for ax, (words, profile) in zip(others, profiles.items(), strict=True):
        _efficiency(ax, profile, metrics)
        ax.set(xlabel=words, ylabel="efficiency of an instance", ylim=(0, 1.04))
    for ax in (quality, *others):
        plain_axes(ax)
    drawn = {
        label: handle
        for ax in others
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    if drawn:
        figure.legend(
            drawn.values(), drawn.keys(), frameon=False, fontsize=10, loc="outside lower center",
            ncols=min(len(drawn), int(figure.get_figwidth() / INCHES_A_NAME)),
        )  # fmt: skip
    set_title(figure, metrics, f"instances of at least {clusters['least_pixels']} pixels")
    return figure


def _bins_with_any(profile: Mapping[str, Any], classes: Sequence[str]) -> np.ndarray:
    """Numbers of the bins that an instance of any class is in."""
    return np.flatnonzero(np.sum([profile[name]["number"] for name in classes], axis=0))


def _quality(ax: Axes, metrics: Mapping[str, Any]) -> None:
    """A bar a class and factor."""
    panoptic = metrics["grouping"]["panoptic"]["per_class"]
    names = [name for name in metrics["classes"] if panoptic[name]["pq"] is not None]
    colours = dict(zip(metrics["classes"], colours_of(metrics), strict=True))
    for place, name in enumerate(names):
        for number, (factor, strength) in enumerate(FACTORS.items()):
            value = panoptic[name][factor] or 0.0
            x = place + 0.27 * (number - 1)
            ax.bar(x, value, 0.25, color=colours[name], alpha=strength)
            ax.text(x, value + 0.01, factor.upper(), ha="center", fontsize=6.5, color="#555555")
    name_ticks(ax, names, room=3.7 / max(len(names), 1))
    ax.set(ylabel="panoptic quality and its factors", ylim=(0, 1.08))


def _efficiency(ax: Axes, profile: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """A line a class, in the bins with enough instances."""
    edges = np.array(profile["edges"], float)
    centres = np.arange(len(edges) - 1)
    classes = metrics["classes"]
    for label, name in enumerate(classes):
        entry = profile[name]
        enough = np.array(entry["number"]) >= FEW
        values = np.where(enough, np.array(entry["efficiency"], float), np.nan)
        if not enough.any():
            continue
        shift = (label - (len(classes) - 1) / 2) * 0.08
        ax.errorbar(
            centres + shift, values, np.nan_to_num(np.array(entry["error"], float)), fmt="o-",
            color=colours_of(metrics)[label], ms=4, lw=1, elinewidth=0.8, label=name,
        )  # fmt: skip
    name_ticks(ax, bin_names(edges), room=0.0, size=8)
    ax.set_xlim(-0.6, len(centres) - 0.4)
