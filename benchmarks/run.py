"""jaxsparse and its peers on the same inputs, timed in turn.

    python -m benchmarks.run [--workload=w1,w3] [--peers=spconv,dense] [--threads=1] \\
        [--cases=inference] [--dtype=bfloat16] [--out=FILE.json]

The peers are spconv (``pip install -e '.[bench]'``), the dense twin, which takes the whole networks
where whole images fit, and ``float32``, jaxsparse itself: beside it ``--dtype=bfloat16`` shows what
features of bfloat16 gain. Peers are float32 whatever the ``--dtype``.

Every case is first computed by jaxsparse, spconv and ``float32`` and their results compared;
engines that disagree are not timed. Then each makes one call in turn, so that noise of the machine
reaches all, and what counts is the ratio of the medians: jaxsparse's time over the fastest peer's,
below 1 where jaxsparse is faster. ``benchmarks/engines/cases.py`` says what the cases are; layers
get their maps ready-made, networks build them in every call.

``compile_inference`` and ``compile_training_step`` are of fresh processes: the first start traces
and compiles, the second finds the programs of the first; imports are excluded. ``memory`` is the
peak of a fresh process that makes one inference, jaxsparse's with its program cached, and in
brackets by how much that is over the process with its imports.

Watch the columns ``spread``, the middle half of an engine's times over their median, and
``others``, the cores that everything else kept busy meanwhile: 0.1 and more is no measurement.

``--out`` gets a list with an object a line of the table: ``workload``, ``case``, ``dtype``,
``device``, ``jaxsparse_ms`` (of a compilation its first start), ``peers_ms``,
``ratio_to_best_peer``, ``peak_memory_mb`` (jaxsparse's process while it worked on the case), then
what else was measured, and under ``run`` how. What does not apply is null.
"""

from __future__ import annotations

import importlib
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
from benchmarks.engines.cases import LAYERS, MAPS, NETWORK, Workload
from benchmarks.report import agree, heading, line_of, summary
from jaxsparse import command_line
from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import DTYPES
from jaxsparse.ops.native import compiler as native_compiler

COMPILE = tuple(f"compile_{mode}" for mode in NETWORK)
CASES = (*MAPS, *LAYERS, *NETWORK, *COMPILE, "memory")

_PEERS = flags.DEFINE_list(
    "peers", "spconv", "Whom to time beside jaxsparse: spconv, dense, float32."
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float32", DTYPES, "Features and factors of jaxsparse's products; sums stay float32."
)
_CASES = flags.DEFINE_list("cases", ",".join(CASES), "Cases to run.")
_WORKLOADS = flags.DEFINE_list("workload", ",".join(workloads.SIZES), "Images to run them on.")
_FOLDER = command_line.define_path(
    "folder", None, "Where w1.npz to w4.npz are; without: seeded images of the same sizes."
)
_THREADS = flags.DEFINE_integer("threads", 2, "Cores that an engine may use.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 9, "Timed calls of each engine.", lower_bound=1)
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)

# Between two calls: OpenMP's threads, and XLA's, spin for up to 20 ms before they sleep, on the
# cores that the other engine is to have.
PAUSE_SECONDS = 0.05
BUSY = 0.5  # load of a machine that does something else
SLOW_SECONDS, SLOW_REPEATS = 3.0, 3  # an engine whose first call takes longer makes fewer
COMPARED = (
    "spconv",
    "float32",
)  # the dense twin computes another function on images with empty pixels


def main(_: list[str]) -> None:
    """Measures every case on every workload and prints, and writes, the table."""
    _check_flags()
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    names = ["jaxsparse", *_PEERS.value]
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
            for name in names
        }
        versions: dict[str, str] = {}
        for engine in engines.values():
            versions |= engine.ask("check")
        kernels = native_compiler.instruction_set(_DTYPE.value)
        run = {**started, "versions": versions, "threads": _THREADS.value, "kernels": kernels}
        print(heading(names))
        for row in _rows(engines, Path(folder), facts):
            rows.append({**row, "run": run})
            print(line_of(row, names), flush=True)
    print(f"instruction set of the native kernels: {kernels}")
    for name, count in facts.items():
        print(f"{name}: {count}")
    if _OUT.value:
        _OUT.value.write_text(json.dumps(rows, indent=2) + "\n")


def _check_flags() -> None:
    peers = tuple(name for name in REQUIRES if name != "jaxsparse")
    for flag, names in ((_PEERS, peers), (_CASES, CASES), (_WORKLOADS, workloads.SIZES)):
        for name in flag.value:
            if name not in names:
                raise InputError(f"--{flag.name} has {name!r}: must be of {', '.join(names)}")
    cores = len(os.sched_getaffinity(0))
    if _THREADS.value > cores:
        raise InputError(f"--threads is {_THREADS.value}: this process may use {cores} cores")
    if _OUT.value and not _OUT.value.parent.is_dir():
        raise InputError(f"--out is {_OUT.value}: there is no folder {_OUT.value.parent}")
    for engine in _PEERS.value:
        check_installed(engine)


