"""Compiled programs: what compiling took, what they hold, how long a call takes and its bits."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled function with its arguments.

    Attributes:
      compiled: the executable.
      arguments: that :meth:`start` calls it with.
      facts: ``trace_s`` and ``compile_s``; where the platform tells ``temporaries_mb``,
        ``outputs_mb``, without what is written over arguments, and ``arguments_mb``, in MiB.
    """

    compiled: Callable[..., Any]
    arguments: tuple[Any, ...]
    facts: dict[str, float]

    def start(self) -> Any:
        """Calls it; the result may still be in the making."""
        return self.compiled(*self.arguments)


@dataclasses.dataclass(frozen=True)
class Lowered:
    """A function traced for its arguments, and so for the device that they are on."""

    lowered: Any
    arguments: tuple[Any, ...]
    trace_s: float

    def compile(self) -> Program:
        """Lets XLA compile it."""
        start = time.perf_counter()
        compiled = self.lowered.compile()
        facts = {"trace_s": self.trace_s, "compile_s": time.perf_counter() - start}
        memory = compiled.memory_analysis()
        if memory is not None:
            facts["temporaries_mb"] = memory.temp_size_in_bytes / 2**20
            facts["outputs_mb"] = (memory.output_size_in_bytes - memory.alias_size_in_bytes) / 2**20
            facts["arguments_mb"] = memory.argument_size_in_bytes / 2**20
        return Program(compiled, self.arguments, facts)


def lower(function: Callable[..., Any], *arguments: Any, **options: Any) -> Lowered:
    """Traces and lowers a function.

    Args:
      function: to compile.
      *arguments: that it is for, on the device that it is for.
      **options: of ``jax.jit``.
    """
    start = time.perf_counter()
    lowered = jax.jit(function, **options).lower(*arguments)
    return Lowered(lowered, arguments, time.perf_counter() - start)


def compile_together(
    lowered: Mapping[str, Lowered], threads: int
) -> dict[str, Callable[[], Program]]:
    """Compiles many programs at once; returns when all are done.

    Args:
      lowered: by name.
      threads: how many are compiled at a time.

    Returns:
      By name a function that returns the program, or raises what its compilation raised.
    """
    with ThreadPoolExecutor(threads) as pool:
        return {name: pool.submit(each.compile).result for name, each in lowered.items()}


def call_times(
    start: Callable[[], Any], *, warm: int = 1, calls: int = 9, burst: int = 0
) -> dict[str, float]:
    """Milliseconds of a call, from the call until the result is there.

    Args:
      start: makes one call, which may return before the result is there.
      warm: calls that are not timed.
      calls: timed one by one.
      burst: calls that are handed over without waiting for each other's result.

    Returns:
      ``ms``, the median by the clock, ``least_ms``, and ``cpu_ms``, the median of this process's
      time on all cores; with a burst ``burst_ms``, its time by its calls.

    >>> sorted(call_times(lambda: 0, calls=3, burst=2))
    ['burst_ms', 'cpu_ms', 'least_ms', 'ms']
    """
    for _ in range(warm):
        jax.block_until_ready(start())
    seconds = []
    for _ in range(calls):
        before = np.array([time.perf_counter(), time.process_time()])
        jax.block_until_ready(start())
        seconds.append(np.array([time.perf_counter(), time.process_time()]) - before)
    median, least = 1e3 * np.median(seconds, axis=0), 1e3 * np.min(seconds, axis=0)
    found = {"ms": float(median[0]), "least_ms": float(least[0]), "cpu_ms": float(median[1])}
    if burst:
        begin = time.perf_counter()
        jax.block_until_ready([start() for _ in range(burst)][-1])
        found["burst_ms"] = 1e3 * (time.perf_counter() - begin) / burst
    return found


def fingerprint(tree: Any) -> str:
    """A hash of every bit of the arrays of a tree.

    >>> fingerprint([np.zeros(2), 1]) == fingerprint([np.zeros(2), 1])
    True
    >>> fingerprint([np.zeros(2)]) == fingerprint([-np.zeros(2)])
    False
    """
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        found.update(np.asarray(leaf).tobytes())
    return found.hexdigest()[:16]
