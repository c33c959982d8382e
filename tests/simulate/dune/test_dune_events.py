"""Hits, pixel maps and events of the far detector, by number and from the command line."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.detectors.dune import DUNE, DUNE_EVENT_CLASSES, DUNE_VIEWS
from jaxsparse.errors import InputError
from jaxsparse.simulate.dune.detector import DUNE_FAR, FarDetector
from jaxsparse.simulate.dune.generator import DuneConfig, begin
from jaxsparse.simulate.dune.pixel_maps import MAP_WIRES, first_wire, pixel_map
from jaxsparse.simulate.dune.response import Hits, drift, find_hits
from jaxsparse.simulate.dune.source import BLOCK, DuneEvents
from jaxsparse.simulate.samples import define_flags, sample
from jaxsparse.simulate.transport.bank import ParticleBank

QUIET = FarDetector(name="quiet", electron_lifetime=1e12, noise=0.0, diffusion_along=0.0)
TICKS = 6.4  # in a pixel


def hits(wire, tick, integral=100.0):
    wire = np.array(wire)
    whole = np.broadcast_to(np.asarray(integral, float), wire.shape)
    return Hits(np.zeros(len(wire), int), wire, np.array(tick, float), whole)


def line(start, end, loss=2.1, pieces=400):
    """Deposits of a particle that loses ``loss`` MeV/cm on a straight line (cm)."""
    edges = np.linspace(start, end, pieces + 1)
    length = np.linalg.norm(np.subtract(end, start)) / pieces
    one = np.ones(pieces)
    return Deposits(
        edges[:-1], edges[1:], loss * length * one, length * one, 0.0 * one,
        np.zeros(pieces, np.int32),
    )  # fmt: skip


def found(deposits, name="Z", detector=QUIET):
    rng = np.random.default_rng(0)
    charges = drift(deposits, np.array([13]), np.array([0]), detector, rng)
    return find_hits(charges, detector.views[DUNE_VIEWS.index(name)], detector, rng)


def test_a_track_across_the_wires_is_one_hit_a_wire_of_the_charge_that_came():
    track = line((100.0, 50.0, 300.0), (100.0, 50.0, 300.0 + 0.479 * 100))
    seen = found(track)
    assert 100 <= len(seen) <= 102  # the last ones share a wire with nothing
    assert (np.diff(seen.wire) == 1).all()
    per_wire = 2.1 * 0.479 / 23.6e-6 * np.log(0.93 + 0.212 / (1.38 * 0.5) * 2.1)
    per_wire /= 0.212 / (1.38 * 0.5) * 2.1
    expected = per_wire * QUIET.counts_per_electron
    np.testing.assert_allclose(np.median(seen.integral), expected, rtol=0.03)
    np.testing.assert_allclose(seen.tick, 100.0 / 0.16 / 0.5, atol=2.0)


def test_views_see_the_height_of_a_track_with_opposite_signs():
    low, high = (found(line((100.0, y, 300.0), (100.0, y, 340.0)), n) for y, n in
                 ((50.0, "U"), (90.0, "U")))  # fmt: skip
    shift = 40.0 * np.sin(np.radians(35.7)) / 0.4669
    assert high.wire.min() - low.wire.min() == pytest.approx(shift, abs=1.5)
    low, high = (found(line((100.0, y, 300.0), (100.0, y, 340.0)), n) for y, n in
                 ((50.0, "V"), (90.0, "V")))  # fmt: skip
    assert high.wire.min() - low.wire.min() == pytest.approx(-shift, abs=1.5)


def test_a_track_along_the_drift_is_cut_to_hits_of_at_most_sixteen_ticks():
    seen = found(line((50.0, 50.0, 300.2), (150.0, 50.0, 300.2)))
    own = seen.take(seen.wire == np.bincount(seen.wire).argmax())
    ticks = 100.0 / 0.16 / 0.5
    assert ticks / 16.0 <= len(own) <= ticks / TICKS  # many are cut at a minimum before
    assert np.diff(own.tick).max() <= 24.0
    assert np.diff(own.tick).mean() == pytest.approx(ticks / len(own), rel=0.05)


def test_nothing_is_seen_in_the_gaps_between_planes_of_wires():
    across = line((-50.0, 50.0, 300.0), (50.0, 50.0, 300.0), pieces=1000)
    ticks = np.sort(found(across).tick)
    gap = QUIET.anode_gap / 0.16 / 0.5
    assert np.diff(ticks).max() == pytest.approx(gap, abs=20.0)
    along = found(line((100.0, 50.0, 200.0), (100.0, 50.0, 260.0)))
    assert np.diff(along.wire).max() == 5  # 2.4 cm


def test_charge_is_attenuated_by_its_drift():
    lossy = dataclasses.replace(QUIET, electron_lifetime=3000.0)
    near, far = (
        np.median(found(line((x, 50.0, 300.0), (x, 50.0, 340.0)), detector=lossy).integral)
        for x in (20.0, 340.0)
    )
    assert far / near == pytest.approx(np.exp(-320.0 / 0.16 / 3000.0), rel=0.03)


def test_hits_of_other_events_are_apart():
    tracks = Deposits.concatenate([line((100.0, 50.0, 300.0), (100.0, 50.0, 340.0))] * 2)
    tracks.particle[400:] = 1
    rng = np.random.default_rng(0)
    charges = drift(tracks, np.array([13, 13]), np.array([0, 1]), QUIET, rng)
    both = find_hits(charges, QUIET.views[2], QUIET, rng)
    first, second = both.take(both.event == 0), both.take(both.event == 1)
    np.testing.assert_array_equal(first.wire, second.wire)
    np.testing.assert_allclose(first.integral, second.integral, rtol=0.02)


def test_no_charge_is_no_hit():
    assert len(found(line((100.0, 50.0, -30.0), (100.0, 50.0, -10.0)))) == 0
    empty = pixel_map(hits([], []), backwards=False)
    assert len(empty) == 0
    assert empty.coords.shape == (0, 2)


def test_a_pixel_holds_the_charge_of_its_hits_rounded_up():
    view = pixel_map(hits(range(40), [0.0] * 40, [392.0] * 39 + [1e5]), backwards=False)
    assert view.values.tolist() == [100.0] * 39 + [255.0]  # 1000 are 255
    assert pixel_map(hits(range(40), [0.0] * 40, 0.1), backwards=False).values.min() == 1.0
    twice = hits([*range(40), 5], [0.0] * 41)
    assert pixel_map(twice, backwards=False).values.max() == 51.0


def test_the_mean_time_of_all_hits_is_in_the_middle():
    ticks = np.linspace(-1000.0, 1000.0, 101)
    view = pixel_map(hits(range(101), 700.0 + ticks), backwards=False)
    assert view.coords[50, 0] == 250 or 250 in view.coords[:, 0]
    assert np.ptp(view.coords[:, 0]) == pytest.approx(2000.0 / TICKS, abs=1)
    far = pixel_map(hits(range(101), 3.0 * ticks), backwards=False)
    assert len(far) < 101  # beyond 1600 ticks nothing is kept


def test_a_map_begins_four_wires_before_a_track():
    view = pixel_map(hits([10, *range(300, 400)], [0.0] * 101), backwards=False)
    assert view.coords[:, 1].min() == 5  # what lies alone before it is cut
    assert view.coords[:, 1].max() == 104


def test_the_view_that_is_turned_round_ends_where_its_charge_does():
    view = pixel_map(hits(range(300, 400), [0.0] * 100), backwards=True)
    assert view.coords[:, 1].min() == 400
    assert view.coords[:, 1].max() == 499
    long = pixel_map(hits(range(300, 1000), [0.0] * 700), backwards=True)
    assert (long.coords[:, 1].min(), long.coords[:, 1].max()) == (5, 499)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_wire_is_that_of_a_search_wire_by_wire(seed):
    rng = np.random.default_rng(seed)
    charge = np.zeros(MAP_WIRES)
    start, share = int(rng.integers(0, 2500)), rng.choice([0.5, 0.8, 0.9])
    stretch = charge[start : start + int(rng.integers(50, 1000))]
    stretch[:] = rng.exponential(1.0, len(stretch)) * (rng.random(len(stretch)) < share)

    def slowly():
        for wire in range(MAP_WIRES - 500):
            if sum(charge[wire + 1 : wire + 21] == 0.0) < 5:
                return wire
        sums = [np.rint(charge[w : w + 500] * 1024).sum() for w in range(MAP_WIRES - 500)]
        return int(np.argmax(sums))

    assert first_wire(charge) == slowly()


@pytest.fixture(scope="module")
def events():
    return DuneEvents(DuneConfig(), seed=1).block(0)


def test_events_are_of_the_form_of_the_public_ones(events):
    assert [event.event_id for event in events] == list(range(BLOCK))
    for event in events:
        assert tuple(event.views) == DUNE_VIEWS
        assert 0.0 < event.energy < 100.0
        words = event.topology.split()
        if DUNE_EVENT_CLASSES[event.label] == "nc":
            assert event.topology == "NC"
        else:
            assert words[:2] == [DUNE_EVENT_CLASSES[event.label], "CC"]
            assert words[2] in ("QE", "RES", "DIS", "other")
            assert (len(words) == 4) == (words[0] == "nutau")
        for view in event.views.values():
            assert view.shape == (500, 500)
            assert view.labels is None
            assert set(np.unique(view.values)) <= set(range(1, 256))
            order = view.coords[:, 0] * 500 + view.coords[:, 1]
            assert (np.diff(order) > 0).all()
            assert ((view.coords >= 0) & (view.coords < 500)).all()


def test_an_event_depends_on_its_number_and_seed_only(events):
    source = DuneEvents(DuneConfig(), seed=1)
    source.block(1)
    again = source[3]
    for name, view in events[3].views.items():
        np.testing.assert_array_equal(view.coords, again.views[name].coords)
        np.testing.assert_array_equal(view.values, again.views[name].values)
    other = DuneEvents(DuneConfig(), seed=2)[3]
    assert other.energy != again.energy


def test_shares_of_classes_are_asked_for_and_vertices_are_fiducial():
    config = DuneConfig(classes=(("nutau", 3.0), ("nue", 1.0)))
    bank = ParticleBank(DUNE_FAR.world)
    rng = np.random.default_rng(4)
    for _ in range(20):
        assert "tau" in begin(bank, config, DUNE_FAR, "nutau", rng).topology
    starts = bank.particles["start"]
    assert (starts >= DUNE_FAR.fiducial_low).all()
    assert (starts <= DUNE_FAR.fiducial_high).all()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"topology": "bomb"}, "topology is 'bomb': choose one of beam"),
        ({"classes": (("cosmic", 1.0),)}, "classes has 'cosmic': choose some of nue, numu"),
        ({"classes": (("nc", 0.0),)}, "not all 0"),
        ({"spectrum": "flat"}, "spectrum is 'flat': choose one of oscillated, swapped, produced"),
    ],
)
def test_a_setting_that_is_none_is_one_line(changes, line):
    with pytest.raises(InputError, match=line) as error:
        DuneConfig(**changes)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--detector=dune", "--views=U"], "--views is an option of --detector=microboone"),
        (["--detector=dune", "--cosmic_rate=0"], "--cosmic_rate is an option of"),
        (["--detector=dune", "--topology=electron"], "topology is 'electron'"),
        (["--spectrum=swapped"], "--spectrum is an option of --detector=nova or dune"),
    ],
)
def test_an_option_of_another_detector_is_one_line(arguments, line):
    flag_values = flags.FlagValues()
    define_flags(flag_values)
    flag_values(["simulate", *arguments])
    with pytest.raises(InputError, match=line) as error:
        sample(flag_values)
    assert len(str(error.value).splitlines()) == 1


def test_the_command_line_writes_a_file_like_that_of_the_reader(tmp_path, events):
    done = subprocess.run(
        [sys.executable, "-m", "jaxsparse.data.simulate", "--detector=dune", "--seed=1",
         f"--out={tmp_path}/e.h5", "--first_event=2", "--events=3", "--workers=1"],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pixels in a median event" in done.stdout
    file = EventFile(tmp_path / "e.h5")
    assert file.detector == DuneCvnSource.detector
    assert file.event_classes == DUNE_EVENT_CLASSES
    assert file.class_names == DuneCvnSource.class_names
    assert file.value_units == {name: view.unit for name, view in DUNE.views.items()}
    for row, mine in enumerate(events[2:5]):
        assert file[row].label == mine.label
        assert file[row].topology == mine.topology
        for name, view in mine.views.items():
            np.testing.assert_array_equal(file[row].views[name].coords, view.coords)
            np.testing.assert_array_equal(file[row].views[name].values, view.values)
