"""Boosts, scattering and decays conserve, and phase space has the density it must have."""

import numpy as np
import pytest

from jaxsparse.simulate.neutrinos import kinematics
from jaxsparse.simulate.neutrinos.phase_plane import Line, Plane, q2_limits


def lorentz(frame):
    """The boost matrix from the rest frame of ``frame``, by the textbook."""
    mass = np.sqrt(frame[0] ** 2 - frame[1:] @ frame[1:])
    gamma, beta = frame[0] / mass, frame[1:] / frame[0]
    matrix = np.eye(4)
    matrix[0, 0] = gamma
    matrix[0, 1:] = matrix[1:, 0] = gamma * beta
    matrix[1:, 1:] += (gamma - 1.0) * np.outer(beta, beta) / (beta @ beta)
    return matrix


def test_a_boost_is_the_lorentz_matrix():
    rng = np.random.default_rng(0)
    frame = np.array([5.0, 1.0, -2.0, 3.0])
    momenta = np.concatenate([rng.uniform(3, 5, (6, 1)), rng.normal(size=(6, 3))], axis=1)
    boosted = kinematics.boost(momenta, frame)
    np.testing.assert_allclose(boosted, momenta @ lorentz(frame).T, rtol=1e-12)
    back = kinematics.boost(boosted, kinematics.reflect(frame))
    np.testing.assert_allclose(back, momenta, rtol=1e-10, atol=1e-12)


def test_scattering_has_the_masses_and_the_momentum_transfer_asked_for():
    neutrino = np.array([3.0, 0.0, 0.0, 3.0])
    struck = np.array([0.95, 0.1, -0.15, 0.05])
    out = kinematics.scatter(neutrino, struck, 0.1057, 1.4, 0.7, np.random.default_rng(1))
    assert out is not None
    lepton, hadrons = out
    np.testing.assert_allclose(lepton + hadrons, neutrino + struck, atol=1e-12)
    assert kinematics.invariant(lepton) == pytest.approx(0.1057**2, rel=1e-6)
    assert kinematics.invariant(hadrons) == pytest.approx(1.4**2, rel=1e-9)
    assert -kinematics.invariant(neutrino - lepton) == pytest.approx(0.7, rel=1e-9)


@pytest.mark.parametrize(("w", "q2"), [(3.0, 0.5), (1.2, 9.0), (1.2, -0.3)])
def test_scattering_that_cannot_be_is_none(w, q2):
    neutrino = np.array([2.0, 0.0, 0.0, 2.0])
    struck = np.array([0.939, 0.0, 0.0, 0.0])
    assert kinematics.scatter(neutrino, struck, 0.1, w, q2, np.random.default_rng(1)) is None


@pytest.mark.parametrize("masses", [(0.94, 0.14), (0.94, 0.14, 0.14), (0.94,) + 4 * (0.14,)])
def test_decays_conserve_and_keep_masses(masses):
    parent = np.array([3.0, 0.5, -1.0, 0.7])
    masses = np.array(masses)
    made = kinematics.decay(parent, masses, np.random.default_rng(2))
    np.testing.assert_allclose(made.sum(axis=0), parent, atol=1e-12)
    np.testing.assert_allclose(kinematics.invariant(made), masses**2, atol=1e-10)


def test_three_massless_products_fill_the_dalitz_plot_evenly():
    # Phase space of three is flat in the squared masses of pairs: for massless products the mean
    # of m12^2 / M^2 over the triangle is 1/3 and its mean square 1/6.
    rng = np.random.default_rng(3)
    parent = np.array([1.0, 0.0, 0.0, 0.0])
    made = np.array([kinematics.decay(parent, np.zeros(3), rng) for _ in range(1500)])
    pair = kinematics.invariant(made[:, 0] + made[:, 1])
    assert pair.mean() == pytest.approx(1 / 3, abs=0.02)
    assert (pair**2).mean() == pytest.approx(1 / 6, abs=0.02)
    late = kinematics.invariant(made[:, 1] + made[:, 2])
    assert late.mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_slope_limits_transverse_momenta():
    rng = np.random.default_rng(4)
    parent, masses, axis = np.array([4.0, 0, 0, 0]), np.full(4, 0.14), np.array([0.0, 0.0, 1.0])

    def across(slope):
        made = np.array([kinematics.decay(parent, masses, rng, axis, slope) for _ in range(300)])
        return np.hypot(made[..., 1], made[..., 2]).mean()

    assert across(3.5) < 0.85 * across(0.0)


def test_limits_of_momentum_transfer_are_those_of_forward_and_backward_leptons():
    # By brute force: scan the angle in the rest frame of the collision.
    energy, lepton, w, nucleon = 2.5, 0.1057, 1.3, 0.9389
    low, high = q2_limits(energy, lepton, np.array([w]))
    total = np.array([energy + nucleon, 0.0, 0.0, energy])
    root = np.sqrt(kinematics.invariant(total))
    size = kinematics.two_body_momentum(root, lepton, w)
    incoming = kinematics.boost(np.array([energy, 0, 0, energy]), kinematics.reflect(total))
    cosine = np.linspace(-1.0, 1.0, 101)
    out = np.hypot(size, lepton)
    q2 = 2.0 * incoming[0] * (out - size * cosine) - lepton**2
    assert low[0] == pytest.approx(q2.min(), abs=2e-4)
    assert high[0] == pytest.approx(q2.max(), rel=2e-3)


def test_planes_and_lines_integrate_and_draw_a_known_density():
    # Density 1: the integral is the area of the region, and W is drawn with its width.
    low, high = q2_limits(3.0, 0.1, np.linspace(1.1, 1.7, 2001))
    plane = Plane(lambda w, q2: np.ones_like(q2), 3.0, 0.1, 1.1, 1.7)
    assert plane.total == pytest.approx(np.trapezoid(high - low, np.linspace(1.1, 1.7, 2001)), 0.01)
    rng = np.random.default_rng(5)
    drawn = np.array([plane.draw(rng) for _ in range(2000)])
    grid = np.linspace(1.1, 1.7, 2001)
    mean = np.sum((high - low) * grid) / np.sum(high - low)
    assert drawn[:, 0].mean() == pytest.approx(mean, abs=0.015)
    line = Line(lambda q2: np.ones_like(q2), 3.0, 0.1, 1.1)
    ends = q2_limits(3.0, 0.1, np.array([1.1]))
    assert line.total == pytest.approx(float(ends[1][0] - ends[0][0]), rel=0.01)
    assert Plane(lambda w, q2: np.ones_like(q2), 0.5, 0.1, 1.6, 1.7).total == 0.0
