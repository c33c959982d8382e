"""From ``config.model`` to a network, with every value checked."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.models.fishnet import PRESETS, FishNet
from jaxsparse.models.mobilenet import MobileNetV2
from jaxsparse.models.uresnet import UResNet
from jaxsparse.nn.activations import ACTIVATIONS
from jaxsparse.nn.blocks import ORDERS, VOCABULARIES
from jaxsparse.nn.classifier_head import POOLINGS, pooling_parts
from jaxsparse.nn.views import MERGES

MODELS: dict[str, type[nn.Module]] = {
    "fishnet": FishNet,
    "mobilenet": MobileNetV2,
    "uresnet": UResNet,
}
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
    arguments = {key: _hashable(value) for key, value in values.items() if key in fields}
    if arguments.get("dtype") == "float32":
        arguments["dtype"] = None  # operands have the features' own type: nothing to convert
    return MODELS[name](**arguments, axis_name=axis_name)


def geometry_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the network needs of a batch's geometry, the arguments of :func:`jaxsparse.geometry`.

    Where an event has several views, every view needs the same.

    >>> geometry_of({"name": "uresnet", "depth": 4})
    {'levels': 4, 'kernels': (3,)}
    """
    network: Any = build(config)
    return {"levels": network.levels, "kernels": network.kernels}


def _hashable(value: Any) -> Any:
    """Lists, as files of configs have them, as tuples."""
    return tuple(_hashable(item) for item in value) if isinstance(value, list | tuple) else value


def _whole(value: Any, lowest: int, highest: int = 2**31) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rows(value: Any, length: int) -> bool:
    """Whether it is one or more rows of so many positive integers."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(
            isinstance(row, list | tuple) and len(row) == length and all(_whole(n, 1) for n in row)
            for row in value
        )
    )


def _list_of(length: int) -> tuple[Callable[[Any], bool], str]:
    rule = f"None or {length} positive integers"
    return (lambda value: value is None or _rows([value], length)), rule


def _choice(names: Iterable[str]) -> tuple[Callable[[Any], bool], str]:
    allowed = tuple(names)
    return (lambda value: value in allowed), f"one of {', '.join(allowed)}"


_POSITIVE: tuple[Callable[[Any], bool], str] = (lambda v: _whole(v, 1)), "a positive integer"
_SWITCH: tuple[Callable[[Any], bool], str] = (lambda v: isinstance(v, bool)), "True or False"

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
    "momentum": ((lambda v: _number(v) and 0 <= v < 1), "a number in [0, 1)"),
    "remat": _SWITCH,
    "views": _POSITIVE,
    "width": ((lambda v: _number(v) and v > 0), "a positive number"),
    "stages": (
        (lambda v: _rows(v, 4) and all(stage[3] <= 2 for stage in v)),
        "one or more (expansion, channels, blocks, stride) of positive integers with stride 1 or 2",
    ),
    "preset": _choice(PRESETS),
    "planes": _list_of(11),
    "residual_blocks": _list_of(10),
    "transfer_blocks": _list_of(6),
    "stem_stride": ((lambda v: _whole(v, 1, 4) and v != 3), "1 or 2, or 4 of fishnet"),
    "shared_stem": _SWITCH,
    "shared_stages": _SWITCH,
    "merge_stage": ((lambda v: _whole(v, 0)), "a whole number from 0 up"),
    "merge": _choice(MERGES),
    "activation": _choice(ACTIVATIONS),
    "residual": _SWITCH,
    "reduction": ((lambda v: _whole(v, 0)), "a whole number from 0 up, 0 for none"),
    "coordinate_inputs": _SWITCH,
    "pooling": (
        (lambda v: bool(pooling_parts(v))),
        f"one of {', '.join(POOLINGS)}, or several joined by +",
    ),
    "normalize_pooled": _SWITCH,
    "last_channels": _POSITIVE,
    "dropout": ((lambda v: _number(v) and 0 <= v < 1), "a number in [0, 1)"),
}


def _nearest(name: Any, known: Iterable[str], prefix: str = "") -> str:
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    return f"must be one of {', '.join(names)}"
