"""The command line of a model file; the file itself is run in other tests."""

from typing import Any

import numpy as np
import pytest

from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy.artefact import write_artefact
from jaxsparse.deploy.standalone import ModelError, load
from jaxsparse.deploy.standalone.command import main, read_event
from tests.deploy.networks import TWO_SHAPES, drawn, two_view_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    trained, images = drawn(two_view_config()), TrainedImages(TWO_SHAPES, 90.0)
    shapes = list(TWO_SHAPES.values())
    write_artefact(folder / "m.pyz", trained, images=images, shapes=shapes, sites=(2000,))
    image: dict[str, Any] = {"coords": [[1, 2], [2, 3]], "values": [90, 20]}
    views = {f"{name}_{view}": array for name, array in image.items() for view in TWO_SHAPES}
    np.savez(folder / "in.npz", **views)
    np.savez(folder / "one.npz", **image)
    np.save(folder / "in.npy", [[1, 2, 90]])
    (folder / "cut.npz").write_bytes((folder / "in.npz").read_bytes()[:-30])
    (folder / "odd.npz").write_bytes(b"PK\x03\x04" + bytes(200))
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    return folder


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """Where this process would keep compiled programs."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")


def test_a_dense_image_is_told_how_to_become_rows(tmp_path):
    np.save(tmp_path / "dense.npy", np.ones((40, 50)))
    with pytest.raises(ModelError, match=r"array \[40, 50\], it must be \[pixels, 3\].*argwhere"):
        read_event(tmp_path / "dense.npy", ["Y"], 2)


def test_views_and_heads_have_arrays_by_their_names(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(["in.npz", "out.npz"], folder / "m.pyz") == 0
    assert capsys.readouterr().out.startswith(
        "out.npz: 2 of 4 pixels have values within 50 and 250"
    )
    with np.load("out.npz") as out:
        assert out["event_scores"].shape == (3,)
        assert out["event_classes"].tolist() == ["nue", "numu", "nc"]
        for view in TWO_SHAPES:
            scores = out[f"pixel_scores_{view}"]
            assert np.isnan(scores).all(axis=1).tolist() == [False, True]
            assert abs(scores[0].sum() - 1) < 1e-6
            assert out[f"pixel_classes_{view}"].tolist() == [scores[0].argmax(), -1]
    assert sorted(out.files) == [
        "event_classes", "event_scores", "pixel_classes_XZ", "pixel_classes_YZ", "pixel_scores_XZ",
        "pixel_scores_YZ", "semantic_classes",
    ]  # fmt: skip


def test_values_of_another_unit_are_scored_with_one_line(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    with np.load("in.npz") as given:
        tenfold = {name: given[name] * (100 if "values" in name else 1) for name in given.files}
    np.savez(folder / "large.npz", **tenfold)
    assert main(["large.npz", "out.npz"], folder / "m.pyz") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: no pixel has a value between 50 and 250")
    assert "; 84% of the values are below 9e+03, of those that the network was trained on" in line
    assert "Multiply them by about 0.01" in line
    with np.load("out.npz") as out:
        assert np.isnan(out["event_scores"]).all()


def test_images_of_another_shape_than_those_of_the_training_are_told(tmp_path, folder):
    images = TrainedImages({"XZ": (24, 20), "YZ": (24, 30)}, 90.0)
    path = tmp_path / "wide.pyz"
    trained, shapes = drawn(two_view_config()), [(50, 50), (50, 50)]
    write_artefact(path, trained, images=images, shapes=shapes, sites=(2000,))
    model = load(path)
    with pytest.warns(UserWarning, match=r"^view YZ: coordinates reach \(28, 5\), .*24 x 30.*swap"):
        model({"XZ": ([[1, 2]], [90.0]), "YZ": ([[28, 5]], [90.0])})
    with pytest.raises(ModelError, match=r"\[28, 5\] but the model takes .*: are the axes swapped"):
        load(folder / "m.pyz")({"XZ": ([[1, 2]], [90.0]), "YZ": ([[28, 5]], [90.0])})


def test_about_prints_the_manifest(folder, capsys):
    assert main(["--about"], folder / "m.pyz") == 0
    text = capsys.readouterr().out
    assert '"guarantee": "JAX runs a program that it exported in versions built up to 6' in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "give a file with images and an .npz file for scores, or --about"),
        (["in.npz"], "give a file with images"),
        (["in.npz", "out.txt"], "give a file with images"),
        (["in.npz", "out.npz", "more"], "unrecognized arguments: more: see --help"),
        (["--abuot"], "unrecognized arguments: --abuot: see --help"),
        (["none.npz", "out.npz"], "none.npz cannot be read"),
        (["one.npz", "out.npz"], "give an .npz file with coords_XZ and values_XZ and coords_YZ"),
        (["in.npy", "out.npz"], "in.npy has one array but the model takes 2 views: give an .npz"),
        (["cut.npz", "out.npz"], "cut.npz is no .npz file, or damaged"),
        (["odd.npz", "out.npz"], "odd.npz is no .npz file, or damaged"),
        (["objects.npy", "out.npz"], "objects.npy is no .npz file, or damaged"),
        (["in.npz", "none/out.npz"], "none/out.npz cannot be written"),
        (["in.npz", "cut.npz/out.npz"], "cut.npz/out.npz cannot be written"),
        (["in.npz", "in.npz"], "in.npz has the images and would be overwritten"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    folder, capsys, monkeypatch, tmp_path, arguments, line
):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert main(arguments, folder / "m.pyz") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert line in said
    assert sorted(folder.iterdir()) == before
