"""Crops a second of the published recipe, from simulated planes on."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.accelerator.scale import Scale
from jaxsparse.config_file import load_config
from jaxsparse.training.logs import read_records

ROOT = Path(__file__).resolve().parents[2]
RECIPE = "sparsessnet_y"
# One program, no checkpoint but the last, no validation: what is measured is the steps.
SETTINGS = {
    "data.num_buckets": 1, "optimizer.schedule": "constant", "train.validate_every": 0,
    "train.checkpoint_every": 0, "train.cache_dir": "",
}  # fmt: skip


def simulate(out: Path, planes: int) -> dict[str, Any]:
    """An event file of collection planes; by other processes, which leave the device alone."""
    program = [sys.executable, "-m", "jaxsparse.data.simulate", "--views=Y"]
    done = subprocess.run(
        [*program, f"--out={out}", f"--events={planes}"],
        cwd=ROOT, env=os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the simulation ends with: {done.stderr.strip()}")
    return {"planes": planes}


def crops_per_second(planes: Path, scale: Scale, dtype: str) -> dict[str, Any]:
    """Trains for a few steps; the median of what the log says after its first line."""
    from jaxsparse.training.loop import train

    config = load_config(RECIPE)
    changed = SETTINGS | dict(scale.training) | {"data.train": str(planes), "model.dtype": dtype}
    config.update_from_flattened_dict(changed)
    with tempfile.TemporaryDirectory(dir=planes.parent) as folder:
        train(config, Path(folder, "run"))
        lines = [line for line in read_records(Path(folder, "run")) if line["split"] == "train"]
    rates = [line["events_per_second"] for line in lines if line["events_per_second"]]
    if not rates:
        raise RuntimeError(f"{config.train.minutes} minutes ended before a step could be timed")
    return {
        "config": RECIPE,
        "dtype": dtype,
        "steps": lines[-1]["step"],
        "batch_size": config.train.batch_size,
        "workers": config.data.workers,
        "crops_per_s": statistics.median(rates[1:] or rates),
    }
