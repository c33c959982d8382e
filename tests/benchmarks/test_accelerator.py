"""The run on an accelerator, in its smoke mode: every step once, on whatever device there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks import whole_network, workloads
from benchmarks.accelerator import field, plan
from benchmarks.accelerator.equality import difference
from benchmarks.accelerator.journal import REPORT, STEPS, Journal
from benchmarks.accelerator.page import page
from benchmarks.accelerator.scale import smoke
from benchmarks.parameters import published_network, published_variables

ROOT = Path(__file__).resolve().parents[2]
FACTS = {
    "step": "machine", "status": "done", "at_s": 0, "seconds": 0, "platform": "gpu",
    "device": "H200", "devices": 1, "memory_gb": 140, "driver": "1", "runtime": "cuda",
    "cpu": "a", "cores": 16, "load": 0.0, "python": "3.12", "versions": {"jax": "0.12"},
    "environment": {}, "command": "python -m benchmarks.accelerator", "date": "2026-11-29",
}  # fmt: skip


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.accelerator", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / STEPS).read_text().splitlines()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in smoke mode."""
    folder = tmp_path_factory.mktemp("accelerator") / "out"
    done = command("--smoke", f"--out={folder}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_step_is_done_once(ran: Path) -> None:
    records = lines(ran)
    assert {record["status"] for record in records} == {"done"}
    names = [record["step"] for record in records if "programs" not in record]
    assert len(names) == len(set(names))
    cases = {(r["size"], r["mode"], r["rule"]) for r in records if r["kind"] == "field"}
    assert cases == {
        ("small", mode, rule)
        for mode in ("forward", "gradient")
        for rule in ("stride", "receptive_field")
    }
    assert {r["dtype"] for r in records if "crops_per_s" in r} == {"float32", "bfloat16"}


def test_kernels_and_xla_agree_and_repeat_their_bits(ran: Path) -> None:
    records = lines(ran)
    compared = [record for record in records if "errors" in record]
    assert len(compared) == 4
    for record in compared:
        # A sum in another order may round to the next number of bfloat16, 2^-8 away, and the layers
        # behind it follow.
        limit = {"float32": 1e-5, "bfloat16": 1e-2}[record["dtype"]]
        assert max(record["errors"].values()) <= limit
    assert {record["hashes"] for record in records if "runs" in record} == {1}


def test_the_report_says_that_a_smoke_run_measures_nothing(ran: Path) -> None:
    text = (ran / REPORT).read_text()
    assert "no figure of this page is a measurement" in text
    assert "Ahead in" not in text  # a CPU is not compared with the field's card
    for title in ("Equality", "The field's benchmark", "The whole network", "Training", "Steps"):
        assert f"## {title}" in text


def test_an_earlier_run_is_not_written_over(ran: Path) -> None:
    before = (ran / STEPS).read_bytes()
    done = command("--smoke", f"--out={ran}")
    assert (done.returncode, (ran / STEPS).read_bytes()) == (2, before)
    assert "has an earlier run, give another folder" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out={folder}/file", "--smoke"], "a file is in the way"),
        (["--out={folder}/new", "--smoke", "--deadline=5"], "--deadline"),
        (["--out={folder}/new"], "JAX finds no accelerator here"),
    ],
)
def test_a_wrong_command_is_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "file").touch()
    done = command(*(argument.format(folder=tmp_path) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_step_that_fails_is_written_down_and_the_next_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 60, lambda records: f"{len(records)} steps")

    def fail() -> dict[str, Any]:
        raise MemoryError("no\nroom")

    journal.take("first", fail)
    journal.take("second", lambda: {"ms": float("nan")})
    journal.close()
    first, second = lines(tmp_path)
    assert (first["status"], first["why"]) == ("failed", "MemoryError: no room")
    assert (second["status"], second["ms"]) == ("done", None)
    assert (tmp_path / REPORT).read_text() == "2 steps"
    assert plan.wrong(journal.records) == ["first"]


def test_a_step_that_does_not_fit_is_skipped_and_kinds_learn_how_long_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, 1000, lambda records: "")
    clock = iter(range(0, 10_000, 300))  # each look at it is 300 s later
    monkeypatch.setattr(Journal, "seconds", property(lambda _: next(clock)))
    for name in ("a", "b"):
        journal.take(name, dict, kind="long", needs=10)
    journal.close()
    a, b = lines(tmp_path)
    assert (a["status"], b["status"]) == ("done", "skipped")
    assert "needs about" in b["why"]
    assert plan.wrong(journal.records) == []


