"""The steps of a run, the most valuable first."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from benchmarks import workloads
from benchmarks.accelerator import equality, field, training
from benchmarks.accelerator.facts import facts, rates
from benchmarks.accelerator.field_steps import time_cases
from benchmarks.accelerator.journal import Journal, Record
from benchmarks.accelerator.network_steps import time_network
from benchmarks.accelerator.scale import Scale

DTYPES = ("float32", "bfloat16")
# Seconds that steps are expected to take, until one of their kind has been taken.
RATES, LAYERS, NETWORK, SIMULATION, TRAINING = 10, 25, 75, 20, 90


def run(journal: Journal, scale: Scale, folder: Path) -> None:
    """Takes all steps.

    Args:
      journal: takes each.
      scale: of all.
      folder: where planes for the training are simulated.
    """
    first, others = field.cases_of(tuple(scale.encoders), scale.sites)
    journal.take("machine", facts)
    journal.take("rates of the machine", functools.partial(rates, scale), needs=RATES)
    # 1. Right before fast.
    for dtype in DTYPES:
        _compare_layers(journal, scale, dtype)
    _compare_network(journal, scale, "float32")
    # 2. The field's twelve cases, each with the output sites of the engine to beat.
    time_cases(journal, scale, first)
    # 3. The network of the recipes, and its training.
    for dtype in DTYPES:
        time_network(journal, scale, dtype)
    _train(journal, scale, folder / "planes.h5")
    # 4. What completes the tables.
    time_cases(journal, scale, others)
    _compare_network(journal, scale, "bfloat16")


def wrong(records: Iterable[Record]) -> list[str]:
    """Steps that failed, were cut off, or found other results than they should have."""
    return [
        record["step"]
        for record in records
        if record["status"] in ("failed", "cut off")
        or (record.get("dtype") == "float32" and not record.get("equal", True))
        or record.get("hashes", 1) > 1
    ]


def _compare_layers(journal: Journal, scale: Scale, dtype: str) -> None:
    events = min(scale.sites)
    workload = field.batch(scale.sites[events], events, scale.side)
    journal.take(
        f"layers as on the CPU, {dtype}",
        lambda: equality.compare_layers(workload, scale.channels, dtype, scale.side_by_side),
        kind="equality of layers", needs=LAYERS,
    )  # fmt: skip


def _compare_network(journal: Journal, scale: Scale, dtype: str) -> None:
    workload = workloads.make(next(iter(scale.images.values())))
    journal.take(
        f"network as on the CPU, {dtype}",
        lambda: equality.compare_network(
            workload, scale.network, dtype, scale.side_by_side, scale.runs
        ),
        kind="equality of networks", needs=NETWORK,
    )  # fmt: skip


def _train(journal: Journal, scale: Scale, planes: Path) -> None:
    simulate = functools.partial(training.simulate, planes, scale.planes)
    journal.take("simulated planes", simulate, needs=SIMULATION)
    for dtype in DTYPES:
        measure = functools.partial(training.crops_per_second, planes, scale, dtype)
        journal.take(f"training, {dtype}", measure, kind="training", needs=TRAINING)
