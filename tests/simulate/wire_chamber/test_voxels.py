"""Voxels of the planes' time rows, and the links to them, against sums over point charges."""

import collections
import dataclasses
import math

import numpy as np
import pytest

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.detectors.microboone import MIP, PLANES, ROW_VOXELS
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.response import detector_response
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents

VIEWS = (*PLANES, ROW_VOXELS)


def chamber(**changes):
    """MicroBooNE without noise and thresholds."""
    planes = tuple(dataclasses.replace(plane, noise=1e-9) for plane in MICROBOONE_CHAMBER.planes)
    quiet = {"signal_floor": 1e-9, "smallest_part": 1e-9, "voxel_floor": 0.0}
    return dataclasses.replace(MICROBOONE_CHAMBER, planes=planes, **{**quiet, **changes})


def points(places, energy, time=0.0):
    """Point deposits."""
    places, count = np.asarray(places, float), len(places)
    return Deposits(
        places, places, np.asarray(energy, float), np.zeros(count), np.full(count, time),
        np.zeros(count, np.int32),
    )  # fmt: skip


def respond(deposits, detector):
    table = np.zeros(1, PARTICLE_DTYPE)
    table["pdg"], table["parent"], table["label"], table["interaction"] = 13, -1, MIP, True
    rng = np.random.default_rng(0)
    return detector_response(deposits, table, detector, rng, views=VIEWS)


def part(position, width, cell):
    """Of a Gaussian the share between a cell's edges."""
    ends = [(cell + step - position) / width / math.sqrt(2) for step in (0, 1)]
    return 0.5 * (math.erf(ends[1]) - math.erf(ends[0]))


@pytest.mark.parametrize("name", PLANES)
def test_shares_are_those_of_a_sum_over_all_charges(name):
    rng = np.random.default_rng(3)
    places = np.array([100.0, 10.0, 500.0]) + rng.uniform(-0.7, 0.7, (25, 3))
    energy = rng.uniform(0.5, 2.0, 25)
    detector = chamber()
    plane = detector.plane(name)
    event = respond(points(places, energy), detector)
    view, voxels = event.views[name], event.views[ROW_VOXELS]

    parts: dict = collections.defaultdict(lambda: collections.defaultdict(float))
    angle = math.radians(plane.angle)
    for (x, y, z), one in zip(places, energy, strict=True):
        drift = x / 0.1098
        row = (drift + 400.0) / 3.0
        wire = (z * math.cos(angle) + y * math.sin(angle) + plane.offset) / 0.3
        along = math.sqrt(plane.pulse_sigma**2 + 2 * 3.74e-6 * drift / 0.1098**2) / 3.0
        across = math.sqrt(plane.wire_sigma**2 + 2 * 5.85e-6 * drift) / 0.3
        voxel = (math.floor(row), math.floor((y + 116.5) / 0.3), math.floor(z / 0.3))
        charge = one * math.exp(-drift / 10_000)
        for r in range(math.floor(row) - 2, math.floor(row) + 3):
            for w in range(math.floor(wire) - 2, math.floor(wire) + 3):
                parts[r, w][voxel] += charge * part(row, along, r) * part(wire, across, w)

    links = view.links[ROW_VOXELS]
    numbers = {tuple(place): number for number, place in enumerate(voxels.coords.tolist())}
    assert set(numbers) == {voxel for pixel in parts.values() for voxel in pixel}
    compared = 0
    for pixel, place in enumerate(map(tuple, view.coords.tolist())):
        own = links.take([pixel])
        found = dict(zip(own.rows.tolist(), own.shares.tolist(), strict=True))
        assert sum(found.values()) == pytest.approx(1.0, abs=1e-5)
        total = sum(parts[place].values())
        if total < 0.01:  # tails beyond two pixels are in the outermost
            continue
        compared += 1
        for voxel, charge in parts[place].items():
            assert found.get(numbers[voxel], 0.0) == pytest.approx(charge / total, abs=0.02)
    assert compared > 15


def test_charge_that_arrives_late_has_a_voxel_of_its_row():
    deposits = points([[200.0, 0.0, 500.0]], [5.0], time=600.0)
    event = respond(deposits, chamber())
    row = math.floor((600.0 + 200.0 / 0.1098 + 400.0) / 3.0)  # beyond 910, the last row in time
    assert event.views[ROW_VOXELS].coords.tolist() == [[row, 388, 1666]]
    view = event.views["Y"]
    brightest = view.links[ROW_VOXELS].take([int(view.values.argmax())])
    assert brightest.rows.tolist() == [0]


def test_charge_below_the_floor_of_voxels_is_linked_to_none():
    places = [[100.0, 0.05, 500.05], [100.0, 0.35, 500.05]]  # one wire of plane Y, two voxels
    event = respond(points(places, [3.0, 1.0]), chamber(voxel_floor=2.0))
    assert len(event.views[ROW_VOXELS]) == 1
    totals = event.views["Y"].links[ROW_VOXELS].totals
    np.testing.assert_allclose(totals, 0.75, atol=1e-6)


def test_planes_are_the_same_with_voxels_and_a_file_keeps_their_links(tmp_path):
    config = GeneratorConfig("1mu1p", cosmic_rate=0.2)
    source = SimulatedEvents(config, MICROBOONE_CHAMBER, seed=2, views=VIEWS)
    event, alone = source[1], SimulatedEvents(config, MICROBOONE_CHAMBER, seed=2)[1]
    with EventWriter(tmp_path / "a.h5", detector="microboone", views=source.view_shapes) as writer:
        writer.append(event)
    read = EventFile(tmp_path / "a.h5")[0]
    assert EventFile(tmp_path / "a.h5").axes[ROW_VOXELS] == ("time row", "y", "z")
    voxels = event.views[ROW_VOXELS]
    assert voxels.instance is not None
    for name in PLANES:
        view = event.views[name]
        np.testing.assert_array_equal(view.values, alone.views[name].values)
        assert alone.views[name].links == {}
        assert read.views[name].links[ROW_VOXELS] == view.links[ROW_VOXELS]
        linked = view.links[ROW_VOXELS].totals > 0
        assert not linked[np.asarray(view.instance) < 0].all()  # noise has no voxel
        assert linked[view.values > 20].mean() > 0.99
        # Of pulses of half a row's width 0.6 is in the row where the charge arrives.
        links = view.links[ROW_VOXELS]
        away = np.abs(voxels.coords[links.rows, 0] - view.coords[links.owner, 0])
        assert away.max() <= 2
        charge = links.shares * view.values[links.owner]
        assert np.average(away == 0, weights=charge) == pytest.approx(0.6, abs=0.06)
        # Where one particle left nearly all charge, its voxels hold it.
        clear = np.asarray(view.share)[links.owner] > 0.95
        same = voxels.instance[links.rows] == np.asarray(view.instance)[links.owner]
        assert np.average(same[clear], weights=charge[clear]) > 0.95
