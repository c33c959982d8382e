"""Config files: Python with a function ``get_config``, given by path or, as a recipe, by name."""

from __future__ import annotations

import difflib
import inspect
import runpy
import traceback
from pathlib import Path

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.paths import user_path

_RECIPES = Path(__file__).with_name("recipes")


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with the package, sorted.

    >>> "smoke" in recipe_names()
    True
    """
    return tuple(sorted(path.stem for path in _RECIPES.glob("*.py") if path.stem != "__init__"))


def config_path(text: str, name: str = "config") -> str:
    """The file of what a user typed: the path of one, or the name of a recipe.

    A file that exists wins over a recipe of its name.

    Args:
      text: ``FILE`` or ``RECIPE``, or either with ``:TEXT``, which is passed to ``get_config``.
      name: of the flag, for messages.

    Returns:
      The path, with ``:TEXT`` where there was one.

    Raises:
      InputError: neither a file nor a recipe.

    >>> Path(config_path("smoke")).name
    'smoke.py'
    >>> config_path("smok")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: --config=smok: neither a file nor a recipe, did you mean smoke?
    """
    typed, *rest = text.split(":", 1)
    file = user_path(typed, f"--{name}")
    if not file.is_file():
        if typed not in recipe_names():
            raise InputError(f"--{name}={text}: neither a file nor a recipe, {_nearest(file)}")
        file = _RECIPES / f"{typed}.py"
    return ":".join([str(file), *rest])


def load_config(text: str) -> ConfigDict:
    """What ``get_config`` of a config file returns.

    Args:
      text: as :func:`config_path` takes it.

    Raises:
      InputError: something after a colon, of which this config knows nothing.

    >>> load_config("smoke").model.filters
    8
    """
    file, *rest = config_path(text).split(":", 1)
    get_config = runpy.run_path(file)["get_config"]
    if rest and not inspect.signature(get_config).parameters:
        raise InputError(f"get_config of {file} takes nothing, leave out :{rest[0]}")
    return get_config(*rest)


def load_checked(text: str, name: str = "config") -> ConfigDict:
    """:func:`load_config`, with whatever is wrong with the file in one line.

    A config file is a program that the user wrote: any exception in it is for the user to mend.

    Args:
      text: as :func:`config_path` takes it.
      name: of the flag, for messages.

    Raises:
      InputError: it cannot be run, or returns no config.
    """
    path = config_path(text, name)
    remedy = "like jaxsparse/recipes/smoke.py."
    try:
        config = load_config(path)
    except InputError as error:
        raise InputError(f"--{name}={text}: {error}") from None
    except Exception as error:
        file = path.split(":", 1)[0]
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == file]
        place = f" in line {lines[-1]}" if lines else ""
        raise InputError(
            f"--{name}={text}: the file cannot be used ({type(error).__name__}{place}: {error}), "
            f"it must be Python with a function get_config, {remedy}"
        ) from None
    if not isinstance(config, ConfigDict):
        raise InputError(
            f"--{name}={text}: get_config returns {type(config).__name__}, it must return a "
            f"ConfigDict, {remedy}"
        )
    return config


def _nearest(file: Path) -> str:
    """What may have been meant by a path that is no file."""
    names = recipe_names()
    if str(file.parent) == "." and not file.suffix:
        near = difflib.get_close_matches(str(file), names, n=1)
        return f"did you mean {near[0]}?" if near else f"recipes are {', '.join(names)}."
    near = difflib.get_close_matches(str(file), map(str, file.parent.glob("*.py")), n=1)
    return f"did you mean {near[0]}?" if near else "give the path of a config file, or a recipe."
