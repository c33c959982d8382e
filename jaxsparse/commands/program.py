"""The program ``jaxsparse``: one command a module of this package.

A command's module has ``define_flags()`` and ``main(argv)``, a docstring that its help begins with,
and ``more_help()`` if that goes on behind the flags. Only the module of the command that is asked
for is loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.flag_help import help_of


@dataclasses.dataclass(frozen=True)
class Command:
    """A line of ``jaxsparse --help``.

    Attributes:
      meaning: what it does.
      positional: how many arguments beside flags it takes.
    """

    meaning: str
    positional: int = 0


COMMANDS = {
    "train": Command("train a network from a recipe"),
    "eval": Command("measure a trained network on a file of events, with pictures"),
    "predict": Command("write the scores of every pixel or event of files of any format"),
    "simulate": Command("make a file of labelled events"),
    "convert": Command("make a file of events from edep-sim, larcv3, Wire-Cell, CVN or NOvA files"),
    "candidates": Command("find the sites in three dimensions on which views agree", positional=1),
    "inspect": Command("say what a file of events holds", positional=1),
    "view": Command("make one page of events, to turn, zoom and point at", positional=1),
    "export": Command("write a trained network to one file"),
    "rescale": Command("fit the scores of a trained network to a file"),
}


def run(argv: list[str]) -> None:
    """Runs the command that the first argument names, and exits; never returns.

    Args:
      argv: the command and its arguments.

    Raises:
      SystemExit: always, as :func:`jaxsparse.command_line.run` does.
    """
    name, *arguments = argv or [""]
    try:
        if name in ("-h", "--help", "help"):
            print(_overview())
            sys.exit(0)
        if name == "--version":
            print(f"jaxsparse {jaxsparse.__version__}")
            sys.exit(0)
        if name not in COMMANDS:
            print(_overview() if not name else f"error: {_unknown(name)}", file=sys.stderr)
            sys.exit(command_line.USAGE_ERROR)
        _run(name, arguments)
    except BrokenPipeError:  # nobody reads any more: jaxsparse train --help | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run(name: str, arguments: list[str]) -> None:
    module = importlib.import_module(f"jaxsparse.commands.{name}")
    of_libraries = set(flags.FLAGS)
    module.define_flags()
    own = [flag for flag in flags.FLAGS if flag not in of_libraries]

    def start(argv: list[str]) -> Any:
        if out := flags.FLAGS.out if "out" in own else None:
            _announce(out)
        return module.main(argv)

    command_line.run(
        start,
        [f"jaxsparse {name}", *arguments],
        positional=COMMANDS[name].positional,
        help=lambda: help_of(module, [flags.FLAGS[flag] for flag in own]),
        elsewhere=functools.partial(_who_has, name, own),
    )


def _who_has(asked: str, own: Sequence[str], flag: str) -> str:
    """Which other commands have a flag, in words.

    Args:
      asked: the command that was asked for.
      own: its flags.
      flag: that it does not have.
    """
    defined, having = list(own), []
    of_libraries = set(flags.FLAGS) - set(own)
    for name in sorted(COMMANDS, key=lambda name: name == asked):  # the last one's flags stay
        for each in defined:
            delattr(flags.FLAGS, each)
        importlib.import_module(f"jaxsparse.commands.{name}").define_flags()
        defined = [each for each in flags.FLAGS if each not in of_libraries]
        having += [f"jaxsparse {name}"] * (flag in defined)
    return f"{', '.join(having)} {'have' if len(having) > 1 else 'has'} it" if having else ""


def _announce(out: Path) -> None:
    """Names a folder that will be made: a slip of the hand is seen before hours of work."""
    if not out.parent.exists():
        print(f"--out={out}: the folder {out.parent} is not there, it will be made", flush=True)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.meaning}" for name, command in COMMANDS.items()]
    usage = "usage: jaxsparse COMMAND --FLAG=VALUE ..."
    more = "jaxsparse COMMAND --help explains a command and its flags."
    return "\n".join([str(jaxsparse.__doc__), "", usage, "", *lines, "", more])


def _unknown(name: str) -> str:
    """What is said of a command that there is not.

    >>> _unknown("evaluate")
    "'evaluate' is no command of jaxsparse, did you mean eval?"
    """
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"commands are {', '.join(COMMANDS)}."
    return f"{name!r} is no command of jaxsparse, {remedy}"
