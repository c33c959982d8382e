"""What a command line says of a config: ``--config=RECIPE`` and ``--config.KEY=VALUE``."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.meant_keys import as_meant, meant_keys
from jaxsparse.paths import given_twice
from jaxsparse.settings import RENAMED, defaults, flatten

_WORDS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_OF_EVERY_RECIPE = ("data", "optimizer", "train")  # groups that have the same keys in each
_OF_ONE_FILE = ("data.train", "data.validation")
_FLAG = re.compile(r"--?[A-Za-z]")


@dataclasses.dataclass(frozen=True)
class TypedConfig:
    """A config as it was typed.

    Attributes:
      recipe: name of a recipe, or a config file, as :func:`~jaxsparse.config_file.config_path`
        takes them.
      keys: what was typed for each dotted key; ``None`` where nothing but the key was.
    """

    recipe: str
    keys: Mapping[str, str | None] = dataclasses.field(default_factory=dict)


def take_keys(argv: Sequence[str], name: str) -> tuple[list[str], dict[str, str | None]]:
    """Parts a command line into what sets keys of a config, and the rest.

    Args:
      argv: arguments.
      name: of the flag of the config.

    Returns:
      The rest, and what was typed for each key; the last one counts.

    Raises:
      InputError: two files for a key that names one: the last would go unnoticed for both.

    >>> take_keys(["--config=smoke", "--config.seed=3", "--config.train.steps", "5"], "config")
    (['--config=smoke'], {'seed': '3', 'train.steps': '5'})
    >>> take_keys(["--noconfig.model.remat", "--config.data.flip_time", "--workdir=w"], "config")
    (['--workdir=w'], {'model.remat': 'false', 'data.flip_time': None})
    """
    rest: list[str] = []
    keys: dict[str, str | None] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            return [*rest, word, *words], keys
        match = re.fullmatch(rf"--?(no)?{name}\.([^=]*)(?:=(.*))?", word, re.DOTALL)
        if not match:
            rest.append(word)
            continue
        negated, key, text = match.groups()
        if negated and text is None:
            text = "false"
        elif text is None and words and not _FLAG.match(words[0]):
            text = words.pop(0)
        if key in _OF_ONE_FILE and keys.get(key, text) != text:
            raise InputError(given_twice(f"--config.{key}", keys[key], text))
        keys[key] = text
    return rest, keys


def set_key(config: ConfigDict, key: str, text: str | None) -> None:
    """Sets a key of a config to what was typed for it, with the type of the value it has.

    Args:
      config: that is changed.
      key: with dots.
      text: as typed; tuples as ``A,B`` or as Python writes them. ``None`` is true.

    Raises:
      InputError: no such key, or no value of its type.

    >>> config = ConfigDict({"data": {"views": ("Y",), "low": 10.0}})
    >>> set_key(config, "data.views", "front,left")
    >>> config.data.views
    ('front', 'left')
    >>> set_key(config, "data.low", "many")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: --config.data.low=many: must be of type float, like 10.0.
    """
    check_key(config, key, text)
    *groups, name = key.split(".")
    for group in groups:
        config = config[group]
    default = config[name]
    if isinstance(default, ConfigDict):
        if key == "model.heads":
            raise InputError(
                f"--config.{key}={text}: heads are chosen in a recipe of your own, by "
                'default_config("uresnet", ("event", "semantic")), see docs/own_detector.md.'
            )
        like = as_meant(key, text) if meant_keys(key) != (key,) else ""
        like = like or f"--config.{key}.{min(default)}"
        raise InputError(f"--config.{key}={text}: is a group, set one key of it, like {like}.")
    if text is None and not isinstance(default, bool):
        raise InputError(f"--config.{key} needs a value: write --config.{key}=VALUE.")
    try:
        config[name] = parsed("true" if text is None else text, default)
    except ValueError:
        kind = type(default).__name__
        like = as_text(default) if isinstance(default, tuple) else default
        raise InputError(f"--config.{key}={text}: must be of type {kind}, like {like}.") from None


def check_typed(typed: TypedConfig) -> None:
    """Refuses keys and types that no recipe takes, before a network is loaded, which takes seconds.

    Keys of networks and objectives depend on the recipe: they are checked when it is loaded.

    Raises:
      InputError: as :func:`set_key`.

    >>> check_typed(TypedConfig("smoke", {"train.steps": "ten"}))
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: --config.train.steps=ten: must be of type int, like 15999.
    """
    config = ConfigDict(defaults() | {group: defaults(group) for group in _OF_EVERY_RECIPE})
    known = {key for key, _ in flatten(config)}
    for key, text in typed.keys.items():
        group, dot, _ = key.partition(".")
        if group in _OF_EVERY_RECIPE or (not dot and known.intersection(meant_keys(key))):
            set_key(config, key, text)


def parsed(text: str, default: Any) -> Any:
    """What a text says, as a value of the type of another.

    Raises:
      ValueError: it cannot be one.

    >>> parsed("1", 0.5), parsed("true", False), parsed("(256, 256)", (512, 512)), parsed("a,b", ())
    (1.0, True, (256, 256), ('a', 'b'))
    """
    if isinstance(default, bool):
        if text.lower() not in _WORDS:
            raise ValueError(text)
        return _WORDS[text.lower()]
    if isinstance(default, tuple):
        return _parsed_tuple(text, default)
    return type(default)(text)


def as_text(value: Any) -> str:
    """A value as it may be typed, which :func:`parsed` reads.

    >>> as_text(("front", "left")), as_text(()), as_text(((1, 2), (3, 4))), as_text(True)
    ('front,left', '()', '((1, 2), (3, 4))', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, tuple):
        return str(value)
    plain = value and all(isinstance(item, int | float | str) for item in value)
    joined = ",".join(map(str, value))
    return joined if plain and parsed(joined, value) == value else repr(value)


