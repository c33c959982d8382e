"""Particles of exported networks, joined or not: those of the live network, and without us."""

import json
from typing import NamedTuple

import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.event_file import EventFile
from jaxsparse.deploy.artefact import packed, write_artefact
from jaxsparse.deploy.model import Model
from jaxsparse.deploy.standalone import ModelError, arrays_of, load
from jaxsparse.deploy.standalone.archive import open_archive
from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import is_real
from jaxsparse.inference.joiner import Joiner, train_joiner
from jaxsparse.inference.prediction_file import PARTICLES
from jaxsparse.ops.native import compiler
from jaxsparse.training.model_file import read_model, write_model
from tests.deploy.networks import (
    TWO_SHAPES,
    drawn,
    members_of,
    particle_config,
    pixel_config,
    run_without_us,
    write_random_file,
)

pytestmark = pytest.mark.filterwarnings("ignore:84% of the values", "ignore:no pixel has a value")
CLASSES = 5
GHOSTLY = 6.0
NETWORKS = {  # seed, and order of the classes
    "instance": (2, [0, 1, 3, 2, 4]),
    "edges": (1, [0, 1, 2, 3, 4]),
    "embedding": (0, [0, 1, 2, 4, 3]),
}


class Exported(NamedTuple):
    """A network, its model file and events."""

    head: str
    joiner: bool
    folder: object
    data: EventFile
    live: Model


def network(head):
    """A drawn one, which names its classes so that it tells tracks and deltas, or ghosts."""
    seed, order = NETWORKS[head]
    config = particle_config(head)
    if head == "embedding":
        config.data.pixel_classes = (*config.data.pixel_classes[:-1], "ghost")
    trained = drawn(config, seed)
    for layer in trained.variables["params"]["heads"]["semantic"].values():
        for name, array in layer.items():
            if array.shape[-1] == CLASSES:
                layer[name] = array[..., order]
                if head == "embedding":  # some of its pixels are surely ghosts
                    layer[name] *= np.array([1.0] * (CLASSES - 1) + [GHOSTLY], np.float32)
    return trained


def some_joiner(features=21 + 2 * CLASSES):
    """A joiner that was trained on noise, and joins some fragments but not all."""
    drawn_features = np.random.default_rng(5).normal(size=(64, features))
    joiner = train_joiner(drawn_features, drawn_features[:, 0] > 0, steps=3)
    return Joiner({**joiner.arrays, "bias_2": np.array([-1], np.float32)})


@pytest.fixture(
    scope="module",
    params=[("instance", False), ("edges", False), ("edges", True), ("embedding", False)],
    ids=["queries of two views", "edges", "edges with a joiner", "embedding with ghosts"],
)
def exported(request, tmp_path_factory):
    head, joined = request.param
    folder = tmp_path_factory.mktemp("particles")
    trained = network(head)
    shapes = {name: TWO_SHAPES[name] for name in trained.config.data.views}
    data = EventFile(write_random_file(folder / "data.h5", shapes))
    write_model(folder / "network.safetensors", trained)
    trained, _ = read_model(folder / "network.safetensors")
    joiner, path = (some_joiner(), folder / "j.safetensors") if joined else (None, None)
    if joiner:
        joiner.write(path)
    write_artefact(
        folder / "m.pyz", trained, joiner=joiner, shapes=list(shapes.values()), sites=(2000,)
    )
    live = jaxsparse.load(folder / "network.safetensors", joiner=path)
    return Exported(head, joined, folder, data, live)


def images_of(event):
    return {name: (view.coords, view.values) for name, view in event.views.items()}


def test_particles_and_vertices_are_those_of_the_live_network(exported):
    model, parents = load(exported.folder / "m.pyz"), 0
    for event in exported.data:
        scores, expected = model(images_of(event)), exported.live(event.views)
        for name, view in event.views.items():
            assert np.nanmin(scores.vertices[name]) < np.nanmax(scores.vertices[name]) < 1
            masked = (view.values < 50) | (view.values > 250)
            called = np.nan_to_num(scores.pixels[name], nan=-1)
            ghost = ~is_real(called, CLASSES - 1) if exported.head == "embedding" else masked
            assert np.array_equal(scores.instances[name] < 0, masked | ghost)
            assert ghost.any()
            assert not (ghost | masked).all()
            assert len(np.unique(scores.instances[name])) > 1
            if not compiler.lanes():  # rounding may join or part
                continue
            np.testing.assert_array_equal(scores.pixels[name], expected.pixels[name])
            np.testing.assert_array_equal(scores.vertices[name], expected.vertices[name])
            np.testing.assert_array_equal(scores.instances[name], expected.instances[name])
            own, other = scores.pixel_classes[name], expected.pixel_classes[name]
            np.testing.assert_array_equal(own, other, strict=True)
        if compiler.lanes():
            np.testing.assert_array_equal(scores.particles, expected.particles)
        assert scores.particles is not None
        assert scores.particles.dtype == expected.particles.dtype
        everyone = {*np.concatenate(list(scores.instances.values())).tolist()} - {-1}
        # None of the empty pixels of the halo alone.
        assert everyone == {*scores.particles["instance"].tolist()}
        parents += (expected.particles["parent"] >= 0).sum()
    assert parents or exported.head == "embedding"


