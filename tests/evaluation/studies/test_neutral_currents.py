"""Neutral currents called nu_e or nu_mu against their pions, counted by hand."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors import NeutralCurrents as NeutralCurrentClasses
from jaxsparse.detectors import find
from jaxsparse.evaluation.heads.event import event_metrics
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.report import page
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.neutral_currents import (
    NeutralCurrents,
    called_profile,
    nc_summary,
)
from jaxsparse.evaluation.studies.pions import Pions, pions_of, read_pions
from jaxsparse.evaluation.text import dumps
from jaxsparse.viz.event_plots import neutral_currents_figure

CLASSES = ("numu", "nue", "nc")
NUMU, NUE, NC = range(3)
PION_MASS = 134.9768
NONE, INFINITE = 0.0, np.inf
DECLARED: Any = find("nova").neutral_currents


def table(*rows):
    """Particles of ``(pdg, parent, kinetic energy, end along x)`` from x = 1 cm."""
    particles = np.zeros(len(rows), PARTICLE_DTYPE)
    for row, (pdg, parent, energy, end) in enumerate(rows):
        particles[row]["pdg"], particles[row]["parent"] = pdg, parent
        particles[row]["kinetic_energy"] = energy
        particles[row]["start"], particles[row]["end"] = (1, 0, 0), (end, 0, 0)
        particles[row]["interaction"] = True
    return particles


TABLES = [
    # Two neutral pions, a photon of the first nearest; a photon that is nobody's; two charged.
    table((111, -1, 300, 1), (111, -1, 100, 1), (211, -1, 80, 21), (-211, -1, 500, 11),
          (22, -1, 900, 2), (22, 0, 200, 41), (22, 0, 235, 8), (22, 1, 90, 31)),
    table((2212, -1, 100, 4)),
    table((111, -1, 50, 1), (2112, -1, 9, 90)),  # written without its photons
    table(),
    table((111, -1, np.nan, np.nan)),  # only the kind of particle is known
    # A pion that another made on its way, and the photons of one such.
    table((211, -1, 400, 31), (211, 0, 200, 200), (111, 0, 100, 31), (22, 2, 200, 33)),
]  # fmt: skip


def join(tables):
    return np.concatenate(tables), np.array([len(one) for one in tables])


def test_pions_are_read_off_the_particles_of_the_vertex():
    pions = pions_of(*join(TABLES))
    np.testing.assert_allclose(
        pions.neutral_energy, [300 + PION_MASS, 0, 50 + PION_MASS, np.nan, np.nan, 0]
    )
    np.testing.assert_array_equal(pions.photon_gap, [7, np.inf, np.nan, np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(pions.charged_length, [20, 0, 0, np.nan, np.nan, 30])


def test_cosmic_particles_are_no_pions_of_the_vertex():
    cosmic = table((211, -1, 400, 31))
    cosmic["interaction"] = False
    assert pions_of(*join([cosmic])).charged_length.tolist() == [0]


def test_no_events_at_all_are_legal():
    assert len(pions_of(*join([table()])).take(np.zeros(0, int)).photon_gap) == 0


def test_pions_come_out_of_a_file_in_the_order_asked_for(tmp_path):
    view = View(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), (4, 4))
    with EventWriter(tmp_path / "a.h5", detector="toy", views={"XZ": (4, 4)}) as writer:
        for number, particles in enumerate(TABLES):
            writer.append(Event(number, {"XZ": view}, particles))
    source = EventFile(tmp_path / "a.h5")
    pions = read_pions(source, np.array([5, 0, 0]))
    np.testing.assert_array_equal(pions.photon_gap, [np.inf, 7, 7])
    np.testing.assert_array_equal(pions.charged_length, [30, 20, 20])
    assert len(read_pions(source, np.zeros(0, int)).photon_gap) == 0


# truth, called, the number
EVENTS = [
    (NC, NUE, 5.0), (NC, NC, 5.0), (NC, NC, 9.0), (NC, NUMU, 9.0),  # the first bin, 1 of 4
    (NC, NUE, 10.0), (NC, NUE, 19.0),  # a lower edge belongs to its bin: 2 of 2
    (NC, NUE, 500.0),  # beyond the last edge
    (NC, NC, 0.0), (NC, NUE, 0.0),  # none: 1 of 2
    (NC, NUE, np.nan), (NUE, NUE, 5.0), (-1, NUE, 5.0),  # count nowhere
]  # fmt: skip


def results_of(events):
    truth, called, values = zip(*events, strict=True)
    return Scored.of(np.eye(3)[list(called)], truth, CLASSES), np.array(values)


def profile_of(events, edges=(0.0, 10, 20, 30), called="nue", none=NONE):
    results, values = results_of(events)
    return called_profile(results, values, "nc", called, "cm", edges, none)


def test_the_part_called_another_class_is_counted_by_bin():
    profile = profile_of(EVENTS)
    assert profile is not None
    assert (profile["called"], profile["unit"]) == ("nue", "cm")
    assert profile["events"] == [4, 2, 0]
    np.testing.assert_array_equal(profile["part"], [1 / 4, 1, np.nan])
    assert (profile["none"]["events"], profile["none"]["part"]) == (2, 1 / 2)
    assert profile["error"][1] == 0  # all called so: a bootstrap sees no error
    assert np.isnan(profile["error"][2])


def test_without_a_pion_may_be_infinite():
    profile = profile_of(
        [(NC, NUE, np.inf), (NC, NC, 70.0)], edges=(0.0, 50, np.inf), none=INFINITE
    )
    assert profile is not None
    assert profile["events"] == [0, 1]
    assert profile["none"]["events"] == 1


def test_the_error_is_binomial():
    rng = np.random.default_rng(0)
    events = [(NC, NUMU if rng.random() < 0.2 else NC, 5.0) for _ in range(400)]
    profile = profile_of(events, called="numu")
    assert profile is not None
    part = profile["part"][0]
    assert profile["error"][0] == pytest.approx(np.sqrt(part * (1 - part) / 400), rel=0.12)


def test_nothing_to_show_is_none():
    assert profile_of([(NC, NUE, np.nan), (NC, NUE, NONE)]) is None
    assert profile_of([(NUE, NUE, 5.0)]) is None
    results = Scored.of(np.eye(2), [0, 1], ("numu", "nue"))
    assert called_profile(results, np.ones(2), "nc", "nue", "cm", (0.0, 10), NONE) is None


def metrics_of(results, pions):
    """The values of ``metrics.json``, and the page."""
    study = NeutralCurrents(DECLARED, lambda numbers: pions.take(numbers))
    parts = [*event_metrics(CLASSES), study]
    numbers = {**results.columns, "event": np.arange(len(results))}
    results = dataclasses.replace(results, columns=numbers)
    about = {
        "task": "classification", "classes": CLASSES, "num_events": len(results), "num_sites": 1,
        "num_events_without_truth": 0, "part": "all", "checkpoint_step": 1, "data": "a.h5",
        "views": ["XZ"], "seconds_per_event": 1.0, "batch_size": 1, "compilations": 1,
        "peak_memory_mb": 1.0, "versions": {"device": "cpu"},
    }  # fmt: skip
    metrics = json.loads(dumps({**about, **measure(parts, [results])}))
    return metrics, page(metrics, parts)


def test_the_three_profiles_are_in_the_figures_the_page_and_the_plot():
    results, values = results_of(EVENTS)
    pions = Pions(100 * values, np.where(values == 0, np.inf, values), values)
    metrics, text = metrics_of(results, pions)
    summary = metrics["nc_called"]
    assert {name: entry["called"] for name, entry in summary.items()} == {
        "neutral_energy": "nue", "photon_gap": "nue", "charged_length": "numu",
    }  # fmt: skip
    assert summary["neutral_energy"]["events"][2] == 2  # 500 MeV
    assert summary["charged_length"]["part"][0] == pytest.approx(1 / 4)
    assert summary["charged_length"]["edges"][-1] is None
    assert "| nc, gap before its first shower [cm] | events | part called nue |" in text
    assert "| none | 2 | 0.5000 ±" in text
    assert "left out" not in text
    figure = neutral_currents_figure(metrics)
    assert figure is not None
    assert len(figure.axes) == 6


def test_a_file_without_the_truth_leaves_it_out_in_one_line():
    results, values = results_of(EVENTS)
    unknown = np.full(len(values), np.nan)
    metrics, text = metrics_of(results, Pions(values, unknown, unknown))
    assert metrics["nc_called"]["photon_gap"] is None
    (line,) = [one for one in text.splitlines() if "left out" in one]
    assert "gap before its first shower, length of the charged pion" in line
    figure = neutral_currents_figure(metrics)
    assert figure is not None
    assert len(figure.axes) == 2
    nothing, _ = metrics_of(results, Pions(unknown, unknown, unknown))
    assert set(nothing["nc_called"].values()) == {None}
    assert neutral_currents_figure(nothing) is None  # no empty page
    summary = nc_summary(results, Pions(unknown, unknown, unknown), DECLARED)
    assert set(summary.values()) == {None}


def test_a_detector_has_its_own_classes_and_asks_what_it_has_edges_for():
    results, values = results_of(EVENTS)
    results = dataclasses.replace(results, classes=("muons", "electrons", "neutral"))
    declared = NeutralCurrentClasses(
        "neutral", electron="electrons", muon="muons", charged_length=(0, 10, 20, 30)
    )
    summary = nc_summary(results, Pions(values, values, values), declared)
    assert list(summary) == ["charged_length"]
    entry = summary["charged_length"]
    assert (entry["true"], entry["called"]) == ("neutral", "muons")
    assert entry["events"] == [4, 2, 0]
    np.testing.assert_array_equal(entry["part"], [1 / 4, 0, np.nan])