def as_flags(recipe: str, config: ConfigDict) -> str:
    """A config as the command line that makes it of a recipe, a flag a line, as ``--flagfile`` has.

    >>> print(as_flags("smoke", ConfigDict({"seed": 1, "data": {"views": ("front", "left")}})))
    --config=smoke
    --config.data.views=front,left
    --config.seed=1
    """
    keys = (f"--config.{key}={as_text(value)}" for key, value in flatten(config))
    return "\n".join([f"--config={recipe}", *keys])


def check_key(config: ConfigDict, key: str, text: str | None = None) -> None:
    """Raises ``InputError`` with the nearest right name unless ``config`` has the dotted ``key``.

    Args:
      config: of a training.
      key: with dots.
      text: what was typed for it, to be said again with the right name.

    >>> check_key(ConfigDict({"data": {"train": ""}}), "data.trian")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: --config.data.trian: no such key, did you mean --config.data.train?
    """
    if key in RENAMED:
        raise InputError(f"--config.{key}: it is gone, set {RENAMED[key]}.")
    node: Any = config
    known = ""
    for part in key.split("."):
        if not isinstance(node, ConfigDict) or part not in node:
            break
        node, known = node[part], f"{known}{part}."
    else:
        return
    leaves = [leaf for leaf, _ in flatten(config)]
    near = _nearest(key, leaves) or next((one for one in meant_keys(key) if one in leaves), "")
    beside = [leaf for leaf in leaves if leaf.startswith(known)] or leaves
    value = "" if text is None else f"={text}"
    remedy = f"did you mean --config.{near}{value}?" if near else f"known are {', '.join(beside)}."
    raise InputError(f"--config.{key}: no such key, {remedy}")


def _nearest(key: str, leaves: Sequence[str]) -> str:
    """The usual slips are in the last word, or in the group that it belongs to.

    >>> leaves = ["data.classes", "heads.semantic.num_classes", "optimizer.learning_rate"]
    >>> _nearest("heads.semantic.classes", leaves), _nearest("train.learning_rate", leaves)
    ('heads.semantic.num_classes', 'optimizer.learning_rate')

    The name of a group that there is makes no two of its keys alike.

    >>> _nearest("optimizer.width", leaves)
    ''
    """
    group, _, word = key.rpartition(".")
    words = {leaf.rpartition(".")[2]: leaf for leaf in leaves if leaf.rpartition(".")[0] == group}
    if near := difflib.get_close_matches(word, words, n=1):
        return words[near[0]]
    same_word = [leaf for leaf in leaves if leaf.rpartition(".")[2] == word]
    if words and not same_word:
        return ""
    cutoff = 0.0 if same_word else 0.6
    return next(iter(difflib.get_close_matches(key, same_word or leaves, n=1, cutoff=cutoff)), "")


def _parsed_tuple(text: str, default: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        items = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # names without quotes
        items = [item.strip() for item in text.strip(" ()[]").split(",")]
        items = [item for item in items if item]
    items = _tuples(items if isinstance(items, list | tuple) else [items])
    if not default:
        return items
    kind = type(default[0])
    if kind is float:
        items = tuple(float(item) if isinstance(item, int) else item for item in items)
    if kind is str:
        items = tuple(str(item) if isinstance(item, int | float) else item for item in items)
    if any(type(item) is not kind for item in items):
        raise ValueError(text)
    return items


def _tuples(items: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_tuples(item) if isinstance(item, list | tuple) else item for item in items)
