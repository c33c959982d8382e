"""The process of one engine: takes requests, one JSON object a line, and answers each with one.

    python -m benchmarks.engines.serve '{"engine": "jaxsparse", "threads": 2, "cache": ""}'

A process of its own, because thread pools of two engines in one process get in each other's way and
memory could not be told apart. Nothing but the engine and numpy is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines.cases import Call, Workload
from benchmarks.machine import resident_mb

# A shorter call is made once untimed right before, so that it finds its threads awake and its data
# in the caches, as in the middle of a network.
SHORT_SECONDS = 0.1
MODULES = {"float32": "jaxsparse"}


def main(engine: str, threads: int, cache: str) -> None:
    """Answers until the requests end."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not come between the answers
    module = importlib.import_module(f"benchmarks.engines.{MODULES.get(engine, engine)}_engine")
    session = Session(module, resident_mb("VmRSS"))
    session.versions = module.set_up(threads, cache)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(session, request.pop("do"))(**request)
        print(json.dumps(answer), file=answers, flush=True)


class Session:
    """The requests, a method each."""

    def __init__(self, module: Any, start_mb: float) -> None:
        self.module = module
        self.start_mb = start_mb  # with the imports of the engine, before any work
        self.versions: dict[str, str] = {}
        self.call: Call | None = None
        self.seconds = 0.0
        self.ready_mb = 0.0
        self.cpu_seconds = 0.0

    def check(self) -> dict[str, str]:
        """Fails unless the engine computes what it should; its versions."""
        self.module.check()
        return self.versions

    def write_parameters(self, path: str, dim: int) -> dict[str, Any]:
        """Draws the network's parameters into a file."""
        self.module.write_parameters(Path(path), dim)
        return {}

    def prepare(
        self, case: str, workload: str, parameters: str, result: str = "", **options: Any
    ) -> dict[str, Any]:
        """Makes a call once; writes what the engines must agree on where ``result`` says."""
        self.call = None  # its memory goes before the next one takes more
        self.call = self.module.prepare(
            case, Workload.read(Path(workload)), Path(parameters), **options
        )
        self.ready_mb = resident_mb("VmRSS")
        value = self._run()
        if result:
            np.savez(result, **self.call.arrays(value))
        self.cpu_seconds = time.process_time()
        return {**self.call.facts, "first_call_s": self.seconds}

    def forget_peak(self) -> dict[str, Any]:
        """From here on the peak is counted anew."""
        Path("/proc/self/clear_refs").write_text("5")  # man 5 proc
        return {}

    def time(self) -> dict[str, float]:
        """Seconds of one call, and processor time of this process since the last request."""
        if self.seconds < SHORT_SECONDS:
            self._run()
        self._run()
        before, self.cpu_seconds = self.cpu_seconds, time.process_time()
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds - before}

    def memory(self) -> dict[str, float]:
        """Resident size after the imports, before the first call of the case, and at its peak."""
        return {
            "start_mb": self.start_mb,
            "ready_mb": self.ready_mb,
            "peak_mb": resident_mb("VmHWM"),
        }

    def _run(self) -> Any:
        assert self.call is not None
        begin = time.perf_counter()
        result = self.call.run()
        self.seconds = time.perf_counter() - begin
        return result


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
