"""Dataclasses as pytrees that ``jax.export`` can write to a file and read back.

What a file holds of a type is its name, a version and its static fields as JSON: no pickle, and a
file of another version of the type is refused by name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import Any, TypeVar

import jax
from jax import export

from jaxsparse.errors import InputError

VERSION = 1  # of the fields below; raise it where a field changes its meaning

T = TypeVar("T", bound=type)


def pytree(cls: T) -> T:
    """Registers a frozen dataclass; fields with ``metadata={"static": True}`` are no arrays.

    Static fields may be None, booleans, integers, strings and tuples of these.

    >>> @pytree
    ... @dataclasses.dataclass(frozen=True)
    ... class Pair:
    ...     numbers: jax.Array
    ...     names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    >>> jax.tree.map(lambda n: 2 * n, Pair(4, ("a",)))
    Pair(numbers=8, names=('a',))
    """
    jax.tree_util.register_dataclass(cls)
    static = [field.name for field in dataclasses.fields(cls) if field.metadata.get("static")]
    register_serialization(cls, static)
    return cls


def register_serialization(cls: Any, static: list[str]) -> None:
    """How ``jax.export`` writes a registered pytree whose auxiliary data are the static fields.

    Args:
        cls: registered with JAX.
        static: names of the values in its auxiliary data, a tuple, in order.
    """
    name = f"jaxsparse.{cls.__name__}"
    with _loaded_again():
        export.register_pytree_node_serialization(
            cls,
            serialized_name=name,
            serialize_auxdata=functools.partial(write_static, static),
            deserialize_auxdata=functools.partial(read_static, name, static),
        )


def write_static(names: list[str], values: tuple[Any, ...]) -> bytes:
    """Static fields as JSON, with the version of all of them.

    >>> write_static(["stride"], ((1, 2),))
    b'{"version": 1, "static": {"stride": [1, 2]}}'
    """
    named = dict(zip(names, values, strict=True))
    return json.dumps({"version": VERSION, "static": named}).encode()


def read_static(cls: str, names: list[str], text: bytes) -> tuple[Any, ...]:
    """What ``write_static`` wrote.

    Raises:
        InputError: another version, or other fields.

    >>> read_static("Sites", ["stride"], write_static(["stride"], ((1, 2),)))
    ((1, 2),)
    """
    found = json.loads(bytes(text))
    if found["version"] != VERSION or list(found["static"]) != names:
        raise InputError(
            f"the exported program has {cls} of version {found['version']} with "
            f"{', '.join(found['static'])}: here it is version {VERSION} with "
            f"{', '.join(names)}, export it again"
        )
    return tuple(_tuples(found["static"][name]) for name in names)


def register_named_tuple(cls: T) -> T:
    """The same for a NamedTuple, which is a pytree by itself."""
    with _loaded_again():
        export.register_namedtuple_serialization(cls, serialized_name=f"jaxsparse.{cls.__name__}")
    return cls


@contextlib.contextmanager
def _loaded_again() -> Iterator[None]:
    """Where a notebook loads a module a second time, the name stays with the first class."""
    try:
        yield
    except ValueError as error:
        if "Duplicate serialization" not in str(error):
            raise


def _tuples(value: Any) -> Any:
    """JSON has lists where the fields have tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
