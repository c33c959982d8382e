"""The detector response against independent computations with the detector's own numbers."""

import dataclasses
import math

import numpy as np
import pytest

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.detectors.microboone import DELTA, HIP, MIP, SHOWER
from jaxsparse.simulate.ionization import ModifiedBox, free_electrons, recombination, subdivide
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.wire_chamber.response import detector_response

NO_DEAD: dict = {}
FIELD = 0.273  # kV/cm


def quiet(**changes):
    """MicroBooNE without noise, threshold and saturation."""
    planes = tuple(
        dataclasses.replace(plane, noise=1e-9, saturation=1e9)
        for plane in MICROBOONE_CHAMBER.planes
    )
    return dataclasses.replace(MICROBOONE_CHAMBER, planes=planes, signal_floor=1e-6, **changes)


def particles(*labels, pdg=13):
    table = np.zeros(len(labels), PARTICLE_DTYPE)
    table["pdg"], table["parent"], table["label"] = pdg, -1, labels
    table["instance"] = np.arange(len(labels))
    table["interaction"] = True
    table["start"] = (100.0, 0.0, 500.0)
    return table


def track(start, end, *, energy=None, step=0.3, time=0.0, particle=0):
    """A straight track of 2.1 MeV/cm, or of so much energy in all."""
    start, end = np.array(start, float), np.array(end, float)
    length = np.linalg.norm(end - start)
    count = max(math.ceil(length / step), 1)
    edges = start + np.linspace(0, 1, count + 1)[:, None] * (end - start)
    total = 2.1 * length if energy is None else energy
    return Deposits(
        edges[:-1], edges[1:], np.full(count, total / count), np.full(count, length / count),
        np.full(count, float(time)), np.full(count, particle, np.int32),
    )  # fmt: skip


def point(place, energy=5.0, **options):
    return track(place, place, energy=energy, **options)


def respond(deposits, table, detector=MICROBOONE_CHAMBER, seed=0, **options):
    return detector_response(deposits, table, detector, np.random.default_rng(seed), **options)


def electrons_per_adc(plane):
    """Electrons of one ADC summed over rows: 300 at the peak, averaged numerically over a row."""
    sigma = plane.pulse_sigma / 3
    offsets = (np.arange(2000) + 0.5) / 2000
    shares = [
        (math.erf((1 - u) / sigma / math.sqrt(2)) + math.erf(u / sigma / math.sqrt(2))) / 2
        for u in offsets
    ]
    return 300 * np.mean(shares)


def mean_place(view):
    return (view.coords + 0.5).T @ view.values / view.values.sum()


def test_a_mip_keeps_63_percent_of_its_electrons():
    assert recombination(np.array([2.1]), FIELD)[0] == pytest.approx(0.633, abs=1e-3)
    electrons = free_electrons(track((9, 0, 0), (9, 0, 0.3)), np.array([13]), FIELD)
    assert electrons.sum() == pytest.approx(16.9e3, rel=0.01)  # the published figure for 3 mm


def test_recombination_never_uses_an_artefact_of_short_steps():
    table = np.array([11, 13, 2212])
    steps = Deposits.concatenate([point((9, 0, 9), particle=p) for p in range(3)])
    at_bound = [recombination(np.array([e]), FIELD)[0] for e in (6.0, 50.0, 50.0)]
    np.testing.assert_allclose(
        free_electrons(steps, table, FIELD), 5 / 23.6e-6 * np.array(at_bound)
    )
    thin = [track((9, 0, 0), (9, 0, 1), energy=1e-3, particle=p) for p in range(3)]
    electrons = free_electrons(Deposits.concatenate(thin), table, FIELD)
    kept = electrons.reshape(3, -1).sum(1) / 1e-3 * 23.6e-6
    np.testing.assert_allclose(kept, recombination(np.array([1.9, 1.0, 1.0]), FIELD))


