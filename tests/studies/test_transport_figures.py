"""Every figure of the simulation stays within the tolerance stated beside it."""

import pytest

from studies.figure import outside
from studies.microboone import image_figures
from studies.transport import figures

SAMPLES = {
    figures.muons: 50,
    figures.ranges: 30,
    figures.stopping_muons: 150,
    figures.showers: 150,  # of 50 the fitted shape wavers by a fifth
    figures.cosmic_muons: 150,
    image_figures.images: 8,
}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda function: function.__name__)
def test_figures_agree_with_their_references(sample):
    result = sample(SAMPLES[sample])
    assert len(result.figures) >= 2
    assert not outside(result.figures)