def test_a_process_without_jaxsparse_writes_the_particles_by_the_names_of_predict(
    exported, tmp_path
):
    folder = exported.folder
    event = exported.data[2]
    end = {name: "" if len(event.views) == 1 else f"_{name}" for name in event.views}
    np.savez(tmp_path / "in.npz", **{
        f"{what}{end[name]}": getattr(view, what)
        for name, view in event.views.items() for what in ("coords", "values")
    })  # fmt: skip
    run_without_us(folder / "m.pyz", "in.npz", "out.npz", tmp_path)
    expected = load(folder / "m.pyz", kernels=False)(images_of(event))
    assert expected.particles is not None
    with np.load(tmp_path / "out.npz") as out:
        names = ("pixel_scores", "pixel_classes", "instances", "vertex_scores")
        of_pixels = {f"{name}{place}" for name in names for place in end.values()}
        of_particles = {*PARTICLES} - {"particles/event"}
        words = {"event_scores", "event_classes", "semantic_classes"}
        assert {*out.files} == of_pixels | of_particles | words
        for name, place in end.items():
            np.testing.assert_array_equal(out[f"instances{place}"], expected.instances[name])
        for name in of_particles:
            column = out[name]
            assert column.dtype == PARTICLES[name]
            np.testing.assert_array_equal(column, expected.particles[name.split("/")[1]])


def test_a_joiner_makes_other_particles_and_a_format_that_earlier_readers_refuse(exported):
    manifest = open_archive(exported.folder / "m.pyz").manifest
    if not exported.joiner:
        assert (manifest["format"], manifest["joiner"]) == (1, "")
        return
    assert (manifest["format"], manifest["grouping"]) == (2, "joined")
    assert manifest["joiner"] == some_joiner().sha256
    without = jaxsparse.load(exported.folder / "network.safetensors")
    event = exported.data[2]
    number, other = (len(model(event.views).particles) for model in (exported.live, without))
    assert number != other


def test_a_file_of_before_particles_were_told_loads_and_tells_instances(exported, tmp_path):
    if exported.joiner or exported.head == "embedding":
        return  # earlier versions knew neither joiners nor ghosts
    members = members_of(exported.folder / "m.pyz")
    manifest = json.loads(members["manifest.json"])
    del manifest["kinds"], manifest["joiner"]
    members["manifest.json"] = json.dumps(manifest).encode()
    (tmp_path / "old.pyz").write_bytes(packed(members))
    image = images_of(exported.data[0])
    scores, expected = load(tmp_path / "old.pyz")(image), load(exported.folder / "m.pyz")(image)
    assert scores.particles is None
    for name in image:
        np.testing.assert_array_equal(scores.instances[name], expected.instances[name])
    assert not {*PARTICLES} & {*arrays_of(scores, tuple(image))}


def test_an_event_without_a_pixel_in_the_mask_has_an_empty_table(exported):
    none = {name: ([[1, 2]], [5.0]) for name in exported.live.views}
    scores = load(exported.folder / "m.pyz")(none)
    assert scores.particles is not None
    assert scores.particles.shape == (0,)
    assert [numbers.tolist() for numbers in scores.instances.values()] == [[-1]] * len(none)


def test_a_joiner_that_does_not_fit_is_refused_before_any_event(tmp_path):
    out = tmp_path / "m.pyz"
    no_edges = r"network has heads semantic: leave it out$"
    with pytest.raises(InputError, match=no_edges):
        write_artefact(out, drawn(pixel_config()), joiner=some_joiner(), shapes=[(8, 8)])
    line = "joiner has 27 features, but pairs have 31: train it with this network"
    for refused in (Model, lambda trained, joiner: write_artefact(out, trained, joiner=joiner)):
        with pytest.raises(InputError, match=line):
            refused(network("edges"), joiner=some_joiner(27))
    assert not out.exists()


def test_a_file_whose_grouping_this_reader_does_not_know_is_one_line(exported, tmp_path):
    members = members_of(exported.folder / "m.pyz")
    manifest = {**json.loads(members["manifest.json"]), "grouping": "guessed", "joiner": ""}
    members["manifest.json"] = json.dumps(manifest).encode()
    (tmp_path / "odd.pyz").write_bytes(packed(members))
    with pytest.raises(
        ModelError, match=r"odd.pyz is no model of format 2 or before \('guessed'\)"
    ):
        load(tmp_path / "odd.pyz")
