"""The command line of a model file; the file itself is run in other tests."""

from typing import Any

import numpy as np
import pytest

from jaxsparse.deploy.artefact import write_artefact
from jaxsparse.deploy.standalone.command import main
from tests.deploy.networks import TWO_SHAPES, drawn, two_view_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    shapes = list(TWO_SHAPES.values())
    write_artefact(folder / "m.pyz", drawn(two_view_config()), shapes=shapes, sites=(2000,))
    image: dict[str, Any] = {"coords": [[1, 2], [2, 3]], "values": [90, 20]}
    views = {f"{name}_{view}": array for name, array in image.items() for view in TWO_SHAPES}
    np.savez(folder / "in.npz", **views)
    np.savez(folder / "one.npz", **image)
    np.save(folder / "in.npy", [[1, 2, 90]])
    (folder / "cut.npz").write_bytes((folder / "in.npz").read_bytes()[:-30])
    (folder / "odd.npz").write_bytes(b"PK\x03\x04" + bytes(200))
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    return folder


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
    assert sorted(out.files) == [
        "event_classes", "event_scores", "pixel_scores_XZ", "pixel_scores_YZ", "semantic_classes",
    ]  # fmt: skip


def test_values_of_another_unit_are_scored_with_one_line(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    with np.load("in.npz") as given:
        tenfold = {name: given[name] * (100 if "values" in name else 1) for name in given.files}
    np.savez(folder / "large.npz", **tenfold)
    assert main(["large.npz", "out.npz"], folder / "m.pyz") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: 84% of the values are below 9e+03")
    assert "Multiply them by about 0.0" in line


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
        (["in.npy", "out.npz"], "in.npy cannot be read"),
        (["cut.npz", "out.npz"], "cut.npz cannot be read"),
        (["odd.npz", "out.npz"], "odd.npz cannot be read"),
        (["objects.npy", "out.npz"], "objects.npy cannot be read"),
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
