"""A network as one file: what comes back, what its name may be, and damage of every kind."""

import hashlib
import json
import os

import jax
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from jaxsparse import models, pretrained
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.errors import InputError
from jaxsparse.training.arrays import by_path
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import read_model, write_model
from jaxsparse.training.trained import images_of, load_trained
from jaxsparse.training.trained_network import Trained
from jaxsparse.training.workdir import with_absolute_paths


@pytest.fixture(scope="module")
def trained():
    config = default_config()
    config.model.filters, config.model.depth = 4, 2
    config.data.train, config.data.pixel_classes = "/home/somebody/train.h5", ("a", "b")
    config.data.split = (0.8, 0.2)
    return Trained(config, models.build(config.model), models.init_variables(config.model, 3), 70)


@pytest.fixture(scope="module")
def path(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "net.safetensors"
    write_model(path, trained, {"sample": "bombs"})
    return path


def test_kernels_of_the_backbone_come_back_rounded_to_bfloat16_and_the_rest_as_it_was(
    trained, path
):
    found, about = read_model(path)
    assert about == {"sample": "bombs"}
    assert found.step == 70
    there, here = by_path(trained.variables), by_path(found.variables)
    assert there.keys() == here.keys()
    rounded = 0
    for name, array in here.items():
        assert array.dtype == np.float32
        wanted = np.asarray(there[name])
        if wanted.ndim > 1 and not name.startswith("params/heads/"):
            rounded += 1
            wanted = np.asarray(jax.numpy.asarray(wanted, jax.numpy.bfloat16), np.float32)
        np.testing.assert_array_equal(array, wanted)
    assert rounded > 5


def test_where_the_training_data_lay_and_how_they_were_split_is_not_told(path):
    assert b"somebody" not in path.read_bytes()
    config = read_model(path)[0].config
    assert config.data.train == ""
    assert config.data.split == ()
    assert config.data.pixel_classes == ("a", "b")


def test_what_the_images_of_the_training_were_like_goes_with_the_network(trained, path, tmp_path):
    images = TrainedImages({"front": (96, 64), "left": (96, 128)}, 1.75)
    write_model(tmp_path / "net.safetensors", trained, images=images)
    assert images_of(tmp_path / "net.safetensors") == images
    assert images_of(path) is None  # as in files of earlier versions


def test_the_same_network_is_the_same_file(trained, path, tmp_path):
    write_model(tmp_path / "again.safetensors", trained, {"sample": "bombs"})
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_every_changed_or_missing_byte_is_noticed(path, tmp_path):
    data, rng = path.read_bytes(), np.random.default_rng(1)
    damaged = tmp_path / "damaged.safetensors"
    header = int.from_bytes(data[:8], "little")
    places = [*range(0, 8), *rng.integers(8, 8 + header, 60), *rng.integers(0, len(data), 60)]
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.integers(8)
        damaged.write_bytes(flipped)
        with pytest.raises(InputError, match="damaged"):
            read_model(damaged)
    for length in (0, 7, 200, len(data) // 2, len(data) - 1):
        damaged.write_bytes(data[:length])
        with pytest.raises(InputError, match="damaged"):
            read_model(damaged)


def test_a_later_format_asks_for_a_newer_version(path, tmp_path):
    data = path.read_bytes()
    facts = json.loads(
        json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["jaxsparse"]
    )
    later = safetensors.numpy.save(
        {"a": np.zeros(3, ml_dtypes.bfloat16)}, {"jaxsparse": json.dumps({**facts, "format": 2})}
    )
    (tmp_path / "later.safetensors").write_bytes(later)
    with pytest.raises(InputError, match="format 2 but this version of jaxsparse reads 1: install"):
        read_model(tmp_path / "later.safetensors")


def test_other_safetensors_are_no_network(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(3, np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="is no network that jaxsparse wrote"):
        read_model(tmp_path / "a.safetensors")


def test_a_path_that_exists_wins_over_a_name(path, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "_FOLDER", path.parent)
    assert pretrained.names() == ("net",)
    assert load_trained("net").step == 70
    monkeypatch.chdir(tmp_path)
    os.mkdir("net")
    with pytest.raises(InputError, match=r"net/config.json is missing"):
        load_trained("net")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nett", "did you mean net?"),
        ("something_else", "neither a file nor a network of jaxsparse: there are net"),
        ("runs/net", "runs/net: there is no such file or folder, check the path, or give a name"),
        ("net.safetensors", "there is no such file"),
    ],
)
def test_a_name_that_is_nothing_gets_one_line(path, monkeypatch, place, message):
    monkeypatch.setattr(pretrained, "_FOLDER", path.parent)
    with pytest.raises(InputError) as error:
        load_trained(place)
    assert message in str(error.value)


def test_an_exported_program_is_told_from_a_damaged_network(tmp_path):
    program = b"a program"
    whole = program + hashlib.sha256(program).hexdigest().encode()
    (tmp_path / "net.pyz").write_bytes(whole)
    with pytest.raises(
        InputError, match=r"net\.pyz, which is whole and runs by itself \(python net\.pyz --help"
    ):
        load_trained(tmp_path / "net.pyz")
    for damaged in (b"", whole[:-1], b"b" + whole[1:]):
        (tmp_path / "net.pyz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"net\.pyz, which is damaged or no file of jaxsparse"):
            load_trained(tmp_path / "net.pyz")


def test_a_file_has_no_checkpoints_to_choose_from(path):
    with pytest.raises(InputError, match="checkpoint is 'latest' but model is"):
        load_trained(path, "latest")


def test_a_misspelt_name_to_begin_from_is_told_the_right_one(path, monkeypatch):
    monkeypatch.setattr(pretrained, "_FOLDER", path.parent)
    config = default_config()
    config.train.start_from = "nett"
    config = with_absolute_paths(config)
    with pytest.raises(InputError, match=r"train.start_from is 'nett'.* did you mean net"):
        load_trained(config.train.start_from, name="train.start_from")