def _rows(
    engines: Mapping[str, EngineProcess], folder: Path, facts: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows of the table, one after the other; ``facts`` gets the parameter counts."""
    for name in _WORKLOADS.value:
        workload = workloads.load(name, str(_FOLDER.value or ""))
        path, parameters = folder / f"{name}.npz", folder / f"parameters_{workload.dim}d.npz"
        workload.write(path)
        if not parameters.exists():
            engines["jaxsparse"].ask("write_parameters", path=str(parameters), dim=workload.dim)
        for case in _CASES.value:
            head: dict[str, Any] = {
                "workload": name,
                "case": case,
                "dtype": _DTYPE.value,
                "device": machine.cpu_name(),
                "jaxsparse_ms": None,
                "peers_ms": {},
                "ratio_to_best_peer": None,
                "peak_memory_mb": None,
                "sites": len(workload.coords),
            }
            taking = {
                engine: process
                for engine, process in engines.items()
                if _serves(engine, "inference" if case == "memory" else case, workload)
            }
            request = {"workload": str(path), "parameters": str(parameters)}
            if case in COMPILE:
                with tempfile.TemporaryDirectory() as cache:
                    request["case"] = case.removeprefix("compile_")
                    yield {**head, **_compile_row(request, cache)}
            elif case == "memory":
                request["case"] = "inference"
                yield {**head, **_memory_row(list(taking), request, folder / "programs")}
            else:
                request["case"] = case
                row, counts = _timed_row(taking, request, folder)
                for engine, count in counts.items():
                    facts[f"parameters in {workload.dim}-D, {engine}"] = count
                yield {**head, **row}


def _asked(engine: str, request: dict[str, str]) -> dict[str, str]:
    """The request to an engine: jaxsparse is told the type of its factors, peers are float32."""
    return {**request, "dtype": _DTYPE.value} if engine == "jaxsparse" else request


def _serves(engine: str, case: str, workload: Workload) -> bool:
    if engine != "dense":
        return True
    # Its module loads JAX, which is wanted only where this peer was asked for.
    return importlib.import_module("benchmarks.engines.dense_engine").serves(case, workload)


def _timed_row(
    engines: Mapping[str, EngineProcess], request: dict[str, str], folder: Path
) -> tuple[dict[str, Any], dict[str, int]]:
    """Times of one case, after the engines have agreed on its result."""
    engines["jaxsparse"].ask("forget_peak")
    found = {
        name: engine.ask("prepare", **_asked(name, request), result=str(folder / f"{name}.npz"))
        for name, engine in engines.items()
    }
    differences = {
        name: agree(folder / "jaxsparse.npz", folder / f"{name}.npz", _DTYPE.value)
        for name in engines
        if name in COMPARED
    }
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    begin, busy, ours = time.perf_counter(), machine.busy_seconds(), 0.0
    slow = {name for name, facts in found.items() if facts["first_call_s"] > SLOW_SECONDS}
    for repeat in range(_REPEATS.value):
        for name, engine in engines.items():
            if name in slow and repeat >= SLOW_REPEATS:
                continue
            time.sleep(PAUSE_SECONDS)
            answer = engine.ask("time")
            seconds[name].append(answer["seconds"])
            ours += answer["cpu_seconds"]
    others = (machine.busy_seconds() - busy - ours) / (time.perf_counter() - begin)
    row = {
        **summary(seconds),
        "peak_memory_mb": engines["jaxsparse"].ask("memory")["peak_mb"],
        "others": max(0.0, others),
        "differences": differences,
        **{key: found["jaxsparse"].get(key) for key in ("temporaries_mb", "outputs_mb")},
    }
    return row, {
        name: facts["parameters"] for name, facts in found.items() if "parameters" in facts
    }


def _compile_row(request: dict[str, str], cache: str) -> dict[str, Any]:
    """Tracing and compiling in a fresh process, and in a second one that finds the program."""
    row: dict[str, Any] = {}
    for start in ("first", "second"):
        with EngineProcess("jaxsparse", _THREADS.value, cache) as engine:
            facts = engine.ask("prepare", **_asked("jaxsparse", request))
            row[f"{start}_start_s"] = facts["trace_s"] + facts["compile_s"]
            row[f"{start}_trace_s"] = facts["trace_s"]
            row[f"{start}_peak_mb"] = engine.ask("memory")["peak_mb"]
    return {
        **row,
        "jaxsparse_ms": 1e3 * row["first_start_s"],
        "peak_memory_mb": row["first_peak_mb"],
    }


def _memory_row(names: Sequence[str], request: dict[str, str], cache: Path) -> dict[str, Any]:
    """Peak of a fresh process that makes one call; jaxsparse's finds its program in the cache."""
    with EngineProcess("jaxsparse", _THREADS.value, cache) as engine:
        engine.ask("prepare", **_asked("jaxsparse", request))  # the cache may be empty yet
    peak, growth, program = {}, {}, 0.0
    for name in names:
        with EngineProcess(name, _THREADS.value, cache) as engine:
            facts = engine.ask("prepare", **_asked(name, request))
            memory = engine.ask("memory")
        peak[name] = memory["peak_mb"]
        growth[name] = memory["peak_mb"] - memory["start_mb"]
        if name == "jaxsparse":
            program = facts["temporaries_mb"] + facts["outputs_mb"]
    row = {
        "peak_memory_mb": peak["jaxsparse"],
        "peak_mb": peak,
        "growth_mb": growth,
        "program_mb": program,
    }
    if "spconv" in names:
        row["peak_ratio"] = peak["jaxsparse"] / peak["spconv"]
        row["program_ratio"] = program / growth["spconv"]
    return row


if __name__ == "__main__":
    command_line.run(main)
