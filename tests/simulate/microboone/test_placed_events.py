"""Geant4's deposits through the detector response: of a small file, and the real one if there."""

import pickle

import numpy as np
import pytest

from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.detectors.microboone import DELTA, HIP, MICHEL, MIP, SHOWER
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.placed_events import PlacedEvents
from jaxsparse.simulate.transport.truth import label_particles
from tests.data.readers.small_files import muon_event
from tests.data.readers.small_files import write_edep_sim_file as write


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("edep") / "events.h5")


@pytest.mark.parametrize("index", [True, 1.0, np.float32(0), None])
def test_images_are_numbered_by_whole_numbers(path, index):
    source = PlacedEvents(EdepSimFile(path))
    with pytest.raises(InputError, match="event numbers must be whole numbers"):
        source[index]
    with pytest.raises(IndexError):
        source[2**40]


def test_the_last_image_may_be_asked_for_from_the_end(path):
    assert PlacedEvents(EdepSimFile(path), views=["Y"])[-1].event_id == 9


def test_an_image_depends_on_its_number_and_the_seed_only(path):
    views = ["Y"]
    source = PlacedEvents(EdepSimFile(path), placements=3, seed=1, views=views, dead_wires={})
    assert len(source) == 6
    image = source[4]
    again = pickle.loads(pickle.dumps(source))[4]
    np.testing.assert_array_equal(image.views["Y"].values, again.views["Y"].values)
    other = PlacedEvents(EdepSimFile(path), placements=3, seed=2, views=views)[4]
    assert len(other.views["Y"]) != len(image.views["Y"]) or not np.array_equal(
        other.views["Y"].coords, image.views["Y"].coords
    )
    assert image.event_id == 4
    view = image.views["Y"]
    assert view.labels is not None
    assert view.vertex_distance is not None
    assert {MIP, DELTA, MICHEL} >= set(view.labels.tolist()) - {-1}
    assert view.vertex_distance.min() < 3


def test_simulated_cosmics_lie_over_an_event_that_stays_as_it_is(path):
    alone, under = (
        PlacedEvents(EdepSimFile(path), placements=2, seed=1, views=["Y"], cosmic_rate=rate)[3]
        for rate in (0.0, 1.0)
    )
    own = len(alone.particles)
    np.testing.assert_array_equal(under.particles[:own], alone.particles)
    sky = under.particles[own:]
    assert len(sky) > own
    assert not sky["interaction"].any()
    mothers = sky["parent"][sky["parent"] >= 0]
    assert mothers.min() >= own, "a cosmic's mother is a cosmic"
    view = under.views["Y"]
    assert len(view) > 3 * len(alone.views["Y"])
    labels, instance = np.asarray(view.labels), np.asarray(view.instance)
    cosmic = (instance >= own) & ~np.asarray(view.interaction)
    assert cosmic.sum() > len(view) / 2
    assert {MIP, DELTA} <= set(labels[cosmic].tolist())
    # The event's pixels lie where they lay; the noise is drawn anew.
    pixels = {tuple(pixel) for pixel in under.views["Y"].coords.tolist()}
    bright = alone.views["Y"].coords[alone.views["Y"].values > 25.0].tolist()
    assert {tuple(pixel) for pixel in bright} <= pixels


def test_wrong_settings_are_one_line(path):
    with pytest.raises(InputError, match="cosmic_rate is 11"):
        PlacedEvents(EdepSimFile(path), cosmic_rate=11.0)
    with pytest.raises(InputError, match="placements is 0"):
        PlacedEvents(EdepSimFile(path), placements=0)
    with pytest.raises(InputError, match="View 'W'"):
        PlacedEvents(EdepSimFile(path), views=["W"])


def test_an_unknown_process_is_counted_and_falls_to_the_mother(tmp_path, caplog):
    segments, tracks = muon_event(3)
    tracks["start_process"][1], tracks["start_subprocess"][1] = 7, 400
    file = EdepSimFile(write(tmp_path / "new.h5", segments=segments, trajectories=tracks))
    assert PlacedEvents(file).unknown_processes() == {7400: 1}
    assert label_particles(file[0][1])["label"].tolist() == [MIP, MIP, MICHEL]
    assert "7/400 x 1" in caplog.text


def test_of_particles_of_unknown_origin_muons_alone_have_a_class_and_there_is_no_vertex(tmp_path):
    segments, tracks = muon_event(3)
    wide = np.zeros(len(segments), [*segments.dtype.descr, ("pdgId", np.int32)])
    for name in segments.dtype.names:
        wide[name] = segments[name]
    wide["pdgId"] = np.where(segments["trackID"] == tracks["trackID"][0], 13, 11)
    file = EdepSimFile(write(tmp_path / "alone.h5", segments=wide, trajectories=None))
    source = PlacedEvents(file, placements=1, views=["voxels"])
    event = source[0]
    assert event.particles["label"].tolist() == [MIP, NO_CLASS, NO_CLASS]
    view = event.views["voxels"]
    assert np.isinf(np.asarray(view.vertex_distance)).all()
    assert set(np.asarray(view.labels).tolist()) == {MIP, NO_CLASS}
    beam = event.particles["end"][0] - event.particles["start"][0]  # the longest track is the axis
    assert beam[2] / np.linalg.norm(beam) > np.cos(np.radians(10.1))
    assert "electrons and photons have no class" in source.notes()[0]


@pytest.mark.shared_data
def test_the_real_muons_have_the_classes_of_the_code_table(edep_sim_file):
    file = EdepSimFile(edep_sim_file)
    assert len(file) == 10
    assert PlacedEvents(file).unknown_processes() == {}
    energy = np.zeros(5)
    michels = set()
    electrons_by_ionisation = 0
    for number in range(10):
        deposits, particles = file[number]
        particles = label_particles(particles)
        assert particles["label"][0] == MIP
        known = particles["label"][deposits.particle] >= 0
        energy += np.bincount(
            particles["label"][deposits.particle][known], deposits.energy[known], minlength=5
        )
        roots = particles["instance"][particles["label"] == MICHEL]
        michels |= {round(float(particles["kinetic_energy"][row]), 1) for row in roots}
        electrons_by_ionisation += (particles["process"] == 2002).sum()
    assert electrons_by_ionisation == 1749 + 176  # docs: what the file holds
    assert michels == {41.6, 42.1}
    # 62.6 m of muons at 1.9 MeV/cm, restricted loss; deltas take the rest to 2.37 in all.
    assert energy[MIP] == pytest.approx(6260 * 1.91, rel=0.03)
    assert 0.1 < energy[DELTA] / energy.sum() < 0.25
    assert energy[HIP] > 0
    assert energy[SHOWER] > 0


@pytest.fixture
def edep_sim_file(shared_data):
    return shared_data / "edep_sim" / "edepsim_muon_1-2GeV.h5"
