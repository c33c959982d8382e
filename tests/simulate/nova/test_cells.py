"""Particles in the segmented scintillator: ranges, showers, and the light of cells."""

import collections
import dataclasses
import math

import numpy as np
import pytest

from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.nova.detector import NOVA_FAR, SCINTILLATOR
from jaxsparse.simulate.nova.response import make_hits
from studies.transport.figures import fire, own_steps

START = (750.75, 750.75, 1000.0)  # the middle of a cell in both views
ELECTRON_MASS = 0.510999
# Without fluctuations, threshold and saturation.
QUIET = dataclasses.replace(
    NOVA_FAR, excess_noise=1.0, noise=0.0, threshold=0.0, saturation=1e9, far_light=1e6
)


def csda_range(energy, mass, medium):
    """Bethe's formula integrated (Particle Data Group), g/cm^2."""
    k = 0.307075 * medium.atomic_number / medium.atomic_mass
    offset, low, high, slope, power = medium.density_effect

    def loss(t):
        gamma = 1 + t / mass
        beta2 = 1 - gamma**-2
        ratio = ELECTRON_MASS / mass
        most = 2 * ELECTRON_MASS * beta2 * gamma**2 / (1 + 2 * gamma * ratio + ratio**2)
        x = np.log10(np.sqrt(beta2) * gamma)
        screening = 2 * math.log(10) * x - offset + slope * np.maximum(high - x, 0) ** power
        screening = np.where(x < low, 0, np.maximum(screening, 0))
        inside = 2 * ELECTRON_MASS * beta2 * gamma**2 * most / medium.mean_excitation**2
        return k / beta2 * (0.5 * np.log(inside) - beta2 - screening / 2)

    t = np.geomspace(0.5, energy, 4000)
    return np.trapezoid(1 / loss(t), t)


def straight(start, end, *, loss=2.0, time=0.0, particle=0, step=1.0):
    """A straight track of so many MeV/cm in the mixed medium."""
    start, end = np.array(start, float), np.array(end, float)
    length = np.linalg.norm(end - start)
    count = max(math.ceil(length / step), 1)
    edges = start + np.linspace(0, 1, count + 1)[:, None] * (end - start)
    one = np.ones(count)
    return Deposits(
        edges[:-1], edges[1:], loss * length / count * one, length / count * one, time * one,
        np.full(count, particle, np.int32),
    )  # fmt: skip


def hits_of(deposits, detector=QUIET, *, pdg=(13,), event=None, seed=0):
    pdg = np.array(pdg)
    event = np.zeros(len(pdg), int) if event is None else np.array(event)
    rng = np.random.default_rng(seed)
    rows = np.arange(len(pdg))
    return make_hits(deposits, pdg, rows, rows, event, detector, rng)


@pytest.mark.parametrize("energy", [1000.0, 2000.0])
def test_muons_go_as_far_as_the_range_tables_say(energy):
    deposits, _ = fire(13, np.full(60, energy), 3, START, NOVA_FAR.world)
    own = deposits.particle < 60
    path = np.bincount(deposits.particle[own], deposits.length[own], 60)
    expected = csda_range(energy, 105.6584, NOVA_FAR.medium) / NOVA_FAR.medium.density
    assert path.mean() == pytest.approx(expected, rel=0.03)
    # Polystyrene and mineral oil: 4.4 to 4.9 m for 1 GeV and a density of 1.
    assert 4.4 < path.mean() / 100 / (energy / 1000) < 4.9


def test_two_thirds_of_the_mass_are_scintillator():
    # The experiment's design: "65 % active", a kilogram a litre, 14 kt in all.
    active = NOVA_FAR.active_share * SCINTILLATOR.density / NOVA_FAR.medium.density
    assert active == pytest.approx(0.65, abs=0.03)
    volume = NOVA_FAR.length**2 * NOVA_FAR.planes * NOVA_FAR.depth
    assert volume * NOVA_FAR.medium.density / 1e9 == pytest.approx(14.0, rel=0.08)  # kt
    assert 34.0 < NOVA_FAR.medium.radiation_length < 40.0  # cm