def test_a_chamber_may_have_another_recombination():
    box = ModifiedBox(alpha=1.0, beta=0.3, density=1.4)
    spot, table = point((9.0, 0.0, 300.15)), particles(HIP, pdg=2212)  # no length: 50 MeV/cm
    plain, other = (
        respond(spot, table, quiet(**changes), views=["Y"]).views["Y"].values.sum()
        for changes in ({}, {"recombination": box})
    )

    def escaping(alpha, k):
        return math.log(alpha + 50 * k) / (50 * k)

    expected = escaping(1.0, 0.3 / (1.4 * FIELD)) / escaping(0.93, 0.212 / (1.38 * FIELD))
    assert other / plain == pytest.approx(expected, rel=1e-4)


def test_steps_are_cut_to_a_millimetre_without_losing_any():
    deposits = track((0, 0, 0), (3, 4, 0), step=9)
    points, share, row = subdivide(deposits, 0.1)
    assert len(points) == 50
    assert (row == 0).all()
    assert share.sum() == pytest.approx(1)
    np.testing.assert_allclose(points.mean(0), (1.5, 2, 0))


@pytest.mark.parametrize("name", ["U", "V", "Y"])
def test_charge_arrives_at_the_row_and_wire_of_its_place(name):
    x, y, z, time = 77.0, 31.0, 456.0, 210.0
    event = respond(point((x, y, z), time=time), particles(MIP), quiet(), views=[name])
    angle = {"U": math.pi / 3, "V": -math.pi / 3, "Y": 0.0}[name]
    # 2400 induction wires, centred on the box: z cos 60 spans 518.4 cm.
    offset = 0 if name == "Y" else (2400 * 0.3 - 518.4) / 2
    wire = (z * math.cos(angle) + y * math.sin(angle) + offset) / 0.3
    tick = 3200 + (time + 10 * x / 1.098) / 0.5
    np.testing.assert_allclose(mean_place(event.views[name]), ((tick - 2400) / 6, wire), atol=0.03)


def test_every_corner_of_the_volume_is_on_a_wire():
    for plane in MICROBOONE_CHAMBER.planes:
        for y in (-116.4, 116.4):
            for z in (0.1, 1036.7):
                wire = plane.position(np.array([[1.0, y, z]]), 0.3)[0]
                assert 0 <= wire < plane.wires


@pytest.mark.parametrize("x", [5.0, 125.0, 250.0])
def test_electrons_are_lost_and_spread_as_they_drift(x):
    detector = quiet()
    plane = detector.plane("Y")
    time = 10 * x / 1.098  # us
    row_sigma = plane.pulse_sigma / 3
    expected = 1000 / 23.6e-6 * recombination(np.array([50.0]), FIELD)[0] * math.exp(-time / 10_000)
    deposits = point((x, 0, 500.1), energy=1000)
    view = respond(deposits, particles(MIP), detector, views=["Y"]).views["Y"]
    assert view.values.sum() * electrons_per_adc(plane) == pytest.approx(expected, rel=2e-3)
    sigma = (
        math.sqrt(row_sigma**2 + 2 * 3.74e-6 * time / (0.1098 * 3) ** 2),
        math.sqrt((plane.wire_sigma / 0.3) ** 2 + 2 * 5.85e-6 * time / 0.3**2),
    )
    place = ((3200 + time / 0.5 - 2400) / 6, 500.1 / 0.3)
    for axis in range(2):
        bins, row = np.unique(view.coords[:, axis], return_inverse=True)
        profile = np.bincount(row, view.values) / view.values.sum()
        edges = (np.append(bins, bins[-1] + 1) - place[axis]) / sigma[axis] / math.sqrt(2)
        expected_profile = np.diff([math.erf(edge) / 2 for edge in edges])
        np.testing.assert_allclose(profile, expected_profile, atol=0.005)


