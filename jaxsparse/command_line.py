"""Command lines: absl flags and ml_collections configs, and one line for every mistake.

Every program of this repository ends with ``command_line.run(main)``. As they come, absl exits 1 on
a wrong flag and ml_collections answers a misspelt config key with a long traceback; here both,
missing config files, wrong types and every :class:`~jaxsparse.errors.InputError` of the program
itself print one line and exit 2. Any other exception is a defect and keeps its traceback.
"""

from __future__ import annotations

import difflib
import pathlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags
from absl import logging as absl_logging
from ml_collections import ConfigDict, config_flags

from jaxsparse.config_file import config_path, load_checked
from jaxsparse.errors import InputError, one_line
from jaxsparse.paths import user_path
from jaxsparse.rules import LARGEST_SEED
from jaxsparse.settings import RENAMED, flatten

flags.disclaim_key_flags()  # what is defined here is the flag of the program that asks for it

USAGE_ERROR = 2  # exit status of what the user can mend
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def run(
    main: Callable[[list[str]], Any],
    argv: list[str] | None = None,
    *,
    positional: int = 0,
    help: Callable[[], str] | None = None,
) -> None:
    """Parses flags, calls ``main(argv)`` and exits; never returns.

    Args:
      main: gets the program name and what is left after the flags, like ``absl.app.run``'s; what
        it returns is the exit status (``None`` is 0).
      argv: the command line, ``sys.argv`` by default.
      positional: how many arguments beside flags the program takes at most.
      help: what ``--help`` prints; by default the script's docstring and its flags.

    Raises:
      SystemExit: always. 2 after one line on stderr for mistakes of the user, 130 after Ctrl-C.
    """

    chosen_verbosity = False

    def parse(arguments: Sequence[str]) -> list[str]:
        nonlocal chosen_verbosity
        if help and any(word in ("-h", "-help", "--help", "--helpshort") for word in arguments):
            print(help())
            sys.exit(0)
        try:
            rest = parse_flags(arguments, positional=positional)
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
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder[Any]:
    """A flag whose value is what :func:`~jaxsparse.paths.user_path` makes of what is typed.

    Args:
      name: of the flag.
      default: ``None`` where it may be left out and stands for nothing.
      help: one line.
      required: whether it must be given.
      multiple: whether it may be given several times; the value is a list then.
      flag_values: where it is defined.

    Returns:
      Its holder, whose ``value`` is a ``Path``, a list of them, or ``None``.
    """
    define: Any = flags.DEFINE_multi if multiple else flags.DEFINE
    return define(
        parser=_PathParser(name), serializer=flags.ArgumentSerializer(), name=name,
        default=default, help=help, flag_values=flag_values, required=required,
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


def define_config() -> Any:
    """``--config=FILE`` and ``--config.KEY=VALUE``, locked: a key that is not there is a mistake.

    Returns:
      Its holder, whose ``value`` is a ``ConfigDict``.
    """
    # ml_collections looks for the flag already here; what is wrong with it is said by `run`.
    saved, sys.argv = sys.argv, sys.argv[:1]
    try:
        return config_flags.DEFINE_config_file(
            "config", None, "name of a recipe, or a config file", lock_config=True
        )
    finally:
        sys.argv = saved


def parse_flags(argv: Sequence[str], *, positional: int = 0) -> list[str]:
    """Parses a command line into ``absl.flags.FLAGS``; every mistake is one ``InputError``.

    Args:
      argv: program name and arguments.
      positional: how many arguments beside flags are allowed.

    Returns:
      The program name and the arguments that are no flags.

    Raises:
      InputError: an unknown, missing or wrongly typed flag, a config file that is not there, a
        config key that does not exist (with the nearest that does), too many arguments.
    """
    argv = list(argv)
    if any(argument in ("-h", "-help", "--help") for argument in argv[1:]):
        app.usage(writeto_stdout=True)
        sys.exit(0)
    argv[1:] = _with_flag_files(argv[1:])
    defaults: dict[str, Any] = {}  # of every overridden key, by the flag's name
    for name in list(flags.FLAGS):
        if hasattr(type(flags.FLAGS[name]), "config_filename"):  # by DEFINE_config_file
            defaults |= _check_overrides(name, argv)
    saved = sys.argv
    sys.argv = argv  # where ml_collections looks for the overrides
    try:
        rest = flags.FLAGS(argv)
    except SystemExit:  # --helpfull and its like: absl exits with 1
        sys.exit(0)
    except flags.Error as error:
        if isinstance(error.__context__, InputError):  # of a path: says everything already
            raise error.__context__ from None
        raise InputError(_flag_message(error, defaults)) from None
    finally:
        sys.argv = saved
    for name, default in defaults.items():
        _check_tuple(name, flags.FLAGS[name].value, default)
    if len(rest) - 1 > positional:
        word = rest[1 + positional]
        remedy = f"did you mean --{word}=...?" if word in flags.FLAGS else "leave it out."
        raise InputError(
            f"Argument {word!r} is one too many: {pathlib.Path(rest[0]).name} takes {positional} "
            f"beside its flags, which are written --name=value, {remedy}"
        )
    return rest


def check_key(config: ConfigDict, key: str, name: str = "config") -> None:
    """Raises ``InputError`` with the nearest right name unless ``config`` has the dotted ``key``.

    >>> check_key(ConfigDict({"data": {"train": ""}}), "data.trian")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: --config.data.trian: no such key, did you mean --config.data.train?
    """
    if key in RENAMED:
        raise InputError(f"--{name}.{key}: it is gone, set {RENAMED[key]}.")
    node: Any = config
    for part in key.split("."):
        if not isinstance(node, ConfigDict) or part not in node:
            break
        node = node[part]
    else:
        return
    leaves = [leaf for leaf, _ in flatten(config)]
    # Match the last word first: the usual slips are in it, or in which group it belongs to.
    word = key.rsplit(".", 1)[-1]
    same_word = [leaf for leaf in leaves if leaf.rsplit(".", 1)[-1] == word]
    near = difflib.get_close_matches(
        key, same_word or leaves, n=1, cutoff=0.0 if same_word else 0.6
    )
    remedy = f"did you mean --{name}.{near[0]}?" if near else f"known are {', '.join(leaves)}."
    raise InputError(f"--{name}.{key}: no such key, {remedy}")


def _check_overrides(name: str, argv: list[str]) -> dict[str, Any]:
    """Looks at ``--config=FILE`` and ``--config.a.b`` before ml_collections does.

    Returns:
      What the config file itself says for every overridden key, by the flag's name.
    """
    path = None
    keys: list[str] = []
    for position, argument in enumerate(argv):
        if argument == "--":
            break
        if match := re.match(rf"(--?{name})(?:=(.*))?$", argument, re.DOTALL):
            if match[2] is not None:
                path = config_path(match[2], name)
                argv[position] = f"{match[1]}={path}"
            elif position + 1 < len(argv):
                path = argv[position + 1] = config_path(argv[position + 1], name)
        elif match := re.match(rf"--?(?:no)?{name}\.([^=]*)", argument):
            keys.append(match[1])
    if path is None:
        if keys:
            raise InputError(
                f"--{name}.{keys[0]} is given without --{name}: name a recipe or a config file "
                f"first, for example --{name}=smoke."
            )
        return {}
    config = load_checked(path, name)
    defaults = {}
    for key in keys:
        check_key(config, key, name)
        value: Any = config
        for part in key.split("."):
            value = value[part]
        defaults[f"{name}.{key}"] = value
    return defaults


def _with_flag_files(arguments: list[str]) -> list[str]:
    """The arguments with what files named by absl's ``--flagfile`` say in their place."""
    try:
        return flags.FLAGS.read_flags_from_files(arguments)
    except flags.Error as error:
        raise InputError(_flag_message(error)) from None
    except ValueError as error:  # no text
        raise InputError(f"--flagfile cannot be read ({error}): it must be a text file.") from None


def _check_tuple(name: str, value: Any, default: Any) -> None:
    """ml_collections takes any element for a tuple; ask for the type of the default's."""
    if not isinstance(default, tuple) or not default:
        return
    kind = type(default[0])
    for element in value:
        if type(element) is not kind:
            raise InputError(
                f"--{name}: {element!r} must be of type {kind.__name__}, write it like "
                f'--{name}="{default}".'
            )


def _flag_message(error: Exception, defaults: dict[str, Any] | None = None) -> str:
    """absl's message in one line, in this project's words where they help more.

    >>> _flag_message(flags.Error("flag --c.n=x: invalid literal for int()"), {"c.n": 4})
    '--c.n=x: must be of type int, like the 4 of the config file.'
    """
    message = one_line(error)
    for name, default in (defaults or {}).items():
        if match := re.match(rf"flag (--{re.escape(name)}=\S*):", message):
            if isinstance(default, ConfigDict):
                return f"{match[1]}: is a group, set one key of it, like --{name}.{min(default)}."
            kind = type(default).__name__
            return f"{match[1]}: must be of type {kind}, like the {default} of the config file."
    # What a config file itself says is wrong comes with its whole traceback.
    message = re.sub(r"^flag (--\S+): .*InputError: ", r"\1: ", message)
    message = re.sub(r"^flag (--\S+?)=None: Flag --\S+ must have .*", r"\1 is required", message)
    message = re.sub(r"^flag (--)", r"\1", message)
    message = re.sub(r"^Unknown command line flag '([^']*)'\.?", r"--\1: no such flag.", message)
    message = re.sub(r"Did you mean: ([^?]*?) \?", r"Did you mean --\1?", message)
    return message if message.endswith((".", "?")) else message + "."


def _as_flag(message: str) -> str:
    """Writes a setting that a message begins with as the flag that it came from, if it is one."""
    name, *rest = message.split(" ", 1)
    asks = rest and rest[0].startswith(("is ", "has ", "are "))
    return f"--{message}" if asks and name in flags.FLAGS else message


def _exit_with(error: InputError) -> NoReturn:
    print(f"error: {_as_flag(one_line(error))}", file=sys.stderr)
    sys.exit(USAGE_ERROR)