def test_electron_showers_are_as_long_and_wide_as_the_medium_asks():
    number = 30
    deposits, _ = fire(11, np.full(number, 1000.0), 4, START, NOVA_FAR.world)
    assert deposits.energy.sum() / number == pytest.approx(1000.0, rel=0.03)
    middle = 0.5 * (deposits.start + deposits.end)
    weight = deposits.energy / deposits.energy.sum()
    # Mean of the gamma profile (PDG): t_max + 1/b with t_max = ln(E/Ec) - 0.5, b = 0.5.
    depth = ((middle[:, 2] - START[2]) * weight).sum() / NOVA_FAR.medium.radiation_length
    expected = math.log(1000.0 / NOVA_FAR.medium.critical_energy) - 0.5 + 2.0
    assert depth == pytest.approx(expected, rel=0.25)
    radius = np.hypot(middle[:, 0] - START[0], middle[:, 1] - START[1])
    order = np.argsort(radius)
    nine_tenths = radius[order][np.searchsorted(np.cumsum(weight[order]), 0.9)]
    moliere = 21.2 * NOVA_FAR.medium.radiation_length / NOVA_FAR.medium.critical_energy
    assert nine_tenths == pytest.approx(moliere, rel=0.45)


def test_a_stopping_proton_ionises_more_and_more():
    deposits, _ = fire(2212, np.full(60, 200.0), 5, START, NOVA_FAR.world)
    residual, energy, length = own_steps(deposits, np.arange(60))
    loss = []
    for low, high in ((0, 1), (1, 3), (3, 8), (8, 16)):
        within = (residual >= low) & (residual < high)
        loss.append(energy[within].sum() / length[within].sum())
    assert np.all(np.diff(loss) < 0)
    assert loss[0] > 4 * loss[-1]


def test_light_falls_along_the_fibre_by_two_exponentials_both_ways():
    places = np.array([100.0, 500.0, 1000.0, 1400.0])
    length = 384 * 3.9

    def share(distance):
        ways = (distance, 2 * length - distance)
        return sum(0.3137 * math.exp(-w / 289.5) + 0.1669 * math.exp(-w / 852.3) for w in ways)

    signals = []
    for y in places:  # a plane of vertical cells, read at the top
        x, z = 100 * 3.9 + 1.95, 100 * 6.6
        hits = hits_of(straight((x, y, z), (x, y, z + 6.6)))
        assert (hits.plane[0], hits.cell[0]) == (100, 100)
        signals.append(hits.energy[0] * share(length - y))
    # Calibration takes the attenuation out again.
    calibrated = np.array(signals) / [share(length - y) for y in places]
    assert calibrated == pytest.approx(calibrated.mean(), rel=0.02)
    got = NOVA_FAR.fibre_share(length - places)
    assert got == pytest.approx([share(length - y) for y in places], rel=1e-6)


def test_a_mip_at_the_far_end_gives_25_photo_electrons():
    # A muon of 0.4 GeV straight through a cell, far from the readout (novaart wiki: 25 PE/MIP).
    deposits, _ = fire(13, np.full(40, 700.0), 6, (750.75, 20.0, 1000.0), NOVA_FAR.world)
    own = deposits.particle < 40
    columns = {f.name: getattr(deposits, f.name)[own] for f in dataclasses.fields(deposits)}
    columns["particle"] = columns["particle"] * 0
    loud = dataclasses.replace(QUIET, far_light=25.0 * 1e4)
    hits = hits_of(Deposits(**columns), loud)
    vertical = (hits.plane % 2 == 0) & (hits.plane > 152) & (hits.plane < 172)
    # All 40 muons are in one event: the light of each is a fortieth.
    planes = np.unique(hits.plane[vertical])
    light = [hits.energy[hits.plane == p].sum() / 40 for p in planes]
    per_mev = NOVA_FAR.photo_electrons_per_mev * float(NOVA_FAR.fibre_share(np.array(1477.6)))
    quenched = float(NOVA_FAR.quenching(np.array(1.62)))
    assert np.mean(light) * per_mev * quenched == pytest.approx(25.0, rel=0.12)


