"""Beginning a run with the parameters of another one: pre-training."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.checkpoint import FOLDER, load_for_evaluation
from jaxsparse.training.step import initializer
from jaxsparse.training.task import Task
from jaxsparse.training.workdir import CONFIG_FILE

_Shape = tuple[int, ...] | str  # "absent" where there is none


@dataclasses.dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
      arrays: parameters and running moments by path, without those to be drawn anew.
      fact: where they are from, and what is drawn anew, in words.
    """

    arrays: dict[str, np.ndarray]
    fact: str

    def applied_to(self, variables: dict[str, Any]) -> dict[str, Any]:
        """``variables`` with these arrays in their places."""
        return jax.tree_util.tree_map_with_path(
            lambda path, leaf: self.arrays.get(_name(path), leaf), variables
        )


def read_beginning(config: ConfigDict, task: Task) -> Beginning:
    """Reads what ``train.start_from`` names: ``params`` and ``batch_stats`` of a checkpoint.

    The last layer is left out where the number of classes differs: of every array whose last axis
    is the classes, there as here. Nothing else of the other run is used, neither its optimiser nor
    its place in the data.

    Args:
      config: ``train.start_from`` is a work directory (its best checkpoint; the latest where none
        was validated) or one checkpoint in it, ``WORKDIR/checkpoints/N``.
      task: of the run that begins.

    Raises:
      InputError: nothing to read there, or the parameters of another network.
    """
    place = pathlib.Path(config.train.start_from)
    one = place.parent.name == FOLDER
    workdir, wanted = (place.parents[1], place.name) if one else (place, "best")
    if not (workdir / CONFIG_FILE).is_file():
        raise InputError(
            f"train.start_from is {place}: {workdir / CONFIG_FILE} is missing, it must be a "
            f"directory that train.py made, or WORKDIR/{FOLDER}/STEP"
        )
    source, _, variables, step = load_for_evaluation(workdir, wanted)
    there = {path: np.asarray(leaf) for path, leaf in _by_path(variables).items()}
    shapes = jax.eval_shape(initializer(task), jax.random.PRNGKey(config.seed))
    here = {path: tuple(leaf.shape) for path, leaf in _by_path(shapes).items()}
    classes = source.model.num_classes, config.model.num_classes
    anew = [
        path
        for path, shape in here.items()
        if path in there and _differ_in_classes(there[path].shape, shape, *classes)
    ]
    _compare(config, step, {path: leaf.shape for path, leaf in there.items()}, here, set(anew))
    fact = f"step {step} of {workdir}"
    if anew:
        layer = anew[0].removeprefix("params/").rpartition("/")[0]
        fact += f", {layer} drawn anew: {classes[0]} classes there, {classes[1]} here"
    return Beginning({path: there[path] for path in here if path not in anew}, fact)


def _differ_in_classes(
    there: tuple[int, ...], here: tuple[int, ...], classes_there: int, classes_here: int
) -> bool:
    """Whether two arrays differ as those of a last layer do for other numbers of classes."""
    last = there[-1:], here[-1:]
    return there[:-1] == here[:-1] and there != here and last == ((classes_there,), (classes_here,))


def _compare(
    config: ConfigDict,
    step: int,
    there: dict[str, tuple[int, ...]],
    here: dict[str, tuple[int, ...]],
    anew: set[str],
) -> None:
    """Refuses another network, naming the first parameter of those in alphabetical order."""
    for path in sorted(here.keys() | there.keys(), key=_parameters_first):
        if path in anew:
            continue
        theirs: _Shape = there.get(path, "absent")
        ours: _Shape = here.get(path, "absent")
        if theirs != ours:
            raise InputError(
                f"train.start_from is {config.train.start_from}, whose checkpoint {step} is of "
                f"another network: {path} is {theirs} there and {ours} here, set config.model as "
                "it was there."
            )


def _by_path(variables: dict[str, Any]) -> dict[str, Any]:
    """Every array by its path, parameters before running moments."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(variables)
    named = {_name(path): leaf for path, leaf in leaves}
    return {path: named[path] for path in sorted(named, key=_parameters_first)}


def _parameters_first(path: str) -> tuple[bool, str]:
    return not path.startswith("params"), path


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
