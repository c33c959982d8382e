"""Every figure of the simulation stays within the tolerance stated beside it."""

import pytest

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
    away = [
        f"{f.name}: {f.value:.4g} not in {f.low:.4g} to {f.high:.4g} ({f.source})"
        for f in result.figures
        if not f.agrees
    ]
    assert len(result.figures) >= 2
    assert not away
