"""Accuracy against energy and kind of interaction, counted by hand."""

import numpy as np
import pytest

from jaxsparse.detectors import Detector, TopologyWords, find
from jaxsparse.evaluation.metrics import profiles
from jaxsparse.evaluation.scored import Scored

# truth, called, GeV, topology
EVENTS = [
    (0, 0, 1.7, "numu CC QE"), (0, 0, 1.8, "numu CC RES"), (0, 1, 1.9, "numu CC QE"),
    (1, 1, 1.6, "nutau CC DIS electron"), (1, 0, 30.0, "nutau CC DIS muon"),
    (1, 1, 30.0, "nutau CC RES electron"), (1, 0, np.nan, ""), (0, 0, np.nan, "cosmic"),
    (-1, 0, 1.7, "numu CC QE"),
]  # fmt: skip


@pytest.fixture(scope="module")
def results():
    truth, called, energy, topology = zip(*EVENTS, strict=True)
    return Scored.of(np.eye(2)[list(called)], truth, ("numu", "nutau"), energy, topology)


def test_events_land_in_the_bin_of_their_energy(results):
    profile = profiles.energy_profile(results)
    assert profile is not None
    low = profile["edges"].index(1.5)
    high = profile["edges"].index(20)
    assert profile["events"][low] == 4
    assert profile["accuracy"][low] == pytest.approx(3 / 4)
    assert profile["per_class"]["numu"]["efficiency"][low] == pytest.approx(2 / 3)
    assert profile["per_class"]["nutau"]["purity"][low] == pytest.approx(1 / 2)
    assert profile["events"][high] == 2
    assert profile["accuracy"][high] == pytest.approx(1 / 2)
    assert sum(profile["events"]) == 6  # no unknown energy, no unknown class
    assert np.isnan(profile["accuracy"][0])


def test_modes_decays_and_topologies_are_read_off_the_words(results):
    summary = profiles.profile_summary(results, find("nova"))
    assert {mode: entry["events"] for mode, entry in summary["mode"].items()} == {
        "QE": 2, "RES": 2, "DIS": 2,
    }  # fmt: skip
    assert summary["mode"]["QE"]["accuracy"] == pytest.approx(1 / 2)
    assert summary["tau_decay"]["electron"]["called"] == {"numu": 0.0, "nutau": 1.0}
    assert summary["tau_decay"]["muon"]["accuracy"] == 0.0
    assert summary["topology"]["cosmic"]["events"] == 1
    assert next(iter(summary["topology"])) == "numu CC QE"  # most frequent first


def test_a_detector_has_its_own_words_and_energies(results):
    own = Detector(
        "own", {}, energy_edges=(1, 2),
        topology_words={"current": TopologyWords(("CC", "NC")), "flavour": TopologyWords(("tau",))},
    )  # fmt: skip
    summary = profiles.profile_summary(results, own)
    assert list(summary) == ["energy", "current", "flavour", "topology"]
    assert summary["energy"]["events"] == [4]  # above the last edge nothing is counted
    assert summary["current"]["CC"]["events"] == 6
    assert summary["flavour"] is None


def test_without_a_detector_topologies_count_as_wholes(results):
    assert list(profiles.profile_summary(results)) == ["energy", "topology"]


def test_nothing_known_gives_no_profile():
    nothing = Scored.of(np.eye(2), [0, 1], ("a", "b"))
    assert set(profiles.profile_summary(nothing, find("dune")).values()) == {None}


def test_the_error_in_a_bin_is_that_of_its_own_events():
    rng = np.random.default_rng(0)
    truth, energy = np.zeros(800, int), np.repeat([1.2, 2.2], [200, 600])
    called = (rng.random(800) < np.repeat([0.5, 0.1], [200, 600])).astype(int)
    results = Scored.of(np.eye(2)[called], truth, ("a", "b"), energy)
    profile = profiles.energy_profile(results)
    assert profile is not None
    for edge, events in ((1.0, 200), (2.0, 600)):
        place = profile["edges"].index(edge)
        p = profile["accuracy"][place]
        assert profile["error"][place] == pytest.approx(np.sqrt(p * (1 - p) / events), rel=0.12)
