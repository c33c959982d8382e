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
    """Medians of all engines, jaxsparse's part of the fastest other one, best times and spreads.

    The spread is the range of the middle half of the times over their median.

    >>> row = summary({"jaxsparse": [0.1, 0.2, 0.3], "spconv": [0.4, 0.4, 0.5], "dense": [3.0]})
    >>> row["jaxsparse_ms"], row["peers_ms"], row["ratio_to_best_peer"]
    (200.0, {'spconv': 400.0, 'dense': 3000.0}, 0.5)
    """
    medians, best, spread = {}, {}, {}
    for name, times in seconds.items():
        lower, median, upper = np.percentile(times, (25, 50, 75))
        medians[name] = 1e3 * float(median)
        best[name] = 1e3 * min(times)
        spread[name] = float((upper - lower) / median)
    ours = medians.pop("jaxsparse")
    return {
        "jaxsparse_ms": ours,
        "peers_ms": medians,
        "ratio_to_best_peer": ours / min(medians.values()) if medians else None,
        "best_ms": best,
        "spread": spread,
    }


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
    ratio = f"{'ratio':>8}" if len(engines) > 1 else ""
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
    if "peak_mb" in row:
        peaks = [
            f"{name} {row['peak_mb'][name]:.0f} MB (+{row['growth_mb'][name]:.0f})"
            for name in engines
            if name in row["peak_mb"]
        ]
        ratios = (
            f"; ratio {row['peak_ratio']:.2f}, program over spconv's growth "
            f"{row['program_ratio']:.2f}"
            if "peak_ratio" in row
            else ""
        )
        return f"{line}{', '.join(peaks)}; program {row['program_mb']:.0f} MB{ratios}"
    medians = {"jaxsparse": row["jaxsparse_ms"], **row["peers_ms"]}
    columns = "".join(
        f"{medians[name]:14.1f}{row['spread'][name]:8.0%}" if name in medians else f"{'-':>22}"
        for name in engines
    )
    ratio = row["ratio_to_best_peer"]
    return line + columns + f"{row['others']:8.2f}" + ("" if ratio is None else f"{ratio:8.2f}")
