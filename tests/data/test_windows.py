"""Windows about the interaction: what is inside is what the whole event has there."""

import dataclasses

import numpy as np
import pytest
from absl import flags

from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.data.windows import WindowedEvents, cut
from jaxsparse.errors import InputError
from jaxsparse.simulate import samples
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents

SIDE = 300


@pytest.fixture(scope="module")
def whole():
    return SimulatedEvents(
        GeneratorConfig("1mu1p", cosmic_rate=0.3), MICROBOONE_CHAMBER, seed=4, views=("U", "Y")
    )


@pytest.fixture(scope="module")
def events(whole):
    return whole[7], WindowedEvents(whole, SIDE, seed=1)[7]


def by_place(event, view, start):
    """Rows of values and truth by where they are in the whole plane."""
    named = np.append(event.particles, np.zeros(1, PARTICLE_DTYPE))[view.instance]  # -1: zeros
    columns = zip(
        view.values.tolist(), view.labels.tolist(), (view.instance >= 0).tolist(),
        named["pdg"].tolist(), named["start"].tolist(), view.vertex_distance.tolist(), strict=True,
    )  # fmt: skip
    return dict(zip(map(tuple, (view.coords + start).tolist()), columns, strict=True))


@pytest.mark.parametrize("name", ["U", "Y"])
def test_a_window_has_the_pixels_and_the_truth_that_the_whole_plane_has_there(events, name):
    full, window = events[0].views[name], events[1].views[name]
    assert window.shape == (SIDE, SIDE)
    # Where the window lies follows from the one value that no other pixel has.
    own = np.flatnonzero(full.values == window.values[0])
    assert len(own) == 1
    start = full.coords[own[0]] - window.coords[0]
    inside = ((full.coords >= start) & (full.coords < start + SIDE)).all(axis=1)
    own = by_place(events[1], window, start)
    assert own == by_place(events[0], full.take(inside), 0)
    assert window.corner == tuple(start.tolist())
    assert (window.vertex_distance == 0).any(), "the vertex is inside"


def test_planes_keep_the_same_time_rows(events):
    starts = set()
    for name in ("U", "Y"):
        full, window = events[0].views[name], events[1].views[name]
        own = np.flatnonzero(full.values == window.values[0])[0]
        starts.add(int(full.coords[own, 0] - window.coords[0, 0]))
    assert len(starts) == 1


def test_a_window_of_a_window_lies_where_its_pixels_do(events):
    full, window = events[0].views["Y"], events[1].views["Y"]
    event = dataclasses.replace(events[1], views={"Y": window})
    part = cut(event, {"Y": np.array([[20, 30]])}, 50).views["Y"]
    places = set(map(tuple, full.coords.tolist()))
    assert len(part)
    assert places.issuperset(map(tuple, (part.coords + part.corner).tolist()))


def test_a_window_depends_on_the_seed_and_the_number_alone(whole, events):
    again = WindowedEvents(whole, SIDE, seed=1)[7].views["Y"]
    assert np.array_equal(again.coords, events[1].views["Y"].coords)
    other = WindowedEvents(whole, SIDE, seed=2)[7].views["Y"]
    assert not np.array_equal(other.coords, events[1].views["Y"].coords)


def test_an_image_shorter_than_the_window_is_whole_along_that_axis(whole):
    assert WindowedEvents(whole, 2000).view_shapes == {"U": (1008, 2000), "Y": (1008, 2000)}


def asked(*arguments):
    values = flags.FlagValues()
    samples.define_flags(values)
    values(["simulate", *arguments])
    return samples.sample(values)


def test_a_file_of_windows_says_so_and_names_no_dead_wires():
    made = asked("--window=704", "--views=Y", "--topology=published_bomb", "--seed=3")
    assert made.source.view_shapes == {"Y": (704, 704)}
    assert made.options["window"] == 704
    assert "dead_wires" not in made.layout
    assert made.make(range(2, 3))[0].topology == "published_bomb"


@pytest.mark.parametrize("arguments", [("--views=Y,voxels",), ("--detector=nova",)])
def test_windows_of_what_has_none_are_refused(arguments):
    with pytest.raises(InputError, match="window"):
        asked("--window=704", *arguments)
