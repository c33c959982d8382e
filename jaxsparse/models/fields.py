"""Fields of backbones and heads that a config may set: default, range and meaning in one line.

A field is declared where it is used, in the class of its backbone or head, and nowhere else:
``config.model``, the command line, :func:`jaxsparse.models.build` and the checks all read it there.
"""

import dataclasses
from typing import Any

from jaxsparse.rules import Rule, Setting, check_setting

_KEY = "setting"
POSITIVE_ODD = Rule(
    "be a positive odd integer",
    lambda value: isinstance(value, int) and value > 0 and value % 2 == 1,
)


def field(default: Any, rule: Rule, meaning: str) -> Any:
    """A dataclass field of a backbone or head that a config may set.

    Args:
      default: its value where nothing is said.
      rule: what values it may have.
      meaning: for people.
    """
    return dataclasses.field(default=default, metadata={_KEY: Setting(default, rule, meaning)})


def settings_of(kind: Any) -> dict[str, Setting]:
    """What a config may set of a backbone or head, by name.

    Args:
      kind: the class, or a module of it.

    >>> from jaxsparse.models import UResNet
    >>> settings_of(UResNet)["depth"].default
    5
    """
    return {
        each.name: each.metadata[_KEY] for each in dataclasses.fields(kind) if _KEY in each.metadata
    }


def check_fields(module: Any) -> None:
    """Refuses a backbone or head with a value that its field cannot have.

    Args:
      module: the backbone or head.

    Raises:
      InputError: name, value and rule.
    """
    for name, setting in settings_of(module).items():
        check_setting(name, getattr(module, name), setting)


def tuple_of(length: int, *, lowest: int = 1) -> Rule:
    """So many whole numbers, or none at all.

    >>> tuple_of(2).holds((1, 2)), tuple_of(2).holds(()), tuple_of(2).holds((1,))
    (True, True, False)
    """
    kind = "positive integers" if lowest == 1 else f"integers from {lowest} up"
    return Rule(
        f"be () or {length} {kind}",
        lambda value: value == () or are_integers(value, length, lowest=lowest),
    )


def are_integers(value: Any, length: int, *, lowest: int = 1) -> bool:
    """Whether it is a tuple of so many integers from ``lowest`` up.

    >>> are_integers((3, 1), 2), are_integers((3, 0), 2), are_integers("ab", 2)
    (True, False, False)
    """
    return (
        isinstance(value, tuple)
        and len(value) == length
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= lowest for n in value)
    )
