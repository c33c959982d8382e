"""How many events a second the loader makes ready for a network: file to padded batches.

    python -m benchmarks.loader --data=FILE --config=nova_smoke [--workers=0,2]
    python -m benchmarks.loader --data=PLANES --config=sparsessnet_y --epochs=0.5

Shuffled events of the file with the config's windows, augmentation, targets, batch size and
buckets, for each number of worker processes (0: threads of this one). Crops out of whole planes
are to be measured on a file of at least 2,000 compressed planes, so that no cache holds them.
Nothing trains: the batches are dropped as they come. The clock starts with the first batch, so
processes have been started and the table of buckets measured. Processor time is of this process and
its workers; memory is what this process holds after the epoch more than when the clock started.

    python -m benchmarks.loader --data=FILE --config=... --against=../before [--rounds=5]

Before and after a change, in one run: a round measures the checkout in the folder ``--against`` and
then this one, each in a process of its own, with its own code and its own file of the config. The
table has medians of the rounds, and of the ratios of this checkout to the other within a round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
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
from jaxsparse.training.chosen_config import chosen_config
from jaxsparse.training.objectives import objectives_of, pixel_targets, weigh_pixels

_CONFIG = command_line.define_config()
flags.mark_flag_as_required("config")
_DATA = command_line.define_path("data", None, "Event file.", required=True)
_WORKERS = flags.DEFINE_list("workers", "0,2", "Numbers of worker processes; 0 for threads.")
_EPOCHS = flags.DEFINE_float("epochs", 1.0, "Epochs that are timed.", lower_bound=0.0)
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)
_AGAINST = command_line.define_path("against", None, "Folder of another checkout to compare with.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds of --against.", lower_bound=1)

_ROOT = Path(__file__).resolve().parents[1]


def main(_: list[str]) -> None:
    """Measures every number of workers and prints, and writes, the table."""
    for text in _WORKERS.value:
        if not text.isdigit():
            raise InputError(f"--workers has {text!r}: must be whole numbers, 0 for threads")
    rows = _alone() if _AGAINST.value is None else _in_turn(_AGAINST.value.resolve())
    if _OUT.value:
        record = {"machine": machine.record("benchmarks.loader"), "rows": rows}
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")


def _alone() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    print(f"{'workers':>8} {'events':>9} {'events/s':>9} {'CPU us/event':>13} {'MB more':>8}")
    for text in _WORKERS.value:
        rows.append(row := _measure(int(text)))
        print(
            f"{row['workers']:8d} {row['events']:9d} {row['events_per_second']:9.0f} "
            f"{row['cpu_us']:13.1f} {row['mb_more']:8.1f}"
        )
    return rows


def _in_turn(other: Path) -> list[dict[str, Any]]:
    before, now = zip(
        *((_measured_in(other), _measured_in(_ROOT)) for _ in range(_ROUNDS.value)), strict=True
    )
    rows = []
    print(f"{'workers':>8} {'':>13} {'before':>9} {'now':>9} {'now/before':>11}")
    for number, text in enumerate(_WORKERS.value):
        row: dict[str, Any] = {"workers": int(text), "rounds": _ROUNDS.value}
        for key, title in (("cpu_us", "CPU us/event"), ("events_per_second", "events/s")):
            pairs = [(b[number][key], n[number][key]) for b, n in zip(before, now, strict=True)]
            median = [statistics.median(side) for side in zip(*pairs, strict=True)]
            ratio = statistics.median(n / b for b, n in pairs)
            row[key] = {"before": median[0], "now": median[1], "ratio": ratio}
            print(f"{int(text):8d} {title:>13} {median[0]:9.1f} {median[1]:9.1f} {ratio:11.3f}")
        rows.append(row)
    return rows


def _measured_in(checkout: Path) -> list[dict[str, Any]]:
    """The rows of a checkout, by its own benchmark in a process of its own."""
    if not (checkout / "benchmarks/loader.py").is_file():  # or Python would take this one's
        raise InputError(f"--against={checkout}: has no benchmarks/loader.py, give a checkout")
    own = ("--against", "--rounds", "--out")
    asked = [argument for argument in sys.argv[1:] if not argument.startswith(own)]
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "rows.json")
        files = f"--data={_DATA.value.absolute()}", f"--out={written}"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.loader", *asked, *files],
            cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise InputError(f"benchmarks.loader in {checkout} ends with: {reason}")
        return json.loads(written.read_text())["rows"]


def _measure(workers: int) -> dict[str, Any]:
    config = chosen_config(_CONFIG.value).config
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
