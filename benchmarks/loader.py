"""How many events a second the loader makes ready for a network: file to padded batches.

    python -m benchmarks.loader --data=FILE --config=configs/nova_smoke.py [--workers=0,2]
    python -m benchmarks.loader --data=PLANES --config=configs/sparsessnet_y.py --epochs=0.5

Shuffled events of the file with the config's windows, augmentation, targets, batch size and
buckets, for each number of worker processes (0: threads of this one). Crops out of whole planes
are to be measured on a file of at least 2,000 compressed planes, so that no cache holds them.
Nothing trains: the batches are dropped as they come. The clock starts with the first batch, so
processes have been started and the table of buckets measured. Processor time is of this process and
its workers; memory is what this process holds after the epoch more than when the clock started.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import machine
from jaxsparse import command_line, models
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.errors import InputError
from jaxsparse.training.objectives import objectives_of, pixel_targets, weigh_pixels

_CONFIG = command_line.define_config()
flags.mark_flag_as_required("config")
_DATA = command_line.define_path("data", None, "Event file.", required=True)
_WORKERS = flags.DEFINE_list("workers", "0,2", "Numbers of worker processes; 0 for threads.")
_EPOCHS = flags.DEFINE_float("epochs", 1.0, "Epochs that are timed.", lower_bound=0.0)
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)


def main(_: list[str]) -> None:
    """Measures every number of workers and prints, and writes, the table."""
    for text in _WORKERS.value:
        if not text.isdigit():
            raise InputError(f"--workers has {text!r}: must be whole numbers, 0 for threads")
    rows: list[dict[str, Any]] = []
    print(f"{'workers':>8} {'events':>9} {'events/s':>9} {'CPU us/event':>13} {'MB more':>8}")
    for text in _WORKERS.value:
        rows.append(row := _measure(int(text)))
        print(
            f"{row['workers']:8d} {row['events']:9d} {row['events_per_second']:9.0f} "
            f"{row['cpu_us']:13.1f} {row['mb_more']:8.1f}"
        )
    if _OUT.value:
        record = {"machine": machine.record("benchmarks.loader"), "rows": rows}
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")


def _measure(workers: int) -> dict[str, Any]:
    config = _CONFIG.value.copy_and_resolve_references()
    config.data.workers = workers
    source = EventFile(_DATA.value)
    pipeline = Pipeline(
        source, config.data, levels=models.geometry_of(config.model)["levels"],
        targets=pixel_targets(objectives_of(config)), weigh=weigh_pixels(config),
        seed=config.seed, augment=True,
    )  # fmt: skip
    loader = Loader(
        pipeline, batch_size=config.train.batch_size,
        num_devices=max(config.train.cpu_devices, 1), num_buckets=config.data.num_buckets,
        capacities=config.data.capacities, workers=config.data.workers,
    )  # fmt: skip
    batches: Any = iter(loader)
    next(batches)
    asked = round(_EPOCHS.value * loader.num_events)
    memory, start, cpu = machine.resident_mb("VmRSS"), time.perf_counter(), _cpu_seconds()
    events = 0
    while events < asked:
        events += int(next(batches).num_events.sum())
    seconds, busy = time.perf_counter() - start, _cpu_seconds() - cpu
    grown = machine.resident_mb("VmRSS") - memory
    batches.close()  # a generator; its worker processes end with it
    return {
        "workers": workers,
        "events": events,
        "events_per_second": events / seconds,
        "cpu_us": 1e6 * busy / events,
        "mb_more": grown,
    }


def _cpu_seconds() -> float:
    """Processor time so far of this process and of its living children."""
    own = os.getpid()
    total = time.process_time()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended since
            continue
        if int(fields[1]) == own:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    command_line.run(main)
