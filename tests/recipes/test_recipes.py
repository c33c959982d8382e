"""Every recipe can be built, states its command, and has the published numbers where it says so."""

import ast
import pathlib

import pytest
from ml_collections import ConfigDict

from jaxsparse import models, settings
from jaxsparse.config_file import load_config, recipe_names
from jaxsparse.errors import InputError
from jaxsparse.settings import flatten
from jaxsparse.training.config import default_config
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.optimizer import Optimizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = [ROOT / "jaxsparse" / "recipes" / f"{name}.py" for name in recipe_names()]
PLANES = {"sparsessnet_u": "U", "sparsessnet_v": "V", "sparsessnet_y": "Y"}


CLASSIFIERS = {
    "nova_mobilenet": (128, 40.0, (0.95, 0.05), 0.9, 4),
    "nova_mobilenet_dense": (128, 40.0, (0.95, 0.05), 0.9, 4),
    "nova_fishnet": (1024, 30.0, (0.9, 0.05, 0.05), 0.8, 3),
}


def shared_types(config: ConfigDict) -> dict[str, type]:
    """Types of all keys but the network's and its objectives'."""
    own = ("model.", "objectives.")
    return {k: type(value) for k, value in flatten(config) if not k.startswith(own)}


def test_the_recipes_are_there() -> None:
    names = {file.stem for file in FILES}
    assert names >= {*PLANES, "smoke", "sparsessnet_dense_y", "sparsessnet_y_hour", "uresnet_3d"}
    assert names >= {*CLASSIFIERS, "nova_smoke", "dune_mobilenet", "dune_fishnet"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recipe_builds_and_says_how_to_run_it(file: pathlib.Path) -> None:
    config = load_config(str(file))
    assert shared_types(config) == shared_types(default_config())
    config.data.validation = "a file, which every recipe leaves to its user"
    settings.check_config(config)
    models.build(config.model)
    objectives_of(config)
    Optimizer(**config.optimizer)
    assert len(config.data.crop) in (0, config.model.dim)
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert f"jaxsparse train --config={file.stem} --workdir=" in docstring


EARLIER = sorted((ROOT / "configs").glob("*.py"))


@pytest.mark.parametrize("file", EARLIER, ids=lambda file: file.stem)
def test_an_earlier_path_is_that_of_a_recipe(file: pathlib.Path) -> None:
    assert load_config(str(file)) == load_config(file.stem)


@pytest.mark.parametrize(("name", "view"), PLANES.items())
def test_the_published_recipe_is_as_published(name: str, view: str) -> None:
    config = load_config(name)
    model, train = config.model, config.train
    assert (config.data.views, config.data.crop) == ((view,), (512, 512))
    assert (config.data.low, config.data.high) == (10.0, 300.0)
    assert (model.filters, model.depth, model.blocks, model.heads.semantic.num_classes) == (
        32,
        5,
        2,
        5,
    )
    assert (train.batch_size, train.steps) == (64, 15_999)
    assert (config.optimizer.name, config.optimizer.schedule) == ("sgd", "plateau")


@pytest.mark.parametrize(("name", "published"), CLASSIFIERS.items())
def test_the_published_classifier_is_as_published(name: str, published: tuple) -> None:
    config = load_config(name)
    batch_size, epochs, split, momentum, classes = published
    data, optimizer, train = config.data, config.optimizer, config.train
    assert (train.batch_size, train.epochs, data.split) == (batch_size, epochs, split)
    assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == ("sgd", 1e-2, momentum)
    assert (optimizer.schedule, optimizer.plateau_metric) == ("plateau", "accuracy")
    assert (len(data.classes), config.model.heads.event.num_classes) == (classes, classes)
    assert (data.views, data.mean, data.std, data.fluctuation) == (("XZ", "YZ"), 14.57, 16.27, 0.1)
    assert not data.flip_time  # the beam has a direction
    assert config.model.activation == "mish"


@pytest.mark.parametrize(
    "names", [("sparsessnet_y", "sparsessnet_dense_y"), ("nova_mobilenet", "nova_mobilenet_dense")]
)
def test_the_dense_twin_differs_in_the_vocabulary_alone(names: tuple[str, str]) -> None:
    sparse, dense = (dict(flatten(load_config(name))) for name in names)
    assert {key for key in sparse if sparse[key] != dense[key]} == {"model.vocabulary"}


@pytest.mark.parametrize(
    ("recipe", "heads"),
    [
        ("nova_panoptic", "semantic,event"),
        ("nova_panoptic_smoke", "semantic,event"),
        ("microboone_volume", "semantic"),
        ("microboone_volume_smoke", "semantic"),
        ("microboone_lifted", "semantic"),
        ("microboone_lifted_smoke", "semantic"),
    ],
)
def test_a_panoptic_recipe_takes_some_of_its_heads(recipe: str, heads: str) -> None:
    config = load_config(f"{recipe}:{heads}")
    assert set(config.model.heads) == set(config.objectives) == set(heads.split(","))
    assert config.main_head == "semantic"
    config.data.validation = "validation.h5"
    settings.check_config(config)


def test_a_head_that_the_panoptic_recipe_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="head is 'edges': must be one of event, instance"):
        load_config("nova_panoptic:event,edges")


def test_a_network_of_particles_takes_heads_by_name() -> None:
    config = load_config("microboone_panoptic_smoke:semantic,instance")
    assert set(config.model.heads) == set(config.objectives) == {"semantic", "instance"}
    assert load_config("microboone_panoptic_smoke:semantic,embedding") == load_config(
        "microboone_embedding_smoke"
    )
