"""Keys of a config as they are typed: their types, tuples, and keys that there are not."""

import pytest

from jaxsparse.errors import InputError
from jaxsparse.settings import flatten
from jaxsparse.training.config import classifier_config, default_config
from jaxsparse.typed_config import as_text, parsed, set_key, take_keys


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("optimizer.learning_rate", "1", 1.0),
        ("data.crop", "()", ()),
        ("data.crop", "256,128", (256, 128)),
        ("data.crop", "(256, 128)", (256, 128)),
        ("data.crop", "256", (256,)),
        ("data.split", "(1,0,0)", (1, 0, 0)),
        ("data.split", "0.9,0.1", (0.9, 0.1)),
        ("data.views", "front", ("front",)),
        ("data.views", "front, left", ("front", "left")),
        ("data.views", "(front,left)", ("front", "left")),
        ("data.views", "('a,b', 'c')", ("a,b", "c")),
        ("data.views", "0,1", ("0", "1")),
        ("data.classes", "track,", ("track",)),
        ("data.capacities", "((8, 4), (16, 8))", ((8, 4), (16, 8))),
        ("data.capacities", "[[8, 4]]", ((8, 4),)),
        ("model.remat", None, True),
        ("model.remat", "False", False),
        ("data.train", "a b=c.h5", "a b=c.h5"),
        ("data.train", "", ""),
    ],
)
def test_a_value_gets_the_type_of_the_recipes(key, text, value):
    config = default_config()
    set_key(config, key, text)
    found = dict(flatten(config))[key]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("data.trian", "x", "data.trian: no such key, did you mean --config.data.train=x?"),
        ("lr", "1", "lr: no such key, did you mean --config.optimizer.learning_rate=1?"),
        ("zz", "1", "zz: no such key, known are "),
        ("learning_rate", "1", "did you mean --config.optimizer.learning_rate=1?"),
        ("steps", "10", "did you mean --config.train.steps=10?"),
        ("optimiser.learning_rate", "1", "did you mean --config.optimizer.learning_rate=1?"),
        ("train.learning_rate", "1", "did you mean --config.optimizer.learning_rate=1?"),
        (
            "model.heads.semantic.classes", "2",
            "did you mean --config.model.heads.semantic.num_classes=2?",
        ),
        ("data.view", "Y", "it is gone, set data.views"),
        ("train.steps", "many", "train.steps=many: must be of type int, like 15999."),
        ("train.steps", "1.5", "train.steps=1.5: must be of type int"),
        ("train.steps", None, "train.steps needs a value"),
        ("data.low", "abc", "data.low=abc: must be of type float"),
        ("model.remat", "maybe", "model.remat=maybe: must be of type bool"),
        ("data.crop", "a", "data.crop=a: must be of type tuple, like 512,512."),
        ("data", "a.h5", "is a group, set one key of it, like --config.data.train=a.h5."),
        ("model", "fishnet", "is a group, set one key of it, like --config.model.name=fishnet."),
        ("model.heads", "event,semantic", ': heads are chosen in a recipe of your own, by default'),
        ("model.heads.semantic", "5", "set one key of it, like --config.model.heads.semantic.n"),
        ("objectives", "3", "is a group, set one key of it, like --config.objectives.semantic."),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_the_remedy(key, text, message):
    with pytest.raises(InputError) as caught:
        set_key(default_config(), key, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"--config.{key}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", [default_config(), classifier_config("fishnet")])
def test_every_value_is_read_as_it_is_written(config):
    for _, value in flatten(config):
        assert parsed(as_text(value), value) == value
        assert parsed(as_text(value), ()) == value or not isinstance(value, tuple)


@pytest.mark.parametrize(
    ("argv", "rest", "keys"),
    [
        (["--config.a.b", "-5"], [], {"a.b": "-5"}),
        (["--config.a", "--workdir=w"], ["--workdir=w"], {"a": None}),
        (["--config.a=1", "--config.a=2"], [], {"a": "2"}),
        (["--noconfig.a"], [], {"a": "false"}),
        (["--config.a=x\ny"], [], {"a": "x\ny"}),
        (["--", "--config.a=1"], ["--", "--config.a=1"], {}),
        (["--configs.a=1", "--config=f"], ["--configs.a=1", "--config=f"], {}),
    ],
)
def test_keys_are_taken_from_a_command_line(argv, rest, keys):
    assert take_keys(argv, "config") == (rest, keys)
