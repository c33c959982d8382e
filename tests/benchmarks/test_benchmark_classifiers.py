"""The table of trained classifiers, from runs made up by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import classifiers, machine
from jaxsparse import models
from jaxsparse.config_file import load_config
from jaxsparse.errors import InputError


def write_run(out: Path, row: str, seed: int, right: list[bool]) -> None:
    """A run of two classes, everything of class 0, right where ``right`` says so."""
    folder = out / f"{row}_{seed}"
    folder.mkdir()
    scores = np.where(np.array(right)[:, None], [[1.0, 0.0]], [[0.0, 1.0]])
    np.savez(folder / "scores.npz", scores=scores, truth=np.zeros(len(right), int))
    result = {
        "row": row,
        "seed": seed,
        "parameters": 12345,
        "peak_mb": 700.0 + seed,
        "imports_mb": 300.0,
        "training_accuracy": 0.75,
        "train_seconds_per_epoch": 20.0,
        "validation_seconds_per_epoch": None,
    }
    (folder / "result.json").write_text(json.dumps(result))


def test_rows_are_paired_with_the_reference_seed_by_seed(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, "dense", seed, [True] * 60 + [False] * 40)
        write_run(tmp_path, "sparse", seed, [True] * 70 + [False] * 30)
    write_run(tmp_path, "sparse", 2, [False] * 100)  # no dense run of this seed
    table = classifiers.comparison(tmp_path, ["sparse", "dense", "fishnet"], "dense")
    assert list(table["rows"]) == ["sparse", "dense"]
    sparse = table["rows"]["sparse"]
    assert sparse["seeds"] == [0, 1, 2]
    assert sparse["accuracy"] == pytest.approx(1.4 / 3)
    assert sparse["against_reference"]["difference"] == pytest.approx(0.1)
    assert sparse["peak_mb"] == 701.0
    assert table["rows"]["dense"]["against_reference"] is None
    assert table["rows"]["dense"]["deviation_of_seeds"] == 0.0


def test_rows_with_other_test_events_are_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path, "dense", 0, [True] * 10)
    write_run(tmp_path, "fishnet_no_cosmics", 0, [True] * 8)
    table = classifiers.comparison(tmp_path, ["dense", "fishnet_no_cosmics"], "dense")
    assert table["rows"]["fishnet_no_cosmics"]["against_reference"] is None


def test_the_page_has_a_line_a_row_and_says_nothing_of_what_was_not_measured(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, "sparse", 0, [True] * 9 + [False])
    table = {"forest": None, **classifiers.comparison(tmp_path, ["sparse"], "dense")}
    *_, line = classifiers.page(table).strip().splitlines()
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == len(classifiers.COLUMNS)
    assert cells[0] == "sparse"
    assert cells[1].startswith("0.9000 ± 0.0")
    assert cells[-4:] == ["20.0", "", "700 (400)", "12,345"]


def test_every_row_builds_and_an_unknown_one_is_refused() -> None:
    for row in classifiers.load_rows():
        config = load_config(f"nova_comparison:{row}")
        models.build(config.model)
        assert config.model.heads.event.num_classes == len(config.data.classes)
    with pytest.raises(InputError, match=r"row is 'dens': must be one of sparse, dense"):
        load_config("nova_comparison:dens")


def test_memory_of_another_process_can_be_read() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured on Linux only")
    assert machine.resident_mb("VmRSS", os.getpid()) > 1.0
    assert machine.resident_mb("VmHWM") > 1.0
