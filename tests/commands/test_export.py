"""The command line that writes a trained network to a file."""

import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy.artefact import image_shapes
from jaxsparse.deploy.standalone import load
from jaxsparse.inference.joiner import Joiner, train_joiner
from jaxsparse.training.arrays import by_path
from jaxsparse.training.model_file import read_model, write_model
from jaxsparse.training.rescaling import Rescaling
from jaxsparse.training.trained import images_of, load_trained, points_of
from jaxsparse.training.workdir import claim
from tests.deploy.networks import drawn, particle_config, pixel_config, ship, write_random_file
from tests.evaluation.workdirs import make_workdir
from tests.fuzz.program import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_model(folder / "a.safetensors", drawn(pixel_config()), {"sample": "bombs"})
    write_model(folder / "edges.safetensors", drawn(particle_config("edges")))
    for features in (31, 27):
        drawn_features = np.random.default_rng(0).normal(size=(64, features))
        joiner = train_joiner(drawn_features, drawn_features[:, 0] > 0, steps=3)
        joiner.write(folder / f"joiner_{features}.safetensors")
    return folder


def test_what_is_said_of_a_network_goes_from_file_to_file(folder):
    arguments = ["--model=a.safetensors", "--about=licence:MIT", "--about=recipe:a: b"]
    done = run("export", [*arguments, "--out=new/b.safetensors"], folder)
    assert done.status == 0, done.errors
    made, written = done.output.splitlines()
    assert made == "--out=new/b.safetensors: the folder new is not there, it will be made"
    assert written.startswith("new/b.safetensors: step 70, 0.0")
    said = {"sample": "bombs", "licence": "MIT", "recipe": "a: b"}
    assert read_model(folder / "new/b.safetensors")[1] == said
    more = ["--shape=32,40", "--sites=50,200", "--out=b.pyz"]
    done = run("export", [*arguments, *more], folder)
    assert done.status == 0, done.errors
    assert done.output.startswith("view Y: images up to 32 x 40, programs for 50, 200 sites\nb.pyz")
    manifest = load(folder / "b.pyz").manifest
    assert manifest["about"] == said
    assert manifest["step"] == 70


