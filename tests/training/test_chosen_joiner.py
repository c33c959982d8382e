"""Which joiner a network is used with, and what is said of one that another network was for."""

import dataclasses

import numpy as np
import pytest
import safetensors.numpy

import jaxsparse
from jaxsparse import pretrained
from jaxsparse.errors import InputError
from jaxsparse.evaluation.studies.joiner import of_network
from jaxsparse.inference.joiner import FORMAT, Joiner, train_joiner
from jaxsparse.training.chosen_joiner import chosen_joiner, read_joiner
from jaxsparse.training.model_file import fingerprint_of, read_model, write_model
from jaxsparse.training.trained import load_trained
from tests.deploy.networks import drawn, particle_config


@pytest.fixture(scope="module")
def network():
    return drawn(particle_config("edges"))


@pytest.fixture(scope="module")
def joiner(network):
    features = np.random.default_rng(0).normal(size=(64, 31))
    return of_network(train_joiner(features, features[:, 0] > 0, steps=3), network)


def test_what_lies_at_a_path_does_not_bring_the_joiner_of_a_network_of_that_name(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert chosen_joiner("own", "microboone_panoptic") == "microboone_panoptic"
    assert chosen_joiner("own", "microboone_panoptic", "joined") == "microboone_panoptic"
    assert chosen_joiner("own", "microboone_panoptic", "particles") == ""
    for without in (None, "none", "None"):
        assert chosen_joiner(without, "microboone_panoptic") == ""
    assert chosen_joiner("j.safetensors", "microboone_panoptic") == "j.safetensors"
    assert chosen_joiner("own", pretrained.path_of("microboone_panoptic")) == ""
    (tmp_path / "microboone_panoptic").mkdir()
    assert chosen_joiner("own", "microboone_panoptic") == ""


def test_a_joiner_that_comes_along_knows_its_network():
    for name in pretrained.joiners():
        own = Joiner.read(name)
        trained = load_trained(name)
        assert own.classes == tuple(trained.config.data.pixel_classes)
        assert own.network == fingerprint_of(trained)


def test_a_network_has_one_fingerprint_in_memory_and_in_its_file(network, tmp_path):
    write_model(tmp_path / "net", network)
    assert fingerprint_of(read_model(tmp_path / "net")[0]) == fingerprint_of(network)
    assert fingerprint_of(drawn(network.config, seed=4)) != fingerprint_of(network)


def test_what_a_joiner_was_trained_with_comes_back_from_its_file(joiner, network, tmp_path):
    joiner.write(tmp_path / "j")
    lines: list[str] = []
    read = read_joiner(str(tmp_path / "j"), network, lines.append)
    assert read is not None
    assert (read.classes, read.network, lines) == (joiner.classes, joiner.network, [])
    assert read.classes == tuple(network.config.data.pixel_classes)
    assert read.network == fingerprint_of(network)


def test_a_joiner_has_the_same_bytes_whenever_it_is_written(joiner, tmp_path):
    files = [tmp_path / f"{number}" for number in range(20)]  # the library draws an order
    for file in files:
        joiner.write(file)
    assert len({file.read_bytes() for file in files}) == 1


def test_other_classes_or_another_order_are_refused(joiner, network, tmp_path, capsys):
    other = dataclasses.replace(joiner, classes=joiner.classes[::-1])
    other.write(tmp_path / "j")
    line = "j, trained with the classes Michel, delta, shower, MIP, HIP, but the network has HIP, "
    with pytest.raises(InputError, match=f"{line}.*: train one with this network$"):
        read_joiner(str(tmp_path / "j"), network)
    assert capsys.readouterr().err == ""


def test_a_network_without_fragments_is_told_that_first(joiner, tmp_path, capsys):
    joiner.write(tmp_path / "j")
    write_model(tmp_path / "net.safetensors", drawn(particle_config("instance")))
    with pytest.raises(InputError, match="it joins fragments of a head edges, but the network has"):
        jaxsparse.load(tmp_path / "net.safetensors", joiner=tmp_path / "j")
    assert capsys.readouterr().err == ""


def test_a_joiner_of_another_network_gives_one_warning(joiner, network, tmp_path, capsys):
    joiner.write(tmp_path / "j")
    other = drawn(network.config, seed=4)
    assert read_joiner(str(tmp_path / "j"), other) is not None
    said = "j, trained with another network than this one: what it joins may be wrong"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: joiner is ")
    assert said in line
    write_model(tmp_path / "net.safetensors", other)
    with pytest.warns(UserWarning, match=said) as warned:
        jaxsparse.load(tmp_path / "net.safetensors", joiner=tmp_path / "j")
    assert warned[0].filename == __file__


def test_a_joiner_of_an_earlier_version_is_taken_as_it_is(joiner, network, tmp_path, capsys):
    (tmp_path / "j").write_bytes(safetensors.numpy.save(joiner.arrays, {"format": FORMAT}))
    read = read_joiner(str(tmp_path / "j"), network)
    assert read is not None
    assert (read.classes, read.network) == ((), "")
    assert capsys.readouterr().err == ""
