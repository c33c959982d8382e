"""From ``config.model`` to a network, with every value checked, and to its variables."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxsparse import SparseTensor, geometry
from jaxsparse.errors import InputError
from jaxsparse.models.backbones import BACKBONES
from jaxsparse.models.fields import settings_of
from jaxsparse.models.heads import HEADS
from jaxsparse.models.network import Network
from jaxsparse.rules import COUNT, Setting, check_setting, whole

# What is said of the images beside the network: both shape its parameters.
IMAGES = {
    "dim": Setting(2, whole(2, 3), "spatial axes of the images"),
    "in_channels": Setting(1, COUNT, "values of a pixel"),
}
_ADD_FIRST = "; a head of your own must be in jaxsparse.models.HEADS first"


def build(config: Mapping[str, Any], axis_name: str | None = None) -> Network:
    """The network that ``config.model`` describes.

    Args:
      config: ``name`` of a backbone and any of its fields; ``heads``, a dictionary of heads by
        name with their fields; ``dim`` and ``in_channels`` of the images. A dictionary or a
        ConfigDict; what is left out has the default of its field.
      axis_name: mapped axis over which batch norm sums its moments (None: one device).

    Raises:
      InputError: an unknown name or key, a value that the network cannot have, or a head that tells
        particles apart without the head ``semantic``.

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
            raise InputError(f"model.heads.{head} is no head: {_nearest(head, HEADS)}{_ADD_FIRST}")
        _check(f"head {head}", fields, settings_of(HEADS[head]), f"model.heads.{head}.")
        made[head] = HEADS[head](**fields)
        if HEADS[head].tells_particles and "semantic" not in heads:
            raise InputError(
                f"model.heads has {head} but not semantic: particles are told apart among pixels "
                "that have classes, add the head semantic"
            )
    return Network(BACKBONES[name](**backbone, axis_name=axis_name), made)


def initializer(config: Mapping[str, Any]) -> Callable[[jax.Array], dict[str, Any]]:
    """``key -> variables``: the draw of the parameters of a network; traceable.

    It depends on the key alone, not on any data: one site is enough to find the shapes.

    Args:
      config: ``config.model``.
    """
    network = build(config)

    def single_site(dim: int) -> tuple[Any, Any]:
        x = SparseTensor(
            coords=jnp.zeros((1, 1 + dim), jnp.int32),
            features=jnp.ones((1, config["in_channels"]), jnp.float32),
            num_active=jnp.ones((), jnp.int32),
            spatial_shape=(2**network.levels,) * dim,
            batch_size=1,
            stride=(1,) * dim,
        )
        return x, geometry(x, levels=network.levels, kernels=network.kernels)

    def inputs() -> tuple[Any, Any, Any]:
        views = {dim: single_site(dim) for dim in sorted({*axes})}
        images, geometries = zip(*(views[dim] for dim in axes), strict=True)
        others = network.views - 1 if network.lifts else 0
        return images, geometries, (jnp.zeros(1, jnp.int32),) * others

    axes = network.backbone.axes(config["dim"])
    # lazy_init computes from shapes: compiling a whole forward pass to throw it away is slow.
    shapes = jax.eval_shape(inputs)

    def draw(key: jax.Array) -> dict[str, Any]:
        variables = network.lazy_init(key, *shapes, train=False)
        return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}

    return draw


def init_variables(config: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Parameters and running moments of the network of a ``config.model``, drawn from ``seed``."""
    # It runs once, so what it costs is its compilation: a program a parameter shape.
    draw = jax.jit(initializer(config), compiler_options={"xla_backend_optimization_level": 0})
    return draw(jax.random.PRNGKey(seed))


def defaults(name: str, heads: Iterable[str]) -> dict[str, Any]:
    """A ``config.model`` with every key and its default.

    Args:
      name: of a backbone.
      heads: names of heads.

    Raises:
      InputError: no such backbone or head.

    >>> sorted(defaults("uresnet", ["semantic"]))[:4], defaults("uresnet", ["semantic"])["heads"]
    (['activation', 'blocks', 'coordinate_inputs', 'depth'], {'semantic': {'num_classes': 5}})
    """

    if name not in BACKBONES:
        raise InputError(f"network is {name!r}: no such network, {_nearest(name, BACKBONES)}")
    heads = tuple(heads)
    for head in heads:
        if head not in HEADS:
            raise InputError(f"head is {head!r}: no such head, {_nearest(head, HEADS)}{_ADD_FIRST}")

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


def view_axes(config: Mapping[str, Any]) -> tuple[int, ...]:
    """Spatial axes of the images of every view of the network of a ``config.model``.

    >>> view_axes({"name": "uresnet", "views": 2, "dim": 3, "heads": {"semantic": {}}})
    (3, 3)
    >>> view_axes({"name": "lifted_uresnet", "views": 3, "dim": 3, "heads": {"semantic": {}}})
    (2, 2, 3)
    """
    return build(config).backbone.axes(int(config.get("dim", IMAGES["dim"].default)))


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
