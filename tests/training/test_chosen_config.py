"""A recipe changed from the command line: another network, and what the file says."""

import itertools

import numpy as np
import pytest

from jaxsparse import models, settings
from jaxsparse.config_file import load_config
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import Detector, DetectorView
from jaxsparse.errors import InputError
from jaxsparse.training.chosen_config import chosen_config
from jaxsparse.training.data import open_data
from jaxsparse.training.objectives import objectives_of
from jaxsparse.typed_config import TypedConfig


def chosen(recipe, **keys):
    return chosen_config(TypedConfig(recipe, {k.replace("__", "."): v for k, v in keys.items()}))


@pytest.fixture(scope="module")
def two_views(tmp_path_factory):
    """A file of an invented detector: two views, three classes of pixels, two of events."""
    path = tmp_path_factory.mktemp("front") / "mine.h5"
    shapes = {"front": (16, 24), "left": (16, 32)}
    with EventWriter(
        path, detector="mine", views=shapes, class_names=("a", "b", "c"), event_classes=("x", "y")
    ) as writer:
        for number in range(4):
            views = {
                name: View(np.array([[1, 2], [3, 4]]), np.ones(2), shape, np.array([0, 2]))
                for name, shape in shapes.items()
            }
            writer.append(Event(number, views, label=number % 2))
    return str(path)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """An empty file that says which values its view has."""
    path = tmp_path_factory.mktemp("described") / "mine.h5"
    view = DetectorView(("layer", "strip"), low=0.1, high=5.0, mean=1.5, std=2.0)
    detector = Detector("invented", {"front": view})
    with EventWriter(path, detector="invented", described=detector, views={"front": (16, 24)}):
        pass
    return str(path)


def test_another_network_has_its_own_keys_and_the_heads_and_images_of_the_recipe():
    model = chosen("nova_mobilenet", model__name="fishnet").config.model
    assert (model.preset, model.views, model.heads.event.num_classes) == ("150", 2, 4)
    assert "width" not in model
    assert models.build(model).backbone.preset == "150"
    back = chosen("nova_fishnet", model__name="mobilenet", model__width="0.5").config.model
    assert models.build(back).backbone.width == 0.5


def test_the_name_of_the_recipes_network_changes_nothing():
    config = chosen("sparsessnet_y_hour", model__name="uresnet").config
    assert config == load_config("sparsessnet_y_hour")


def test_the_order_of_keys_does_not_matter():
    keys = {"model.name": "fishnet", "model.preset": "small", "model.stem_stride": "2"}
    configs = [
        chosen_config(TypedConfig("nova_mobilenet", dict(order))).config
        for order in itertools.permutations(keys.items())
    ]
    assert all(config == configs[0] for config in configs)
    assert (configs[0].model.preset, configs[0].model.stem_stride) == ("small", 2)


def test_a_preset_replaces_what_the_recipe_changed_of_its_plan(tmp_path):
    (tmp_path / "own.py").write_text(
        "from jaxsparse.recipes import nova_fishnet\n"
        "def get_config():\n"
        "    config = nova_fishnet.get_config()\n"
        "    config.model.transfer_blocks = (1,) * 6\n"
        "    return config\n"
    )
    own = str(tmp_path / "own.py")
    assert chosen(own).config.model.transfer_blocks == (1,) * 6
    assert chosen(own, model__preset="small").config.model.transfer_blocks == ()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model.name": "fishnt"}, "did you mean fishnet?"),
        (
            {"model.name": "fishnet", "model.width": "2"},
            "model.width: is of mobilenet, the network here is fishnet: leave it out, or choose "
            "--config.model.name=mobilenet.",
        ),
        ({"model.preset": "small"}, "model.preset: is of fishnet, the network here is mobilenet"),
    ],
)
def test_what_the_new_network_has_not_is_refused(keys, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        models.build(chosen_config(TypedConfig("nova_mobilenet", keys)).config.model)


def test_views_and_classes_are_those_of_the_file(two_views):
    found = chosen("smoke", data__train=two_views)
    config = found.config
    assert config.data.views == ("front", "left")
    assert (config.model.views, config.model.heads.semantic.num_classes) == (2, 3)
    assert found.from_file == {
        "data.views": "front,left",
        "model.heads.semantic.num_classes": "3",
    }
    assert found.described() == (
        f"taken from {two_views} in place of the recipe's values: data.views=front,left "
        "model.heads.semantic.num_classes=3"
    )
    events = chosen("nova_smoke", data__train=two_views).config
    assert (events.data.classes, events.model.heads.event.num_classes) == (("x", "y"), 2)


def test_mask_and_scale_are_those_that_the_file_says_of_its_views(described):
    result = chosen("smoke", data__train=described, data__views="front", data__std="3")
    data = result.config.data
    assert (data.low, data.high, data.mean, data.std) == (0.1, 5.0, 1.5, 3.0)
    assert dict(result.from_file) == {"data.low": "0.1", "data.high": "5.0", "data.mean": "1.5"}


def test_a_mask_that_a_recipe_of_ones_own_states_stays(described, tmp_path):
    (tmp_path / "own.py").write_text(
        "from jaxsparse.recipes import smoke\n"
        "def get_config():\n"
        "    config = smoke.get_config()\n"
        "    config.data.low, config.data.high = 0.5, 4.0\n"
        "    return config\n"
    )
    data = chosen(str(tmp_path / "own.py"), data__train=described).config.data
    assert (data.low, data.high, data.mean, data.std) == (0.5, 4.0, 0.0, 50.0)


def test_what_the_file_and_the_recipe_both_have_stays(two_views, tmp_path):
    assert chosen("smoke", data__train=two_views, data__views="left").config.model.views == 1
    one = chosen("nova_smoke", data__train=two_views, data__classes="y").config
    assert (one.data.classes, one.model.heads.event.num_classes) == (("y",), 1)


def test_what_is_typed_and_contradicts_the_file_is_refused_before_anything_is_compiled(two_views):
    config = chosen(
        "smoke", data__train=two_views, model__heads__semantic__num_classes="2",
        data__validation=two_views,
    ).config  # fmt: skip
    settings.check_config(config)
    network = models.build(config.model)
    with pytest.raises(InputError, match=r"num_classes is 2 but the pixels of .* are a, b, c"):
        open_data(config, network, objectives_of(config), 1)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"absent\.h5"):
        chosen("smoke", data__train=str(tmp_path / "absent.h5"))
