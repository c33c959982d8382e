"""Arrays of a network or a state by path, and where two sets of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

Shape = tuple[int, ...]


def by_path(tree: Any) -> dict[str, Any]:
    """Every array by its path, such as ``params/backbone/stem/weights``: parameters first.

    >>> by_path({"params": {"b": 2, "a": 1}, "batch_stats": {"a": 3}})
    {'params/a': 1, 'params/b': 2, 'batch_stats/a': 3}
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    named = {name_of(path): leaf for path, leaf in leaves}
    return {path: named[path] for path in sorted(named, key=_parameters_first)}


def name_of(path: Any) -> str:
    """A path of ``jax.tree_util``, in words."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def placed(template: Any, arrays: Mapping[str, Any]) -> Any:
    """Arrays by path in the places of the leaves of a tree.

    Args:
      template: the tree; what its leaves are does not matter.
      arrays: by the path of every leaf.

    >>> placed({"params": {"a": 0, "b": 0}}, {"params/a": 1, "params/b": 2})
    {'params': {'a': 1, 'b': 2}}
    """
    return jax.tree_util.tree_map_with_path(lambda path, _: arrays[name_of(path)], template)


def shapes_of(arrays: Mapping[str, Any]) -> dict[str, Shape]:
    """By path."""
    return {path: tuple(leaf.shape) for path, leaf in arrays.items()}


def sha256_of(text: str, arrays: Mapping[str, Any]) -> str:
    """Of a text and of arrays by path: their names, types, shapes and values."""
    digest = hashlib.sha256(text.encode())
    for path in sorted(arrays):
        values = np.asarray(arrays[path])
        digest.update(f"{path} {values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def first_difference(there: Mapping[str, Shape], here: Mapping[str, Shape]) -> str:
    """In words; empty where all shapes are the same.

    >>> first_difference({"params/a": (2, 3)}, {"params/a": (2, 4), "params/b": (1,)})
    'params/a is (2, 3) there and (2, 4) here'
    """
    for path in sorted(there.keys() | here.keys(), key=_parameters_first):
        theirs, ours = (shapes.get(path, "absent") for shapes in (there, here))
        if theirs != ours:
            return f"{path} is {theirs} there and {ours} here"
    return ""


def _parameters_first(path: str) -> tuple[bool, str]:
    return not path.startswith("params"), path
