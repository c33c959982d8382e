"""Makes a path of what a user typed, the same way for every flag and every setting."""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
import unicodedata
from pathlib import Path

from jaxsparse.errors import InputError

# Control characters; bytes that are not UTF-8 (surrogates); separators of lines and paragraphs.
UNWRITABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
DEEPEST = 256  # folders within folders: pathlib makes them one inside the other, by recursion


def user_path(text: str | os.PathLike[str], name: str = "path") -> Path:
    """The path that a user means: ``~`` and ``~user`` are home folders, as in a shell.

    A shell expands ``~`` at the beginning of a word alone, so ``--out=~/x.h5`` arrives as typed.
    The operating system judges the rest, here and once: what it cannot look up (a NUL, a name too
    long, links in a circle, a file where a folder should be, a folder nobody may read) is refused
    before anything is read, made or computed. Whether the path exists is left to the caller.

    Args:
      text: as typed. A ``Path`` has been read from it already: its ``~`` is a plain letter.
      name: of the flag or setting, for the message.

    Raises:
      InputError: it is empty, no such user has a home, its bytes are no text (output files could
        not name it), it has line breaks (messages and logs are lines), or the system refuses it.

    >>> str(user_path("runs")), user_path("~") == Path.home()
    ('runs', True)
    >>> user_path("", "out")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: out is '': it must be a path, write ./NAME for one in this folder
    """
    typed = os.fspath(text)
    if not typed.strip():
        remedy = "write ./NAME for one in this folder"
        raise InputError(f"{name} is {typed!r}: it must be a path, {remedy}")
    if any(unicodedata.category(character) in UNWRITABLE for character in typed):
        raise InputError(
            f"{name} is {typed!r}: a path must be UTF-8 text without control characters, rename "
            "the file or folder"
        )
    expanded = os.path.expanduser(typed) if isinstance(text, str) else typed
    if isinstance(text, str) and expanded.startswith("~"):
        raise InputError(
            f"{name} is {typed!r}: {Path(typed).parts[0]} has no home folder, write ./{typed} if "
            "the name begins so"
        )
    if len(Path(expanded).parts) > DEEPEST:
        raise InputError(
            f"{name} is {typed[:40]!r}...: it is over {DEEPEST} folders deep, give another path"
        )
    try:
        os.stat(expanded)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(
            f"{name} is {typed!r}: it cannot be looked up ({error.strerror}), give another path"
        ) from None
    return Path(expanded)


def join_command(*paths: object) -> str:
    """The command that makes one event file of several.

    Args:
      paths: of files, or patterns.

    >>> join_command("job1.h5", "jobs/*.h5")
    "jaxsparse convert --format=events --input=job1.h5 --input='jobs/*.h5' --out=all.h5"
    """
    inputs = " ".join(f"--input={shlex.quote(str(path))}" for path in paths)
    return f"jaxsparse convert --format=events {inputs} --out=all.h5"


def given_twice(name: str, first: object, second: object) -> str:
    """What is said of a setting that takes one event file and got two.

    >>> given_twice("--data", "a.h5", "b.h5").partition(":")[0]
    '--data is given twice, a.h5 and b.h5'
    """
    return (
        f"{name} is given twice, {first} and {second}: it takes one event file, join several by "
        f"{join_command(first, second)}"
    )


def refuse_tree(path: Path, name: str) -> None:
    """Refuses a path of which more than the last folder is missing: a slip would leave a tree.

    Args:
      path: of the file or folder to be.
      name: of the flag or setting, for the message.

    Raises:
      InputError: neither its folder nor the folder of that exists.

    >>> refuse_tree(Path("new/a.h5"), "out")
    >>> refuse_tree(Path("/nosuch/runs/a.h5"), "out")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: out is /nosuch/runs/a.h5: there is no folder /nosuch, correct the
    path, or make that folder first
    """
    above = path.parent.parent
    if not os.path.exists(path.parent) and not os.path.exists(above):
        raise InputError(
            f"{name} is {path}: there is no folder {above}, correct the path, or make that folder "
            "first"
        )


def make_folder(path: Path, name: str, remedy: str = "give another path") -> Path:
    """Makes a folder and those above it, if they are not there.

    Args:
      path: of the folder.
      name: of the flag or setting, for the message.
      remedy: the end of the message.

    Returns:
      ``path``.

    Raises:
      InputError: the system refuses it, or a file is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file is in the way" if os.path.exists(path) else error.strerror
        raise InputError(
            f"{name} is {path}: the folder cannot be made ({reason}), {remedy}"
        ) from None
    return path


def near_file(path: Path) -> str:
    """Asks whether a file of a similar name in the same folder was meant; empty if there is none.

    Args:
      path: of which nothing is there. A pattern is no name.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "new.h5").touch()
    ...     near_file(Path(folder, "nwe.h5")).replace(folder, "."), near_file(Path(folder, "a"))
    ('did you mean ./new.h5?', '')
    """
    names: list[str] = []
    if not set(path.name) & set("*?["):
        with contextlib.suppress(OSError):
            names = [
                name
                for name in os.listdir(path.parent)
                if not any(unicodedata.category(sign) in UNWRITABLE for sign in name)
            ]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / near[0]}?" if near else ""
