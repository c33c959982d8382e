"""Every recipe can be built, states its command, and has the published numbers where it says so."""

import ast
import pathlib

import pytest

from jaxsparse import models
from jaxsparse.command_line import flatten, load_config
from jaxsparse.training.config import default_config
from jaxsparse.training.optimizer import build_optimizer

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "configs").glob("*.py"))
PLANES = {"sparsessnet_u": "U", "sparsessnet_v": "V", "sparsessnet_y": "Y"}


def test_the_recipes_are_there() -> None:
    names = {file.stem for file in FILES}
    assert names >= {*PLANES, "smoke", "sparsessnet_dense_y", "sparsessnet_y_hour", "uresnet_3d"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recipe_builds_and_says_how_to_run_it(file: pathlib.Path) -> None:
    config = load_config(str(file))
    expected = {key: type(value) for key, value in flatten(default_config())}
    assert {key: type(value) for key, value in flatten(config)} == expected
    models.build(config.model)
    build_optimizer(config.optimizer)
    assert len(config.data.crop) in (0, config.model.dim)
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert f"python train.py --config=configs/{file.name} --workdir=" in docstring


@pytest.mark.parametrize(("name", "view"), PLANES.items())
def test_the_published_recipe_is_as_published(name: str, view: str) -> None:
    config = load_config(str(FILES[0].with_name(f"{name}.py")))
    model, train = config.model, config.train
    assert (config.data.view, config.data.crop) == (view, (512, 512))
    assert (config.data.low, config.data.high) == (10.0, 300.0)
    assert (model.filters, model.depth, model.blocks, model.num_classes) == (32, 5, 2, 5)
    assert (train.batch_size, train.steps) == (64, 15_999)
    assert (config.optimizer.name, config.optimizer.schedule) == ("sgd", "plateau")


def test_the_dense_twin_differs_in_the_vocabulary_alone() -> None:
    sparse, dense = (
        dict(flatten(load_config(str(FILES[0].with_name(f"{name}.py")))))
        for name in ("sparsessnet_y", "sparsessnet_dense_y")
    )
    assert {key for key in sparse if sparse[key] != dense[key]} == {"model.vocabulary"}
