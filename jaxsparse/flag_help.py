"""What ``--help`` prints of a command, or of another program."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from types import ModuleType

from absl import flags

WIDTH = 100
INDENT = 6
_KINDS = {
    "comma separated list of strings": "A,B",
    "float": "NUMBER",
    "int": "NUMBER",
    "path": "PATH",
    "recipe": "RECIPE",
}


def help_of(module: ModuleType, defined: Sequence[flags.Flag]) -> str:
    """A program's docstring, its flags with their meanings and defaults, and what it adds.

    Options of formats, which most calls do without, come behind the other flags.

    Args:
      module: of the program; its ``OPTIONS``, if it has some, are of formats.
      defined: its flags, in the order in which they are shown.
    """
    said = (module.__doc__ or "").strip().replace("``", "")
    more = ["", module.more_help()] if hasattr(module, "more_help") else []
    formats = {option.name for each in getattr(module, "OPTIONS", {}).values() for option in each}
    own = [_described(flag) for flag in defined if flag.name not in formats]
    foreign = [_described(flag) for flag in defined if flag.name in formats]
    if foreign:
        foreign = ["", "Options of foreign formats, event files have none:", *foreign]
    return "\n".join([said, "", "Flags:", *own, *foreign, *more])


def _described(flag: flags.Flag) -> str:
    kind = _KINDS.get(flag.flag_type(), "TEXT")
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}={kind}"
    return entry(name, str(flag.help) + _default(flag))


def _default(flag: flags.Flag) -> str:
    if any("must have a value" in validator.message for validator in flag.validators):
        return " (required)"
    said = str(flag.default_as_str or "").strip("'")
    return f" (default: {said})" if said and not flag.boolean else ""


def entry(name: str, text: str) -> str:
    """A line with a name, and what it means below.

    >>> print(entry("--seed", "of the draws"))
      --seed
          of the draws
    """
    pad = " " * INDENT
    return f"  {name}\n" + textwrap.fill(
        " ".join(text.split()), WIDTH, initial_indent=pad, subsequent_indent=pad
    )
