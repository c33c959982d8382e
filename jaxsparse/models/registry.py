"""From ``config.model`` to a network, with every value checked."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.models.uresnet import UResNet
from jaxsparse.nn.blocks import ORDERS, VOCABULARIES

MODELS: dict[str, type[nn.Module]] = {"uresnet": UResNet}
DTYPES = ("float32", "bfloat16")


def build(config: Mapping[str, Any], axis_name: str | None = None) -> nn.Module:
    """The network that ``config.model`` describes.

    Args:
        config: ``name``, ``dim``, ``in_channels`` and any field of the network, a dictionary or a
            ConfigDict. Fields left out have the network's defaults.
        axis_name: mapped axis over which batch norm sums its moments (None: one device).

    Raises:
        InputError: an unknown name or key, or a value that the network cannot have.

    >>> build({"name": "uresnet", "dim": 2, "filters": 16}).filters
    16
    >>> build({"name": "uresnet", "depht": 3})
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: model.depht is not a setting of uresnet: did you mean model.depth?
    """
    values = dict(config)
    name = values.pop("name", None)
    if name not in MODELS:
        raise InputError(f"model.name is {name!r}: no such network, {_nearest(name, MODELS)}")
    fields = {field.name for field in dataclasses.fields(MODELS[name])}
    settings = fields - {"parent", "name", "axis_name"} | {"dim", "in_channels"}
    for key, value in values.items():
        if key not in settings:
            suggestion = _nearest(key, settings, prefix="model.")
            raise InputError(f"model.{key} is not a setting of {name}: {suggestion}")
        check, rule = _RULES[key]
        if not check(value):
            raise InputError(f"model.{key} is {value!r}: must be {rule}, set model.{key} to that")
    arguments = {key: value for key, value in values.items() if key in fields}
    if arguments.get("dtype") == "float32":
        arguments["dtype"] = None  # operands have the features' own type: nothing to convert
    return MODELS[name](**arguments, axis_name=axis_name)


def geometry_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the network needs of a batch's geometry, the arguments of :func:`jaxsparse.geometry`.

    >>> geometry_of({"name": "uresnet", "depth": 4})
    {'levels': 4, 'kernels': (3,)}
    """
    network = build(config)
    return {"levels": network.depth, "kernels": (network.kernel_size,)}


def _whole(value: Any, lowest: int, highest: int = 2**31) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _choice(names: Iterable[str]) -> tuple[Callable[[Any], bool], str]:
    allowed = tuple(names)
    return (lambda value: value in allowed), f"one of {', '.join(allowed)}"


_POSITIVE: tuple[Callable[[Any], bool], str] = (lambda v: _whole(v, 1)), "a positive integer"

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "dim": ((lambda v: _whole(v, 2, 3)), "2 or 3"),
    "in_channels": _POSITIVE,
    "num_classes": _POSITIVE,
    "filters": _POSITIVE,
    "depth": ((lambda v: _whole(v, 1, 16)), "an integer from 1 to 16"),
    "blocks": _POSITIVE,
    "kernel_size": ((lambda v: _whole(v, 1) and v % 2 == 1), "a positive odd integer"),
    "vocabulary": _choice(VOCABULARIES),
    "order": _choice(ORDERS),
    "dtype": ((lambda v: v is None or v in DTYPES), f"one of {', '.join(DTYPES)}"),
    "momentum": (
        (lambda v: isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < 1),
        "a number in [0, 1)",
    ),
    "remat": ((lambda v: isinstance(v, bool)), "True or False"),
}


def _nearest(name: Any, known: Iterable[str], prefix: str = "") -> str:
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    return f"must be one of {', '.join(names)}"
