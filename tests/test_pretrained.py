"""The networks that come with the package: small, whole, described, and good on fresh events."""

import pathlib

import numpy as np
import pytest

import jaxsparse
from jaxsparse import pretrained
from jaxsparse.data.schema import Event
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES
from jaxsparse.simulate.dune.generator import DuneConfig
from jaxsparse.simulate.dune.source import DuneEvents
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.source import ScintillatorEvents
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from jaxsparse.training.trained import about, points_of
from tests.deploy.networks import of_event

PAGES = pathlib.Path(__file__).parents[1] / "docs/models"
LARGEST, ALL = 8 * 2**20, 40 * 2**20  # bytes


def test_networks_are_small_enough_to_come_with_the_package():
    sizes = [pretrained.path_of(name).stat().st_size for name in pretrained.names()]
    assert sizes
    assert max(sizes) <= LARGEST
    assert sum(sizes) <= ALL


@pytest.mark.parametrize("name", pretrained.names())
def test_a_network_has_a_page_and_says_what_it_was_made_of(name):
    assert (PAGES / f"{name}.md").is_file()
    assert f"[{name}]({name}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")
    assert {"sample", "recipe", "commit", "licence"} <= about(name).keys()


PLANES = {"U": "sparsessnet_u", "V": "sparsessnet_v", "Y": "sparsessnet_y"}
NOVA_BEAM = ScintillatorEvents(ScintillatorConfig(), seed=11), NOVA_EVENT_CLASSES
# Networks of whole events: the first 64 of a source, its classes, and how many must be named.
CLASSIFIERS = {
    "nova_fishnet": (*NOVA_BEAM, 48),
    "nova_mobilenet": (*NOVA_BEAM, 48),
    "nova_panoptic": (*NOVA_BEAM, 48),
    "dune": (DuneEvents(DuneConfig(), seed=11), DUNE_EVENT_CLASSES, 36),
}


@pytest.fixture(scope="module")
def bombs() -> list[Event]:
    """Three events of the sample that SparseSSNet learned on, seen by all planes."""
    generator = GeneratorConfig("published_bomb", cosmic_rate=0.2)
    source = SimulatedEvents(generator, MICROBOONE_CHAMBER, seed=11)
    return [source[number] for number in range(3)]


@pytest.mark.parametrize("point", ["", "as_trained", "planes"])
@pytest.mark.parametrize("plane", PLANES)
def test_sparsessnet_names_the_pixels_of_events_that_it_has_never_seen(plane, point, bombs):
    model = jaxsparse.load(PLANES[plane], operating_point=point)
    assert model.classes == {"semantic": ("HIP", "MIP", "shower", "delta", "Michel")}
    right = total = 0
    for event in bombs:
        view, found = event.views[plane], model(event).pixel_classes[plane]
        inside = (view.values >= 10) & (view.values <= 300)
        np.testing.assert_array_equal(found >= 0, inside)
        assert view.labels is not None
        counted = inside & (view.labels >= 0)
        right += (found == view.labels)[counted].sum()
        total += counted.sum()
    assert total > 3000
    assert right / total > 0.9


@pytest.mark.parametrize("plane", PLANES)
def test_every_operating_point_of_sparsessnet_is_another_one(plane, bombs):
    shares = {}
    for point in ("", *points_of(PLANES[plane])):
        model = jaxsparse.load(PLANES[plane], operating_point=point)
        called = [model(event).pixel_classes[plane] for event in bombs]
        counts = np.bincount(np.concatenate([each[each >= 0] for each in called]), minlength=5)
        shares[point] = counts / counts.sum()
    mip, shower, delta = 1, 2, 3
    # Training weighs small clusters up, deltas above all; planes have mostly muons, few showers.
    assert shares["as_trained"][delta] > shares[""][delta]
    assert shares["planes"][shower] < shares["as_trained"][shower] < shares[""][shower]
    assert shares["planes"][mip] > shares["as_trained"][mip]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_name_events_that_they_have_never_seen(name):
    model = jaxsparse.load(name)
    source, classes, least = CLASSIFIERS[name]
    events = [source[number] for number in range(64)]
    scores = model.of_events(events, batch_size=8)
    told = [model.classes["event"][of_event(each).argmax()] for each in scores]
    right = sum(one == classes[event.label] for one, event in zip(told, events, strict=True))
    assert right >= least


def test_the_panoptic_network_names_pixels_and_tells_particles_apart():
    model = jaxsparse.load("nova_panoptic")
    right = total = same = pairs = 0
    for number in range(32):
        event = NOVA_BEAM[0][number]
        found = model(event)
        for name, view in event.views.items():
            assert view.labels is not None
            assert view.instance is not None
            known = (view.labels >= 0) & (view.instance >= 0)
            right += (found.pixel_classes[name] == view.labels)[known].sum()
            total += known.sum()
            true, told = view.instance[known], found.instances[name][known]
            together = true[:, None] == true
            same += ((told[:, None] == told) == together).sum() - len(true)
            pairs += len(true) ** 2 - len(true)
    assert total > 2000
    assert right / total > 0.6
    assert same / pairs > 0.75


def test_the_panoptic_network_of_a_plane_and_its_joiner_tell_particles_apart(bombs):
    right = total = 0
    alike: dict[str, float] = {}
    for joiner in ("none", "own"):
        model = jaxsparse.load("microboone_panoptic", joiner=joiner)
        found = same = 0
        for event in bombs:
            view, scores = event.views["Y"], model(event)
            assert view.labels is not None
            assert view.instance is not None
            known = (scores.instances["Y"] >= 0) & (view.labels >= 0) & (view.instance >= 0)
            right += (scores.pixel_classes["Y"] == view.labels)[known].sum()
            total += known.sum()
            of_pair = view.instance[known], scores.instances["Y"][known]
            most = np.unique(np.stack(of_pair), axis=1, return_counts=True)
            for particle in np.unique(of_pair[0]):  # the part of it that one instance has
                same += most[1][most[0][0] == particle].max()
            found += known.sum()
        alike[model.grouping] = same / found
    assert total > 6000
    assert right / total > 0.9
    assert set(alike) == {"particles", "joined"}
    assert min(alike.values()) > 0.7


def test_pixels_of_several_views_need_no_shape():
    event = NOVA_BEAM[0][0]
    model = jaxsparse.load("nova_mobilenet")
    given = {name: (view.coords, view.values) for name, view in event.views.items()}
    np.testing.assert_allclose(of_event(model(given)), of_event(model(event)), rtol=1e-4, atol=1e-6)
