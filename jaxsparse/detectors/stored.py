"""The description of a detector as text, which event files carry."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from jaxsparse.detectors.detector import Detector
from jaxsparse.errors import InputError


def to_json(detector: Detector) -> str:
    """JSON; what has its default is left out.

    >>> to_json(Detector("toy", {}, drift=(1.0, 0.0, 0.0)))
    '{"name": "toy", "views": {}, "drift": [1.0, 0.0, 0.0]}'
    """
    return json.dumps(_plain(detector))


def from_json(text: str) -> Detector:
    """The detector of :func:`to_json`; what this version does not know is left out.

    Raises:
      InputError: it is none.

    >>> from_json('{"name": "toy", "views": {}, "colour": "red"}').name
    'toy'
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the description of the detector is no JSON ({error})") from None
    detector: Detector = _made(Detector, said, "the detector")
    return detector


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(own)
            for field in dataclasses.fields(value)
            if (own := getattr(value, field.name)) != _default(field)
        }
    if isinstance(value, Mapping):
        return {name: _plain(own) for name, own in value.items()}
    return [_plain(own) for own in value] if isinstance(value, tuple) else value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default  # or MISSING, which nothing equals


def _made(kind: Any, value: Any, name: str) -> Any:
    """A value of a declared type from what JSON can say.

    Raises:
      InputError: the value is of another type.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # one type, or None
        return None if value is None else _made(inner[0], value, name)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        given = {
            key: _made(hints[key], value[key], f"{key} of {name}") for key in hints if key in value
        }
        try:
            return kind(**given)  # type: ignore[operator]
        except TypeError as error:
            raise InputError(f"{name} is not whole ({error})") from None
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    if origin is Mapping and isinstance(value, dict):
        return {key: _made(inner[1], own, f"{key} of {name}") for key, own in value.items()}
    if origin is tuple and isinstance(value, list):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_made(one, own, name) for one, own in zip(kinds, value, strict=True))
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    raise InputError(f"{name} is {value!r:.60}: it must be {getattr(kind, '__name__', kind)}")
