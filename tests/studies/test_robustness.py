"""The same events under other assumptions, and the differences that they make."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import pytest

from jaxsparse.data.named_particles import keep_named
from jaxsparse.data.windows import WindowedEvents
from jaxsparse.deploy.standalone.units import other_unit
from jaxsparse.detectors.microboone import DELTA, HIP, MIP, SHOWER
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from studies.microboone import robustness
from studies.microboone.class_counts import FIGURES, checked, compared, confusion_tables, figures
from studies.microboone.event_files import simulated_files
from studies.microboone.geant4 import ELECTRON, Electrons, Twins, energy_left
from studies.microboone.variations import VARIATIONS, VariedEvents
from tests.data.readers.small_files import muon_event
from tests.data.readers.small_files import write_edep_sim_file as write
from tests.studies.perfect_network import Perfect

NAMES = [variation.name for variation in VARIATIONS]
GENERATOR = GeneratorConfig("published_bomb", cosmic_rate=0.2)


def network(mistaken=None) -> Any:
    return cast(Any, Perfect(mistaken))


@pytest.fixture(scope="module")
def varied():
    """One event, of an electron, a proton and a muon, under every variation."""
    events = VariedEvents(VARIATIONS, GENERATOR, seed=4, side=300)
    return dict(zip(NAMES, events[5], strict=True))


def by_place(view):
    return dict(zip(map(tuple, view.coords.tolist()), view.values.tolist(), strict=True))


def test_the_nominal_event_is_the_simulators_own(varied):
    plain = WindowedEvents(
        SimulatedEvents(GENERATOR, MICROBOONE_CHAMBER, seed=4, views=("Y",)), 300, seed=4
    )[5]
    nominal = keep_named(varied["nominal"])  # as windows leave out particles without a pixel
    np.testing.assert_array_equal(nominal.particles, plain.particles)
    for name in ("coords", "values", "labels", "instance"):
        ours, theirs = (getattr(event.views["Y"], name) for event in (nominal, plain))
        np.testing.assert_array_equal(ours, theirs)


def test_every_variation_differs_from_nominal_in_its_pixels(varied):
    nominal = by_place(varied["nominal"].views["Y"])
    for name in NAMES[1:]:
        assert by_place(varied[name].views["Y"]) != nominal, name


def test_variations_of_the_response_keep_particles_and_window(varied):
    nominal = varied["nominal"]
    bright = {spot for spot, value in by_place(nominal.views["Y"]).items() if value > 40.0}
    for name in NAMES:
        if "hadrons" in name or "dead" in name:
            continue
        np.testing.assert_array_equal(varied[name].particles, nominal.particles)
        missing = bright - set(by_place(varied[name].views["Y"]))
        assert len(missing) < 0.02 * len(bright), name


def test_other_hadron_rates_keep_the_vertex(varied):
    for name in ("hadrons_up", "hadrons_down"):
        primaries = [
            event.particles[event.particles["interaction"] & (event.particles["parent"] < 0)]
            for event in (varied[name], varied["nominal"])
        ]
        for column in ("pdg", "kinetic_energy", "start", "direction"):
            np.testing.assert_array_equal(primaries[0][column], primaries[1][column])


def test_gain_multiplies_the_charge(varied):
    nominal, loud = (by_place(varied[name].views["Y"]) for name in ("nominal", "gain_up"))
    ratios = [loud[spot] / value for spot, value in nominal.items() if value > 50 and spot in loud]
    assert np.median(ratios) == pytest.approx(1.05, abs=0.01)


def test_more_dead_wires_are_the_same_ones_and_others():
    dead = {
        variation.name: set(variation.chamber.dead_wires(variation.dead_wire_seed)["Y"].tolist())
        for variation in VARIATIONS
    }
    assert dead["fewer_dead_wires"] < dead["nominal"] < dead["more_dead_wires"]
    assert len(dead["other_dead_wires"]) == len(dead["nominal"])
    assert len(dead["other_dead_wires"] & dead["nominal"]) < 0.3 * len(dead["nominal"])


def test_a_difference_has_the_error_of_pairs():
    # 100 pixels an event, all MIP; of them 0 to 40 wrong, and under the variation 1 or 2 more.
    rng = np.random.default_rng(3)
    wrong = rng.integers(0, 41, 400)
    more = rng.integers(1, 3, 400)

    def tables(wrong):
        found = np.zeros((len(wrong), 5, 5), np.int64)
        found[:, MIP, MIP], found[:, MIP, DELTA] = 100 - wrong, wrong
        return found

    found = compared(tables(wrong), tables(wrong + more))["five classes"]
    assert found["value"] == pytest.approx(1 - (wrong + more).mean() / 100)
    assert found["difference"] == pytest.approx(-more.mean() / 100)
    assert found["error"] == pytest.approx((wrong + more).std() / 100 / 20, rel=0.2)
    assert found["difference_error"] == pytest.approx(more.std() / 100 / 20, rel=0.2)


def test_events_of_a_group_are_drawn_together():
    # Ten placements of each of four events, alike within an event: forty are worth four.
    right = np.repeat([10, 40, 60, 90], 10)
    tables = np.zeros((40, 5, 5), np.int64)
    tables[:, MIP, MIP], tables[:, MIP, DELTA] = right, 100 - right
    groups = np.arange(40) // 10
    found = compared(tables, tables, groups)["five classes"]
    assert found["error"] == pytest.approx(right.std() / 100 / 2, rel=0.2)
    assert found["difference"] == found["difference_error"] == 0.0


def test_every_figure_is_named_and_in_its_place():
    confusion = np.diag([10, 20, 30, 40, 50])
    confusion[HIP, MIP], confusion[SHOWER, HIP] = 10, 20
    values = dict(zip(FIGURES, figures(confusion).tolist(), strict=True))
    assert values["five classes"] == pytest.approx(150 / 180)
    assert values["track / shower"] == pytest.approx(160 / 180)
    assert values["HIP efficiency"] == pytest.approx(10 / 20)
    assert values["HIP purity"] == pytest.approx(10 / 30)
    assert values["MIP purity"] == pytest.approx(20 / 30)


def test_pixels_outside_the_mask_and_without_class_do_not_count(varied):
    event = varied["nominal"]
    view = event.views["Y"]
    (table,) = confusion_tables(network({HIP: MIP}), [event])
    seen = (view.values >= 10) & (view.values <= 300) & (view.labels >= 0)
    assert table.sum() == seen.sum()
    assert table[HIP, HIP] == 0
    assert table[HIP, MIP] == (view.labels[seen] == HIP).sum() > 0
    (pale,) = confusion_tables(network(), [event], lambda view, particles: view.values < 50)
    assert pale.sum() == (seen & (view.values < 50)).sum() < seen.sum()


def test_a_network_of_other_classes_is_refused():
    other = network()
    other.classes = {"semantic": ("a", "b")}
    with pytest.raises(InputError, match="model calls pixels a, b"):
        checked(other)


def test_the_study_makes_files_once_and_compares_all_variations(tmp_path, monkeypatch):
    chosen = [VARIATIONS[0], VARIATIONS[NAMES.index("gain_up")]]
    events = VariedEvents(chosen, GENERATOR, seed=4, side=128)
    found = robustness.variations(network({DELTA: SHOWER}), events, 2, tmp_path, workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gain_up.h5", "nominal.h5"]
    assert found["nominal"]["five classes"]["difference"] == 0.0
    assert found["gain_up"]["MIP efficiency"]["value"] == 1.0
    lines = robustness.variation_lines(found)
    assert len([line for line in lines if line.startswith("| gain up |")]) == 2
    monkeypatch.setattr(VariedEvents, "__getitem__", None)  # nothing is simulated again
    again = robustness.variations(network({DELTA: SHOWER}), events, 2, tmp_path, workers=1)
    np.testing.assert_equal(again, found)


def test_files_of_other_events_are_not_taken_for_these(tmp_path):
    files = {tmp_path / "a.h5": {"seed": 1}}
    views = {"Y": (1008, 3456)}
    source = SimulatedEvents(
        GeneratorConfig("electron", cosmic_rate=0.0), MICROBOONE_CHAMBER, views=("Y",)
    )

    def make(number):
        return [source[number]]

    simulated_files(files, make, range(1), views=views, workers=1)
    with pytest.raises(InputError, match="holds other events"):
        simulated_files(files, make, range(2), views=views, workers=1)
    with pytest.raises(InputError, match="holds other events"):
        simulated_files({tmp_path / "a.h5": {"seed": 2}}, make, range(1), views=views, workers=1)


@pytest.fixture(scope="module")
def segments_alone(tmp_path_factory):
    """A file of two events: a muon with its electrons, and electrons alone."""
    rows = []
    for number in (3, 4):
        segments, tracks = muon_event(number)
        wide = np.zeros(len(segments), [*segments.dtype.descr, ("pdgId", np.int32)])
        for name in segments.dtype.names:
            wide[name] = segments[name]
        muon = segments["trackID"] == tracks["trackID"][0]
        wide["pdgId"] = np.where(muon & (number == 3), 13, 11)
        rows.append(wide)
    folder = tmp_path_factory.mktemp("segments")
    return write(folder / "alone.h5", segments=np.concatenate(rows), trajectories=None)


def test_events_of_electrons_alone_are_showers_beside_twins_of_their_energy(segments_alone):
    electrons = Electrons([segments_alone])
    assert len(electrons) == 1
    deposits, _ = electrons[0]
    twins = Twins(electrons, ELECTRON, energy_left, seed=1)
    _, particles = twins[0]
    assert particles["kinetic_energy"][0] == pytest.approx(deposits.energy.sum(), rel=1e-5)
    found = robustness.geant4(network(), electrons, twins, placements=2, seed=0)
    assert set(found) == set(robustness.SKIES)
    for under in found.values():
        assert under["shower efficiency"]["value"] == 1.0
        assert np.isnan(under["MIP efficiency"]["value"]), "the cosmics' pixels do not count"
    lines = robustness.geant4_lines("electrons", found, robustness.ELECTRON_FIGURES, 1)
    assert "100.0 (+0.0 ±" in lines[2]


def test_a_plane_of_one_electron_is_of_no_other_unit(segments_alone):
    """Nearly all of its values are noise; loaded networks say of such values what they think."""

    class Wondering(Perfect):
        def of_events(self, events, batch_size=1):
            warnings.warn(other_unit(np.full(9, 11.0), 0.0, 50.0, trained=85.0), stacklevel=1)
            yield from super().of_events(events, batch_size)

    electrons = Electrons([segments_alone])
    twins = Twins(electrons, ELECTRON, energy_left, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        robustness.geant4(cast(Any, Wondering()), electrons, twins, placements=1, seed=0)


def test_files_without_an_event_of_electrons_alone_are_refused(tmp_path):
    path = write(tmp_path / "muons.h5")
    with pytest.raises(InputError, match="no event is of electrons alone"):
        Electrons([path])
