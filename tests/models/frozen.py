"""Parameter paths and shapes of the recipes' networks, as lines of text.

python -m tests.models.frozen      writes tests/models/frozen/ anew: only for new networks
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from flax.traverse_util import flatten_dict

from jaxsparse import models
from jaxsparse.config_file import load_config, recipe_names

FOLDER = Path(__file__).with_name("frozen")
RECIPES = [*recipe_names()]


def lines_of(model: Mapping[str, Any]) -> list[str]:
    """A line a module: its path, and name and shape of each of its arrays."""
    variables = jax.eval_shape(models.initializer(model), jax.random.key(0))
    modules: dict[str, list[str]] = {}
    for path, leaf in flatten_dict(variables).items():
        shape = "x".join(map(str, leaf.shape)) or "scalar"
        modules.setdefault("/".join(path[:-1]), []).append(f"{path[-1]}={shape}")
    return [" ".join([path, *sorted(arrays)]) for path, arrays in sorted(modules.items())]


def model_of(recipe: str) -> Mapping[str, Any]:
    return load_config(recipe).model


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for recipe in RECIPES:
        text = "".join(line + "\n" for line in lines_of(model_of(recipe)))
        (FOLDER / f"{recipe}.txt").write_text(text)
