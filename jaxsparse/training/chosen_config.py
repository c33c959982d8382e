"""From what a command line says to a config: the recipe, the network, the keys, the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.config_file import load_checked
from jaxsparse.data.event_file import EventFile
from jaxsparse.data_settings import num_values
from jaxsparse.detectors import find, known
from jaxsparse.errors import InputError
from jaxsparse.models.backbones.fishnet import FishPlan
from jaxsparse.models.fields import settings_of
from jaxsparse.paths import user_path
from jaxsparse.settings import CLASSES_OF, READ_OF_MODEL
from jaxsparse.training.config import seen_values
from jaxsparse.typed_config import TypedConfig, as_text, set_key


@dataclasses.dataclass(frozen=True)
class ChosenConfig:
    """A config, and where it is not the recipe's without having been typed.

    Attributes:
      config: of a training.
      from_file: by key, what was taken from ``data.train``, as it would be typed.
    """

    config: ConfigDict
    from_file: Mapping[str, str]

    def described(self) -> str:
        """What was taken from the file, in a line."""
        said = " ".join(f"{key}={text}" for key, text in self.from_file.items())
        return f"taken from {self.config.data.train} in place of the recipe's values: {said}"


def chosen_config(typed: TypedConfig) -> ChosenConfig:
    """The config of a command line.

    1. The recipe.
    2. ``model.name``: another network has its own keys, with their defaults.
    3. ``model.preset``: it says again what the recipe may have changed of it.
    4. All other keys that were typed, in any order.
    5. ``data.train``: views, classes and their number, where they were not typed and the file has
       others than the recipe says. With other views, what the file's detector says of the first
       one: ``data.low``, ``high``, ``mean`` and ``std``, unless the recipe has its own.

    Args:
      typed: the command line.

    Raises:
      InputError: a recipe, a key or a value that there is not, or a file that cannot be read.
    """
    config = load_checked(typed.recipe)
    if (name := typed.keys.get("model.name")) in models.BACKBONES:
        _choose_network(config, str(name))
    if typed.keys.get("model.preset") is not None and "preset" in config.model:
        _reset_plan(config)
    recipe = config.data.copy_and_resolve_references()
    for key, text in typed.keys.items():
        _check_network_has(config, key)
        set_key(config, key, text)
    path = config.data.train
    file = EventFile(user_path(path, "config.data.train")) if path else None
    return ChosenConfig(config, _follow(config, file, typed.keys, recipe))


def _choose_network(config: ConfigDict, name: str) -> None:
    """Another backbone, with the heads and the images that the recipe has."""
    before = config.model
    if before.name == name:
        return
    kept = {key: before[key] for key in READ_OF_MODEL if key in before}
    config.model = ConfigDict(models.defaults(name, before.heads) | kept | {"heads": before.heads})


def _check_network_has(config: ConfigDict, key: str) -> None:
    """Says of a key that another network has which one that is."""
    group, _, name = key.rpartition(".")
    if group != "model" or name in config.model:
        return
    others = [other for other, kind in models.BACKBONES.items() if name in settings_of(kind)]
    if others:
        raise InputError(
            f"--config.{key}: is of {' and '.join(others)}, the network here is "
            f"{config.model.name}: leave it out, or choose --config.model.name={others[0]}."
        )


def _reset_plan(config: ConfigDict) -> None:
    for field in dataclasses.fields(FishPlan):
        config.model[field.name] = ()


def _follow(
    config: ConfigDict, file: EventFile | None, typed: Iterable[str], recipe: ConfigDict
) -> dict[str, str]:
    """Fits views, their values and classes, unless typed, to the file and to each other.

    Args:
      config: that is changed.
      file: of ``data.train``.
      typed: keys that stay.
      recipe: ``data`` as the recipe has it.

    Returns:
      What was taken from the file, by key.
    """
    taken: dict[str, str] = {}

    def take(group: ConfigDict, key: str, value: Any, *, of_file: bool = True) -> None:
        *_, name = key.split(".")
        if key not in typed and group[name] != value:
            group[name] = value
            if of_file:
                taken[key] = as_text(value)

    data, model = config.data, config.model
    if file is not None:
        views = file.view_shapes
        if not set(data.views) <= set(views):
            fitting = (view for view, shape in views.items() if len(shape) == model.dim)
            take(data, "data.views", tuple(fitting))
        if not set(recipe.views) <= set(views) and _of_its_detector(recipe) and data.views:
            view = find(file.detector, file.described).views.get(data.views[0])
            for name, value in seen_values(view).items() if view else ():
                take(data, f"data.{name}", value)
        if not set(data.classes) <= set(file.event_classes):
            take(data, "data.classes", tuple(file.event_classes))
        if data.pixel_classes and data.pixel_classes != file.class_names:
            take(data, "data.pixel_classes", tuple(file.class_names))
    take(model, "model.views", len(data.views), of_file=False)
    values = num_values(data.further, data.gathered, data.gathered_further)
    take(model, "model.in_channels", values, of_file=False)
    stored = {
        "classes": file.event_classes if file else (),
        "pixel_classes": file.class_names if file else (),
    }
    for head in model.heads:
        named_by = CLASSES_OF.get(head, "")
        chosen = data[named_by] if named_by else ()
        if names := chosen or stored.get(named_by):
            key = f"model.heads.{head}.num_classes"
            take(model.heads[head], key, len(names), of_file=not chosen)
    return taken


def _of_its_detector(data: ConfigDict) -> bool:
    """Whether a recipe's mask and scale are what a known detector says of the recipe's view."""
    name = data.views[0]
    views = (detector.views[name] for detector in known().values() if name in detector.views)
    return any(seen_values(view).items() <= dict(data).items() for view in views)
