"""Beginning a run with the parameters of another one: pre-training."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.arrays import by_path, first_difference, name_of, shapes_of
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.checkpoint_folder import FOLDER, checkpoint_steps
from jaxsparse.training.inputs import Input, read_inputs
from jaxsparse.training.step import initializer
from jaxsparse.training.workdir import CONFIG_FILE, read_config

_KEY = "train.start_from"


@dataclasses.dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
      arrays: parameters and running moments by path, without those of last layers.
      scores: arrays of last layers by path, whose last axis is the classes of the other run.
      orders: of every class here, its place in each of ``scores``; -1: to be drawn anew.
      fact: where they are from, and what is drawn anew, in words.
      content: a word that is the same for the same parameters and moments.
    """

    arrays: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    orders: dict[str, tuple[int, ...]]
    fact: str
    content: str

    def applied_to(self, variables: dict[str, Any]) -> dict[str, Any]:
        """``variables``, freshly drawn, with these arrays in their places."""

        def begin(path: Any, drawn: Any) -> Any:
            name = name_of(path)
            if name in self.scores:
                order = np.array(self.orders[name])
                return np.where(order >= 0, self.scores[name][..., order], drawn)
            return self.arrays.get(name, drawn)

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
      None where there is nothing to begin with, or it need not be read.
    """
    here = inputs.get(_KEY)
    if here is None:
        return None
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

    The last layer goes by the names of the classes: one that both runs have keeps its column, one
    that is new here is drawn anew. Without names (an older run may have none in its config) the
    columns are kept as they are where there are as many, and all drawn anew elsewhere. Nothing else
    of the other run is used, neither its optimiser nor its place in the data.

    Args:
      config: ``train.start_from`` is a work directory (its best checkpoint; the latest where none
        was validated) or one checkpoint in it, ``WORKDIR/checkpoints/N``.

    Raises:
      InputError: nothing to read there, or the parameters of another network.
    """
    workdir, wanted = _place(pathlib.Path(config.train.start_from))
    source, _, variables, step = load_for_evaluation(workdir, wanted)
    there = {path: np.asarray(leaf) for path, leaf in by_path(variables).items()}
    here = _shapes(config)
    orders = {head: _order(source, config, head) for head in config.model.heads}
    last = {
        path: order for head, order in orders.items() for path in _last_layer(here, config, head)
    }
    anew = {path for path in last if path in there and there[path].shape[:-1] == here[path][:-1]}
    if difference := first_difference(shapes_of(there), here, anew):
        raise InputError(
            f"train.start_from is {config.train.start_from}, whose checkpoint {step} is of another "
            f"network: {difference}, set config.model as it was there."
        )
    fact = f"step {step} of {workdir}"
    for head, order in orders.items():
        fact += _anew(order, source, config, head)
    return Beginning(
        {path: there[path] for path in here if path not in last},
        {path: there[path] for path in last},
        last,
        fact,
        _content(there),
    )


def _place(path: pathlib.Path) -> tuple[pathlib.Path, str]:
    """(work directory, checkpoint) that a path means: told by what lies there, not by its name."""
    if (path / CONFIG_FILE).is_file():
        return path, "best"
    if len(path.parents) > 1 and (path.parents[1] / CONFIG_FILE).is_file():
        workdir = path.parents[1]
        if path.parent.resolve() == (workdir / FOLDER).resolve():
            return workdir, path.name
    raise InputError(
        f"train.start_from is {path}: {path / CONFIG_FILE} is missing, it must be a directory that "
        f"train.py made, or WORKDIR/{FOLDER}/STEP"
    )


def _content(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(arrays):
        digest.update(path.encode())
        digest.update(np.ascontiguousarray(arrays[path]).tobytes())
    return digest.hexdigest()


def _shapes(config: ConfigDict) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a network, by path."""
    shapes = jax.eval_shape(initializer(config.model), jax.random.PRNGKey(0))
    return shapes_of(by_path(shapes))


def _last_layer(here: dict[str, tuple[int, ...]], config: ConfigDict, head: str) -> set[str]:
    """Paths of the arrays of a head that would be longer with one class more."""
    larger = config.copy_and_resolve_references()
    larger.model.heads[head].num_classes += 1
    return {path for path, shape in _shapes(larger).items() if shape != here[path]}


def _order(source: ConfigDict, config: ConfigDict, head: str) -> tuple[int, ...]:
    """Of every class of a head here, its place among the other run's; -1 where it has none."""
    theirs, ours = _class_names(source, head), _class_names(config, head)
    if theirs and ours:
        return tuple(theirs.index(name) if name in theirs else -1 for name in ours)
    number = config.model.heads[head].num_classes
    return tuple(range(number)) if number == _classes_of(source, head) else (-1,) * number


def _classes_of(config: ConfigDict, head: str) -> int:
    """Number of classes of a head; 0 where there is no such head."""
    heads = config.model.heads
    return int(heads[head].num_classes) if head in heads else 0


def _class_names(config: ConfigDict, head: str) -> tuple[str, ...]:
    """Of whole events; a config does not name the classes of pixels."""
    return tuple(config.data.get("classes", ())) if head == "event" else ()


def _anew(order: tuple[int, ...], source: ConfigDict, config: ConfigDict, head: str) -> str:
    """What of a last layer is drawn anew, in words; nothing where all of it is kept."""
    if min(order) >= 0:
        return ""
    layer = "the last layer" + (f" of {head}" if len(config.model.heads) > 1 else "")
    if max(order) >= 0:
        names = _class_names(config, head)
        new = [names[place] for place, old in enumerate(order) if old < 0]
        return f", {layer}'s {', '.join(new)} drawn anew"
    classes = f"{_classes_of(source, head)} classes there, {_classes_of(config, head)} here"
    return f", {layer} drawn anew: {classes}"
