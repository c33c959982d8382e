"""Which arrays of a network are of which head, and of which classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.settings import CLASSES_OF
from jaxsparse.training.arrays import Shape, by_path, shapes_of


def network_shapes(model: Mapping[str, Any]) -> dict[str, Shape]:
    """Shape of every array of the network of a ``config.model``, by path."""
    return shapes_of(by_path(jax.eval_shape(models.initializer(model), jax.random.PRNGKey(0))))


def head_of(path: str) -> str:
    """The head that an array belongs to; empty for the backbone.

    >>> head_of("params/heads/semantic/scores/weights"), head_of("params/backbone/stem/weights")
    ('semantic', '')
    """
    _, part, name, *_ = path.split("/")
    return name if part == "heads" else ""


def last_layer(config: ConfigDict, head: str) -> set[str]:
    """Paths of the arrays of a head that would be longer with one class more."""
    if head not in CLASSES_OF:
        return set()
    here = network_shapes(config.model)
    larger = config.model.copy_and_resolve_references()
    larger.heads[head].num_classes += 1
    changed = {path for path, shape in network_shapes(larger).items() if shape != here[path]}
    return {path for path in changed if head_of(path) == head}  # others may read its classes


def class_names(config: ConfigDict, head: str) -> tuple[str, ...]:
    """Names of the classes of a head; none where an older config does not say them."""
    return tuple(map(str, config.data.get(CLASSES_OF[head], ()))) if head in CLASSES_OF else ()
