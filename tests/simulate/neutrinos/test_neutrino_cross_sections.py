"""Cross sections have the limits and sum rules that theory demands."""

import numpy as np
import pytest

from jaxsparse.simulate.neutrinos import cross_sections as sizes
from jaxsparse.simulate.neutrinos import (
    deep_inelastic,
    oscillations,
    quasi_elastic,
    resonances,
)
from jaxsparse.simulate.neutrinos.nuclei import ARGON, CARBON, HYDROGEN, struck_nucleon
from jaxsparse.simulate.neutrinos.rescattering import interaction_probability


def test_forward_quasi_elastic_scattering_is_that_of_the_charges():
    # At Q^2 = 0 only the vector and axial charges act: G^2 cos^2 (g_V^2 + g_A^2) / 2 pi, for
    # neutrinos and antineutrinos alike, in 1e-38 cm^2 / GeV^2 (high energy).
    expected = (1.16638e-5) ** 2 * 0.94936 * (1.0 + 1.267**2) / (2.0 * np.pi) * 0.3893794e11
    for sign, nucleon in ((1, 2112), (-1, 2212)):
        got = quasi_elastic.cross_section(50.0, np.zeros(1), 0.0, sign, nucleon, False)
        assert got[0] == pytest.approx(expected, rel=0.01)


def test_charge_forbids_quasi_elastic_scattering_on_the_other_nucleon():
    assert quasi_elastic.cross_section(2.0, np.ones(1), 0.1, 1, 2212, False)[0] == 0.0
    assert quasi_elastic.cross_section(2.0, np.ones(1), 0.1, -1, 2112, False)[0] == 0.0


def test_quarks_are_counted_right_at_every_q2():
    x = np.linspace(1e-7, 1.0, 2_000_001)[:-1]
    for q2 in (0.5, 4.0, 30.0):
        up, down, sea = deep_inelastic.quarks(x, np.full_like(x, q2), 2212)
        assert np.trapezoid((up - sea) / x, x) == pytest.approx(2.0, rel=0.01)
        assert np.trapezoid((down - sea) / x, x) == pytest.approx(1.0, rel=0.01)
        assert 0.25 < np.trapezoid(up - sea + down - sea, x) < 0.5


def test_a_heavy_lepton_scatters_on_a_quark_flat_in_y():
    # On a quark the rate goes as s (s - m^2), whatever y: with x fixed and the low-Q^2 factor taken
    # out, d sigma / dx dy must not depend on y for a tau as it does not for an electron.
    energy, mass, nucleon, x = 1000.0, 20.0, 0.93891, 0.5
    values = []
    for y in (0.6, 0.75, 0.9):
        span = 2.0 * nucleon * energy * y
        q2 = np.array([x * span])
        w = np.sqrt(nucleon**2 + span - q2)
        density = deep_inelastic.cross_section(energy, w, q2, mass, 1, 2212, False)
        _, down, sea = deep_inelastic.quarks(np.array([x]), q2, 2212)
        jacobian = w / (nucleon * energy * span)
        low = q2 / (q2 + deep_inelastic.LOW_Q2)
        values.append((density / jacobian / low / down)[0])
        assert sea[0] < 0.06 * down[0]
    assert np.ptp(values) < 0.08 * np.mean(values)
    light = deep_inelastic.cross_section(energy, w, q2, 0.0, 1, 2212, False) / jacobian / low / down
    expected = 1.0 - mass**2 / (2.0 * nucleon * energy * x)
    assert values[-1] / light[0] == pytest.approx(expected, rel=0.05)


def test_isospin_rules_the_delta():
    rng = np.random.default_rng(0)
    assert resonances.products(1.23, 1, 2212, False, rng) == [2212, 211]
    assert resonances.products(1.23, -1, 2112, False, rng) == [2112, -211]
    for nucleon in (2212, 2112):
        for sign in (1, -1):
            for neutral in (False, True):
                charge = (nucleon == 2212) + (0 if neutral else sign)
                for w in (1.1, 1.23, 1.65):
                    codes = resonances.products(w, sign, nucleon, neutral, rng)
                    got = codes.count(2212) + codes.count(211) - codes.count(-211)
                    assert got == charge


def test_modes_sum_to_the_total_and_grow_from_their_thresholds():
    energy = np.array([0.3, 1.0, 5.0, 30.0])
    parts = sizes.by_mode(energy, 14, 1, False)
    assert parts.shape == (4, 2, 4)
    np.testing.assert_allclose(parts.mean(axis=1).sum(axis=0), sizes.total(energy, 14, 1, False))
    assert parts[3, 0, 0] == 0.0
    assert np.all(np.diff(parts[3, 0]) > 0.0)


def test_electrons_and_muons_agree_far_above_their_masses():
    energy = np.array([20.0])
    ratio = sizes.total(energy, 12, 1, False) / sizes.total(energy, 14, 1, False)
    assert ratio[0] == pytest.approx(1.0, abs=0.02)
    tau = sizes.total(energy, 16, 1, False) / sizes.total(energy, 14, 1, False)
    assert 0.2 < tau[0] < 0.6


def test_oscillation_conserves_probability():
    energy = np.geomspace(0.3, 20.0, 50)
    for source in (12, 14, -14):
        seen = [np.sign(source) * code for code in (12, 14, 16)]
        whole = sum(oscillations.probability(source, int(code), energy, 810.0) for code in seen)
        np.testing.assert_allclose(whole, 1.0, atol=1e-12)
    np.testing.assert_allclose(oscillations.probability(14, 14, energy, 1e-9), 1.0)


def test_nucleons_move_below_the_fermi_momentum_and_are_bound():
    rng = np.random.default_rng(1)
    moving = np.array([struck_nucleon(CARBON, 2112, rng) for _ in range(2000)])
    size = np.linalg.norm(moving[:, 1:], axis=1)
    assert size.max() < 0.221
    assert size.mean() == pytest.approx(0.75 * 0.221, rel=0.02)  # of a filled sphere
    assert np.all(moving[:, 0] < np.hypot(size, 0.9396))
    assert struck_nucleon(HYDROGEN, 2212, rng).tolist() == [0.9382721, 0.0, 0.0, 0.0]


def test_larger_nuclei_hold_more_hadrons_back():
    probabilities = {}
    for nucleus in (CARBON, ARGON):
        for energy in (60.0, 180.0, 800.0):
            got = interaction_probability(211, energy, nucleus)
            # By brute force: points in the sphere, rays to its surface.
            rng = np.random.default_rng(2)
            place = rng.normal(size=(20000, 3))
            place *= (rng.random(20000) ** (1 / 3) / np.linalg.norm(place, axis=1))[:, None]
            along = place[:, 2]
            path = np.sqrt(along**2 + 1.0 - (place**2).sum(axis=1)) - along
            barn = np.interp(energy, [50, 100, 180, 500, 1000], [15, 35, 60, 30, 30])
            depth = 0.1 * barn * nucleus.density * nucleus.radius
            assert got == pytest.approx(np.mean(1 - np.exp(-depth * path)), abs=0.02)
            probabilities[nucleus, energy] = got
    assert probabilities[ARGON, 180.0] > probabilities[CARBON, 180.0] > 0.4
    assert probabilities[CARBON, 180.0] > probabilities[CARBON, 60.0]
