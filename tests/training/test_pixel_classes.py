"""The classes of pixels are those of the training file, by their names and in its order."""

import json
import shutil

import h5py
import numpy as np
import pytest

from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options
from jaxsparse.training import loop
from jaxsparse.training.transfer import read_beginning
from tests.evaluation.workdirs import assert_refused, make_workdir

OTHERS = tuple(reversed(CLASS_NAMES))


def renamed(source, path, names):
    """A copy of a file whose numbers of classes mean others."""
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        file.attrs["class_names"] = list(names)
    return path


@pytest.fixture
def config(toy_config):
    """One step, nothing validated."""
    toy_config.optimizer.schedule, toy_config.train.validate_every = "constant", 0
    toy_config.train.steps, toy_config.train.checkpoint_every = 1, 0
    return toy_config


def test_a_validation_file_with_another_order_is_refused_with_both(config, tmp_path):
    path = renamed(config.data.validation, tmp_path / "v.h5", OTHERS)
    config.data.validation = str(path)
    with pytest.raises(InputError) as caught:
        loop.train(config, tmp_path / "run")
    assert str(caught.value) == (
        f"data.validation is {path}, whose pixels are {', '.join(OTHERS)}, but "
        f"data.pixel_classes (by default those of data.train) are {', '.join(CLASS_NAMES)} (the "
        "same names in another order): give a file with these classes in this order, or leave "
        "data.pixel_classes to data.train."
    )
    assert not (tmp_path / "run").exists()


def test_the_names_that_only_one_of_two_files_has_are_told(config, tmp_path):
    names = [*CLASS_NAMES[:-1], "dashed"]
    path = renamed(config.data.validation, tmp_path / "v.h5", names)
    odd = f"{CLASS_NAMES[-1]} is not in the file, dashed is not in "
    config.data.validation = str(path)
    with pytest.raises(InputError) as caught:
        loop.train(config, tmp_path / "run")
    assert f" ({odd}data.pixel_classes): " in str(caught.value)
    config.data.pixel_classes = CLASS_NAMES
    workdir, out = make_workdir(tmp_path / "run", config), tmp_path / "out"
    out.mkdir()
    assert_refused(workdir, path, out, Options(), f" ({odd}the network): ")


def test_the_names_are_stored_and_an_older_run_without_them_goes_on(config, tmp_path):
    loop.train(config, tmp_path)
    path, names = tmp_path / "config.json", list(CLASS_NAMES)
    stored = json.loads(path.read_text())
    assert stored["data"]["pixel_classes"] == names
    assert tuple(config.data.pixel_classes) == ()  # the caller's own is as it was
    del stored["data"]["pixel_classes"]  # as it was written before
    path.write_text(json.dumps(stored))
    config.train.steps = 2
    assert loop.train(config, tmp_path).step == 2
    assert json.loads(path.read_text())["data"]["pixel_classes"] == names


def test_as_many_names_as_the_network_has_classes_can_be_asked_for(config, tmp_path):
    config.data.pixel_classes = OTHERS
    with pytest.raises(InputError, match=r"whose pixels are HIP, .* but data\.pixel_classes"):
        loop.train(config, tmp_path)
    config.data.pixel_classes = OTHERS[:2]
    with pytest.raises(
        InputError, match=r"num_classes is 5 but data.pixel_classes is .*: set it to 2"
    ):
        loop.train(config, tmp_path)


def test_a_file_with_another_order_is_not_evaluated(config, tmp_path):
    path = renamed(config.data.validation, tmp_path / "v.h5", OTHERS)
    config.data.pixel_classes = CLASS_NAMES
    workdir, out = make_workdir(tmp_path / "run", config), tmp_path / "out"
    out.mkdir()
    words = f"are {', '.join(OTHERS)} but the network was trained on HIP,"
    assert_refused(workdir, path, out, Options(), words)


def test_a_last_layer_goes_by_the_names_of_the_pixels(config, tmp_path):
    config.data.pixel_classes = CLASS_NAMES
    workdir = make_workdir(tmp_path / "run", config)
    config.train.start_from = str(workdir)
    config.data.pixel_classes = (*OTHERS[:4], "muon")
    found = read_beginning(config)
    assert set(found.orders.values()) == {(4, 3, 2, 1, -1)}
    assert found.fact.endswith("; drawn anew: muon of semantic")
    config.data.pixel_classes = ()  # as an older run has it
    assert set(read_beginning(config).orders.values()) == {tuple(np.arange(5).tolist())}
