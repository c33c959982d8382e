"""Words of plots stay inside the figure and off the curves."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxsparse.viz.error_bars import NOTE
from jaxsparse.viz.plots import calibration_figure, confusion_figure, set_title

METRICS = {"task": "segmentation", "num_sites": 123_456_789, "num_events": 1_000, "accuracy": 0.5}


def drawn(figure):
    FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("width", [5.5, 11])
def test_a_long_title_is_inside_the_figure(width):
    figure = Figure(figsize=(width, 4), layout="constrained")
    figure.subplots()
    set_title(figure, METRICS, f"bins of fewer than 20 pixels left out; {NOTE}")
    inside = drawn(figure)._suptitle.get_window_extent()
    assert inside.x0 >= 0
    assert inside.x1 <= figure.bbox.x1


@pytest.mark.parametrize("power", [0.3, 1, 2])
def test_what_a_calibration_says_lies_off_its_curve(power):
    score = np.linspace(0.05, 0.95, 10)
    right = score**power
    summary = {
        "mean_score": score, "accuracy": right, "pixels": np.full(10, 9),
        "expected_calibration_error": 0.25,
    }  # fmt: skip
    ax, _ = drawn(calibration_figure(METRICS | {"calibration": summary})).axes
    assert not ax.texts
    box = ax.get_legend().get_window_extent()
    points = ax.transData.transform(np.stack([score, right], axis=1))
    assert not any(box.contains(*point) for point in points)
    assert "0.2500" in ax.get_legend().get_texts()[1].get_text()


def test_counts_that_are_means_of_repeats_are_not_cut_off():
    metrics = METRICS | {"classes": ("a", "b"), "confusion": [[3.5, 1.0], [0.0, 1_234.0]]}
    said = {text.get_text() for ax in drawn(confusion_figure(metrics)).axes for text in ax.texts}
    assert {"3.5", "1", "0", "1,234"} <= said
