"""jaxsparse and spconv on the same inputs, timed in turn.

    python -m benchmarks.run [--threads=1] [--workloads=w1,w3] [--cases=inference] [--out=FILE.json]

needs ``pip install -e '.[bench]'``. Every case is first computed by both engines and their results
compared; engines that disagree are not timed. Then each makes one call in turn, so that noise of
the machine reaches both, and what counts is the ratio of the medians: jaxsparse's time over
spconv's, below 1 where jaxsparse is faster. ``benchmarks/engines/cases.py`` says what the cases
are; layers get their maps ready-made, networks build them in every call.

``compile_inference`` and ``compile_training_step`` are of fresh processes: the first start traces
and compiles, the second finds the programs of the first; imports are excluded. ``memory`` is the
peak of a fresh process that makes one inference, jaxsparse's with its program cached, and in
brackets by how much that is over the process with its imports.

Watch the columns ``spread``, the middle half of an engine's times over their median, and
``others``, the cores that everything else kept busy meanwhile: 0.1 and more is no measurement.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import machine, workloads
from benchmarks.engine_process import REQUIRES, EngineProcess, check_installed
from benchmarks.engines.cases import LAYERS, MAPS, NETWORK
from benchmarks.report import agree, heading, line_of, summary
from jaxsparse import command_line
from jaxsparse.errors import InputError

COMPILE = tuple(f"compile_{mode}" for mode in NETWORK)
CASES = (*MAPS, *LAYERS, *NETWORK, *COMPILE, "memory")

_ENGINES = flags.DEFINE_list("engines", "jaxsparse,spconv", "Engines to time, jaxsparse first.")
_CASES = flags.DEFINE_list("cases", ",".join(CASES), "Cases to run.")
_WORKLOADS = flags.DEFINE_list("workloads", ",".join(workloads.SIZES), "Images to run them on.")
_FOLDER = flags.DEFINE_string(
    "folder", "", "Where w1.npz to w4.npz are; empty: seeded images of the same sizes."
)
_THREADS = flags.DEFINE_integer("threads", 2, "Cores that an engine may use.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 9, "Timed calls of each engine.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "", "JSON file to write; empty: only the table on the screen.")

# Between two calls: OpenMP's threads, and XLA's, spin for up to 20 ms before they sleep, on the
# cores that the other engine is to have.
PAUSE_SECONDS = 0.05
BUSY = 0.5  # load of a machine that does something else


def main(_: list[str]) -> None:
    """Measures every case on every workload and prints, and writes, the table."""
    _check_flags()
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    started = machine.record("benchmarks.run")
    if started["load"] > BUSY:
        print(
            f"The machine is busy (load {started['load']:.1f}): OpenMP's threads wait for each "
            "other by spinning, so that spconv suffers more and the ratios flatter jaxsparse.",
            file=sys.stderr,
        )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        engines = {
            name: stack.enter_context(EngineProcess(name, _THREADS.value, Path(folder, "programs")))
            for name in _ENGINES.value
        }
        versions: dict[str, str] = {}
        for engine in engines.values():
            versions |= engine.ask("check")
        print(heading(_ENGINES.value))
        for row in _rows(engines, Path(folder), facts):
            rows.append(row)
            print(line_of(row, _ENGINES.value), flush=True)
    for name, count in facts.items():
        print(f"{name}: {count}")
    if _OUT.value:
        record = {
            "machine": started,
            "versions": versions,
            "threads": _THREADS.value,
            "repeats": _REPEATS.value,
            "parameters": facts,
            "rows": rows,
        }
        Path(_OUT.value).write_text(json.dumps(record, indent=2) + "\n")


def _check_flags() -> None:
    for flag, names in ((_ENGINES, REQUIRES), (_CASES, CASES), (_WORKLOADS, workloads.SIZES)):
        for name in flag.value:
            if name not in names:
                raise InputError(f"--{flag.name} has {name!r}: must be of {', '.join(names)}")
    if _ENGINES.value[:1] != ["jaxsparse"]:
        raise InputError(
            f"--engines is {','.join(_ENGINES.value)!r}: must begin with jaxsparse, which draws "
            "the parameters for all"
        )
    cores = len(os.sched_getaffinity(0))
    if _THREADS.value > cores:
        raise InputError(f"--threads is {_THREADS.value}: this process may use {cores} cores")
    if _OUT.value and not Path(_OUT.value).parent.is_dir():
        raise InputError(f"--out is {_OUT.value}: there is no folder {Path(_OUT.value).parent}")
    for engine in _ENGINES.value:
        check_installed(engine)


def _rows(
    engines: Mapping[str, EngineProcess], folder: Path, facts: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows of the table, one after the other; ``facts`` gets the parameter counts."""
    for name in _WORKLOADS.value:
        workload = workloads.load(name, _FOLDER.value)
        path, parameters = folder / f"{name}.npz", folder / f"parameters_{workload.dim}d.npz"
        workload.write(path)
        if not parameters.exists():
            engines["jaxsparse"].ask("write_parameters", path=str(parameters), dim=workload.dim)
        for case in _CASES.value:
            head = {"workload": name, "sites": len(workload.coords), "case": case}
            request = {"workload": str(path), "parameters": str(parameters)}
            if case in COMPILE:
                with tempfile.TemporaryDirectory() as cache:
                    request["case"] = case.removeprefix("compile_")
                    yield {**head, **_compile_row(request, cache)}
            elif case == "memory":
                request["case"] = "inference"
                yield {**head, **_memory_row(list(engines), request, folder / "programs")}
            else:
                request["case"] = case
                row, counts = _timed_row(engines, request, folder)
                for engine, count in counts.items():
                    facts[f"parameters in {workload.dim}-D, {engine}"] = count
                yield {**head, **row}


