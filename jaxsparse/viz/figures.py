"""Which plots an evaluation draws: those whose figures ``metrics.json`` has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from matplotlib.figure import Figure

from jaxsparse.viz import event_plots, grouping_plots, plots
from jaxsparse.viz.used_classes import with_used_classes

# File name -> (key of metrics.json, what draws it; None where there is nothing to show).
FIGURES: dict[str, tuple[str, Callable[[Mapping[str, Any]], Figure | None]]] = {
    "confusion": ("confusion", plots.confusion_figure),
    "calibration": ("calibration", plots.calibration_figure),
    "thresholds": ("threshold_curves", plots.threshold_figure),
    "efficiency": ("efficiency_against", plots.efficiency_figure),
    "instances": ("instances", plots.instance_figure),
    "grouping": ("grouping", grouping_plots.grouping_figure),
    "roc": ("roc", event_plots.roc_figure),
    "scores": ("score_distributions", event_plots.scores_figure),
    "energy": ("accuracy_against", event_plots.energy_figure),
    "kinds": ("accuracy_against", event_plots.kinds_figure),
    "neutral_currents": ("nc_called", event_plots.neutral_currents_figure),
}


def figures_of(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """The plots that have something to show, by file name, of the classes that are used.

    Args:
      metrics: values of ``metrics.json``.
    """
    metrics = with_used_classes(metrics)
    for name, (key, draw) in FIGURES.items():
        if metrics.get(key) is not None and (figure := draw(metrics)) is not None:
            yield name, figure
