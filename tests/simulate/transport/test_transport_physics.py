"""The parts of the transport against independent computations."""

import dataclasses

import numpy as np
import pytest

from jaxsparse import particle_data as c
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.transport.cosmics import vertical_intensity
from jaxsparse.simulate.transport.decays import michel_energies
from jaxsparse.simulate.transport.delta_rays import emission_cosine, hard_losses, soft_deltas
from jaxsparse.simulate.transport.directions import (
    isotropic,
    scattered_path,
    scattering_angle,
    turn,
)
from jaxsparse.simulate.transport.electrons import (
    BREMSSTRAHLUNG_CUT,
    accept_photon,
    bremsstrahlung_per_cm,
)
from jaxsparse.simulate.transport.energy_loss import (
    density_effect,
    kinematics,
    largest_transfer,
    range_table,
    restricted_electron_loss,
    restricted_loss,
    straggle,
)
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.photons import (
    compton_per_cm,
    compton_scatter,
    conversion_per_cm,
    interaction_rates,
)

MUON, PROTON = c.MASSES[13], c.MASSES[2212]
# Liquid argon as the Particle Data Group and ESTAR tabulate it, with the gas's mean excitation.
TABULATED = dataclasses.replace(
    LIQUID_ARGON, mean_excitation=188e-6, density_effect=(5.2146, 0.2, 3.0, 0.19559, 3.0)
)


def test_turned_directions_have_unit_length_and_the_angle_asked_for():
    rng = np.random.default_rng(0)
    direction = np.concatenate([isotropic(500, rng), [[0, 0, 1.0], [0, 0, -1.0], [1.0, 0, 0]]])
    cosine = rng.uniform(-1, 1, len(direction))
    turned = turn(direction, cosine, rng.uniform(0, 7, len(direction)))
    assert np.allclose(np.linalg.norm(turned, axis=1), 1.0)
    assert np.allclose((turned * direction).sum(1), cosine)


def test_a_scattered_path_turns_by_the_drawn_angle_at_every_step():
    # Step by step: the angle between one direction and the next is that of two plane angles.
    rng = np.random.default_rng(1)
    steps = np.array([1, 16, 17, 300])
    angle = np.full(steps.sum(), 0.05)
    path = scattered_path(isotropic(4, rng), angle, steps, rng)
    assert path.shape == (steps.sum() + 4, 3)
    assert np.allclose(np.linalg.norm(path, axis=1), 1.0)
    track = np.repeat(np.arange(4), steps + 1)
    same = track[1:] == track[:-1]
    turned = np.arccos(np.clip((path[1:] * path[:-1]).sum(1)[same], -1, 1))
    assert np.mean(turned**2) == pytest.approx(2 * 0.05**2, rel=0.15)


def test_a_scattered_path_without_scattering_is_straight():
    rng = np.random.default_rng(2)
    direction = isotropic(3, rng)
    path = scattered_path(direction, np.zeros(40), np.array([1, 19, 20]), rng)
    assert np.allclose(path, np.repeat(direction, [2, 20, 21], axis=0))


def test_many_small_scatterings_add_up_as_one_large_one():
    # 14 cm in 100 steps: the plane angle at the end has the spread of one radiation length.
    rng = np.random.default_rng(3)
    tracks, steps = 400, 100
    angle = scattering_angle(np.full(tracks * steps, 1000.0), MUON, np.full(tracks * steps, 0.14))
    start = np.tile([[0.0, 0.0, 1.0]], (tracks, 1))
    end = scattered_path(start, angle, np.full(tracks, steps), rng)[steps :: steps + 1]
    beta2, _, momentum = kinematics(np.array(1000.0), MUON)
    expected = 13.6 / (momentum * np.sqrt(beta2))
    assert end[:, :2].std() == pytest.approx(expected, rel=0.1)


