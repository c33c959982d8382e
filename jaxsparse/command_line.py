"""Command lines: absl flags, the keys of a config, and one line for every mistake.

Every program of this repository ends with ``command_line.run(main)``. A wrong flag and every
:class:`~jaxsparse.errors.InputError` of the program itself print one line and exit 2. Any other
exception is a defect and keeps its traceback.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags
from absl import logging as absl_logging

from jaxsparse.config_file import config_path
from jaxsparse.errors import InputError, one_line
from jaxsparse.flag_help import help_of
from jaxsparse.flag_messages import flag_message, own_flags
from jaxsparse.interrupts import INTERRUPTED
from jaxsparse.paths import user_path
from jaxsparse.rules import LARGEST_SEED
from jaxsparse.typed_config import TypedConfig, take_keys

flags.disclaim_key_flags()  # what is defined here is the flag of the program that asks for it

_EXTRAS = {"tpu": "tpu", "rocm": "rocm"}  # of JAX's package, by platform

USAGE_ERROR = 2  # exit status of what the user can mend


def run(
    main: Callable[[list[str]], Any],
    argv: list[str] | None = None,
    *,
    positional: int = 0,
    help: Callable[[], str] | None = None,
    elsewhere: Callable[[str], str] | None = None,
) -> None:
    """Parses flags, calls ``main(argv)`` and exits; never returns.

    Args:
      main: gets the program name and what is left after the flags, like ``absl.app.run``'s; what
        it returns is the exit status (``None`` is 0).
      argv: the command line, ``sys.argv`` by default.
      positional: how many arguments beside flags the program takes at most.
      help: what ``--help`` prints; by default the script's docstring and its flags.
      elsewhere: says of a flag that the program does not have who has it, ``""`` for nobody.

    Raises:
      SystemExit: always. 2 after one line on stderr for mistakes of the user, 130 after Ctrl-C.
    """

    chosen_verbosity = False

    def parse(arguments: Sequence[str]) -> list[str]:
        nonlocal chosen_verbosity
        if any(word in ("-h", "-help", "--help", "--helpshort") for word in arguments):
            print(help() if help else _help())
            sys.exit(0)
        try:
            rest = parse_flags(arguments, positional=positional, elsewhere=elsewhere)
        except InputError as error:
            _exit_with(error)
        chosen_verbosity = not flags.FLAGS["verbosity"].using_default_value
        return rest

    def guarded(arguments: list[str]) -> Any:
        # absl shows everything from INFO on to whoever runs an app; libraries are too chatty.
        if not chosen_verbosity:
            absl_logging.set_verbosity(absl_logging.WARNING)
        try:
            return main(arguments)
        except InputError as error:
            _exit_with(error)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)
        except (RuntimeError, AssertionError) as error:
            if not (asked := os.environ.get("JAX_PLATFORMS")) or not _of_backends(error):
                raise
            _exit_with(
                InputError(
                    f"JAX_PLATFORMS is {asked!r} but JAX finds no such device: unset it, or "
                    f'install what JAX needs for one, such as "jax[{_EXTRAS.get(asked, "cuda12")}]"'
                )
            )

    app.run(guarded, argv=argv, flags_parser=parse)


class _PathParser(flags.ArgumentParser):
    def __init__(self, name: str):
        self.name = f"--{name}"

    def parse(self, argument: Any) -> pathlib.Path:
        return user_path(argument, self.name)

    def flag_type(self) -> str:
        return "path"


def define_path(
    name: str,
    default: str | None,
    help: str,
    *,
    required: bool = False,
    multiple: bool = False,
    one_file: bool = False,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder[Any]:
    """A flag whose value is what :func:`~jaxsparse.paths.user_path` makes of what is typed.

    Args:
      name: of the flag.
      default: ``None`` where it may be left out and stands for nothing.
      help: one line.
      required: whether it must be given.
      multiple: whether it may be given several times; the value is a list then.
      one_file: whether it is of event files, one of them: a second is refused, not taken instead.
      flag_values: where it is defined.

    Returns:
      Its holder, whose ``value`` is a ``Path``, a list of them, or ``None``.
    """
    define: Any = flags.DEFINE_multi if multiple else flags.DEFINE
    return define(
        parser=_PathParser(name), serializer=flags.ArgumentSerializer(), name=name,
        default=default, help=help, flag_values=flag_values, required=required,
        **({"allow_overwrite": False} if one_file else {}),
    )  # fmt: skip


def define_model(*, flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """``--model`` and ``--checkpoint``: a network, as ``training.trained.load_trained`` takes it.

    Args:
      flag_values: where they are defined.
    """
    define_path(
        "model", None, "work directory of a training, one of its checkpoints, or a network's file "
        "or name", required=True, flag_values=flag_values,
    )  # fmt: skip
    flags.DEFINE_string(
        "checkpoint", "best", "of a work directory: best, latest, or a step",
        flag_values=flag_values,
    )  # fmt: skip


def define_operating_point(*, flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """``--operating_point``, as ``training.trained.load_trained`` takes it.

    Args:
      flag_values: where it is defined.
    """
    flags.DEFINE_string(
        "operating_point", "", "name of other scores in the network's file, such as planes: they "
        "fit another mixture of classes", flag_values=flag_values,
    )  # fmt: skip


def define_joiner(about: str = "", *, flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """``--joiner``, as ``training.chosen_joiner`` takes it.

    Args:
      about: what its help begins with.
      flag_values: where it is defined.
    """
    define_path(
        "joiner", "own", f"{about}file or name of a classifier that joins the fragments of a head "
        "edges; own: the one that comes with a network called by its name; none: go without",
        flag_values=flag_values,
    )  # fmt: skip


def define_seed(
    default: int | None, help: str, *, flag_values: flags.FlagValues = flags.FLAGS
) -> flags.FlagHolder[Any]:
    """``--seed``, in the one range that every program has.

    Args:
      default: ``None`` where it may be left out.
      help: what it draws, one line.
      flag_values: where it is defined.
    """
    return flags.DEFINE_integer(
        "seed", default, help, lower_bound=0, upper_bound=LARGEST_SEED, flag_values=flag_values
    )


class _ConfigParser(flags.ArgumentParser):
    """Of ``--config``; :func:`parse_flags` adds what is typed as ``--config.KEY=VALUE``."""

    def parse(self, argument: Any) -> TypedConfig:
        config_path(argument, "config")  # a mistake answers at once
        return TypedConfig(argument)

    def flag_type(self) -> str:
        return "recipe"


def define_config(*, flag_values: flags.FlagValues = flags.FLAGS) -> flags.FlagHolder[Any]:
    """``--config=RECIPE`` and ``--config.KEY=VALUE``.

    Args:
      flag_values: where it is defined.

    Returns:
      Its holder, whose ``value`` is a ``TypedConfig``.
    """
    return flags.DEFINE(
        parser=_ConfigParser(), serializer=None, name="config", default=None,
        help="name of a recipe, or a config file", flag_values=flag_values,
    )  # fmt: skip


def typed(program: str, *, flag_values: flags.FlagValues = flags.FLAGS) -> str:
    """The command that was given, as a shell takes it again.

    Args:
      program: which was called.
      flag_values: where its flags are defined.
    """
    given = [flag_values[name] for name in flag_values if flag_values[name].present]
    words = [word for flag in given for word in flag.serialize().splitlines()]
    return shlex.join([*program.split(), *dict.fromkeys(words)])


def parse_flags(
    argv: Sequence[str], *, positional: int = 0, elsewhere: Callable[[str], str] | None = None
) -> list[str]:
    """Parses a command line into ``absl.flags.FLAGS``; every mistake is one ``InputError``.

    Args:
      argv: program name and arguments.
      positional: how many arguments beside flags are allowed.
      elsewhere: of :func:`run`.

    Returns:
      The program name and the arguments that are no flags.

    Raises:
      InputError: an unknown, missing or wrongly typed flag, a config file that is not there, too
        many arguments.
    """
    argv = list(argv)
    argv[1:] = _with_flag_files(argv[1:])
    keys: dict[str, str | None] = {}
    if has_config := "config" in flags.FLAGS:
        argv, keys = take_keys(argv, "config")
        if keys and not any(re.match("--?config(=|$)", word) for word in argv):
            raise InputError(
                f"--config.{next(iter(keys))} is given without --config: name a recipe or a config "
                "file first, for example --config=smoke."
            )
    try:
        rest = flags.FLAGS(argv)
    except SystemExit:  # --helpfull and its like: absl exits with 1
        sys.exit(0)
    except flags.Error as error:
        if isinstance(error.__context__, InputError):  # says everything already
            raise error.__context__ from None
        raise InputError(flag_message(error, argv, elsewhere)) from None
    if has_config and flags.FLAGS.config is not None:
        flags.FLAGS.config = dataclasses.replace(flags.FLAGS.config, keys=keys)
    if len(rest) - 1 > positional:
        word = rest[1 + positional]
        remedy = f"did you mean --{word}=...?" if word in flags.FLAGS else "leave it out."
        raise InputError(
            f"Argument {word!r} is one too many: {pathlib.Path(rest[0]).name} takes {positional} "
            f"beside its flags, which are written --name=value, {remedy}"
        )
    return rest


def _with_flag_files(arguments: list[str]) -> list[str]:
    """The arguments with what files named by absl's ``--flagfile`` say in their place."""
    try:
        return flags.FLAGS.read_flags_from_files(arguments)
    except flags.Error as error:
        raise InputError(flag_message(error)) from None
    except ValueError as error:  # no text
        raise InputError(f"--flagfile cannot be read ({error}): it must be a text file.") from None


def _help() -> str:
    """The script's docstring and its flags."""
    return help_of(sys.modules["__main__"], [flags.FLAGS[name] for name in own_flags()])


def _of_backends(error: Exception) -> bool:
    """Whether JAX raised it where it looks for devices."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return pathlib.Path(last.filename).name == "xla_bridge.py"


def _as_flag(message: str) -> str:
    """Writes a setting that a message begins with as the flag that it came from, if it is one."""
    name, *rest = message.split(" ", 1)
    asks = rest and rest[0].startswith(("is ", "has ", "are "))
    return f"--{message}" if asks and name in flags.FLAGS else message


def _exit_with(error: InputError) -> NoReturn:
    print(f"error: {_as_flag(one_line(error))}", file=sys.stderr)
    sys.exit(USAGE_ERROR)
