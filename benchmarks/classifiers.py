"""Trains small classifiers on one sample of events and compares them.

    python -m benchmarks.classifiers --data=nova.h5 --out=DIR [--rows=sparse,dense] [--seeds=3] \\
        [--cores=0]

``jaxsparse/recipes/nova_comparison.py`` says what the rows are. Every row is trained once a seed by
``train.py``, in a process of its own, and its last checkpoint scores the test part of the file, so
nothing is chosen by looking at it. A run that has ended is not repeated: the same command goes on
where it was stopped, and takes in what another one with ``--rows`` has left in ``--out``.

Seconds an epoch are the events of an epoch over the median of the logged rates, compilation
excluded; memory is the peak of the training process, and in brackets what that is over a process
that has only imported the program. Times are of rows that had the machine for themselves: take them
in a folder of their own, ``--epochs=0.3 --seeds=1``, where the trainings ran side by side.

Writes ``comparison.json`` and ``comparison.md`` into ``--out``. Accuracies come with the error of
drawing events and the standard deviation of the seeds; differences are to ``--reference``, on the
same test events, seeds paired.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from benchmarks import machine
from jaxsparse import command_line
from jaxsparse.config_file import load_config
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.bootstrap import error_of_mean
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies.comparison import compare
from jaxsparse.evaluation.studies.event_logits import event_logits
from jaxsparse.evaluation.studies.forest_guess import baseline_scores
from jaxsparse.recipes import nova_comparison
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.logs import read_records
from jaxsparse.training.plan import Plan
from jaxsparse.training.state import count_parameters

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = (
    "row", "test accuracy", "seeds ±", "less reference", "p", "training accuracy",
    "training s/epoch", "validation s/epoch", "peak MB (over imports)", "parameters",
)  # fmt: skip

_DATA = command_line.define_path("data", None, "Event file, divided by the config's data.split.")
_OUT = command_line.define_path("out", None, "Folder of the runs and the table.")
_ROWS = flags.DEFINE_list("rows", "", "Rows to train; empty: all.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Trainings of every row.", lower_bound=1)
_EPOCHS = flags.DEFINE_float(
    "epochs", 0.0, "Epochs of every run; 0: the config's. A part of one is enough for times."
)
_CORES = flags.DEFINE_string("cores", "", "Cores to train on, such as 0 or 0-1; empty: all.")
_REFERENCE = flags.DEFINE_string("reference", "dense", "Row that the others are compared with.")


def main(_: list[str]) -> None:
    """Trains what is missing, then compares all that is there."""
    data, out = _DATA.value.resolve(), _OUT.value.resolve()
    if not data.is_file():
        raise InputError(f"--data is {_DATA.value}: there is no such file, simulate it first")
    known = list(load_rows())
    for name in (*_ROWS.value, _REFERENCE.value):
        if name not in known:
            raise InputError(f"--rows has {name!r}: must be of {', '.join(known)}")
    out.mkdir(parents=True, exist_ok=True)
    for seed in range(_SEEDS.value):
        for row in _ROWS.value or known:
            folder = out / f"{row}_{seed}"
            if not (folder / "result.json").exists():
                print(f"{row}, seed {seed}", flush=True)
                _run(row, seed, data, folder)
    table = {"forest": _forest(data), **comparison(out, known, str(_REFERENCE.value))}
    _write(out / "comparison.json", json.dumps(table, indent=2) + "\n")
    _write(out / "comparison.md", page(table))
    print(page(table))


def load_rows() -> dict[str, Any]:
    """Rows of the table: what each changes in the network."""
    return nova_comparison.ROWS


def _run(row: str, seed: int, data: Path, folder: Path) -> None:
    """Trains one network and scores the test part; ``result.json`` comes last."""
    config = load_config(f"nova_comparison:{row}")
    command = [
        sys.executable, "train.py", f"--config=nova_comparison:{row}", f"--workdir={folder}",
        f"--config.data.train={data}", f"--config.seed={seed}",
        f"--config.train.epochs={_EPOCHS.value or config.train.epochs}",
    ]  # fmt: skip
    if _CORES.value:
        command = ["taskset", "--cpu-list", _CORES.value, *command]
    imports = _imports_mb()
    peak = _peak_of(command, folder)
    records = read_records(folder)
    trained = load_for_evaluation(folder, step="latest")
    events = DataSet(data, trained.config)
    train = trained.config.train
    planned = Plan.of(
        len(events.training), batch_size=train.batch_size, steps=train.steps, epochs=train.epochs,
        validate_every=train.validate_every, validate_epochs=train.validate_epochs,
    ).steps  # fmt: skip
    if trained.step != planned:
        raise InputError(
            f"{folder} stopped at step {trained.step} of {planned}: run the command again to go on"
        )
    scores = event_logits(trained, events)
    named = events.truth >= 0  # a row of fewer classes has events of none of them
    np.savez(
        folder / "scores.npz",
        scores=scores[named], event=events.numbers[named], truth=events.truth[named],
    )  # fmt: skip
    validation = DataSet(data, trained.config, Options(part="validation"))
    lengths = {
        "train": len(events.training),
        "validation": int((validation.truth >= 0).sum()),
    }
    result = {
        "row": row,
        "seed": seed,
        "parameters": count_parameters(trained.variables["params"]),
        "classes": list(events.classes),
        "training_events": lengths["train"],
        "epochs": trained.config.train.epochs,
        "peak_mb": peak,
        "imports_mb": imports,
        "machine": machine.record("benchmarks.classifiers"),
    }
    for split, length in lengths.items():
        rates = [r["events_per_second"] for r in records if r["split"] == split]
        rates = [rate for rate in rates if rate]
        result[f"{split}_seconds_per_epoch"] = length / float(np.median(rates)) if rates else None
    ends = [r["accuracy"] for r in records if r["split"] == "train"][-5:]
    result["training_accuracy"] = float(np.mean(ends))
    _write(folder / "result.json", json.dumps(result, indent=2) + "\n")
    jax.clear_caches()


def _imports_mb() -> float:
    """Resident size of a process that has imported all that training imports."""
    code = (
        "import jaxsparse.training.loop; from benchmarks.machine import resident_mb; "
        "print(resident_mb('VmRSS'))"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))


def _peak_of(command: list[str], folder: Path) -> float:
    """Runs a command to its end; the highest resident size of its process, in MB."""
    folder.mkdir(parents=True, exist_ok=True)
    peak = 0.0
    with open(folder.with_suffix(".log"), "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError, StopIteration):  # it has just ended
                    peak = machine.resident_mb("VmHWM", process.pid)
                time.sleep(0.2)
        finally:
            process.kill()
    if process.returncode:
        raise InputError(f"training ended with status {process.returncode}: see {log.name}")
    return peak


def comparison(out: Path, known: list[str], against: str) -> dict[str, Any]:
    """All runs below ``out`` put together, rows in the order of ``known``."""
    runs: dict[str, list[tuple[dict[str, Any], np.ndarray]]] = {}
    truth: dict[str, np.ndarray] = {}
    for path in sorted(out.glob("*/result.json")):
        result = json.loads(path.read_text())
        with np.load(path.with_name("scores.npz")) as file:
            right = file["scores"].argmax(-1) == file["truth"]
            truth[result["row"]] = file["truth"]
        runs.setdefault(result["row"], []).append((result, right))
    rows = {}
    for name in known:
        if name not in runs:
            continue
        results = [result for result, _ in runs[name]]
        right = np.array([right for _, right in runs[name]])
        accuracies = right.mean(1)
        rows[name] = {
            "seeds": [result["seed"] for result in results],
            "accuracy": float(accuracies.mean()),
            "error": error_of_mean(right.mean(0)),
            "deviation_of_seeds": float(accuracies.std(ddof=1)) if len(results) > 1 else None,
            "test_events": right.shape[1],
            "majority": float(np.bincount(truth[name]).max() / len(truth[name])),
        }
        for key in (
            "training_accuracy", "parameters", "train_seconds_per_epoch",
            "validation_seconds_per_epoch", "peak_mb", "imports_mb",
        ):  # fmt: skip
            values = [result[key] for result in results if result[key] is not None]
            rows[name][key] = float(np.median(values)) if values else None
        reference = dict((r["seed"], x) for r, x in runs.get(against, []))
        pairs = [(x, reference[r["seed"]]) for r, x in runs[name] if r["seed"] in reference]
        rows[name]["against_reference"] = None
        if name != against and pairs and len(pairs[0][0]) == len(pairs[0][1]):
            first, second = map(np.array, zip(*pairs, strict=True))
            rows[name]["against_reference"] = compare(first, second)
    return {"reference": against, "rows": rows}


def _forest(data: Path) -> dict[str, Any] | None:
    """The forest on size summaries, fitted on and scored for the same parts of the file."""
    config = load_config("nova_comparison:sparse")
    config.data.train = str(data)
    events = DataSet(data, config)
    scores, words = baseline_scores(events, None)
    if scores is None:
        return None
    right = scores.argmax(-1) == events.truth
    return {"accuracy": float(right.mean()), "error": error_of_mean(right), "fitted_on": words}


def page(table: dict[str, Any]) -> str:
    """The table of :func:`comparison` and a forest in Markdown."""
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        "| --- " * len(COLUMNS) + "|",
    ]
    for name, row in table["rows"].items():
        against, deviation = row["against_reference"], row["deviation_of_seeds"]
        cells = [
            name,
            f"{row['accuracy']:.4f} ± {row['error']:.4f}",
            "" if deviation is None else f"{deviation:.4f}",
            "" if against is None else f"{against['difference']:+.4f} ± {against['error']:.4f}",
            "" if against is None else f"{against['p_value']:.2g}",
            f"{row['training_accuracy']:.3f}",
            *(
                "" if row[key] is None else f"{row[key]:.1f}"
                for key in ("train_seconds_per_epoch", "validation_seconds_per_epoch")
            ),
            f"{row['peak_mb']:.0f} ({row['peak_mb'] - row['imports_mb']:.0f})",
            f"{row['parameters']:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    if (forest := table["forest"]) is not None:
        cells = ["forest", f"{forest['accuracy']:.4f} ± {forest['error']:.4f}"]
        cells += [""] * (len(COLUMNS) - len(cells))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["data", "out"])
    command_line.run(main)
