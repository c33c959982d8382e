"""Every setting has a range that holds its default, and is checked before anything is written."""

import functools
import math
from typing import Any

import pytest

from jaxsparse import settings
from jaxsparse.errors import InputError
from jaxsparse.training.config import classifier_config, default_config

ALL = [
    (group, name, setting)
    for group, table in settings.SETTINGS.items()
    for name, setting in table.items()
]
ODD = [
    -1,
    0,
    2**31,
    2**63,
    -0.5,
    1.0,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    1e39,
    "",
    "odd",
    None,
    (-1,),
    ("a",),
]


@pytest.mark.parametrize(("group", "name", "setting"), ALL)
def test_every_default_is_allowed_and_every_setting_says_what_it_means(group, name, setting):
    settings.check(group, {name: setting.default})
    assert setting.meaning
    for value in ODD:
        assert setting.rule.holds(value) in (True, False)  # odd values are refused, not raised on


@pytest.mark.parametrize("config", [default_config(), classifier_config()])
def test_every_key_of_a_config_but_the_networks_is_a_setting(config):
    found: dict[str, set[str]] = {}
    for key, _ in settings.flatten(config):
        group, _, name = key.rpartition(".")
        found.setdefault(group, set()).add(name)
    for group, keys in found.items():
        assert group.startswith("model") or keys == set(settings.SETTINGS[group])
    objectives = {group for group in found if group.startswith("objectives.")}
    assert {*found} - objectives >= {"", "data", "optimizer", "train"}
    assert {f"objectives.{head}" for head in config.model.heads} == objectives


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("", "seed", 2**32), ("", "seed", -1), ("data", "std", 0.0),
        ("data", "workers", -1), ("data", "std", math.nan), ("data", "crop", (0, 512)),
        ("objectives.semantic", "vertex_weight", -1.0),
        ("objectives.event", "class_weights", (1.0, -1.0)),
        ("optimizer", "learning_rate", math.nan), ("optimizer", "plateau_factor", 1.0),
        ("train", "steps", 2**31), ("train", "minutes", math.inf), ("train", "parallel", "jit"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_named_with_the_range(group, name, value):
    with pytest.raises(InputError) as caught:
        settings.check(group, {name: value})
    assert str(caught.value).startswith(f"{group}.{name} is " if group else f"{name} is ")
    assert "it must" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("data.wrokers", "data.wrokers is no setting: did you mean data.workers?"),
        ("optimiser.learning_rate", "did you mean optimizer.learning_rate?"),
        ("objectives.semantic.wieght", "did you mean objectives.semantic.weight?"),
        ("steps", "did you mean train.steps?"),
        ("xyz", "xyz is no setting: jaxsparse/settings.py has all there are."),
    ],
)
def test_a_key_that_a_recipe_adds_by_mistake_is_refused(key, message):
    config = default_config()
    values: Any = 1
    for part in reversed(key.split(".")):
        values = {part: values}
    config.update(values)
    with pytest.raises(InputError) as error:
        settings.check_config(config)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "key",
    [
        "seed", "optimizer.plateau_min", "train.log_every", "objectives.semantic.q", "model.dim",
        "model.heads.semantic.num_classes", "optimizer", "objectives", "model", "model.heads",
    ],
)  # fmt: skip
def test_a_key_that_a_config_lacks_is_named(key):
    config = default_config()
    *groups, name = key.split(".")
    del functools.reduce(getattr, groups, config)[name]
    with pytest.raises(InputError) as error:
        settings.check_config(config)
    remedy = "set it, or begin with default_config of jaxsparse.training.config."
    assert str(error.value).endswith(f" is missing: {remedy}")
    assert str(error.value).startswith(key)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {},
            "data.validation and data.split are empty, but optimizer.schedule=plateau needs val",
        ),
        (
            {"data.validation": "v.h5", "train.validate_every": 0},
            "train.validate_every is 0 and train.validate_epochs 0.0: optimizer.schedule=plateau "
            "needs validations, set one of them",
        ),
        (
            {"optimizer.schedule": "constant", "train.early_stop": 3},
            "data.validation and data.split are empty, but train.early_stop=3 needs validation e",
        ),
        ({"data.low": 400.0, "data.crop": (3.5,)}, "data.crop is (3.5,): it must"),
        ({"model.in_channels": 2}, "model.in_channels is 2"),
        ({"data.views": ("front", "left")}, "data.views is ('front', 'left') but model.views is 1"),
    ],
)
def test_what_a_schedule_lacks_is_said_after_what_is_wrong(changes, message):
    config = default_config()
    settings.check_config(config)  # without data.train that is what is missing first
    config.data.train = "t.h5"
    for key, value in changes.items():
        *groups, name = key.split(".")
        functools.reduce(getattr, groups, config)[name] = value
    with pytest.raises(InputError) as error:
        settings.check_config(config)
    assert str(error.value).startswith(message)
