"""Runs a command line in this process, as if a shell had started it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import runpy
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator

import jax
from absl import app, flags
from jax.experimental.compilation_cache import compilation_cache

import jaxsparse.evaluation.evaluator

# Imported first: what libraries define flags for stays.
import jaxsparse.evaluation.studies.cross_validate
import jaxsparse.training.loop  # noqa: F401
from jaxsparse.commands.program import COMMANDS
from jaxsparse.commands.program import run as run_command

ROOT = pathlib.Path(__file__).resolve().parents[2]
CROSS_VALIDATE = ROOT / "jaxsparse/evaluation/studies/cross_validate.py"
app.define_help_flags()
STATE_OF_CACHE = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
STATE_OF_FLAGS = (
    "__flags", "__flags_by_module", "__flags_by_module_id", "__key_flags_by_module",
    "__flags_parsed",
)  # fmt: skip
LIBRARIES = [
    name
    for name in flags.FLAGS
    if name in ("flagfile", "undefok")
    or str(flags.FLAGS.find_module_defining_flag(name)).startswith("absl")
]

BAR = re.compile("━|-:--:--")  # of a progress bar
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
PATIENCE = 60  # seconds a program may take


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
      status: exit status, 1 after an exception.
      output, errors: what it wrote to its two streams, libraries in C included.
    """

    status: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """Of ``errors``, without progress bars."""
        return [line for line in self.errors.splitlines() if line.strip() and not BAR.search(line)]


def run(name: str, arguments: list[str], folder: pathlib.Path) -> Outcome:
    """Runs a command, or ``cross_validate``, in a folder; leaves this process as it was."""
    here, argv = os.getcwd(), sys.argv
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    status = 0
    with _own_flags(), _own_cache(), _captured() as texts:
        os.chdir(folder)
        sys.argv = [name, *arguments]
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(PATIENCE)
        try:
            if name in COMMANDS:
                run_command([name, *arguments])
            runpy.run_path(str(CROSS_VALIDATE), run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            status = 1
            traceback.print_exc()
        finally:
            signal.alarm(0)
            sys.argv = argv
            os.chdir(here)
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Outcome(status, *texts)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"not done after {PATIENCE} seconds")


@contextlib.contextmanager
def _own_flags() -> Iterator[None]:
    """A program's own flags, beside those of libraries; afterwards all are as they were.

    Tests of other programs leave the flags of those in the process.
    """
    state = flags.FLAGS.__dict__
    saved = {name: state[name] for name in STATE_OF_FLAGS}
    try:
        for name in STATE_OF_FLAGS:
            value = saved[name]
            state[name] = value
            if isinstance(value, dict):  # of flags, or of lists of them
                state[name] = {
                    key: list(item) if isinstance(item, list) else item
                    for key, item in value.items()
                }
        for name in list(flags.FLAGS):
            if str(flags.FLAGS.find_module_defining_flag(name)).startswith(("benchmarks", "tests")):
                delattr(flags.FLAGS, name)
        yield
    finally:
        state.update(saved)
        for name in LIBRARIES:
            flags.FLAGS[name].unparse()


@contextlib.contextmanager
def _own_cache() -> Iterator[None]:
    """JAX goes back to the folder of compiled programs that it had, also an open one."""
    before = {name: getattr(jax.config, name) for name in STATE_OF_CACHE}
    try:
        yield
    finally:
        if before != {name: getattr(jax.config, name) for name in STATE_OF_CACHE}:
            for name, value in before.items():
                jax.config.update(name, value)
            compilation_cache.reset_cache()


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Both streams, by their descriptors: libraries in C write there too."""
    texts: list[str] = []
    streams = sys.stdout, sys.stderr
    for stream in streams:
        stream.flush()
    saved = [os.dup(number) for number in (1, 2)]
    files = [tempfile.TemporaryFile() for _ in saved]  # noqa: SIM115
    for number, file in enumerate(files, start=1):
        os.dup2(file.fileno(), number)
    sys.stdout, sys.stderr = (
        open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    try:
        yield texts
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = streams
        for number, descriptor in enumerate(saved, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        for file in files:
            file.seek(0)
            texts.append(file.read().decode("utf-8", "backslashreplace"))
            file.close()
