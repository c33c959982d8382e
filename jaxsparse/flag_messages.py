"""What is said of a wrong flag: one line, with the flag that was meant where that can be known."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags

from jaxsparse.config_file import recipe_names
from jaxsparse.errors import one_line
from jaxsparse.meant_keys import GROUPS, as_meant, meant_keys
from jaxsparse.paths import given_twice

_LIBRARIES = ("absl", "array_record", "grain", "orbax")  # which define flags of their own

# Flags by which other programs call the same.
_SAME = {
    "data": ("input",),
    "file": ("data", "input"),
    "input": ("data",),
    "inputs": ("data",),
    "model": ("workdir",),
    "out": ("workdir",),
    "output": ("out", "workdir"),
    "recipe": ("config",),
    "test": ("data",),
    "workdir": ("model",),
}


def own_flags() -> list[str]:
    """Names of the flags that no library defined, in the order of their definition."""
    definers = {name: flags.FLAGS.find_module_defining_flag(name) for name in flags.FLAGS}
    return [name for name, of in definers.items() if str(of).split(".")[0] not in _LIBRARIES]


def flag_message(
    error: Exception, argv: Sequence[str] = (), elsewhere: Callable[[str], str] | None = None
) -> str:
    """absl's message in one line, in this project's words where they help more.

    Args:
      error: of absl.
      argv: program name and arguments.
      elsewhere: says of a flag that the program does not have who has it, ``""`` for nobody.

    >>> flag_message(flags.UnrecognizedFlagError("zzz"), ["jaxsparse eval"])
    '--zzz: no such flag. jaxsparse eval --help lists all.'
    """
    if not isinstance(error, flags.UnrecognizedFlagError):
        return _of_a_recipe(error, argv) or _in_our_words(error)
    name = error.flagname
    hint = _of_config(error) or _of_another_word(error)
    if not hint and elsewhere and (others := elsewhere(name)):
        hint = f"{others}, leave it out here."
    if not hint and (near := _near(error)):
        hint = f"Did you mean {', '.join(f'--{flag}' for flag in near)}?"
    if not hint and argv:
        hint = f"{Path(argv[0]).name} --help lists all."
    return f"--{name}: no such flag. {hint}".strip()


def _of_config(error: flags.UnrecognizedFlagError) -> str:
    """What is said of an unknown flag that is a key of a config; empty where it is none."""
    name = error.flagname
    _, equals, text = error.flagvalue.partition("=")
    if "config" in flags.FLAGS:
        meant = as_meant(name, text if equals else None)
        return f"Did you mean {meant}?" if meant else ""
    group, *key = name.removeprefix("config.").split(".", 1)
    if name == "config" or name.startswith("config.") or (key and group in GROUPS):
        said = f" --config.{'.'.join([group, *key])}" if group != "config" else ""
        return (
            f"Configs are for jaxsparse train{said}: a network keeps the "
            "one that it was trained with, leave it out."
        )
    if _near(error) or not (keys := meant_keys(name)):
        return ""
    return f"A training has {' or '.join(keys)}, and a network keeps its config: leave it out."


def _of_another_word(error: flags.UnrecognizedFlagError) -> str:
    """What is said of a flag by which other programs call one of this program."""
    _, equals, text = error.flagvalue.partition("=")
    for meant in _SAME.get(error.flagname, ()):
        if meant in flags.FLAGS:
            return f"Did you mean --{meant}{equals}{text}?"
    return ""


def _near(error: flags.UnrecognizedFlagError) -> list[str]:
    """Flags of the program, not of libraries, that absl takes to be near."""
    said, own = re.search(r"Did you mean: ([^?]*?) \?", str(error)), own_flags()
    names = said[1].split(", ") if said else ()
    return [name for name in names if name in own or name.removeprefix("no") in own]


def _of_a_recipe(error: Exception, argv: Sequence[str]) -> str:
    """What is said of a recipe without its flag."""
    named = [word for word in argv[1:] if word in recipe_names()]
    needed = named and "--config=None" in str(error)
    return f"--config is required. Did you mean --config={named[0]}?" if needed else ""


def _in_our_words(error: Exception) -> str:
    """absl's message in one line.

    >>> _in_our_words(flags.Error("flag --out=None: Flag --out must have a value"))
    '--out is required.'
    """
    message = one_line(error)
    message = re.sub(r"^flag (--\S+?)=None: Flag --\S+ must have .*", r"\1 is required", message)
    message = re.sub(r"^flag (--)", r"\1", message)
    if twice := re.fullmatch(r"--(\S+?)=(.*): already defined as (.*)", message):
        return given_twice(f"--{twice[1]}", twice[3], twice[2])
    return message if message.endswith((".", "?")) else message + "."