def test_operating_points_stay_in_a_file_and_one_can_be_the_network_of_another(folder):
    trained, point = drawn(pixel_config()), Rescaling(2 * np.eye(5), np.arange(5.0), "by hand")
    write_model(folder / "points.safetensors", trained, points={"twice": point})
    arguments = ["--model=points.safetensors", "--out=same.safetensors"]
    assert run("export", arguments, folder).status == 0
    assert (folder / "same.safetensors").read_bytes() == (
        folder / "points.safetensors"
    ).read_bytes()
    arguments = ["--model=points.safetensors", "--operating_point=twice"]
    done = run("export", [*arguments, "--out=twice.safetensors"], folder)
    assert done.status == 0, done.errors
    wanted = by_path(load_trained(folder / "points.safetensors", operating_point="twice").variables)
    found, about = read_model(folder / "twice.safetensors")
    assert about == {"operating_point": "twice", "rescaling": "by hand"}
    same = points_of(folder / "twice.safetensors")["twice"]
    np.testing.assert_allclose(same.matrix, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(same.biases, 0, atol=1e-12)
    for name, array in by_path(found.variables).items():
        np.testing.assert_array_equal(array, wanted[name])
    done = run("export", [*arguments, "--shape=32,40", "--sites=50", "--out=twice.pyz"], folder)
    assert done.status == 0, done.errors
    pixels = np.array([[3, 4], [3, 5], [9, 30]]), np.array([60.0, 90.0, 20.0])
    there = load(folder / "twice.pyz")(pixels).pixels["Y"]
    here = jaxsparse.load(folder / "points.safetensors", operating_point="twice")(pixels)
    np.testing.assert_array_equal(there, here.pixels["Y"])


def test_a_joiner_goes_into_the_file(folder):
    arguments = ["--model=edges.safetensors", "--joiner=joiner_31.safetensors", "--shape=24,20"]
    done = run("export", [*arguments, "--sites=50", "--out=e.pyz"], folder)
    assert done.status == 0, done.errors
    manifest = load(folder / "e.pyz").manifest
    assert manifest["grouping"] == "joined"
    assert manifest["joiner"] == Joiner.read(folder / "joiner_31.safetensors").sha256


def test_the_joiner_of_a_network_that_comes_along_goes_into_the_file_too(
    folder, tmp_path, monkeypatch
):
    network, joiner = folder / "edges.safetensors", folder / "joiner_31.safetensors"
    ship({"edges": network}, joiner, tmp_path / "shipped", monkeypatch)
    for model, more, grouping in (
        ("edges", [], "joined"),
        ("edges", ["--joiner=none"], "particles"),
        (str(network), [], "particles"),
    ):
        arguments = [f"--model={model}", "--shape=24,20", "--sites=50", "--out=e.pyz"]
        done = run("export", [*arguments, *more], tmp_path)
        assert done.status == 0, done.errors
        said = "joiner: the one that comes with edges (--joiner=none goes without)"
        assert (said in done.output) == (grouping == "joined")
        assert load(tmp_path / "e.pyz").manifest["grouping"] == grouping
    done = run("export", ["--model=edges", "--out=f.safetensors"], tmp_path)
    assert (done.status, len(done.output.splitlines())) == (0, 1)


def test_a_network_of_an_own_detector_takes_the_shape_of_the_events_it_was_trained_on(tmp_path):
    config = pixel_config()
    config.data.views, config.data.train = ("top",), str(tmp_path / "train.h5")
    make_workdir(tmp_path / "run", config)
    arguments = ["--model=run", "--sites=50", "--out=b.pyz"]
    assert "shape is not given" in run("export", arguments, tmp_path).lines[0]
    write_random_file(tmp_path / "train.h5", {"top": (24, 40)})
    done = run("export", arguments, tmp_path)
    assert done.output.startswith("view top: images up to 24 x 40"), done.errors


def test_what_images_of_the_training_were_like_goes_from_work_directory_to_files(tmp_path):
    config, images = pixel_config(), TrainedImages({"Y": (24, 40)}, 70.0)
    workdir = make_workdir(tmp_path / "run", config)
    claim(workdir, config, {}, images=images)
    done = run("export", ["--model=run", "--out=a.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    assert images_of(tmp_path / "a.safetensors") == images
    done = run("export", ["--model=a.safetensors", "--sites=50", "--out=b.pyz"], tmp_path)
    assert done.status == 0, done.errors
    assert TrainedImages.of(load(tmp_path / "b.pyz").manifest["images"]) == images


def test_larger_images_than_those_of_a_detector_of_the_same_views_are_taken():
    config = pixel_config()
    assert image_shapes(config, [], TrainedImages({"Y": (2000, 100)}, 1.0)) == [(2000, 100)]
    assert image_shapes(config, [], TrainedImages({"Y": (200, 100)}, 1.0)) == [(1008, 3456)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model=a.safetensors", "--out=b.onnx"], "must end with .safetensors or .pyz"),
        (["--model=a.safetensors", "--out=b.safetensors", "--sites=3"], "are for .pyz"),
        (["--model=a.safetensors", "--out=b.pyz", "--shape=x"], "--shape=x: must be whole numbers"),
        (["--model=a.safetensors", "--out=b.pyz", "--shape=0,5"], "need one of 2 lengths each"),
        (
            ["--model=a.safetensors", "--out=b.pyz", "--sites=0"],
            "sites is [0]: must be numbers from 1",
        ),
        (
            ["--model=a.safetensors", "--out=b.safetensors", "--joiner=joiner_31.safetensors"],
            "--shape, --sites and --joiner are for .pyz",
        ),
        (["--model=a.safetensors", "--out=b.pyz", "--about=MIT"], "must be NAME:TEXT"),
        (["--model=missing/a", "--out=b.pyz"], "there is no such file or folder"),
        (["--model=a", "--out=b.pyz"], "model is 'a', neither a file nor a network of jaxsparse"),
        (["--out=b.pyz"], "--model is required"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(folder, arguments, line):
    refused(folder, arguments, line)


@pytest.mark.parametrize(
    ("model", "joiner", "line"),
    [
        ("a", "joiner_31", "but the network has heads semantic: leave it out"),
        ("edges", "joiner_27", "joiner has 27 features, but pairs have 31: train it with this"),
        ("edges", "a", "joiner is a.safetensors, which is damaged or no joiner's file: copy"),
        ("edges", "b", "joiner is b.safetensors: there is no such file, check the path, or give a"),
    ],
)
def test_a_joiner_that_does_not_fit_is_one_line_and_leaves_nothing(folder, model, joiner, line):
    files = f"--model={model}.safetensors", f"--joiner={joiner}.safetensors"
    refused(folder, [*files, "--out=b.pyz"], line)


def refused(folder, arguments, line):
    before = sorted(folder.iterdir())
    done = run("export", arguments, folder)
    assert done.status == 2
    (said,) = done.lines
    assert line in said
    assert sorted(folder.iterdir()) == before
