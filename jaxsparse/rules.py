"""What values a setting may have, in words and as a test."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from jaxsparse.errors import InputError

LARGEST_SEED = 2**32 - 1  # JAX and scikit-learn keep 32 bits: 7 and 2**32 + 7 would be one
LARGEST_FLOAT = 3e38  # numbers are float32 on the devices
LARGEST = 2**31 - 1  # of steps and events: they are counted in 32 bits on the devices


@dataclasses.dataclass(frozen=True)
class Rule:
    """What values a setting may have.

    Attributes:
      words: what follows "it must".
      holds: whether a value is allowed; never raises for a value of the default's type.
    """

    words: str
    holds: Callable[[Any], bool]


@dataclasses.dataclass(frozen=True)
class Setting:
    """One key of a config.

    Attributes:
      default: its value where a recipe says nothing.
      rule: what values it may have.
      meaning: for people.
    """

    default: Any
    rule: Rule
    meaning: str


def is_number(value: Any) -> bool:
    """Not NaN, and no integer beyond what a float32 reaches."""
    if isinstance(value, float):
        return not math.isnan(value)
    return is_whole(value) and abs(value) <= LARGEST_FLOAT


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def whole(low: int, high: int = LARGEST, words: str = "") -> Rule:
    """Whole numbers from ``low`` to ``high``.

    >>> whole(1).holds(0), whole(1).words
    (False, 'be a whole number from 1 to 2147483647')
    """
    said = f"be a whole number from {low} to {high}" + (f", {words}" if words else "")
    return Rule(said, lambda value: is_whole(value) and low <= value <= high)


def number(words: str, holds: Callable[[float], bool]) -> Rule:
    """Finite numbers for which something holds."""
    return Rule(
        words, lambda value: is_number(value) and abs(value) <= LARGEST_FLOAT and bool(holds(value))
    )


def one_of(*names: str) -> Rule:
    """One of some words."""
    return Rule(f"be one of {', '.join(names)}", lambda value: value in names)


def rows(words: str, holds: Callable[[Any], bool]) -> Rule:
    """Tuples, each item of which has a property."""
    return Rule(words, lambda value: isinstance(value, list | tuple) and all(map(holds, value)))


POSITIVE = number("be positive and finite", lambda value: value > 0)
NOT_NEGATIVE = number("not be negative or infinite, 0 is off", lambda value: value >= 0)
SHARE = number("lie in [0, 1), 0 is off", lambda value: 0 <= value < 1)
COUNT = whole(1)
COUNT_OR_OFF = whole(0, words="0 is off")
SWITCH = Rule("be True or False", lambda value: isinstance(value, bool))
TEXT = Rule("be text", lambda value: isinstance(value, str))
NAMES = rows("be a tuple of names", lambda item: isinstance(item, str))
BOUND = Rule("be a number", is_number)
FINITE = number("be a finite number", lambda value: True)


def check_setting(key: str, value: Any, setting: Setting) -> None:
    """Raises for a value that a setting cannot have.

    Args:
      key: its full name, for the message.
      value: to be checked.
      setting: with its rule.

    Raises:
      InputError: name, value and rule.
    """
    if not setting.rule.holds(value):
        raise InputError(f"{key} is {value!r}: it must {setting.rule.words}.")
