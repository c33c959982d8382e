"""Beginning a run with the parameters of another one: pre-training."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.data.other_views import other_views
from jaxsparse.errors import InputError
from jaxsparse.settings import CLASSES_OF
from jaxsparse.training.arrays import Shape, by_path, first_difference, name_of, shapes_of
from jaxsparse.training.checkpoint_folder import checkpoint_steps
from jaxsparse.training.head_arrays import class_names, head_of, last_layer, network_shapes
from jaxsparse.training.trained import load_trained
from jaxsparse.training.workdir import Input, read_config, read_inputs

_KEY = "train.start_from"


@dataclasses.dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
      arrays: parameters and running moments by path, as the other run has them.
      orders: of last layers, by path: of every class here, its place there; -1: to be drawn anew.
      fact: where they are from, which parts are kept and which drawn anew, in words.
      content: a word that is the same for the same parameters and moments.
    """

    arrays: dict[str, np.ndarray]
    orders: dict[str, tuple[int, ...]]
    fact: str
    content: str

    def applied_to(self, variables: dict[str, Any]) -> dict[str, Any]:
        """``variables``, freshly drawn, with these arrays in their places."""

        def begin(path: Any, drawn: Any) -> Any:
            name = name_of(path)
            array, order = self.arrays.get(name, drawn), np.array(self.orders.get(name, ()))
            return np.where(order >= 0, array[..., order], drawn) if len(order) else array

        return jax.tree_util.tree_map_with_path(begin, variables)


def beginning(
    config: ConfigDict, workdir: pathlib.Path, inputs: dict[str, Input]
) -> Beginning | None:
    """What ``train.start_from`` gives a run, and a word for its content in ``inputs``.

    A run that goes on reads it only where its path is another one than before: to see whether it
    is the same. Its parameters are then those of its own checkpoint all the same.

    Args:
      config: of the run.
      workdir: of the run.
      inputs: of the run; the entry of ``train.start_from`` is completed.

    Returns:
      None where it need not be read.
    """
    here = inputs[_KEY]
    if checkpoint_steps(workdir):
        before = read_inputs(workdir, read_config(workdir)).get(_KEY)
        if before is not None and before.path == here.path:
            inputs[_KEY] = before
            return None
    found = read_beginning(config)
    inputs[_KEY] = Input(here.path, found.content)
    return found


def read_beginning(config: ConfigDict) -> Beginning:
    """Reads what ``train.start_from`` names: ``params`` and ``batch_stats`` of a checkpoint.

    The backbone must be the other run's. What only heads of this run read of it is drawn anew, and
    so is a head that the other run has not, or with other fields that shape its arrays.

    The last layer of a head goes by the names of the classes: one that both runs have keeps its
    column, one that is new here is drawn anew. Without names (older configs have none)
    the columns are kept as they are where there are as many, and all drawn anew elsewhere. Nothing
    else of the other run is used, neither its optimiser nor its place in the data.

    Args:
      config: ``train.start_from`` is what :func:`~jaxsparse.training.trained.load_trained` takes:
        of a work directory its best checkpoint, the latest where none was validated.

    Raises:
      InputError: nothing to read there, or the parameters of another backbone.
    """
    place = config.train.start_from
    source, _, variables, step = load_trained(place, name="train.start_from")
    there, here = by_path(variables), network_shapes(config.model)
    there = {path: np.asarray(leaf) for path, leaf in there.items()}
    key, difference = _backbone_difference(shapes_of(there), source.model, config.model)
    if difference:
        if key == "views" and config.data.train:
            chosen, read = tuple(config.data.views), tuple(source.data.views)
            lacks = (
                f"it reads {', '.join(read)} but data.views is {', '.join(chosen)}: choose "
                f"--config.data.views={','.join(read)}"
                if set(read) <= set(chosen)
                else other_views(str(config.data.train), chosen, read)
            )
            raise InputError(
                f"train.start_from is {place}: {lacks}, or begin without it, "
                "--config.train.start_from="
            )
        raise InputError(
            f"train.start_from is {config.train.start_from}, whose checkpoint {step} is of another "
            f"network: {difference}, set config.model as it was there."
        )
    arrays = {path: there[path] for path in here if path in there and not head_of(path)}
    orders: dict[str, tuple[int, ...]] = {}
    kept, anew = ["backbone"], []
    if any(path not in there and not head_of(path) for path in here):
        anew.append("what the heads there do not read of the backbone")
    for head in config.model.heads:
        own = {path for path in here if head_of(path) == head}
        last = last_layer(config, head)
        before = {path for path in there if head_of(path) == head}
        if not before:
            anew.append(f"{head} (no such head there)")
        elif models.HEADS[head].reads_classes and _other_classes(source, config):
            anew.append(f"{head} (other classes of pixels there)")
        elif own != before or not all(_fits(there[p].shape, here[p], p in last) for p in own):
            anew.append(f"{head} (other fields there)")
        else:
            kept.append(head)
            arrays |= {path: there[path] for path in own}
            order = _order(source, config, head)
            orders |= dict.fromkeys(last, order)
            anew += _new_classes(order, source, config, head)
    fact = f"step {step} of {place}: {', '.join(kept)}"
    if anew:
        fact += f"; drawn anew: {', '.join(anew)}"
    return Beginning(arrays, orders, fact, _content(there))


