"""Machine code of kernels on disk, beside the programs that JAX keeps there.

LLVM takes half a second for the kernels of a training step, in every process anew. A file holds the
object code of one family of kernels behind its checksum; what is damaged, or of another version or
processor, is made anew. Code runs with all rights of its user, so the folder must belong to him and
be closed to others' writing; where it is not, nothing is read or written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax

from jaxsparse.errors import InputError
from jaxsparse.whole_file import whole_file

_DIGEST_BYTES = hashlib.sha256().digest_size


def machine_code(made_of: Iterable[object], make: Callable[[], bytes]) -> bytes:
    """What ``make`` returns, or what it did in an earlier process for equal ``made_of``.

    Args:
      made_of: all that the code depends on beside the sources of this package: names, versions,
        the processor.
      make: compiles.
    """
    try:
        folder = _private_folder()
        path = folder and folder / f"{_key(made_of)}.o"
        code = _read(path) if path else None
    except OSError:  # an odd folder, or no sources beside the program
        return make()
    if code is None:
        code = make()
        if path:
            with contextlib.suppress(InputError), whole_file(path) as partial:
                partial.write_bytes(hashlib.sha256(code).digest() + code)
    return code


def _private_folder() -> Path | None:
    """Where code is kept; None where JAX keeps no programs or where others could place code."""
    config: Any = jax.config  # which makes its attributes when it is loaded
    programs = config.jax_compilation_cache_dir
    if not programs or "://" in programs or not config.jax_enable_compilation_cache:
        return None
    folder = Path(programs, "jaxsparse_kernels")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    return folder if status.st_uid == os.geteuid() and not status.st_mode & 0o022 else None


def _key(made_of: Iterable[object]) -> str:
    """The same for the same code: a hash of what it is made of and of the text that makes it."""
    parts = hashlib.sha256(repr(tuple(made_of)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        parts.update(hashlib.sha256(source.read_bytes()).digest())
    return parts.hexdigest()


def _read(path: Path) -> bytes | None:
    """The code of a file; None where there is none, or where it is not what was written."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, code = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None