def test_an_image_is_the_dense_sum_of_gaussians():
    """Oracle: 0.1 mm points, each a product of two error-function integrals on a dense grid."""
    detector = quiet()
    deposits = Deposits.concatenate(
        [track((60, 0, 480), (66, 3, 489)), track((63, 0, 480), (62, 5, 490), particle=1)]
    )
    view = respond(deposits, particles(MIP, SHOWER), detector, views=["U"]).views["U"]
    plane = detector.plane("U")
    electrons = free_electrons(deposits, np.array([13, 13]), FIELD)
    dense = np.zeros((60, 60))
    corner = view.coords.min(0) - 5
    erf = np.vectorize(math.erf)
    per_adc = electrons_per_adc(plane)
    for start, end, charge in zip(deposits.start, deposits.end, electrons, strict=True):
        for fraction in (np.arange(30) + 0.5) / 30:
            x, y, z = start + fraction * (end - start)
            time = 10 * x / 1.098
            row = (3200 + time / 0.5 - 2400) / 6
            wire = (z / 2 + y * math.sqrt(0.75) + 100.8) / 0.3
            sigma = (
                math.sqrt((plane.pulse_sigma / 3) ** 2 + 2 * 3.74e-6 * time / (0.1098 * 3) ** 2),
                math.sqrt((plane.wire_sigma / 0.3) ** 2 + 2 * 5.85e-6 * time / 0.09),
            )
            shares = [
                np.diff(erf((np.arange(61) + c - p) / s / math.sqrt(2))) / 2
                for c, p, s in zip(corner, (row, wire), sigma, strict=True)
            ]
            adc = charge / 30 * math.exp(-time / 1e4) / per_adc
            dense += adc * np.outer(*shares)
    got = np.zeros_like(dense)
    got[tuple((view.coords - corner).T)] = view.values
    # Points are joined within a pixel by their first two moments, which costs up to 3 %.
    assert np.abs(got - dense).max() < 0.03 * dense.max()


def test_a_crossing_muon_peaks_at_40_to_60_adc_at_every_drift():
    peaks = []
    for x in np.linspace(20, 240, 12):  # falls at all places within a row
        view = respond(track((x, 0, 400), (x, 0, 460)), particles(MIP), views=["Y"]).views["Y"]
        peaks += [view.values[view.coords[:, 1] == wire].max() for wire in range(1350, 1500)]
    assert 40 < np.mean(peaks) < 60


def test_charge_outside_the_volume_or_the_window_vanishes():
    table = particles(MIP)
    outside = [(-1, 0, 5), (257, 0, 5), (9, 117, 5), (9, -117, 5), (9, 0, -1), (9, 0, 1037)]
    nothing = Deposits.concatenate([point(place) for place in outside])
    early = point((9, 0, 5), time=-2400)
    late = point((9, 0, 5), time=2700)
    for deposits in (nothing, early, late, Deposits.empty()):
        event = respond(deposits, table, quiet(), views=["U", "V", "Y", "voxels"])
        assert [len(view) for view in event.views.values()] == [0, 0, 0, 0]


def test_a_cosmic_is_cut_at_the_edges_of_the_window():
    deposits = track((1, 0, 500), (255, 0, 520), time=1500)
    event = respond(deposits, particles(MIP), quiet(), views=["Y"])
    rows = event.views["Y"].coords[:, 0]
    assert rows.min() == pytest.approx((1500 + 400) / 3, abs=6)
    assert rows.max() == 1007


def test_dead_wires_show_nothing_not_even_noise():
    dead = MICROBOONE_CHAMBER.dead_wires(seed=5)
    event = respond(track((60, 0, 300), (70, 0, 500)), particles(MIP), dead_wires=dead)
    for name, view in event.views.items():
        assert len(view)
        assert not np.isin(view.coords[:, 1], dead[name]).any()


def test_a_tenth_of_the_wires_is_dead_in_groups():
    for plane in MICROBOONE_CHAMBER.planes:
        dead = MICROBOONE_CHAMBER.dead_wires(seed=1)[plane.name]
        assert len(dead) == round(0.1 * plane.wires)
        assert (np.diff(dead) == 1).mean() > 0.8
        np.testing.assert_array_equal(dead, MICROBOONE_CHAMBER.dead_wires(seed=1)[plane.name])
    assert not np.array_equal(dead, MICROBOONE_CHAMBER.dead_wires(seed=2)["Y"])


def test_pixels_saturate():
    view = respond(point((60, 0, 500), energy=2000), particles(HIP), views=["Y"]).views["Y"]
    assert view.values.max() == MICROBOONE_CHAMBER.plane("Y").saturation


