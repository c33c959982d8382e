"""Flags for the options of foreign formats, from the table of formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from jaxsparse.data.readers.protocol import Option

flags.disclaim_key_flags()  # what is defined here is the flag of the program that asks for it


def define_options(options: Mapping[str, Sequence[Option]]) -> None:
    """A flag for every option of some formats; formats may share one."""
    described: dict[str, list[str]] = {}
    kinds: dict[str, Option] = {}
    for format, own in options.items():
        for option in own:
            default = option.default
            said = ",".join(default) if isinstance(default, tuple) else str(default)
            words = f"{format}: {option.help}" + (f" ({said})" if said else "")
            described.setdefault(option.name, []).append(words)
            kinds.setdefault(option.name, option)
    for name, option in kinds.items():
        help = "; ".join(described[name])
        bounds: Any = {"lower_bound": option.low, "upper_bound": option.high}
        if isinstance(option.default, tuple):
            flags.DEFINE_list(name, None, help)
        elif isinstance(option.default, int):
            flags.DEFINE_integer(name, None, help, **bounds)
        elif isinstance(option.default, float):
            flags.DEFINE_float(name, None, help, **bounds)
        else:
            flags.DEFINE_string(name, None, help)


def given_options(
    options: Mapping[str, Sequence[Option]], values: flags.FlagValues
) -> dict[str, Any]:
    """What the command line says of them, by name; None where it says nothing."""
    names = {option.name for own in options.values() for option in own}
    found = {name: getattr(values, name) for name in sorted(names)}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
    }
