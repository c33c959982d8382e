"""1e1p against 1mu1p: the region about the vertex, the cut, what passes it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import View
from jaxsparse.detectors.microboone import HIP, MIP, SHOWER
from studies.microboone import selection
from studies.microboone.selection import CUTS, Counted, Topologies, best_cut, calls, rates
from studies.microboone.selection_pictures import curves, regions
from studies.microboone.vertex_region import GAP, RADIUS, SEED, class_counts, vertex_region
from tests.studies.perfect_network import Perfect

VERTEX = np.array([200, 200])


def view(*pixels):
    """Pixels at these places from the vertex."""
    coords = np.array(sorted(pixels), np.int32) + VERTEX
    distance = np.abs(coords - VERTEX).max(axis=1).astype(np.float32)
    values = np.full(len(coords), 40.0, np.float32)
    return View(coords.astype(np.int32), values, (400, 400), vertex_distance=distance)


def region_of(*pixels, unseen=()):
    whole = view(*pixels)
    seen = np.array([tuple(spot) not in unseen for spot in (whole.coords - VERTEX).tolist()])
    found = whole.coords[vertex_region(whole, seen)] - VERTEX
    return set(map(tuple, found.tolist()))


@pytest.mark.parametrize(("step", "joined"), [(GAP, True), (GAP + 1, False)])
@pytest.mark.parametrize("direction", [(1, 0), (0, -1), (-1, 1)])
def test_a_region_goes_on_over_gaps_that_are_small_enough(step, joined, direction):
    near, far = (0, 0), (step * direction[0], step * direction[1])
    assert region_of(near, far) == ({near, far} if joined else {near})


def test_a_region_begins_near_the_vertex_and_ends_at_its_square():
    line = [(0, wire) for wire in range(SEED, RADIUS + 4)]
    assert region_of(*line) == {spot for spot in line if spot[1] <= RADIUS}
    assert region_of(*((row, wire + 1) for row, wire in line)) == set()


def test_pixels_that_the_network_does_not_see_neither_count_nor_connect():
    line = [(0, wire) for wire in range(21)]
    hidden = {(0, wire) for wire in range(8, 8 + GAP)}
    assert region_of(*line, unseen=hidden) == {(0, wire) for wire in range(8)}
    assert region_of(*line, unseen=set(line)) == set()


def counted(seed=11, number=400):
    """1e1p with shares about 0.7 and 1mu1p about 0.2, nine of ten with a proton."""
    rng = np.random.default_rng(seed)
    both = []
    for mean in (0.7, 0.2):
        counts = np.zeros((number, 5), np.int64)
        counts[:, HIP] = np.where(rng.random(number) < 0.9, 20, 2)
        counts[:, SHOWER] = rng.binomial(100, np.clip(rng.normal(mean, 0.15, number), 0, 1))
        counts[:, MIP] = 100 - counts[:, SHOWER]
        both.append(counts)
    return Counted.of(*both), both


def test_rates_are_those_of_events_with_a_proton_and_enough_shower():
    found, (signal, background) = counted()

    def passing(counts):
        share = counts[:, SHOWER] / (counts[:, SHOWER] + counts[:, MIP])
        return (counts[:, HIP] >= 5) & (share > 0.45)

    own, other = passing(signal).mean(), passing(background).mean()
    at_cut = rates(found, np.array([0.45]))
    assert at_cut["efficiency"]["value"][0] == pytest.approx(own)
    assert at_cut["background"]["value"][0] == pytest.approx(other)
    assert at_cut["purity"]["value"][0] == pytest.approx(own / (own + other))
    expected = np.sqrt(own * (1 - own) / 400)
    assert at_cut["efficiency"]["error"][0] == pytest.approx(expected, rel=0.15)
    assert sum(calls(found, 0.45)["1e1p"].values()) == 400
    assert calls(found, 0.45)["1e1p"]["1e1p"] == passing(signal).sum()


def test_the_best_cut_lies_between_the_topologies():
    assert 0.35 < best_cut(counted()[0]) < 0.55
    # Of cuts that are equally good the middle.
    apart = np.array([[20, 0, 10, 0, 0]]), np.array([[20, 10, 0, 0, 0]])
    assert best_cut(Counted.of(*apart)) == pytest.approx(0.5)


def test_an_event_without_lepton_or_proton_is_selected_as_nothing():
    nothing = np.array([[20, 0, 0, 3, 0], [0, 0, 30, 0, 0]])
    found = Counted.of(nothing, nothing)
    assert rates(found, CUTS)["efficiency"]["value"].max() == 0.0
    expected = {"1e1p": 0, "1mu1p": 0, "no proton": 1, "no lepton": 1}
    assert calls(found, 0.5)["1mu1p"] == expected


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    events = Topologies.of(("Y",), 256, seed=3)
    folder = tmp_path_factory.mktemp("selection")
    paths = selection.written(events, "test", range(6), 3, folder, workers=1)
    return [EventFile(path) for path in paths]


def test_events_of_a_number_differ_in_the_lepton_alone(files):
    for number in range(3):
        electron, muon = (file[number].particles for file in files)
        assert (electron["pdg"][0], muon["pdg"][0]) == (11, 13)
        assert electron["pdg"][1] == muon["pdg"][1] == 2212
        for column in ("kinetic_energy", "start", "direction"):
            np.testing.assert_array_equal(electron[column][:2], muon[column][:2])
        cosmics = [
            table["kinetic_energy"][(table["parent"] < 0) & ~table["interaction"]]
            for table in (electron, muon)
        ]
        np.testing.assert_array_equal(*cosmics)


def test_a_perfect_network_counts_as_the_truth_does_and_all_is_drawn(files):
    network = cast(Any, Perfect())
    both = [class_counts(network, file) for file in files]
    for predicted, true in both:
        np.testing.assert_array_equal(predicted, true)
        assert predicted.shape == (6, 5)
    (signal, _), (background, _) = both
    assert signal[:, SHOWER].sum() > 5 * background[:, SHOWER].sum()
    assert background[:, MIP].sum() > 2 * signal[:, MIP].sum()
    test = Counted.of(signal, background)
    cut = best_cut(test)
    one = {
        "cut": cut,
        "at_cut": rates(test, np.array([cut])),
        "calls": calls(test, cut),
        "curves": rates(test, CUTS),
    }
    found = {"predicted": one, "true": one}
    lines = selection.table(found)
    assert len([line for line in lines if line.startswith(("| predicted |", "| true |"))]) == 2
    assert len([line for line in lines if line.startswith(("| 1e1p,", "| 1mu1p,"))]) == 4
    assert len(curves({"predicted": test, "true": test}, found, CUTS).axes) == 3
    assert len(regions(network, files, number=2).axes) == 8
