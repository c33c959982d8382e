"""The hadrons of deep inelastic scattering: charges and momenta of the baryon."""

import numpy as np
import pytest

from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos.hadronization import content, fragment

# Protons among the baryons by the charge of all hadrons, for two of them and for more: GENIE,
# KNOHadronization.cxx. Struck nucleon, sign of the neutrino, neutral current: all six kinds.
TWO = {2: 1.0, 1: 1.0 / 3.0, 0: 2.0 / 3.0, -1: 0.0}
MORE = {2: 2.0 / 3.0, 1: 0.5, 0: 0.5, -1: 1.0 / 3.0}
KINDS = [(2212, 1, 2), (2112, 1, 1), (2212, -1, 0), (2112, -1, -1), (2212, 1, 1), (2112, -1, 0)]


@pytest.mark.parametrize(("nucleon", "sign", "charge"), KINDS)
def test_the_baryon_has_its_charge_from_that_of_all_hadrons(nucleon, sign, charge):
    rng = np.random.default_rng(1)
    drawn = [content(2.6, sign, nucleon, charge, rng) for _ in range(3000)]
    for codes in drawn:
        assert codes[0] in (2112, 2212)
        assert sum({211: 1, -211: -1, 2212: 1}.get(code, 0) for code in codes) == charge
    two = [codes[0] == 2212 for codes in drawn if len(codes) == 2]
    more = [codes[0] == 2212 for codes in drawn if len(codes) > 2]
    # A neutron and two charged pions can come of two hadrons drawn, a neutron and one cannot.
    assert np.mean(more) == pytest.approx(MORE[charge], abs=0.04)
    assert np.mean(two) == pytest.approx(TWO[charge], abs=4.0 * 0.5 / np.sqrt(len(two)))


def test_the_baryon_goes_backwards_with_little_transverse_momentum():
    rng = np.random.default_rng(2)
    w, axis = 5.0, np.array([0.0, 0.6, 0.8])
    system = np.array([w, 0.0, 0.0, 0.0])
    along, across = [], []
    for _ in range(600):
        codes, momenta = fragment(system, np.concatenate([[1.0], axis]), 1, 2212, False, rng)
        assert momenta.sum(axis=0) == pytest.approx(system, abs=1e-9)
        if len(codes) > 3:
            forward = float(momenta[0, 1:] @ axis)
            along.append(forward)
            across.append(float(momenta[0, 1:] @ momenta[0, 1:]) - forward**2)
    assert np.mean(np.array(along) < 0.0) > 0.8
    # Exponential with 6.625 / GeV^2 cut at 0.6 GeV^2, but where that left no room for the others.
    limit, slope = 0.6, 6.625
    mean = 1.0 / slope - limit / np.expm1(slope * limit)
    assert np.mean(np.array(across) <= limit) > 0.98
    assert np.median(across) == pytest.approx(np.log(2.0 / (1.0 + np.exp(-slope * limit))) / slope,
                                              rel=0.15)  # fmt: skip
    assert np.mean([x for x in across if x <= limit]) == pytest.approx(mean, rel=0.1)


def test_masses_of_the_hadrons_never_exceed_that_of_the_system():
    rng = np.random.default_rng(3)
    for w in (1.35, 1.5, 1.75, 3.0):
        for nucleon, sign, charge in KINDS:
            for _ in range(50):
                assert c.masses(content(w, sign, nucleon, charge, rng)).sum() < w
