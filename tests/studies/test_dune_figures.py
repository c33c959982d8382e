"""Simulated pixel maps look like the public ones, figure by figure."""

import pytest

from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from studies.dune import figures
from studies.figure import outside


@pytest.fixture(scope="module")
def sample():
    return figures.images(figures.simulated(96))


def test_every_figure_has_a_public_value_for_every_class():
    assert set(figures.PUBLIC) == {quantity.name for quantity in figures.QUANTITIES}
    assert all(len(row) == len(DUNE_EVENT_CLASSES) for row in figures.PUBLIC.values())


@pytest.mark.parametrize("quantity", figures.QUANTITIES, ids=lambda quantity: quantity.name)
def test_images_agree_with_the_public_ones(sample, quantity):
    own = [f for f in sample.figures if f.name.startswith(f"{quantity.name}, ")]
    assert len(own) == len(DUNE_EVENT_CLASSES)
    assert not outside(own)


@pytest.mark.shared_data
def test_the_public_values_are_those_of_the_public_events(shared_data):
    source = DuneCvnSource(shared_data / "dune_cvn")
    events = [source[index] for index in range(len(source))]
    for quantity in figures.QUANTITIES:
        here = figures.measure(events, quantity)
        assert here == pytest.approx(figures.PUBLIC[quantity.name], rel=1e-3), quantity.name
