"""Simulated muons must look like Geant4's after the same response; pictures must be drawn."""

import numpy as np
import pytest

from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.summary import ViewSummary
from jaxsparse.detectors.microboone import CLASS_NAMES, DELTA, MASK
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.microboone.placed_events import PlacedEvents
from jaxsparse.simulate.microboone.placement import place
from jaxsparse.simulate.wire_chamber.response import detector_response
from studies.microboone.pictures import planes
from studies.microboone.single import single


@pytest.mark.shared_data
def test_images_of_simulated_muons_are_those_of_geant4_muons(shared_data):
    path = shared_data / "edep_sim" / "edepsim_muon_1-2GeV.h5"
    source = PlacedEvents(EdepSimFile(path), placements=1, views=("Y",))
    rng = np.random.default_rng(12)
    figures = []
    both: list[list] = [[], []]
    for number in range(len(source)):
        both[0].append(source[number])
        energy = float(source.deposits[number][1]["kinetic_energy"][0])
        event = place(*single(13, energy, rng), source.chamber, rng)
        both[1].append(
            detector_response(*event, source.chamber, rng, views=("Y",), dead_wires=source.dead)
        )
    for events in both:
        summary = ViewSummary((1008, 3456), len(CLASS_NAMES), *MASK)
        for event in events:
            summary.add(event.views["Y"])
        assert summary.classes is not None
        figures.append(
            (
                summary.total,
                np.mean(summary.neighbours),
                summary.levels[1] / summary.levels[0],
                summary.classes[1 + DELTA] / summary.total,
            )
        )
    geant4, simulated = np.array(figures)
    assert simulated[0] == pytest.approx(geant4[0], rel=0.1)  # sites: ranges and thresholds
    assert simulated[1] == pytest.approx(geant4[1], abs=0.2)  # neighbours
    assert simulated[2] == pytest.approx(geant4[2], rel=0.04)  # sites of the next level
    # Delta pixels are few and come in clusters: ten muons fix them to about a third.
    assert 0.5 < simulated[3] / geant4[3] < 2


def test_a_picture_shows_charge_and_truth_of_every_plane():
    rng = np.random.default_rng(0)
    source_event = single(13, 150.0, rng, (60.0, 0.0, 300.0))
    event = detector_response(*source_event, MICROBOONE_CHAMBER, rng)
    assert len(planes(event).axes) == 6
