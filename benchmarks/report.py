"""What is made of times and results: ratios, agreement, and the lines of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Largest difference allowed, in units of the largest value: float32 sums in another order. Weights
# of the first layer move by a gradient that has come through all of the network, with ReLUs that
# open on one side of a rounding error: measured against float64, engines are up to 5e-3 off.
TOLERANCES = {"logits": 1e-4, "update": 3e-2}
TOLERANCE = 3e-5


def summary(seconds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Median, best and spread of every engine, and jaxsparse's part of every other one's.

    The spread is the range of the middle half of the times over their median.

    >>> row = summary({"jaxsparse": [0.1, 0.2, 0.3], "spconv": [0.4, 0.4, 0.5]})
    >>> row["jaxsparse_ms"], row["spconv_ms"], row["ratio"], row["best_ratio"]
    (200.0, 400.0, 0.5, 0.25)
    """
    row: dict[str, Any] = {}
    for name, times in seconds.items():
        lower, median, upper = np.percentile(times, (25, 50, 75))
        row[f"{name}_ms"] = 1e3 * float(median)
        row[f"{name}_best_ms"] = 1e3 * min(times)
        row[f"{name}_spread"] = float((upper - lower) / median)
    if "spconv" in seconds:
        row["ratio"] = row["jaxsparse_ms"] / row["spconv_ms"]
        row["best_ratio"] = row["jaxsparse_best_ms"] / row["spconv_best_ms"]
    return row


def agree(ours: Path, theirs: Path) -> float:
    """The largest difference between two results, each array in units of its largest value.

    Raises:
        RuntimeError: it is above the array's tolerance, or the results have different shapes.
    """
    worst = 0.0
    with np.load(ours, allow_pickle=False) as one, np.load(theirs, allow_pickle=False) as other:
        for name in one.files:
            if one[name].shape != other[name].shape:
                raise RuntimeError(
                    f"engines have {name} of shape {one[name].shape} and {other[name].shape}: "
                    "not timed"
                )
            scale = np.abs(other[name]).max(initial=0) or 1.0
            tolerance = TOLERANCES.get(name, TOLERANCE)
            difference = float(np.abs(one[name] - other[name]).max(initial=0) / scale)
            if not difference <= tolerance:  # NaN is a difference too
                raise RuntimeError(
                    f"engines differ in {name} by {difference:.1e} of its largest value, more than "
                    f"{tolerance:.0e}: not timed"
                )
            worst = max(worst, difference)
    return worst


def heading(engines: Sequence[str]) -> str:
    """Of the columns of ``line_of``."""
    columns = "".join(f"{name + ' ms':>14}{'spread':>8}" for name in engines)
    ratio = f"{'ratio':>8}" if "spconv" in engines else ""
    return f"{'':6}{'case':26}{columns}{'others':>8}{ratio}"


def line_of(row: Mapping[str, Any], engines: Sequence[str]) -> str:
    """A row of the table as text."""
    line = f"{row['workload']:6}{row['case']:26}"
    if "first_start_s" in row:
        return (
            f"{line}first start {row['first_start_s']:.1f} s, "
            f"second {row['second_start_s']:.1f} s; "
            f"peak {row['first_peak_mb']:.0f} MB, {row['second_peak_mb']:.0f} MB"
        )
    if "jaxsparse_peak_mb" in row:
        peaks = [
            f"{name} {row[f'{name}_peak_mb']:.0f} MB (+{row[f'{name}_growth_mb']:.0f})"
            for name in engines
        ]
        ratios = (
            f"; ratio {row['ratio']:.2f}, program over spconv's growth {row['program_ratio']:.2f}"
            if "ratio" in row
            else ""
        )
        return f"{line}{', '.join(peaks)}; program {row['jaxsparse_program_mb']:.0f} MB{ratios}"
    columns = "".join(f"{row[f'{name}_ms']:14.1f}{row[f'{name}_spread']:8.0%}" for name in engines)
    columns += f"{row['others']:8.2f}"
    return line + columns + (f"{row['ratio']:8.2f}" if "ratio" in row else "")
