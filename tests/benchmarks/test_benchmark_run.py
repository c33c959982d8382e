"""The parts of the benchmark that need no other engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import engine_process, report, workloads
from benchmarks.engines import dense_engine
from benchmarks.engines.cases import LAYERS, Workload, layer_weights
from jaxsparse.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
NONE = np.zeros((0, 1), np.int32)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_seeded_workloads_have_the_sites_in_order_and_inside_the_shape() -> None:
    workload = workloads.make(workloads.Size(events=3, spatial_shape=(64, 48), sites=100))
    coords = workload.coords
    assert np.bincount(coords[:, 0]).tolist() == [100, 100, 100]
    assert np.array_equal(coords, np.unique(coords, axis=0))
    assert np.all(coords < (3, 64, 48))
    assert workload.features.shape == (300, 1)


def test_a_workload_survives_its_file_and_comes_back_in_order(tmp_path: Path) -> None:
    workload = workloads.make(workloads.Size(events=2, spatial_shape=(16, 16, 16), sites=40))
    shuffled = np.random.default_rng(0).permutation(80)
    # Column-major on purpose: an engine that reads memory must not get it like this.
    coords = np.asfortranarray(workload.coords[shuffled].astype(np.int64))
    Workload(coords, workload.features[shuffled], (16, 16, 16), 2).write(tmp_path / "w3.npz")
    back = workloads.load("w3", str(tmp_path))
    assert np.array_equal(back.coords, workload.coords)
    assert back.coords.dtype == np.int32
    assert back.coords.flags.c_contiguous
    assert np.array_equal(back.features, workload.features)
    assert (back.batch_size, back.spatial_shape) == (2, (16, 16, 16))


@pytest.mark.parametrize("fault", ["missing", "outside", "repeated", "keys", "not_numpy"])
def test_a_wrong_workload_file_is_refused_with_its_name(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "w1.npz"
    coords = np.array([[0, 1, 2], [0, 1, {"outside": 8, "repeated": 2}.get(fault, 3)]])
    if fault == "keys":
        np.savez(path, coords=coords)
    elif fault == "not_numpy":
        path.write_text("text")
    elif fault != "missing":
        Workload(coords, np.ones((2, 1), np.float32), (8, 8), 1).write(path)
    with pytest.raises(InputError, match=r"w1\.npz"):
        workloads.load("w1", str(tmp_path))


def test_the_ratio_is_of_medians_to_the_fastest_peer() -> None:
    row = report.summary(
        {"dense": [2.0], "jaxsparse": [0.3, 0.1, 0.2, 9.0, 0.2], "spconv": [0.8, 0.4, 0.5, 0.4]}
    )
    assert row["jaxsparse_ms"] == pytest.approx(200)
    assert row["peers_ms"] == pytest.approx({"dense": 2000, "spconv": 450})
    assert row["ratio_to_best_peer"] == pytest.approx(200 / 450)
    assert row["spread"]["jaxsparse"] == pytest.approx(0.5)  # 0.2 to 0.3 over 0.2
    assert report.summary({"jaxsparse": [0.1]})["ratio_to_best_peer"] is None


def test_results_are_compared_in_units_of_their_largest_value(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    right = np.array([100.0, 1.0])
    np.savez(theirs, out=right)
    np.savez(ours, out=right + np.array([0, 1e-4]))
    assert report.agree(ours, theirs) == pytest.approx(1e-6)
    for wrong in (right + np.array([0, 0.1]), right * np.nan, right[:1]):
        np.savez(ours, out=wrong)
        with pytest.raises(RuntimeError, match="not timed"):
            report.agree(ours, theirs)


def test_a_line_of_the_table_stands_under_its_heading() -> None:
    engines = ["jaxsparse", "spconv"]
    row = {"workload": "w1", "case": "maps", "others": 0.25}
    row |= report.summary({name: [0.1, 0.1] for name in engines})
    line, heading = report.line_of(row, engines), report.heading(engines)
    assert len(line) == len(heading)
    assert line.split() == ["w1", "maps", "100.0", "0%", "100.0", "0%", "0.25", "1.00"]
    assert heading.split()[-2:] == ["others", "ratio"]


def test_a_peer_that_does_not_take_a_case_has_a_dash() -> None:
    engines = ["jaxsparse", "spconv", "dense"]
    row = {"workload": "w3", "case": "inference", "others": 0.0}
    row |= report.summary({"jaxsparse": [0.1], "spconv": [0.2]})
    line = report.line_of(row, engines)
    assert len(line) == len(report.heading(engines))
    assert line.split()[-3:] == ["-", "0.00", "0.50"]


def test_the_dense_twin_takes_networks_on_images_that_fit() -> None:
    taken = {
        (name, case): dense_engine.serves(
            case, Workload(NONE, NONE, size.spatial_shape, size.events)
        )
        for name, size in workloads.SIZES.items()
        for case in ("inference", "training_step", "maps", "submanifold_32")
    }
    assert {key for key, takes in taken.items() if takes} == {
        ("w1", "inference"),
        ("w2", "inference"),
        ("w2", "training_step"),
    }


def measured(folder: Path, *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """The rows that a run on one small image writes, and what it prints."""
    small = workloads.make(workloads.Size(events=1, spatial_shape=(32, 32), sites=30))
    small.write(folder / "w1.npz")
    out = folder / "out.json"
    done = command("--workload=w1", "--threads=1", f"--folder={folder}", f"--out={out}", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text()), done.stdout


def test_the_file_is_a_list_with_the_fixed_keys(tmp_path: Path) -> None:
    (layer_map, inference, memory), _ = measured(
        tmp_path, "--peers=dense", "--cases=layer_map,inference,memory", "--repeats=2"
    )
    keys = {
        "workload", "case", "dtype", "device", "jaxsparse_ms", "peers_ms", "ratio_to_best_peer",
        "peak_memory_mb",
    }  # fmt: skip
    assert all(keys <= row.keys() for row in (layer_map, inference, memory))
    assert layer_map["peers_ms"] == {}
    assert inference["ratio_to_best_peer"] == pytest.approx(
        inference["jaxsparse_ms"] / inference["peers_ms"]["dense"]
    )
    assert memory["jaxsparse_ms"] is None
    assert all(row["peak_memory_mb"] > 0 for row in (layer_map, inference, memory))


def test_bfloat16_is_timed_beside_float32(tmp_path: Path) -> None:
    (row,), printed = measured(
        tmp_path, "--peers=float32", "--cases=submanifold_32_gradients", "--repeats=1",
        "--dtype=bfloat16",
    )  # fmt: skip
    assert row["dtype"] == "bfloat16"
    assert 1e-4 < row["differences"]["float32"] < 2**-7  # 8 bits of factors, many of them summed
    assert row["ratio_to_best_peer"] == row["jaxsparse_ms"] / row["peers_ms"]["float32"]
    assert row["run"]["kernels"] in printed


def test_every_engine_draws_the_same_weights() -> None:
    layer = LAYERS["strided"]
    assert layer_weights(layer, 3).shape == (8, 32, 64)
    assert np.array_equal(layer_weights(layer, 2), layer_weights(layer, 2))


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--cases=maps,nothing", "--cases has 'nothing': must be of layer_map, maps"),
        ("--workload=w5", "--workload has 'w5': must be of w1, w2, w3, w4"),
        ("--peers=jaxsparse", "--peers has 'jaxsparse': must be of spconv, dense"),
        ("--threads=4096", "--threads is 4096"),
        ("--out=nowhere/at/all.json", "there is no folder nowhere/at"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(argument: str, said: str) -> None:
    done = command(argument, *(() if "threads" in argument else ("--threads=1",)))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_engine_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engine_process.REQUIRES, "spconv", ("no_such_package",))
    with pytest.raises(InputError, match=r"no_such_package.*pip install -e '\.\[bench\]'"):
        engine_process.check_installed("spconv")


def test_a_process_times_maps_without_any_other_engine(tmp_path: Path) -> None:
    workload = workloads.make(workloads.Size(events=1, spatial_shape=(32, 32), sites=30))
    path, result = tmp_path / "small.npz", tmp_path / "result.npz"
    workload.write(path)
    with engine_process.EngineProcess("jaxsparse", threads=1) as engine:
        assert "jax" in engine.ask("check")
        request = {"case": "layer_map", "workload": str(path), "parameters": ""}
        engine.ask("prepare", **request, result=str(result))
        assert engine.ask("time")["seconds"] > 0
        memory = engine.ask("memory")
        assert memory["peak_mb"] >= memory["start_mb"] > 0
    # An oracle without jaxsparse: neighbours before the centre, counted in a dense image.
    image = np.zeros((34, 34), bool)
    image[tuple(workload.coords[:, 1:].T + 1)] = True
    steps = [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
    pairs = [np.sum(image & np.roll(image, (-y, -x), (0, 1))) for y, x in steps]
    with np.load(result) as found:
        assert found["sites"].tolist() == [30]
        assert found["pairs"].tolist() == [pairs]


def test_an_engine_that_fails_says_so_and_when() -> None:
    with (
        engine_process.EngineProcess("jaxsparse", threads=1) as engine,
        pytest.raises(RuntimeError, match="jaxsparse ended with status 1 when asked to prepare"),
    ):
        engine.ask("prepare", case="maps", workload="/nowhere.npz", parameters="")


def test_growth_refuses_a_batch_that_is_no_number_of_events() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", "--sites=7000"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "multiples of 5000" in done.stderr.splitlines()[-1]