def _timed_row(
    engines: Mapping[str, EngineProcess], request: dict[str, str], folder: Path
) -> tuple[dict[str, Any], dict[str, int]]:
    """Times of one case, after the engines have agreed on its result."""
    found = {
        name: engine.ask("prepare", **request, result=str(folder / f"{name}.npz"))
        for name, engine in engines.items()
    }
    row: dict[str, Any] = {}
    for name in engines:
        if name != "jaxsparse":
            row[f"{name}_difference"] = agree(folder / "jaxsparse.npz", folder / f"{name}.npz")
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    begin, busy, ours = time.perf_counter(), machine.busy_seconds(), 0.0
    for _ in range(_REPEATS.value):
        for name, engine in engines.items():
            time.sleep(PAUSE_SECONDS)
            answer = engine.ask("time")
            seconds[name].append(answer["seconds"])
            ours += answer["cpu_seconds"]
    others = (machine.busy_seconds() - busy - ours) / (time.perf_counter() - begin)
    row |= {**summary(seconds), "others": max(0.0, others)}
    for key in ("temporaries_mb", "outputs_mb"):
        row[f"jaxsparse_{key}"] = found["jaxsparse"].get(key)
    return row, {
        name: facts["parameters"] for name, facts in found.items() if "parameters" in facts
    }


def _compile_row(request: dict[str, str], cache: str) -> dict[str, Any]:
    """Tracing and compiling in a fresh process, and in a second one that finds the program."""
    row = {}
    for start in ("first", "second"):
        with EngineProcess("jaxsparse", _THREADS.value, cache) as engine:
            facts = engine.ask("prepare", **request)
            row[f"{start}_start_s"] = facts["trace_s"] + facts["compile_s"]
            row[f"{start}_trace_s"] = facts["trace_s"]
            row[f"{start}_peak_mb"] = engine.ask("memory")["peak_mb"]
    return row


def _memory_row(names: Sequence[str], request: dict[str, str], cache: Path) -> dict[str, Any]:
    """Peak of a fresh process that makes one call; jaxsparse's finds its program in the cache."""
    row: dict[str, Any] = {}
    with EngineProcess("jaxsparse", _THREADS.value, cache) as engine:
        engine.ask("prepare", **request)  # the cache may be empty yet
    for name in names:
        with EngineProcess(name, _THREADS.value, cache) as engine:
            facts = engine.ask("prepare", **request)
            memory = engine.ask("memory")
        row[f"{name}_peak_mb"] = memory["peak_mb"]
        row[f"{name}_growth_mb"] = memory["peak_mb"] - memory["start_mb"]
        row[f"{name}_ready_mb"] = memory["ready_mb"]
        if "temporaries_mb" in facts:
            row[f"{name}_program_mb"] = facts["temporaries_mb"] + facts["outputs_mb"]
    if "spconv" in names:
        row["ratio"] = row["jaxsparse_peak_mb"] / row["spconv_peak_mb"]
        row["program_ratio"] = row["jaxsparse_program_mb"] / row["spconv_growth_mb"]
    return row


if __name__ == "__main__":
    command_line.run(main)
