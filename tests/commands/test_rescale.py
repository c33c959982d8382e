"""The command line that moves a network to another operating point."""

import json

import h5py
import numpy as np
import pytest
from scipy.special import softmax

from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.studies import rescaling
from jaxsparse.training.model_file import fingerprint_of, read_model, write_model
from jaxsparse.training.rescaling import Rescaling
from jaxsparse.training.trained import load_trained, points_of
from tests.evaluation.workdirs import make_workdir
from tests.fuzz.program import run


def test_what_is_said_of_the_network_stays_and_its_own_file_is_not_overwritten(
    workdir, truth_file, tmp_path
):
    write_model(tmp_path / "net.safetensors", load_trained(workdir), {"licence": "MIT"})
    arguments = ["--model=net.safetensors", f"--data={truth_file}", "--num_events=2"]
    done = run("rescale", [*arguments, "--out=net.safetensors"], tmp_path)
    assert done.status == 2
    assert "net.safetensors is the input net.safetensors, which would be" in done.lines[0]
    done = run("rescale", [*arguments, "--out=new"], tmp_path)
    assert done.lines == ["error: --out=new: the file must end with .safetensors"]
    done = run("rescale", [*arguments, "--out=new.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "new.safetensors")
    assert about["licence"] == "MIT"
    assert about["rescaling"].startswith("temperature ")
    arguments[0] = "--model=new.safetensors"
    done = run("rescale", [*arguments, "--form=matrix", "--out=again.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "again.safetensors")
    first, again = about["rescaling"].split("; then ")
    assert first.startswith("temperature ")
    assert again.startswith("matrix ")


def test_of_a_file_that_training_split_the_part_for_tests_is_left_alone(
    tiny_config, truth_file, tmp_path
):
    config = tiny_config.copy_and_resolve_references()
    config.data.train, config.data.split = str(truth_file), (0.2, 0.6, 0.2)
    make_workdir(tmp_path / "run", config)
    parts = [
        len(DataSet(truth_file, config, Options(part=part))) for part in ("validation", "test")
    ]
    assert parts[0] > parts[1] > 0
    arguments = ["--model=run", f"--data={truth_file}", "--out=new.safetensors"]
    done = run("rescale", arguments, tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "new.safetensors")
    assert f"of {parts[0]} events" in about["rescaling"]


def test_the_scores_before_and_those_of_other_images_stay_within_reach(
    workdir, truth_file, tmp_path
):
    """Rescaled once and named, then in the last layer twice: the names lead to the same."""
    data, few = f"--data={truth_file}", ["--num_events=2", "--form=matrix", "--strength=0.5"]
    arguments = [f"--model={workdir}", data, "--whole_plane", "--operating_point=whole"]
    done = run("rescale", [*arguments, "--out=named.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    assert "the network with this as its operating point whole\n" in done.output
    named = tmp_path / "named.safetensors"
    assert fingerprint_of(load_trained(named)) == fingerprint_of(load_trained(workdir))
    assert "of 5 whole images, strength 1" in points_of(named)["whole"].about
    done = run("rescale", [f"--model={named}", data, *few, "--out=moved.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    assert "in its last layer, and operating points as_trained, whole" in done.output
    arguments = ["--model=moved.safetensors", data, *few, "--out=twice.safetensors"]
    done = run("rescale", arguments, tmp_path)
    assert done.status == 0, done.errors

    def scores(name, point=""):
        out = tmp_path / f"{name}_{point}.h5"
        arguments = [f"--model={tmp_path / name}.safetensors", data, f"--out={out}"]
        done = run("predict", [*arguments, f"--operating_point={point}"], tmp_path)
        assert done.status == 0, done.errors
        with h5py.File(out) as file:
            options = json.loads(file.attrs["options"])
            assert options.get("operating_point", "") == point
            return file["scores"][:]

    usual, moved = scores("named"), scores("moved")
    assert np.nanmax(np.abs(usual - moved)) > 0.01
    np.testing.assert_allclose(scores("moved", "as_trained"), usual, atol=1e-5)
    np.testing.assert_allclose(scores("twice", "as_trained"), usual, atol=1e-5)
    # A temperature and biases change logits, and log-scores alike up to a number a pixel.
    point = points_of(named)["whole"]
    whole = softmax(np.log(usual) * point.matrix[0, 0] + point.biases, axis=1)
    assert np.nanmax(np.abs(usual - whole)) > 0.01
    for name in ("named", "moved", "twice"):
        np.testing.assert_allclose(scores(name, "whole"), whole, atol=1e-5)
    evaluate = [f"--model={named}", data, "--operating_point=whole", "--whole_plane", "--out=out"]
    done = run("eval", [*evaluate, "--pictures=0"], tmp_path)
    assert done.status == 0, done.errors
    assert "Operating point: `whole`." in (tmp_path / "out/report.md").read_text()
    assert json.loads((tmp_path / "out/metrics.json").read_text())["operating_point"] == "whole"
    with h5py.File(tmp_path / "out/predictions.h5") as file:
        assert file.attrs["operating_point"] == "whole"
        seen = ~np.isnan(whole[:, 0])
        np.testing.assert_allclose(file["scores"][:], whole[seen], atol=1e-5)
    arguments = [f"--model={named}", data, "--operating_point=whole", "--out=new.safetensors"]
    assert "operating point whole in place of the one" in run("rescale", arguments, tmp_path).output
    arguments = [f"--model={named}", data, f"--out={tmp_path / 'named_whole.h5'}"]
    done = run("predict", arguments, tmp_path)  # at another operating point than the file there
    assert done.status == 2
    assert "which is there and not of this run" in done.lines[-1]


def test_a_file_of_an_earlier_version_does_not_know_its_scores_as_trained(
    workdir, truth_file, tmp_path
):
    before = {"rescaling": "temperature 1.2, fitted somewhere"}
    write_model(tmp_path / "old.safetensors", load_trained(workdir), before)
    arguments = ["--model=old.safetensors", f"--data={truth_file}", "--out=new.safetensors"]
    done = run("rescale", arguments, tmp_path)
    assert done.status == 0, done.errors
    assert "and operating points (none)" in done.output
    assert points_of(tmp_path / "new.safetensors") == {}


def test_a_map_that_cannot_be_undone_costs_the_operating_points(
    workdir, truth_file, tmp_path, monkeypatch
):
    flat = Rescaling(np.ones((5, 5)), np.zeros(5))
    monkeypatch.setattr(rescaling, "fit", lambda *_: flat)
    arguments = [f"--model={workdir}", f"--data={truth_file}", "--out=new.safetensors"]
    done = run("rescale", arguments, tmp_path)
    assert done.status == 0, done.errors
    assert "no operating point is kept: the condition number of the matrix is" in done.output
    assert points_of(tmp_path / "new.safetensors") == {}


@pytest.mark.parametrize(
    ("program", "arguments", "line"),
    [
        ("rescale", ["--operating_point=a b"], "--operating_point=a b: must begin with a letter"),
        ("rescale", ["--operating_point=2d"], "--operating_point=2d: must begin with a letter and"),
        (
            "rescale",
            ["--operating_point=as_trained"],
            "--operating_point=as_trained: names the sco",
        ),
        (
            "predict",
            ["--operating_point=planes"],
            "--operating_point is 'planes': {} has none",
        ),
        ("eval", ["--operating_point=planes"], "--operating_point is 'planes': {} has none"),
        (
            "export",
            ["--operating_point=planes"],
            "--operating_point is 'planes': {} has none",
        ),
    ],
)
def test_an_operating_point_that_is_none_is_one_line(
    workdir, truth_file, tmp_path, program, arguments, line
):
    where = [f"--model={workdir}", "--out=new.safetensors"]
    where += [] if program == "export" else [f"--data={truth_file}"]
    done = run(program, [*where, *arguments], tmp_path)
    assert done.status == 2
    assert done.lines[-1].removeprefix("error: ").startswith(line.format(workdir))
    assert not (tmp_path / "new.safetensors").exists()