def _content(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(arrays):
        digest.update(path.encode())
        digest.update(np.ascontiguousarray(arrays[path]).tobytes())
    return digest.hexdigest()


def _fits(there: Shape, here: Shape, is_last: bool) -> bool:
    """Whether an array can be kept; the last axis of a last layer is its classes."""
    return there[:-1] == here[:-1] if is_last else there == here


def _backbone_difference(
    there: Mapping[str, Shape], source: Mapping[str, Any], model: Mapping[str, Any]
) -> tuple[str, str]:
    """Why this run's backbone with the other run's heads has not the arrays there: by which key of
    ``model``, if it is one, and in words; both empty where it has.
    """
    if source["name"] != model["name"]:
        return "name", f"model.name is {source['name']!r} there and {model['name']!r} here"
    wanted = {**model, "heads": source["heads"]}
    shapes = network_shapes(wanted)
    if there == shapes:
        return "", ""
    for key, value in source.items():
        if value != wanted[key]:
            try:
                matters = network_shapes({**wanted, key: value}) != shapes
            except InputError:  # other keys have to change with it
                matters = True
            if matters:
                return key, f"model.{key} is {value!r} there and {model[key]!r} here"
    return "", first_difference(there, shapes)


def _order(source: ConfigDict, config: ConfigDict, head: str) -> tuple[int, ...]:
    """Of every class of a head here, its place among the other run's; -1 where it has none."""
    if head not in CLASSES_OF:
        return ()
    theirs, ours = class_names(source, head), class_names(config, head)
    if theirs and ours:
        return tuple(theirs.index(name) if name in theirs else -1 for name in ours)
    number = config.model.heads[head].num_classes
    same = number == source.model.heads[head].num_classes
    return tuple(range(number)) if same else (-1,) * number


def _other_classes(source: ConfigDict, config: ConfigDict) -> bool:
    """Whether the classes of pixels here are others than those there, or in another order."""
    if "semantic" not in source.model.heads:
        return True
    return _order(source, config, "semantic") != tuple(
        range(source.model.heads.semantic.num_classes)
    )


def _new_classes(
    order: tuple[int, ...], source: ConfigDict, config: ConfigDict, head: str
) -> list[str]:
    """What of a last layer is drawn anew, in words; nothing where all of it is kept."""
    if min(order, default=0) >= 0:
        return []
    if max(order) >= 0:
        names = class_names(config, head)
        return [f"{names[place]} of {head}" for place, old in enumerate(order) if old < 0]
    theirs, ours = (each.model.heads[head].num_classes for each in (source, config))
    return [f"the last layer of {head} ({theirs} classes there, {ours} here)"]
