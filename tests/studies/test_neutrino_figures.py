"""Every figure of the neutrino generator stays within the tolerance stated beside it."""

import pytest

from studies.figure import outside
from studies.neutrinos import figures

SAMPLES = {
    figures.beams: (),
    figures.totals: (),
    figures.inelasticity: (250,),
    figures.multiplicities: (400,),
    figures.taus: (2500,),
}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda function: function.__name__)
def test_figures_agree_with_their_references(sample):
    result = sample(*SAMPLES[sample])
    assert len(result.figures) >= 4
    assert not outside(result.figures)