def test_the_most_probable_value_of_a_mip_is_its_energy_in_the_scintillator():
    deposits, _ = fire(13, np.full(30, 1500.0), 7, START, NOVA_FAR.world)
    own = deposits.particle < 30
    columns = {f.name: getattr(deposits, f.name)[own] for f in dataclasses.fields(deposits)}
    pdg = np.full(30, 13)
    rng = np.random.default_rng(1)
    rows = np.arange(30)
    hits = make_hits(Deposits(**columns), pdg, rows, rows, rows, QUIET, rng)
    first = hits.plane < 1300 // 6.6
    values = hits.energy[first]
    values = values[values > 5.0]  # not those that clip a corner
    count, edges = np.histogram(values, np.arange(5.0, 20.0, 0.5))
    peak = edges[count.argmax()] + 0.25
    # Landau's most probable loss of a muon of 1.2 GeV in 4.85 g/cm^2 of oil (PDG, eq. 34.12).
    gamma = 1 + 1200 / 105.66
    beta2 = 1 - gamma**-2
    xi = 0.307075 / 2 * 0.57 * (5.64 * 0.86) / beta2
    offset, _, high, slope, power = SCINTILLATOR.density_effect
    x = math.log10(math.sqrt(beta2) * gamma)
    screening = 2 * math.log(10) * x - offset + slope * max(high - x, 0) ** power
    excitation = SCINTILLATOR.mean_excitation
    probable = xi * (
        math.log(2 * ELECTRON_MASS * beta2 * gamma**2 / excitation)
        + math.log(xi / excitation) + 0.2 - beta2 - screening
    )  # fmt: skip
    assert peak == pytest.approx(probable, rel=0.1)


def test_birks_law_takes_light_from_heavy_ionisation():
    quenching = NOVA_FAR.quenching(np.array([0.0, 1.8, 50.0]))
    assert quenching == pytest.approx(
        [1.0, 1 / (1 + 0.013 * 1.8 / 0.86), 1 / (1 + 0.013 * 50.0 / 0.86)]
    )
    start, end = (391.95, 700.0, 660.0), (391.95, 700.0, 666.6)
    light = [hits_of(straight(start, end, loss=loss)).energy[0] / loss for loss in (2.0, 50.0)]
    inside = 0.905  # loss in oil over loss in the mixture
    ratio = (1 + 0.013 * 2 * inside / 0.86) / (1 + 0.013 * 50 * inside / 0.86)
    assert light[1] / light[0] == pytest.approx(ratio, rel=0.01)


def test_planes_alternate_between_the_views():
    hits = hits_of(straight((391.95, 703.95, 660.0), (391.95, 703.95, 686.4)))
    assert hits.plane.tolist() == [100, 101, 102, 103]
    # Vertical cells measure x, horizontal ones y.
    assert hits.cell.tolist() == [100, 180, 100, 180]


def test_walls_give_no_light():
    inside = hits_of(straight((391.95, 700.0, 662.0), (391.95, 700.0, 664.0)))
    in_web = hits_of(straight((390.05, 700.0, 662.0), (390.05, 700.0, 664.0)))
    behind = hits_of(straight((391.95, 700.0, 666.2), (391.95, 700.0, 666.5)))
    outside = hits_of(straight((-5.0, 700.0, 662.0), (-1.0, 700.0, 662.0)))
    assert len(inside) == 1
    assert [len(h) for h in (in_web, behind, outside)] == [0, 0, 0]


def test_late_light_belongs_to_another_event():
    assert len(hits_of(straight(START, (750.75, 750.75, 1020.0), time=0.2))) > 0
    assert len(hits_of(straight(START, (750.75, 750.75, 1020.0), time=2.2))) == 0


def test_weak_signals_are_cut_and_strong_ones_saturate():
    start, end = (391.95, 20.0, 660.0), (391.95, 20.0, 666.6)
    counts = [len(hits_of(straight(start, end, loss=0.1), NOVA_FAR, seed=s)) for s in range(20)]
    assert sum(counts) <= 1
    counts = [len(hits_of(straight(start, end), NOVA_FAR, seed=s)) for s in range(20)]
    assert sum(counts) >= 18
    near = ((391.95, 1490.0, 660.0), (391.95, 1490.0, 666.6))
    strong = [hits_of(straight(*near, loss=x), NOVA_FAR).energy[0] for x in (100.0, 200.0)]
    assert strong[0] == pytest.approx(strong[1])


def test_photo_statistics_have_the_excess_of_an_avalanche():
    start, end = (391.95, 700.0, 660.0), (391.95, 700.0, 666.6)
    energy = np.array(
        [hits_of(straight(start, end), NOVA_FAR, seed=s).energy[0] for s in range(400)]
    )
    expected = hits_of(straight(start, end)).energy[0]
    light = expected * float(NOVA_FAR.quenching(np.array(1.62)))
    electrons = (
        light * NOVA_FAR.photo_electrons_per_mev * float(NOVA_FAR.fibre_share(np.array(797.6)))
    )
    assert energy.mean() == pytest.approx(expected, rel=0.04)
    spread = math.sqrt(2.5 * electrons + 9.0) / electrons
    assert energy.std() / energy.mean() == pytest.approx(spread, rel=0.12)


