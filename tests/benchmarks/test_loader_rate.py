"""The benchmark of the loader runs on a file of whole events and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_SHAPE, NOVA_VIEWS
from tests.random_views import random_cells
from tests.toy_events import write_toy_file

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 100


def write(path: Path) -> None:
    views = dict.fromkeys(NOVA_VIEWS, NOVA_SHAPE)
    rng = np.random.default_rng(0)
    with EventWriter(
        path, detector="toy", views=views, event_classes=NOVA_EVENT_CLASSES, compression="none"
    ) as writer:
        for number in range(EVENTS):
            coords = random_cells(rng, 30, NOVA_SHAPE)
            view = View(coords, np.full(30, 9, np.float32), NOVA_SHAPE)
            writer.append(Event(number, dict.fromkeys(NOVA_VIEWS, view), label=0))


def run(
    folder: Path, *options: str, config: str = "nova_smoke"
) -> subprocess.CompletedProcess[str]:
    recipe = f"--config={config}"
    files = recipe, f"--data={folder / 'a.h5'}", f"--out={folder / 'a.json'}"
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.loader", *files, *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_epochs_asked_for_are_counted_and_written(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    process = run(tmp_path, "--workers=0", "--epochs=2")
    assert process.returncode == 0, process.stderr
    record = json.loads((tmp_path / "a.json").read_text())
    (row,) = record["rows"]
    assert row["workers"] == 0
    assert row["events"] >= 2 * EVENTS
    assert row["events_per_second"] > 0
    _, line = process.stdout.splitlines()
    assert int(line.split()[1]) == row["events"]


def test_crops_of_planes_are_measured_with_their_targets(tmp_path: Path) -> None:
    write_toy_file(tmp_path / "a.h5", events=80, seed=0)
    process = run(tmp_path, "--workers=0", config="sparsessnet_y")
    assert process.returncode == 0, process.stderr
    (row,) = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert row["events"] >= 80


# A loader of another checkout that took a millisecond of processor time an event.
OTHER = """
import json, pathlib, sys
given = dict(argument.split("=", 1) for argument in sys.argv[1:])
row = {"cpu_us": 1000.0, "events_per_second": float(given["--epochs"])}
pathlib.Path(given["--out"]).write_text(json.dumps({"rows": [row]}))
"""


def test_another_checkout_is_measured_in_turn_by_its_own_code(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    other = tmp_path / "other"
    (other / "benchmarks").mkdir(parents=True)
    (other / "benchmarks" / "__init__.py").touch()
    (other / "benchmarks" / "loader.py").write_text(OTHER)
    process = run(tmp_path, "--workers=0", f"--against={other}", "--rounds=1", "--epochs=2")
    assert process.returncode == 0, process.stderr
    (row,) = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert row["cpu_us"]["before"] == 1000
    assert row["events_per_second"]["before"] == 2
    assert row["cpu_us"]["ratio"] == row["cpu_us"]["now"] / 1000 > 0
    assert f"{row['cpu_us']['ratio']:.3f}" in process.stdout


def test_a_checkout_that_cannot_be_measured_is_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    process = run(tmp_path, "--workers=0", f"--against={tmp_path}")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert f"--against={tmp_path}: has no benchmarks/loader.py" in line
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    (tmp_path / "benchmarks" / "loader.py").write_text("raise SystemExit('broken')")
    process = run(tmp_path, "--workers=0", f"--against={tmp_path}")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert f"benchmarks.loader in {tmp_path} ends with: broken" in line


def test_a_wrong_number_of_workers_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    process = run(tmp_path, "--workers=0,many")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert "--workers has 'many'" in line
    assert process.stdout == ""
