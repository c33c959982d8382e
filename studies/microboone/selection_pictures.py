"""Pictures of the selection of 1e1p: its curves, and the regions that it looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from jaxsparse.data.event_file import EventFile
from jaxsparse.deploy.model import Model
from jaxsparse.detectors.microboone import CLASS_COLOURS, CLASS_NAMES
from jaxsparse.viz.style import plain_axes
from studies.microboone.class_counts import with_classes
from studies.microboone.selection import TOPOLOGIES, Counted
from studies.microboone.vertex_region import RADIUS, vertex_region

STYLES = {"predicted": "-", "true": "--"}
OUTSIDE = "#d8d8d8"
COLOURS = ListedColormap((OUTSIDE, *CLASS_COLOURS))
BINS = np.linspace(0.0, 1.0, 26)


def curves(tests: Mapping[str, Counted], found: Mapping[str, Any], cuts: np.ndarray) -> Figure:
    """The share of shower pixels of both topologies; efficiency and purity against the cut."""
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    shares, against, both = figure.subplots(1, 3)
    for number, topology in enumerate(TOPOLOGIES):
        for kind, counted in tests.items():
            values = counted.shares[number][counted.protons[number]]
            values = values[np.isfinite(values)]
            shares.hist(
                values, BINS, weights=np.full(len(values), 1 / max(len(values), 1)),
                histtype="step", ls=STYLES[kind], color=f"C{number}",
                label=f"{topology}, {kind} classes",
            )  # fmt: skip
    shares.axvline(found["predicted"]["cut"], color="k", lw=0.8)
    shares.set(
        xlabel="shower among shower and MIP pixels", ylabel="part of the events with a proton",
        yscale="log", xlim=(0, 1),
    )  # fmt: skip
    shares.legend(fontsize=7)
    for kind, parts in found.items():
        for colour, name in (("C2", "efficiency"), ("C3", "purity")):
            value, error = (parts["curves"][name][key] for key in ("value", "error"))
            against.plot(cuts, value, STYLES[kind], color=colour, label=f"{name}, {kind} classes")
            against.fill_between(cuts, value - error, value + error, color=colour, alpha=0.2)
        rate = parts["curves"]
        both.plot(
            rate["efficiency"]["value"], rate["purity"]["value"], STYLES[kind], color="C4",
            label=f"{kind} classes",
        )  # fmt: skip
        at = parts["at_cut"]
        both.errorbar(
            at["efficiency"]["value"], at["purity"]["value"], at["purity"]["error"],
            at["efficiency"]["error"], "o", ms=4, color="C4",
            mfc="C4" if kind == "predicted" else "white",
        )  # fmt: skip
    against.axvline(found["predicted"]["cut"], color="k", lw=0.8)
    against.set(xlabel="cut on the share", xlim=(0, 1), ylim=(None, 1.01))
    both.set(xlabel="efficiency of 1e1p", ylabel="purity, equal numbers of both")
    for axis in (shares, against, both):
        plain_axes(axis)
        axis.legend(fontsize=7)
    return figure


def regions(model: Model, files: Sequence[EventFile], number: int = 3) -> Figure:
    """Classes in the regions of some events of every file: the true ones, and below the predicted.

    The squares that a region may fill, about the vertex; what they have beside it is grey.
    """
    view_name = model.views[0]
    events = [file[index] for file in files for index in range(number)]
    figure = Figure(figsize=(2.6 * len(events), 5.6), layout="constrained")
    axes = figure.subplots(2, len(events))
    for column, (event, classes) in zip(axes.T, with_classes(model, events), strict=True):
        view, called = event.views[view_name], classes[view_name]
        assert view.labels is not None, "simulated events have truth"
        assert view.vertex_distance is not None
        seen = called >= 0
        region = vertex_region(view, seen)
        near = seen & (view.vertex_distance <= RADIUS)
        vertex = view.coords[np.argmin(view.vertex_distance)]
        column[0].set_title(f"{event.topology}, event {event.event_id}", fontsize=9)
        for axis, labels in zip(column, (view.labels, called), strict=True):
            _scatter(axis, view.coords[near] - vertex, np.where(region, labels, -1)[near])
    axes[0, 0].set_ylabel("true classes")
    axes[1, 0].set_ylabel("predicted classes")
    patches = [
        Patch(color=colour, label=name)
        for name, colour in zip(CLASS_NAMES, CLASS_COLOURS, strict=True)
    ]
    figure.legend(
        handles=[*patches, Patch(color=OUTSIDE, label="not in the region")],
        loc="outside lower center", ncols=len(patches) + 1, fontsize=8,
    )  # fmt: skip
    return figure


def _scatter(axis: Axes, coords: np.ndarray, labels: np.ndarray) -> None:
    axis.scatter(
        coords[:, 1], coords[:, 0], c=labels, cmap=COLOURS, vmin=-1.5, vmax=4.5, s=1.5, marker="s",
        lw=0,
    )  # fmt: skip
    limits = (-RADIUS, RADIUS)
    axis.set(xlim=limits, ylim=limits, xticks=[], yticks=[], aspect="equal")
