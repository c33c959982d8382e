"""Exported networks: their scores beside those of eval.py, what they refuse, and without us."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.event_file import EventFile
from jaxsparse.deploy.artefact import bucket_capacities, image_shapes, packed, write_artefact
from jaxsparse.deploy.standalone import ModelError, load
from jaxsparse.errors import InputError
from jaxsparse.ops.native import compiler
from jaxsparse.training.model_file import read_model, write_model
from tests.deploy.networks import (
    SHAPES,
    TWO_SHAPES,
    drawn,
    evaluated,
    members_of,
    pixel_config,
    run_without_us,
    two_view_config,
    write_random_file,
)

pytestmark = pytest.mark.filterwarnings("ignore:84% of the values", "ignore:no pixel has a value")


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def pixels(tmp_path_factory, patch):
    """A network of one view: its event file, its evaluation, its model file."""
    folder = tmp_path_factory.mktemp("pixels")
    data = write_random_file(folder / "data.h5", SHAPES)
    out = evaluated(drawn(pixel_config()), data, folder, patch)
    trained, _ = read_model(folder / "network.safetensors")
    # Larger than the images of the file.
    write_artefact(folder / "m.pyz", trained, {"by": "us"}, shapes=[(64, 96)], sites=(100, 2000))
    return folder, EventFile(data), out


@pytest.fixture(scope="module")
def two_views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    data = write_random_file(folder / "data.h5", TWO_SHAPES)
    write_model(folder / "network.safetensors", drawn(two_view_config()))
    trained, _ = read_model(folder / "network.safetensors")
    write_artefact(folder / "m.pyz", trained, shapes=list(TWO_SHAPES.values()), sites=(2000,))
    return folder, EventFile(data)


def same(found, expected):
    """To the bit where both have kernels, else to rounding."""
    if compiler.lanes():
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_pixels_in_any_order_get_the_scores_of_eval_and_the_masked_ones_none(pixels):
    folder, file, out = pixels
    model = load(folder / "m.pyz")
    assert model.views == ("Y",)
    assert model.manifest["about"] == {"by": "us"}
    assert not model.manifest["sees_the_border"]
    assert model.classes == {"semantic": ("HIP", "MIP", "shower", "delta", "Michel")}
    with h5py.File(out / "predictions.h5") as predictions:
        offsets = predictions["offsets"][:]
        for number in range(len(file)):
            view = file.read_view(number, "Y")
            order = np.random.default_rng(number).permutation(len(view))
            scores = np.empty((len(view), 5), np.float32)
            scores[order] = model((view.coords[order], view.values[order])).pixels["Y"]
            rows = predictions["rows"][offsets[number] : offsets[number + 1]]
            same(scores[rows], predictions["scores"][offsets[number] : offsets[number + 1]])
            assert np.ptp(scores[rows], axis=0).max() > 0.1
            masked = np.setdiff1d(np.arange(len(view)), rows)
            assert len(masked) > 5
            assert np.isnan(scores[masked]).all()
    assert bool(compiler.lanes()) == model.computed_by.startswith("kernels")


def test_blocks_halos_views_and_both_heads_get_the_scores_of_the_live_network(two_views):
    folder, file = two_views
    model, live = load(folder / "m.pyz"), jaxsparse.load(folder / "network.safetensors")
    for number in range(len(file)):
        views = {name: file.read_view(number, name) for name in TWO_SHAPES}
        scores = model({name: (view.coords, view.values) for name, view in views.items()})
        expected = live(views)
        same(scores.event, expected.event)
        for name, view in views.items():
            same(scores.pixels[name], expected.pixels[name])
            assert np.nanmax(scores.pixels[name]) - np.nanmin(scores.pixels[name]) > 0.1
            masked = (view.values < 50) | (view.values > 250)
            assert np.array_equal(np.isnan(scores.pixels[name]).all(1), masked)


def test_the_portable_program_agrees_to_rounding(pixels):
    folder, file, _ = pixels
    view = file.read_view(2, "Y")
    portable, native = (load(folder / "m.pyz", kernels=kernels) for kernels in (False, True))
    found = portable((view.coords, view.values)).pixels["Y"]
    np.testing.assert_allclose(found, native((view.coords, view.values)).pixels["Y"], atol=1e-5)
    assert portable.computed_by == "the portable program on cpu"


def test_a_process_without_jaxsparse_scores_a_file(pixels, tmp_path):
    folder, file, _ = pixels
    view = file.read_view(1, "Y")
    np.savez(tmp_path / "in.npz", coords=view.coords, values=view.values)
    done = run_without_us(folder / "m.pyz", "in.npz", "out.npz", tmp_path)
    assert any((tmp_path / ".cache/jaxsparse").iterdir())  # the next call does not compile
    seen = int(((view.values >= 10) & (view.values <= 300)).sum())
    assert done.stdout.startswith(f"out.npz: {seen} of 200 pixels have values within 10 and 300")
    assert "the portable program on cpu" in done.stdout
    with np.load(tmp_path / "out.npz") as out:
        assert out["semantic_classes"].tolist() == ["HIP", "MIP", "shower", "delta", "Michel"]
        expected = load(folder / "m.pyz")((view.coords, view.values)).pixels["Y"]
        np.testing.assert_allclose(out["pixel_scores"], expected, atol=1e-5)


@pytest.mark.parametrize("flag", ["--help", "--about"])
def test_a_model_file_says_what_it_is_where_python_has_no_packages(pixels, flag):
    folder, _, _ = pixels
    call = [sys.executable, "-I", "-S", "m.pyz"]
    done = subprocess.run([*call, flag], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "coords" in done.stdout or '"format": 1' in done.stdout
    done = subprocess.run(
        [*call, "a.npz", "b.npz"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "No module named 'numpy': pip install jax numpy flatbuffers\n"


def test_the_smallest_program_that_holds_every_level_is_taken(pixels):
    folder, _, _ = pixels
    model = load(folder / "m.pyz")
    assert model.manifest["buckets"] == [[[100, 63, 40]], [[2000, 32 * 48, 16 * 24]]]
    close = np.argwhere(np.ones((10, 10)))  # 100, 25 and 9 sites
    apart = close * (4, 6)  # 100 sites on every level
    compiled = []
    model._programs = {number: (None, "") for number in (0, 1)}
    for coords in (close, apart):
        sites = model._sites({"Y": (coords, np.full(100, 20.0))})
        compiled.append(model._bucket(sites))
    assert compiled == [0, 1]


def test_an_image_that_is_larger_or_fuller_says_what_to_export(pixels):
    folder, _, _ = pixels
    model = load(folder / "m.pyz")
    with pytest.raises(ModelError, match=r"up to \[64, 3\] but .* images of \[64, 96\].*--shape"):
        model(([[64, 3], [2, 3]], [20, 20]))
    full = np.argwhere(np.ones((40, 51)))
    with pytest.raises(ModelError, match=r"has \[2040\] sites .* holds \[2000\]: .* --sites"):
        model((full, np.full(len(full), 20)))


def test_an_image_without_a_pixel_in_the_mask_has_no_scores(pixels):
    folder, _, _ = pixels
    scores = load(folder / "m.pyz")(([[1, 2], [3, 4]], [5.0, 1e9])).pixels["Y"]
    assert np.isnan(scores).all()
    assert scores.shape == (2, 5)


def test_a_warning_shows_the_line_that_gave_the_image(pixels):
    folder, _, _ = pixels
    coords = np.argwhere(np.ones((10, 10)))
    with pytest.warns(UserWarning, match="84% of the values") as warned:
        load(folder / "m.pyz")((coords, np.full(100, 1e5)))
    assert [one.filename for one in warned] == [__file__]


def test_views_must_be_those_of_the_network(two_views):
    model, image = load(two_views[0] / "m.pyz"), ([[1, 2]], [90])
    for event in (image, {"XZ": image}, {"XZ": image, "UZ": image}):
        with pytest.raises(
            ModelError, match=r"has the views XZ.* but the model takes XZ, YZ: give"
        ):
            model(event)
    with pytest.raises(ModelError, match=r"view YZ: give its pixels as \(coords, values\)"):
        model({"XZ": image, "YZ": (*image, (8, 8))})  # type: ignore[dict-item]


def test_a_later_format_and_another_file_are_one_line(pixels, tmp_path):
    folder, _, _ = pixels
    manifest = {**load(folder / "m.pyz").manifest, "format": 3}
    path = tmp_path / "later.pyz"
    path.write_bytes(packed({"manifest.json": json.dumps(manifest).encode()}))
    with pytest.raises(ModelError, match="has format 3 but this reader knows 2"):
        load(path)
    path.write_bytes(packed({"manifest.json": b"{}"}))
    with pytest.raises(ModelError, match="is no model of format 2 or before"):
        load(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "none.pyz")


def test_programs_of_a_jax_that_is_too_new_say_which_one_to_install(pixels, tmp_path):
    members = members_of(pixels[0] / "m.pyz")
    program = members["programs/0"]
    members["programs/0"] = program[:-2000] + bytes(2000)
    (tmp_path / "new.pyz").write_bytes(packed(members))
    model = load(tmp_path / "new.pyz")
    wrote = model.manifest["versions"]["jax"]
    with pytest.raises(ModelError, match=rf"cannot run here .*: install JAX {wrote}, which wrote"):
        model(([[1, 2]], [20]))


def test_no_path_of_this_machine_is_in_the_file(pixels):
    for data in members_of(pixels[0] / "m.pyz").values():
        assert b"site-packages" not in data
        assert b"jaxsparse/ops" not in data


def test_the_shape_is_that_of_the_detector_that_has_the_views():
    config = pixel_config()
    assert image_shapes(config, []) == [(1008, 3456)]
    config.data.views = ("U",)  # of MicroBooNE, and smaller of DUNE
    assert image_shapes(config, []) == [(1008, 2400)]
    assert image_shapes(two_view_config(), [(30, 40)]) == [(30, 40)] * 2
    config.data.views = ("top",)
    with pytest.raises(InputError, match=r"shape is not given: the views top need one of 2"):
        image_shapes(config, [])
    with pytest.raises(InputError, match=r"shape is \(3, 4, 5\): the views top need one of 2"):
        image_shapes(config, [(3, 4, 5)])
    with pytest.raises(InputError, match=r"need one of 2"):
        image_shapes(config, [(3, 2**20 + 1)])
    for sites in [(0, 5), (5, 2**24 + 1), ()]:
        with pytest.raises(InputError, match=r"sites is .*: must be numbers from 1 to 16777216"):
            bucket_capacities([(3, 4)], 2, sites=sites)


def test_the_largest_bucket_holds_a_whole_plane_of_lone_pixels():
    levels = 5
    *_, ((*capacities,),) = bucket_capacities([(1008, 3456)], levels)
    # 65,536 pixels so far apart as the plane allows: as many sites on a level, or all cells of it.
    cells = [-(-1008 // 2**level) * -(-3456 // 2**level) for level in range(levels)]
    assert capacities == [min(65536, number) for number in cells]
