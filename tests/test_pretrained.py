"""The networks that come with the package: small, whole, described, and good on fresh events."""

import pathlib

import numpy as np
import pytest

import jaxsparse
from jaxsparse import pretrained
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from jaxsparse.training.trained import about

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


def test_sparsessnet_names_the_pixels_of_events_that_it_has_never_seen():
    model = jaxsparse.load("sparsessnet_y")
    assert model.classes == {"semantic": ("HIP", "MIP", "shower", "delta", "Michel")}
    generator = GeneratorConfig("published_bomb", cosmic_rate=0.2)
    right = total = 0
    for number in range(3):
        event = SimulatedEvents(generator, MICROBOONE_CHAMBER, seed=11, views=("Y",))[number]
        view, found = event.views["Y"], model(event).pixel_classes["Y"]
        inside = (view.values >= 10) & (view.values <= 300)
        np.testing.assert_array_equal(found >= 0, inside)
        assert view.labels is not None
        counted = inside & (view.labels >= 0)
        right += (found == view.labels)[counted].sum()
        total += counted.sum()
    assert total > 3000
    assert right / total > 0.9