def test_the_largest_part_of_the_light_names_a_cell():
    start, end = (391.95, 700.0, 660.0), (391.95, 700.0, 666.6)
    both = [straight(start, end, loss=x, particle=i) for i, x in enumerate((1.0, 3.0, 0.1))]
    hits = hits_of(Deposits.concatenate(both), pdg=(13, 11, 2212))
    assert hits.instance.tolist() == [1]
    assert hits.overlap.tolist() == [2]  # the third gave less than a tenth
    assert hits.share[0] == pytest.approx(0.73, abs=0.02)


def test_the_truth_of_a_hit_is_that_of_a_loop_over_its_light():
    rng = np.random.default_rng(5)
    # A muon, and a neutral pion whose photons are instances; an electron of the second photon.
    pdg = np.array([13, 111, 22, 22, 11])
    instance, primary = np.array([0, 1, 2, 3, 3]), np.array([0, 1, 1, 1, 1])
    count = 300
    cell, plane = rng.integers(100, 104, count), rng.integers(100, 104, count)
    along = rng.uniform(20.0, 1480.0, count)
    place = np.stack([along, along, (plane + 0.5) * QUIET.depth], axis=1)
    across = plane % 2  # x of vertical cells, y of horizontal ones
    place[np.arange(count), across] = (cell + 0.5) * QUIET.width
    energy, particle = rng.exponential(1.0, count), rng.choice([0, 2, 3, 4], count)
    deposits = Deposits(
        place, place, energy, np.full(count, 0.5), np.zeros(count), particle.astype(np.int32)
    )
    hits = make_hits(deposits, pdg, instance, primary, np.zeros(2, int), QUIET, rng)

    light = collections.defaultdict(list)  # by cell: instance, photo-electrons, place along it
    for row in range(count):
        loss = energy[row] * QUIET.density_share
        steepest = 12.0 if particle[row] >= 2 else 500.0
        quenched = loss * float(QUIET.quenching(np.array(min(loss / 0.5, steepest))))
        share = float(QUIET.fibre_share(np.array(QUIET.length - along[row])))
        signal = quenched * share * QUIET.photo_electrons_per_mev
        light[plane[row], cell[row]].append((instance[particle[row]], signal, along[row]))
    assert len(hits) == len(light) == 16
    for number, parts in enumerate(light[key] for key in sorted(light)):
        total = sum(signal for _, signal, _ in parts)
        by_instance: dict[int, float] = collections.defaultdict(float)
        by_primary: dict[int, float] = collections.defaultdict(float)
        for one, signal, _ in parts:
            by_instance[one] += signal
            by_primary[primary[one]] += signal
        owner = max(by_primary, key=by_primary.__getitem__)
        named = max(
            (one for one in by_instance if primary[one] == owner), key=by_instance.__getitem__
        )
        assert hits.instance[number] == named
        assert hits.share[number] == pytest.approx(by_instance[named] / total)
        assert hits.primary_share[number] == pytest.approx(by_primary[owner] / total)
        assert hits.overlap[number] == sum(part >= 0.1 * total for part in by_instance.values())
        mean = sum(signal * where for _, signal, where in parts) / total
        square = sum(signal * (where - mean) ** 2 for _, signal, where in parts) / total
        assert hits.along[number] == pytest.approx(mean)
        assert hits.along_spread[number] == pytest.approx(math.sqrt(square))


def test_events_of_one_bank_never_share_a_cell():
    start, end = (391.95, 700.0, 660.0), (391.95, 700.0, 666.6)
    both = Deposits.concatenate([straight(start, end, particle=i) for i in range(2)])
    together = hits_of(both, pdg=(13, 13), event=(0, 1))
    alone = hits_of(straight(start, end))
    assert together.event.tolist() == [0, 1]
    assert together.energy == pytest.approx([alone.energy[0]] * 2, rel=1e-2)
    assert together.instance.tolist() == [0, 1]


def test_no_deposit_is_no_hit():
    assert len(hits_of(Deposits.empty())) == 0
    assert len(hits_of(Deposits.empty(), pdg=())) == 0
