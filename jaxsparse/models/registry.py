"""From ``config.model`` to a network, with every value checked."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from jaxsparse.errors import InputError
from jaxsparse.models.backbones import BACKBONES
from jaxsparse.models.fields import settings_of
from jaxsparse.models.heads import HEADS
from jaxsparse.models.network import Network
from jaxsparse.settings import COUNT, Setting, check_setting, whole

# What is said of the images beside the network: both shape its parameters.
IMAGES = {
    "dim": Setting(2, whole(2, 3), "spatial axes of the images"),
    "in_channels": Setting(1, COUNT, "values of a pixel"),
}


def build(config: Mapping[str, Any], axis_name: str | None = None) -> Network:
    """The network that ``config.model`` describes.

    Args:
      config: ``name`` of a backbone and any of its fields; ``heads``, a dictionary of heads by
        name with their fields; ``dim`` and ``in_channels`` of the images. A dictionary or a
        ConfigDict; what is left out has the default of its field.
      axis_name: mapped axis over which batch norm sums its moments (None: one device).

    Raises:
      InputError: an unknown name or key, or a value that the network cannot have.

    >>> build({"name": "uresnet", "filters": 16, "heads": {"semantic": {}}}).backbone.filters
    16
    >>> build({"name": "uresnet", "depht": 3, "heads": {"semantic": {}}})
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: model.depht is not a setting of uresnet: did you mean model.depth?
    """
    values = {key: _plain(value) for key, value in config.items()}
    name, heads = values.pop("name", None), values.pop("heads", {})
    if name not in BACKBONES:
        raise InputError(f"model.name is {name!r}: no such network, {_nearest(name, BACKBONES)}")
    if not isinstance(heads, Mapping) or not heads:
        raise InputError(
            f"model.heads is {heads!r}: give at least one of {', '.join(HEADS)} with its settings"
        )
    _check(name, values, settings_of(BACKBONES[name]) | IMAGES, "model.")
    backbone = {key: value for key, value in values.items() if key not in IMAGES}
    made = {}
    for head, fields in heads.items():
        if head not in HEADS:
            raise InputError(f"model.heads.{head} is no head: {_nearest(head, HEADS)}")
        _check(f"head {head}", fields, settings_of(HEADS[head]), f"model.heads.{head}.")
        made[head] = HEADS[head](**fields)
    return Network(BACKBONES[name](**backbone, axis_name=axis_name), made)


def defaults(name: str, heads: Iterable[str]) -> dict[str, Any]:
    """A ``config.model`` with every key and its default.

    Args:
      name: of a backbone.
      heads: names of heads.

    >>> sorted(defaults("uresnet", ["semantic"]))[:4], defaults("uresnet", ["semantic"])["heads"]
    (['activation', 'blocks', 'coordinate_inputs', 'depth'], {'semantic': {'num_classes': 5}})
    """

    def of(settings: Mapping[str, Setting]) -> dict[str, Any]:
        return {key: setting.default for key, setting in settings.items()}

    return {
        "name": name,
        **of(IMAGES),
        **of(settings_of(BACKBONES[name])),
        "heads": {head: of(settings_of(HEADS[head])) for head in heads},
    }


def geometry_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the network needs of a view's geometry, the arguments of :func:`jaxsparse.geometry`.

    >>> geometry_of({"name": "uresnet", "depth": 4, "heads": {"semantic": {}}})
    {'levels': 4, 'kernels': (3,)}
    """
    network = build(config)
    return {"levels": network.levels, "kernels": network.kernels}


def _plain(value: Any) -> Any:
    """Lists, as files of configs have them, as tuples; ConfigDicts as dictionaries."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return {k: _plain(v) for k, v in value.items()} if hasattr(value, "items") else value


def _check(
    owner: str, values: Mapping[str, Any], settings: Mapping[str, Setting], prefix: str
) -> None:
    for key, value in values.items():
        if key not in settings:
            suggestion = _nearest(key, settings, prefix=prefix)
            raise InputError(f"{prefix}{key} is not a setting of {owner}: {suggestion}")
        check_setting(prefix + key, value, settings[key])


def _nearest(name: Any, known: Iterable[str], prefix: str = "") -> str:
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    return f"must be one of {', '.join(names)}"