def test_restricted_and_delta_ray_losses_add_up_to_the_whole_loss():
    # The mean energy in delta rays between two cuts is the difference of the restricted losses.
    energy = np.array(1500.0)
    transfer = np.geomspace(0.35, 5.0, 20001)
    beta2 = kinematics(energy, MUON)[0]
    # Without the spin term, which Bethe's restricted formula leaves out.
    bracket = 1.0 - beta2 * transfer / largest_transfer(energy, MUON)
    carried = np.trapezoid(LIQUID_ARGON.knock_on / (beta2 * transfer) * bracket, transfer)
    difference = restricted_loss(energy, MUON, 5.0) - restricted_loss(energy, MUON, 0.35)
    assert carried == pytest.approx(float(difference), rel=0.01)


def test_minimum_ionising_particles_lose_what_the_tables_say():
    # Particle Data Group, liquid argon: 1.508 MeV cm2/g at the minimum of muons, 266 MeV.
    energy = np.geomspace(100.0, 1000.0, 200)
    least = restricted_loss(energy, MUON, 1e9, TABULATED).min()
    assert least == pytest.approx(1.508 * 1.396, rel=0.01)


def test_the_liquid_loses_less_than_the_tables_by_the_logarithm_of_its_mean_excitation():
    # 198 eV (Strait, arXiv 2501.10550) where the tables have 188. Without a density effect, below
    # beta gamma = 10^0.2 = 1.6, Bethe's formula then loses 2 k / beta^2 ln(198 / 188) less.
    energy = np.array([5.0, 20.0, 60.0])
    beta2 = kinematics(energy, MUON)[0]
    tables, liquid = (restricted_loss(energy, MUON, 1e9, m) for m in (TABULATED, LIQUID_ARGON))
    less = 0.307075 * 1.396 * 18.0 / 39.948 / beta2 * np.log(198.0 / 188.0)
    assert tables - liquid == pytest.approx(less, rel=1e-3)
    # A fast particle does not feel it: far above, the plasma energy stands in its place.
    fast = np.array([3.0e4])
    tables, liquid = (restricted_loss(fast, MUON, 1e9, m) for m in (TABULATED, LIQUID_ARGON))
    assert liquid == pytest.approx(tables, rel=1e-3)


