"""Small files that take their name when they are whole: pictures, tables, notes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxsparse.errors import InputError, disk_is_full, reason
from jaxsparse.paths import refuse_tree


@contextmanager
def whole_file(path: str | os.PathLike[str], name: str = "file") -> Iterator[Path]:
    """A path to write to, in the same folder; it becomes ``path`` when the body is through.

    A body that raises, a full disk or a kill leave what was there before. Event files and
    predictions, which grow for hours, have :class:`~jaxsparse.data.partial_file.PartialFile`.

    Args:
      path: the final name; its folder is made if missing.
      name: of the flag or setting that the path is from, for the message.

    Raises:
      InputError: the file cannot be written there.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "deep", "a.txt")
    >>> with whole_file(target) as partial:
    ...     _ = partial.write_text("all")
    >>> target.read_text(), len(list(target.parent.iterdir()))
    ('all', 1)
    """
    path = Path(path)
    # The ending stays: it tells writers the format. What a killed process left is written over.
    partial = path.with_name(f".partial-{path.name}")
    try:
        try:
            refuse_tree(path, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.is_file():  # a folder; a device, which root can replace
                raise OSError(None, "it is there and is no file")
            partial.touch()  # before what is to be written is computed
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            remedy = "make room" if disk_is_full(error) else "choose another place"
            kept = "; the file that was there is as it was" if path.exists() else ""
            raise InputError(
                f"{name} is {path}: it cannot be written ({reason(error)}), {remedy}{kept}"
            ) from error
    finally:
        with suppress(OSError):  # it may never have been there
            partial.unlink()