def test_noise_alone_gives_as_many_pixels_as_a_gaussian_tail_and_names_none():
    counts = []
    for seed in range(10):
        view = respond(Deposits.empty(), particles(), seed=seed, views=["U"]).views["U"]
        counts.append(len(view))
        assert (view.labels == NO_CLASS).all()
        assert (view.instance == -1).all()
        assert (view.values >= 10).all()
        assert not view.overlap.any()
        assert not view.interaction.any()
    expected = 1008 * 2400 * 0.5 * math.erfc(10 / 2.5 / math.sqrt(2))
    assert np.mean(counts) == pytest.approx(expected, abs=5 * math.sqrt(expected / 10))


def test_the_first_class_that_counts_names_the_pixel():
    def label(*parts):
        deposits = Deposits.concatenate(
            [point((60, 0, 500.1), e, particle=i) for i, (_, e) in enumerate(parts)]
        )
        view = respond(deposits, particles(*(k for k, _ in parts)), quiet(), views=["Y"]).views["Y"]
        best = view.values.argmax()
        return view.labels[best], view.instance[best], view.overlap[best]

    assert label((DELTA, 9.0), (MIP, 3.0)) == (MIP, 1, 2)
    assert label((DELTA, 9.0), (MIP, 3.0), (HIP, 2.0)) == (HIP, 2, 3)
    assert label((DELTA, 9.0), (HIP, 0.5)) == (DELTA, 0, 1)  # a twentieth does not count
    assert label((SHOWER, 1.0), (SHOWER, 3.0), (DELTA, 9.0)) == (SHOWER, 1, 2)
    assert label((MIP, 5.0), (NO_CLASS, 9.0)) == (MIP, 0, 2)


def test_interaction_is_where_the_vertex_left_the_larger_part():
    table = particles(MIP, MIP)
    table["interaction"][1] = False
    for energies, expected in (((5, 3), True), ((3, 5), False)):
        deposits = Deposits.concatenate(
            [point((60, 0, 500.1), e, particle=i) for i, e in enumerate(energies)]
        )
        view = respond(deposits, table, quiet(), views=["Y"]).views["Y"]
        assert view.interaction[view.values.argmax()] == expected


def test_vertex_distance_counts_pixels_from_the_projected_vertex():
    table = particles(MIP, MIP)
    table["start"] = [(60, 0, 450.1), (10, 0, 100)]
    table["interaction"][1] = False  # a cosmic has no vertex
    view = respond(track((60, 0, 450.1), (60, 0, 480)), table, quiet(), views=["Y"]).views["Y"]
    row, wire = math.floor((600 / 1.098 + 400) / 3), math.floor(450.1 / 0.3)
    expected = np.maximum(abs(view.coords[:, 0] - row), abs(view.coords[:, 1] - wire))
    np.testing.assert_array_equal(view.vertex_distance, expected)
    table["interaction"] = False
    view = respond(track((60, 0, 450), (60, 0, 480)), table, quiet(), views=["Y"]).views["Y"]
    assert np.isinf(view.vertex_distance).all()


def test_a_view_is_the_same_whichever_others_are_asked_for():
    deposits, table = track((60, 0, 300), (70, 0, 500)), particles(MIP)
    alone = respond(deposits, table, seed=4, views=["V"]).views["V"]
    among = respond(deposits, table, seed=4, views=["Y", "V", "voxels"]).views["V"]
    np.testing.assert_array_equal(alone.coords, among.coords)
    np.testing.assert_array_equal(alone.values, among.values)


def test_pixels_are_unique_and_in_order():
    view = respond(track((60, 0, 300), (70, 90, 500)), particles(MIP)).views["U"]
    flat = np.ravel_multi_index(tuple(view.coords.T), view.shape)
    assert (np.diff(flat) > 0).all()
    assert view.coords.dtype == np.int32
    assert view.values.dtype == np.float32


def test_voxels_hold_the_energy_where_the_drift_time_puts_it():
    deposits = track((60, 10, 450), (66, 30, 480), time=100)
    event = respond(deposits, particles(MIP), quiet(voxel_floor=0.0), views=["voxels"])
    view = event.views["voxels"]
    assert view.values.sum() == pytest.approx(deposits.energy.sum())
    centre = (view.coords + 0.5).T @ view.values / view.values.sum() * 0.3
    np.testing.assert_allclose(centre, (63 + 10.98, 20 + 116.5, 465), atol=0.05)
    assert (view.labels == MIP).all()
