"""Work directories of earlier versions: read for what they were, and not gone on with."""

import json

import pytest
from ml_collections import ConfigDict

from jaxsparse import command_line, settings
from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.migration import is_old, translated
from jaxsparse.training.workdir import read_config


def make_old(workdir) -> None:
    """Writes the config as an earlier version would have, of the same meaning."""
    path = workdir / "config.json"
    stored = json.loads(path.read_text())
    data = stored["data"]
    data |= {"view": data.pop("views")[0], "views": [], "feature_scale": data.pop("std")}
    data |= {"mean": 0.0, "std": 1.0}
    path.write_text(json.dumps(stored))


def test_an_old_run_serves_evaluation_and_new_runs_but_does_not_go_on(toy_config, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    toy_config.train.steps = 1
    loop.train(toy_config, old)
    before = read_config(old).to_dict()
    make_old(old)
    assert read_config(old).to_dict() == before
    assert load_for_evaluation(old)[3] == 1

    toy_config.train.steps = 2
    with pytest.raises(InputError, match="was made by an earlier version") as error:
        loop.train(toy_config, old)
    assert f"--config.train.start_from={old}" in str(error.value)
    assert "\n" not in str(error.value)
    toy_config.train.start_from = str(old)
    assert loop.train(toy_config, new).step == 2


def test_classifiers_had_their_views_and_features_already():
    data = {"view": "Y", "views": ["XZ"], "feature_scale": 50.0, "mean": 14.57, "std": 16.27}
    found = translated({"task": "classification", "data": data})
    assert found["data"] == {"views": ["XZ"], "mean": 14.57, "std": 16.27}
    assert not is_old(found)
    assert translated(found) is found


@pytest.mark.parametrize("key", settings.RENAMED)
def test_an_old_key_is_answered_with_the_new_one(key):
    config = ConfigDict({"data": settings.defaults("data")})
    new = settings.RENAMED[key]
    with pytest.raises(InputError, match=f"--config.{key}: it is gone, set {new[:9]}"):
        command_line.check_key(config, key)
    group, name = key.split(".")
    with pytest.raises(InputError, match=f"{key} is gone: set {new[:9]}"):
        settings.check(group, {name: "Y"})
