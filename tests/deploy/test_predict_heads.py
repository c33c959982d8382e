"""``predict`` of a network with every head: particles and vertices beside classes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from tests.deploy.networks import TWO_SHAPES, drawn, write_random_file
from tests.deploy.predicting import RUN, inputs

pytestmark = [
    pytest.mark.filterwarnings("ignore:84% of the values"),
    pytest.mark.usefixtures("quick"),
]


@pytest.fixture(scope="module")
def told(quick, tmp_path_factory):
    """Folder with the network, events without truth, what predict wrote, and an evaluation."""
    folder = tmp_path_factory.mktemp("heads")
    config = default_config("uresnet", ("semantic", "event", "instance", "vertex"))
    model, data = config.model, config.data
    model.views, model.filters, model.depth, model.blocks = 2, 2, 2, 1
    model.heads.event.num_classes = 3
    model.heads.semantic.num_classes = 5
    model.heads.instance.channels, model.heads.instance.queries = 4, 3
    data.views, data.classes = tuple(TWO_SHAPES), ("nue", "numu", "nc")
    data.pixel_classes = ("HIP", "MIP", "shower", "delta", "Michel")
    data.crop = ()
    config.train.cache_dir, config.train.batch_size = "", 1
    write_model(folder / "net.safetensors", drawn(config))
    write_random_file(folder / "events.h5", TWO_SHAPES)
    RUN(folder / "net.safetensors", inputs(folder / "events.h5"), folder / "scores.h5")
    return folder


def test_a_vertex_is_the_most_probable_pixel_of_every_view(told):
    model = jaxsparse.load(told / "net.safetensors")
    with h5py.File(told / "scores.h5") as file:
        vertex = {name: column[:] for name, column in file["heads/vertex"].items()}
        assert [*file["heads/vertex"].attrs["class_names"]] == ["vertex"]
    entry = 0
    for number, event in enumerate(EventFile(told / "events.h5")):
        scores = model(event)
        for view, (name, image) in enumerate(event.views.items()):
            inside = ~np.isnan(scores.vertices[name])
            assert np.array_equal(inside, (image.values >= 10) & (image.values <= 300))
            assert scores.vertices[name][inside].sum() == pytest.approx(1, abs=1e-6)
            row = int(np.nanargmax(scores.vertices[name]))
            assert (vertex["event"][entry], vertex["view"][entry]) == (number, view)
            assert vertex["row"][entry] == row
            assert vertex["coords"][entry].tolist() == image.coords[row].tolist()
            assert vertex["scores"][entry, 0] == scores.vertices[name][row]
            entry += 1
    assert entry == len(vertex["row"])


def test_particles_are_numbers_of_queries_in_the_pixels_that_are_seen(told):
    model = jaxsparse.load(told / "net.safetensors")
    with h5py.File(told / "scores.h5") as file:
        stored = file["predicted_instance"][:]
        seen = ~np.isnan(file["scores"][:, 0])
    said = [model(event).instances for event in EventFile(told / "events.h5")]
    in_order = np.concatenate([each[name] for each in said for name in TWO_SHAPES])
    np.testing.assert_array_equal(stored, in_order)
    assert (stored[~seen] == -1).all()
    assert set(stored[seen].tolist()) <= {-1, 0, 1, 2}


def test_every_particle_has_a_row_with_its_class_and_the_track_that_it_belongs_to(told):
    with h5py.File(told / "scores.h5") as file:
        columns = {name: column[:] for name, column in file["particles"].items()}
        pixels, offsets = file["predicted_instance"][:], file["offsets"][:]
        events = file["event"][:]
    assert set(columns) == {"input", "event", "instance", "class", "parent"}
    for number in set(events.tolist()):
        own = columns["event"] == number
        entries = np.flatnonzero(events == number)
        of_event = np.concatenate([pixels[offsets[e] : offsets[e + 1]] for e in entries])
        assert columns["instance"][own].tolist() == sorted(set(of_event.tolist()) - {-1})
        said = jaxsparse.load(told / "net.safetensors")(EventFile(told / "events.h5")[number])
        assert said.particles.dtype.names is not None
        for name in said.particles.dtype.names:
            assert columns[name][own].tolist() == said.particles[name].tolist()
    tracks = {*columns["instance"][columns["class"] < 2].tolist(), -1}
    assert set(columns["parent"].tolist()) <= tracks
    assert (columns["parent"][columns["class"] < 3] == -1).all()


def test_vertices_and_particles_are_those_of_an_evaluation(told):
    evaluate(
        told / "net.safetensors", told / "events.h5", told / "out",
        Options(part="all", pictures=0), quiet=True,
    )  # fmt: skip
    with (
        h5py.File(told / "scores.h5") as file,
        h5py.File(told / "out/predictions.h5") as other,
    ):
        for name in ("event", "instance", "class", "parent"):
            np.testing.assert_array_equal(file["particles"][name][:], other["particles"][name][:])
    with (
        h5py.File(told / "scores.h5") as file,
        h5py.File(told / "out/heads/vertex/predictions.h5") as other,
    ):
        for name in ("row", "coords", "scores", "event", "view"):
            ours = file["heads/vertex"][name][:]
            np.testing.assert_allclose(ours, other[name][:], rtol=1e-6)


def test_a_view_without_a_pixel_in_the_mask_has_no_vertex(told, tmp_path):
    empty = {
        name: View(np.array([[1, 1]], np.int32), np.array([1.0], np.float32), shape)
        for name, shape in TWO_SHAPES.items()
    }
    with EventWriter(tmp_path / "dim.h5", detector="toy", views=TWO_SHAPES) as writer:
        writer.append(Event(0, empty))
    RUN(told / "net.safetensors", inputs(tmp_path / "dim.h5"), tmp_path / "scores.h5")
    with h5py.File(tmp_path / "scores.h5") as file:
        vertex = file["heads/vertex"]
        assert vertex["row"][:].tolist() == [-1, -1]
        assert vertex["coords"][:].tolist() == [[-1, -1]] * 2
        assert np.isnan(vertex["scores"][:]).all()
