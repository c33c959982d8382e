"""Dataclasses as pytrees that print shortly, compare, and that ``jax.export`` can write to a file.

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
import jax.numpy as jnp
import numpy as np
from jax import export

from jaxsparse.errors import InputError

VERSION = 2  # of the fields below; raise it where a field changes its meaning

T = TypeVar("T", bound=type)


def pytree(cls: T) -> T:
    """Registers a frozen dataclass; fields with ``metadata={"static": True}`` are no arrays.

    Static fields may be None, booleans, integers, strings and tuples of these. It prints its arrays
    as types and shapes. Two are equal if their static fields, types, shapes and values are: a bool,
    or under ``jit`` a traced one, where values are not known.

    >>> @pytree
    ... @dataclasses.dataclass(frozen=True)
    ... class Pair:
    ...     numbers: jax.Array
    ...     names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    >>> pair = Pair(jnp.arange(1000), ("a",))
    >>> jax.tree.map(lambda n: 2 * n, pair)
    Pair(numbers=int32[1000], names=('a',))
    >>> pair == Pair(jnp.arange(1000), ("a",)), pair == Pair(jnp.arange(1000), ("b",))
    (True, False)
    """
    jax.tree_util.register_dataclass(cls)
    _print_and_compare(cls)
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
    b'{"version": 2, "static": {"stride": [1, 2]}}'
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
    _print_and_compare(cls)
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


def _print_and_compare(cls: Any) -> None:
    for name, method in (("__repr__", _in_short), ("__eq__", _equal), ("__ne__", _unequal)):
        setattr(cls, name, method)


def _in_short(self: Any) -> str:
    names = getattr(self, "_fields", None) or [
        field.name for field in dataclasses.fields(self) if field.repr
    ]
    fields = (f"{name}={_shortly(getattr(self, name))}" for name in names)
    return f"{type(self).__name__}({', '.join(fields)})"


def _shortly(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shortly(one)}" for key, one in value.items()) + "}"
    if type(value) is tuple:
        return f"({', '.join(map(_shortly, value))}{',' if len(value) == 1 else ''})"
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return repr(value)
    if value.shape == () and _at_hand(value):
        return str(np.asarray(value))
    return f"{value.dtype.name}[{','.join(map(str, value.shape))}]"


def _at_hand(array: Any) -> bool:
    if isinstance(array, jax.core.Tracer) or not isinstance(array, jax.Array):
        return isinstance(array, np.ndarray | np.generic)
    return array.is_fully_addressable and not array.is_deleted()


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    structures: list[Any] = [jax.tree.structure(tree) for tree in (self, other)]
    if structures[0] != structures[1]:
        return False
    leaves = zip(jax.tree.leaves(self), jax.tree.leaves(other), strict=True)
    pairs = [(a, b) for a, b in leaves if a is not b]
    if any(np.shape(a) != np.shape(b) or a.dtype != b.dtype for a, b in pairs):
        return False
    if any(isinstance(array, jax.core.Tracer) for pair in pairs for array in pair):
        return jnp.stack([jnp.array_equal(a, b) for a, b in pairs]).all()
    return all(np.array_equal(a, b) for a, b in pairs)


def _unequal(self: Any, other: Any) -> Any:
    same = _equal(self, other)
    if same is NotImplemented:
        return same
    return not same if isinstance(same, bool) else ~same


def _tuples(value: Any) -> Any:
    """JSON has lists where the fields have tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