def test_electrons_lose_what_the_tables_say():
    # ESTAR (NIST), collision stopping power of electrons in argon, MeV cm2/g. It is tabulated for
    # the gas, where the density effect is nil at these energies: ours is taken out again. Typed
    # from memory; the totals of the next test were checked.
    energy = np.array([0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
    gas = np.array([2.917, 1.701, 1.480, 1.376, 1.407, 1.545, 1.678, 1.818]) * LIQUID_ARGON.density
    gamma = 1.0 + energy / c.ELECTRON_MASS
    beta2 = 1.0 - gamma**-2
    liquid = restricted_electron_loss(energy, 1e9, TABULATED)
    screening = TABULATED.knock_on / beta2 * density_effect(np.sqrt(beta2) * gamma, TABULATED)
    assert liquid + screening == pytest.approx(gas, rel=0.005)
    assert np.all(screening[:2] == 0)
    assert np.all(np.diff(screening[2:]) > 0)


def test_electrons_lose_in_all_what_the_tables_say():
    # ESTAR (NIST), total stopping power of electrons in argon gas, MeV cm2/g, as Geant4 carries it
    # (G4ESTARStopping.cc, G4_Ar): collisions and radiation together.
    energy = np.array([0.4, 0.7, 1.5, 3.5, 6.0, 10.0, 30.0, 90.0, 250.0, 450.0, 800.0])
    reference = np.array(
        [1.572, 1.428, 1.424, 1.589, 1.777, 2.037, 3.152, 6.214, 14.31, 24.46, 42.27]
    )
    gamma = 1.0 + energy / c.ELECTRON_MASS
    beta2 = 1.0 - gamma**-2
    screening = TABULATED.knock_on / beta2 * density_effect(np.sqrt(beta2) * gamma, TABULATED)
    total = restricted_electron_loss(energy, 1e9, TABULATED) + screening + _radiated(energy)
    assert total / LIQUID_ARGON.density == pytest.approx(reference, rel=0.007)


def test_muons_range_as_far_as_the_tables_say():
    # Particle Data Group, muons in liquid argon (muE_liquid_argon), CSDA range, g/cm2, as LArSoft
    # carries it (TrackMomentumCalculator.cxx). Muon radiation is left out here: 0.5 % at 4 GeV.
    energy = np.array([10, 14, 20, 30, 40, 80, 100, 200, 400, 1000, 2000, 4000.0])
    reference = np.array(
        [0.9833, 1.786, 3.321, 6.598, 10.58, 30.84, 42.50, 106.3, 238.5, 616.3, 1202.0, 2297.0]
    )
    reached = range_table(MUON, 1e9, TABULATED).range_of(energy) * TABULATED.density
    assert reached == pytest.approx(reference, rel=0.012)
    assert reached[3:] == pytest.approx(reference[3:], rel=0.006)


def _radiated(energy):
    """MeV/cm that electrons radiate: photons of all energies, those below the cut too."""
    photon = energy * np.linspace(0.0005, 0.9995, 1000)[:, None]
    # Number above the cut, spread as 1/k and thinned, over all photon energies.
    per_log = bremsstrahlung_per_cm(energy) / np.log(energy / BREMSSTRAHLUNG_CUT)
    return (per_log * accept_photon(photon, energy)).mean(axis=0) * energy


def test_electrons_radiate_what_the_tables_say():
    # Radiative stopping power of electrons in argon (ESTAR, NIST), MeV cm2/g. Typed from memory;
    # its sum with the collisions is held to the tables above.
    energy = np.array([0.7, 1.5, 7.0, 30.0, 150.0, 700.0])
    reference = np.array([0.02036, 0.04094, 0.2373, 1.251, 7.083, 34.83]) * LIQUID_ARGON.density
    assert _radiated(energy) == pytest.approx(reference, rel=0.03)


def test_range_and_energy_are_each_others_inverse():
    table = range_table(PROTON, 5.0)
    energy = np.geomspace(0.001, 3000.0, 200)
    assert np.allclose(table.energy_of(table.range_of(energy)), energy, rtol=1e-6)
    assert table.energy_of(np.array([-1.0, 0.0])).tolist() == [0.0, 0.0]


def test_straggling_has_the_mean_and_spread_of_the_collisions_however_a_path_is_cut():
    rng = np.random.default_rng(4)
    for length in (0.1, 0.3, 3.0):
        number = 40000
        loss = straggle(np.full(number, 1.9 * length), np.full(number, length), 1.0, 0.35, rng)
        assert loss.mean() == pytest.approx(1.9 * length, rel=0.02)
        assert loss.std() == pytest.approx(np.sqrt(LIQUID_ARGON.knock_on * length * 0.35), rel=0.05)


def test_delta_rays_have_the_number_and_angle_of_collisions_with_electrons_at_rest():
    rng = np.random.default_rng(5)
    energy = np.full(20000, 1500.0)
    step, transfer = soft_deltas(energy, np.full(20000, 1.0), MUON, True, MICROBOONE_WORLD, rng)
    # 9.66 /(m MeV) / beta^2 (1/0.35 - 1/5), less beta^2 ln(5/0.35)/T_max; 200 m of path.
    beta2 = float(kinematics(energy[0], MUON)[0])
    largest = float(largest_transfer(energy[0], MUON))
    expected = 9.66 / beta2 * (1 / 0.35 - 1 / 5 - beta2 * np.log(5 / 0.35) / largest) * 200.0
    assert len(step) == pytest.approx(expected, rel=0.04)
    assert 0.35 <= transfer.min() <= transfer.max() <= 5.0
    cosine = emission_cosine(np.array([largest]), np.array([1500.0]), MUON)
    assert cosine[0] == pytest.approx(1.0)
    # Energy and momentum: the scattered muon is on its mass shell.
    t = 5.0
    _, gamma, momentum = kinematics(np.array(1500.0), MUON)
    electron = np.sqrt(t * (t + 2 * c.ELECTRON_MASS))
    cosine = emission_cosine(np.array(t), np.array(1500.0), MUON)
    left = momentum**2 + electron**2 - 2 * momentum * electron * cosine
    assert (gamma * MUON - t) ** 2 - left == pytest.approx(MUON**2, rel=1e-6)


def test_hard_delta_rays_shorten_the_track_by_their_energy():
    table = range_table(MUON, 5.0)
    residual = table.range_of(np.full(300, 1500.0))
    rng = np.random.default_rng(6)
    track, at, reach, transfer = hard_losses(
        residual, residual * 2, table, MUON, True, LIQUID_ARGON, rng
    )
    assert np.all(np.diff(track * 1e6 + at) > 0)
    assert np.all(transfer[at > 0] >= 5.0)
    for row in np.flatnonzero(at > 0)[:50]:
        before = table.energy_of(reach[row - 1] - at[row])
        after = table.energy_of(reach[row] - at[row])
        assert before - after == pytest.approx(transfer[row], rel=1e-3)


def test_compton_scattering_follows_klein_and_nishina():
    rng = np.random.default_rng(7)
    for energy in (0.3, 2.0, 30.0):
        k = energy / c.ELECTRON_MASS
        scattered, cosine = compton_scatter(np.full(40000, energy), rng)
        assert np.allclose(scattered, energy / (1 + k * (1 - cosine)))  # kinematics
        x = np.linspace(-1, 1, 200001)
        e = 1 / (1 + k * (1 - x))
        density = e**2 * (e + 1 / e - (1 - x**2))
        mean = np.trapezoid(x * density, x) / np.trapezoid(density, x)
        assert cosine.mean() == pytest.approx(mean, abs=0.01)
        # The total: pi r_e^2 times the integral of the same density, an independent route.
        electrons = LIQUID_ARGON.electrons_per_cm3
        total = np.pi * (2.8179403e-13) ** 2 * np.trapezoid(density, x) * electrons
        assert compton_per_cm(np.array(energy)) == pytest.approx(total, rel=1e-4)


def test_photons_interact_as_often_as_the_tables_say():
    # Mass attenuation in argon (NIST, Hubbell and Seltzer), cm2/g; the same six numbers stand in
    # ALICE's TRD simulation (AliceO2, TRsim.cxx). It counts coherent scattering, 1 % at 0.5 MeV and
    # less above, which moves no energy and is left out here.
    energy = np.array([0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
    reference = (
        np.array([0.07958, 0.05762, 0.04074, 0.02802, 0.02451, 0.02453]) * LIQUID_ARGON.density
    )
    rate, pair, compton = interaction_rates(energy)
    assert rate == pytest.approx(reference, rel=0.02)
    assert np.all((pair >= 0) & (pair <= compton) & (compton <= 1))
    assert conversion_per_cm(np.array([1e4]))[0] == pytest.approx(7 / 9 / 14.0, rel=0.05)


def test_michel_energies_follow_their_spectrum():
    energy = michel_energies(50000, np.random.default_rng(8)) + c.ELECTRON_MASS
    x = energy / 52.83
    assert x.max() <= 1.0
    assert x.mean() == pytest.approx(0.7, abs=0.005)  # 2 (3/4 - 2/5)
    assert np.mean(x < 0.5) == pytest.approx(2 * 0.5**3 - 0.5**4, abs=0.01)


def test_the_vertical_muon_intensity_is_the_measured_one():
    # About 70 /(m2 s sr) above 1 GeV (Particle Data Group).
    momentum = np.geomspace(1.0, 1000.0, 2001)
    total = np.trapezoid(vertical_intensity(momentum), momentum) * 1e4
    assert total == pytest.approx(70.0, rel=0.15)
