"""The other end of the pipe to an engine."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from jaxsparse.errors import InputError

# What an engine imports beside jaxsparse's own requirements.
REQUIRES = {"jaxsparse": (), "spconv": ("torch", "spconv"), "dense": (), "float32": ()}
# Every engine keeps freed memory, as train.py does (jaxsparse/freed_memory.py): else Linux clears
# the pages of large blocks in every call.
_LARGEST = str(2**31 - 1)
KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": _LARGEST,
    "MALLOC_MMAP_THRESHOLD_": _LARGEST,
    "MALLOC_ARENA_MAX": "1",
}
ROOT = Path(__file__).resolve().parents[1]


def check_installed(engine: str) -> None:
    """Raises ``InputError`` unless the packages of ``engine`` are there."""
    missing = [name for name in REQUIRES[engine] if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"--peers has {engine!r} but {' and '.join(missing)} cannot be imported: "
            "pip install -e '.[bench]', or leave it out, --peers="
        )


class EngineProcess:
    """A running engine; a context manager that ends it.

    Args:
      engine: name of the module, without ``_engine``.
      threads: cores that it may use.
      cache: folder of compiled programs; empty for none.
    """

    def __init__(self, engine: str, threads: int, cache: Path | str = "") -> None:
        self.engine = engine
        settings = {"engine": engine, "threads": threads, "cache": str(cache)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engines.serve", json.dumps(settings)],
            cwd=ROOT,
            env={**os.environ, "JAX_PLATFORMS": "cpu", **KEEP_FREED_MEMORY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one request, a method of ``serve.Session``.

        Raises:
          RuntimeError: the process ended; it has said why on stderr.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        try:
            print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            pass
        if not line:
            status = self._process.wait()
            raise RuntimeError(f"{self.engine} ended with status {status} when asked to {do}")
        return json.loads(line)

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.communicate()
