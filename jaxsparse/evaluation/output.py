"""Writes a folder of results as a whole: what was there stays until everything new is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxsparse.errors import InputError, reason
from jaxsparse.paths import refuse_tree

RESULTS = (
    "metrics.json", "predictions.h5", "report.md", "report.html", "plots", "pictures", "heads",
)  # fmt: skip


def refuse_inputs(
    folder: str | os.PathLike[str],
    inputs: Mapping[str, str | os.PathLike[str]],
    results: Sequence[str] = RESULTS,
) -> None:
    """Refuses a folder of results that would replace a file that is read.

    Args:
      folder: of :func:`staged`.
      inputs: files by the name of the setting; empty ones are not given.
      results: names of what is written into the folder.

    Raises:
      InputError: names the folder and the file.
    """
    for name, path in inputs.items():
        if not path:
            continue
        for result in results:
            place = Path(folder, result).resolve()
            if place.exists() and place in (Path(path).resolve(), *Path(path).resolve().parents):
                raise InputError(
                    f"--{name}={path} would be overwritten by the {result} of --out={folder}: give "
                    "another folder."
                )


@contextmanager
def staged(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder whose files replace those of the same name in ``folder`` at the end.

    If the body raises, ``folder`` is as it was before.

    Raises:
      InputError: the folder cannot be made or written (a file in the way, no permission, full
        disk).

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "out"
    >>> with staged(target) as folder:
    ...     _ = (folder / "a.txt").write_text("new")
    >>> sorted(path.name for path in target.iterdir())
    ['a.txt']
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise InputError(f"--out={target}: there is a file of that name, give a folder.")
    missing = [path for path in (target, *target.parents) if not path.exists()]
    # Inside the folder: it may be a link to another disk, which nothing can be moved to at once.
    stage = target / f".partial-{os.getpid()}"
    done = False
    try:
        try:
            refuse_tree(target, "out")
            stage.mkdir(parents=True)
            yield stage
            _replace_all(stage, target)
            done = True
        except OSError as error:
            if error.filename is None and error.errno is None:
                raise  # not about a file
            raise InputError(
                f"--out={target}: results cannot be written ({reason(error)}), make room or give "
                "another folder."
            ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in () if done else missing:
            with suppress(OSError):  # somebody else's file came into it
                path.rmdir()


def _replace_all(stage: Path, target: Path) -> None:
    """Moves everything of ``stage`` into ``target``; all of it, or what was there comes back."""
    aside = stage / ".replaced"
    aside.mkdir()
    moved: list[tuple[Path, Path]] = []  # (from, to)
    try:
        for new in sorted(path for path in stage.iterdir() if path != aside):
            old = target / new.name
            if os.path.lexists(old):
                os.replace(old, aside / new.name)
                moved.append((old, aside / new.name))
            os.replace(new, old)
            moved.append((new, old))
    except BaseException:
        for source, place in reversed(moved):
            os.replace(place, source)
        raise
