"""The cookbook and the page of trainings run as they stand."""

import dataclasses
import pathlib
import re

import jax
import jax.numpy as jnp
import pytest
from jax import export
from jax.experimental import jet

import jaxsparse

DOCS = pathlib.Path(__file__).parents[1] / "docs"


def run(page):
    """What the blocks of a page leave behind."""
    path = DOCS / f"{page}.md"
    text = path.read_text(encoding="utf-8")
    space: dict = {}
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S):
        above = "\n" * text.count("\n", 0, block.start(1))  # an error names the line of the page
        exec(compile(above + block.group(1), str(path), "exec"), space)
    return space


@pytest.fixture(scope="module")
def names():
    return run("cookbook")


def test_every_block_of_the_cookbook_runs_and_its_assertions_hold(names):
    assert names["spread"] > 0


def test_every_block_of_the_page_of_trainings_runs_and_its_assertions_hold():
    assert run("own_training")["last"] > 0


def test_taylor_mode_does_not_pass_as_the_page_says(names):
    weights = names["params"]
    leaves, treedef = jax.tree.flatten(weights)

    def loss(*leaves):
        return names["loss"](jax.tree.unflatten(treedef, leaves), names["x"], names["labels"])

    with pytest.raises(KeyError, match="sparse_convolution"):
        jet.jet(loss, leaves, [[w] for w in leaves])


def test_open_shapes_do_not_pass_as_the_page_says(names):
    (rows,) = export.symbolic_shape("rows")
    x = names["x"]
    given = dataclasses.replace(
        x,
        coords=jax.ShapeDtypeStruct((rows, 3), jnp.int32),
        features=jax.ShapeDtypeStruct((rows, 1), jnp.float32),
    )
    program = jax.jit(lambda x: jaxsparse.geometry(x, levels=1, kernels=(3,)))
    with pytest.raises(TypeError, match="'_DimExpr' object cannot be interpreted as an integer"):
        export.export(program)(given)