def test_the_deadline_ends_a_step_that_does_not_return(tmp_path: Path) -> None:
    script = (
        "import pathlib, time; from benchmarks.accelerator.journal import Journal; "
        f"journal = Journal(pathlib.Path({str(tmp_path)!r}), 0.3, str); "
        "journal.take('quick', dict); journal.take('endless', lambda: time.sleep(60))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 1
    assert [record["status"] for record in lines(tmp_path)] == ["done", "cut off"]


def test_a_report_that_fails_loses_no_step(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 60, lambda records: records[0]["missing"])
    journal.take("first", dict)
    journal.close()
    assert len(lines(tmp_path)) == 1
    assert "report failed" in (tmp_path / REPORT).read_text()


@pytest.mark.parametrize(
    ("size", "parameters"), [("small", 1_467_216), ("medium", 10_567_200), ("large", 61_061_952)]
)
def test_encoders_have_the_parameters_of_the_fields_networks(size: str, parameters: int) -> None:
    # Numbers from results/h200/results.csv of the field's benchmark.
    x, capacities = field.padded(field.batch(30, 1, side=16), 4, "stride")

    def made(x: Any) -> Any:
        maps = field.build_maps(x, capacities, "stride")
        return field.ENCODERS[size].lazy_init(jax.random.key(0), x, maps)

    leaves = jax.tree.leaves(jax.eval_shape(made, x)["params"])
    assert sum(leaf.size for leaf in leaves) == parameters


@pytest.mark.parametrize("rule", ["stride", "receptive_field"])
def test_capacities_are_for_the_sites_that_are_made(rule: str) -> None:
    workload = field.batch(60, 2, side=8)
    counts = field.count_sites(workload, 2, rule)
    x, capacities = field.padded(workload, 2, rule)
    maps = jax.jit(lambda x: field.build_maps(x, capacities, rule))(x)
    assert [int(same.source.count) for same in maps.submanifold] == counts


@pytest.mark.parametrize("rule", ["stride", "receptive_field"])
def test_the_fields_network_lowers_for_cuda_with_its_maps(rule: str) -> None:
    scale = smoke()
    x, capacities = field.padded(field.batch(30, 1, side=16), 2, rule)
    build = lambda x: field.build_maps(x, capacities, rule)  # noqa: E731
    encoder = scale.encoders["small"]
    variables = field.variables_of(encoder, x, jax.eval_shape(build, x))
    gradient = field.function_of(encoder, "gradient")
    traced = jax.jit(lambda v, x: gradient(v, x, build(x))).trace(variables, x)
    assert "custom_call" not in traced.lower(lowering_platforms=("cuda",)).as_text()


def test_the_training_step_lowers_for_cuda() -> None:
    scale = smoke()
    image = workloads.make(scale.images["w1"])
    network = published_network(**scale.network, dtype="bfloat16")
    x, capacities = whole_network.padded_tensor(image, network.levels)
    geometry_of = whole_network.geometry(capacities)
    arguments = published_variables(2, **scale.network), x, np.zeros(x.capacity, np.int32)
    traced = jax.jit(whole_network.training_step(network, geometry_of)).trace(*arguments)
    assert "custom_call" not in traced.lower(lowering_platforms=("cuda",)).as_text()


def test_ratios_are_to_the_fastest_engine_by_its_own_rule() -> None:
    # The fastest of large x 16, forward and backward, is WarpConvNet with 34.94 ms, rule "stride".
    case = {
        "step": "a", "status": "done", "at_s": 1, "seconds": 1, "size": "large", "events": 16,
        "mode": "gradient", "compile_s": 9.0, "held_mb": 900.0,
    }  # fmt: skip
    records = [
        FACTS,
        {**case, "rule": "stride", "ms": 17.47, "with_maps_ms": 69.88},
        {**case, "rule": "receptive_field", "ms": 50.0, "with_maps_ms": 60.0},
    ]
    text = page(records)
    row = next(line for line in text.splitlines() if line.startswith("| large x 16 gradient"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        "34.94 warpconvnet", "50.00 / 60.00", "17.47 / 69.88", "0.50 / 2.00", "900 / 1105", "9",
    ]  # fmt: skip
    assert "Ahead in 1 of 1 with maps given, in 0 with maps built." in text


def test_a_result_that_is_no_number_is_no_agreement() -> None:
    assert not difference([np.array([1.0, np.nan])], [np.ones(2)]) <= 1e-5
    differs = {"step": "a", "status": "done", "dtype": "float32", "equal": False}
    repeats = {"step": "b", "status": "done", "dtype": "bfloat16", "equal": False, "hashes": 2}
    assert plan.wrong([differs, repeats, {**repeats, "hashes": 1}]) == ["a", "b"]
