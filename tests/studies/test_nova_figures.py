"""Every figure of the scintillator simulation stays within the tolerance stated beside it."""

import pytest

from studies.figure import outside
from studies.nova import figures

SAMPLES = {figures.muons: 30, figures.protons: 50, figures.showers: 40, figures.light: 40}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda function: function.__name__)
def test_the_scintillator_agrees_with_its_references(sample):
    result = sample(SAMPLES[sample])
    assert len(result.figures) >= 1
    assert not outside(result.figures)


def test_pixels_of_the_default_mixture_have_the_published_mean_and_spread():
    result = figures.pixels(figures.events(128), "default")
    assert len(result.figures) == 3
    assert not outside(result.figures)
    assert result.curves["hits"].min() >= 20
