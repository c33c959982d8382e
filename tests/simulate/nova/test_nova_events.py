"""Pixel maps and events of the segmented scintillator, by number and from the command line."""

import collections
import os
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_PIXEL_CLASSES, NOVA_SHAPE
from jaxsparse.errors import InputError
from jaxsparse.simulate.nova.detector import NOVA_FAR
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.pixel_maps import pixel_maps
from jaxsparse.simulate.nova.response import Hits
from jaxsparse.simulate.nova.source import BLOCK, ScintillatorEvents
from jaxsparse.simulate.nova.truth import pixel_classes
from jaxsparse.simulate.samples import define_flags, parse_classes, sample
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.cosmics import add_cosmic_muon
from jaxsparse.simulate.transport.truth import primaries_of

MUON = NOVA_PIXEL_CLASSES.index("muon")


@pytest.fixture(scope="module")
def beam():
    source = ScintillatorEvents(ScintillatorConfig(), seed=1)
    return [source[i] for i in range(BLOCK)]


def hits(plane, cell, energy, instance=None):
    plane, cell = np.array(plane, int), np.array(cell, int)
    instance = np.zeros(len(plane), int) if instance is None else np.array(instance)
    one = np.ones(len(plane))
    energy = np.array(energy, float)
    return Hits(0 * plane, plane, cell, energy, instance, one, one, one.astype(int), one, one)


def primaries(*pdg, start=(0.0, 0.0, 0.0)):
    table = np.zeros(len(pdg), PARTICLE_DTYPE)
    table["pdg"], table["parent"], table["start"] = pdg, -1, start
    table["label"] = pixel_classes(np.array(pdg))
    table["interaction"] = True
    return table


def maps(some_hits, table=None, vertex=None):
    vertices = np.zeros((0, 3)) if vertex is None else np.array([vertex])
    return pixel_maps(some_hits, primaries(13) if table is None else table, vertices, NOVA_FAR)


def test_the_window_begins_at_the_first_plane_and_is_centred_on_the_cells():
    views = maps(hits([20, 21, 22, 219, 220, 221], [100, 200, 110, 210, 120, 205], [20.0] * 6))
    assert views["XZ"].coords.tolist() == [[0, 30], [1, 40]]  # mean cell 110, plane 220 is beyond
    assert views["YZ"].coords.tolist() == [[0, 35], [99, 45]]  # mean cell 205
    for view in views.values():
        assert view.shape == NOVA_SHAPE
        assert view.coords.dtype == np.int32


def test_an_odd_first_plane_keeps_both_views_100_planes_deep():
    views = maps(hits([21, 22, 220, 221], [200, 100, 100, 200], [20.0] * 4))
    assert views["YZ"].coords[:, 0].tolist() == [0]  # planes 21 to 219
    assert views["XZ"].coords[:, 0].tolist() == [0, 99]  # planes 22 to 220


@pytest.mark.parametrize("first", [20, 21])
def test_the_corner_of_a_view_says_where_its_pixels_are_in_the_detector(first):
    planes = first + np.arange(4)
    cells = np.array([3, 200, 9, 210])  # the window of the first begins outside the detector
    views = maps(hits(planes, cells, [20.0] * 4))
    found: list[tuple[int, int]] = []
    for parity, name in enumerate(("XZ", "YZ")):
        row, cell = (views[name].coords + views[name].corner).T
        found += zip((2 * row + parity).tolist(), cell.tolist(), strict=True)
    assert sorted(found) == list(zip(planes.tolist(), cells.tolist(), strict=True))
    leads = views["XZ"].corner[0] == views["YZ"].corner[0]  # the same row of view XZ is in front
    assert leads == (first % 2 == 0)


def test_values_are_bytes():
    views = maps(hits([0, 2, 4], [50, 50, 50], [0.5 / NOVA_FAR.counts_per_mev, 10.0, 1e4]))
    expected = [np.floor(10.0 * NOVA_FAR.counts_per_mev), 255.0]
    assert views["XZ"].values.tolist() == expected  # the first truncates to nothing
    assert views["XZ"].values.dtype == np.float32


def test_vertex_distance_counts_pixels_in_each_view():
    # Plane 10 is vertical: the vertex is at cell 101 of it and at cell 51 of the horizontal ones.
    vertex = (101 * 3.9 + 1.0, 51 * 3.9 + 1.0, 10 * 6.6 + 1.0)
    views = maps(hits([10, 11, 12, 15], [101, 51, 104, 51], [20.0] * 4), vertex=vertex)
    assert views["XZ"].vertex_distance.tolist() == [0, 3]
    assert views["YZ"].vertex_distance.tolist() == [0, 2]
    assert np.isinf(maps(hits([10], [50], [20.0]))["XZ"].vertex_distance).all()


def test_a_vertex_in_an_odd_first_plane_is_in_both_views():
    # The first vertical plane is then behind it: row 0 of the image, the nearest to the vertex.
    vertex = (101 * 3.9 + 1.0, 51 * 3.9 + 1.0, 11 * 6.6 + 1.0)
    views = maps(hits([11, 12, 14], [51, 101, 103], [20.0] * 3), vertex=vertex)
    assert views["XZ"].vertex_distance.tolist() == [0, 2]
    assert views["YZ"].vertex_distance.tolist() == [0]


def test_an_event_without_hits_has_two_empty_views():
    views = maps(hits([], [], []))
    assert [len(view) for view in views.values()] == [0, 0]
    assert views["XZ"].labels.dtype == np.int8


def test_pixels_are_named_by_their_primary():
    table = primaries(13, 2112)
    views = maps(hits([0, 1, 2], [9, 9, 9], [20.0] * 3, instance=[1, 0, -1]), table)
    assert views["XZ"].labels.tolist() == [NOVA_PIXEL_CLASSES.index("neutron"), -1]
    assert views["XZ"].instance.tolist() == [1, -1]
    assert views["YZ"].labels.tolist() == [MUON]


def test_every_species_has_its_pixel_class():
    codes = [11, -13, 2212, 2112, -211, 111, 22, 321, 1000060120, 15]
    names = [NOVA_PIXEL_CLASSES[i] for i in pixel_classes(np.array(codes))]
    assert names == [
        "electron", "muon", "proton", "neutron", "charged pion", "neutral pion", "photon",
        "mostly hadronic", "mostly hadronic", "unknown",
    ]  # fmt: skip


def test_the_primary_is_at_the_top_of_every_chain():
    parent = np.array([-1, -1, 0, 2, 3, 1, 4, -1])
    assert primaries_of(parent).tolist() == [0, 1, 0, 0, 0, 1, 0, 7]
    assert primaries_of(np.zeros(0, int)).tolist() == []


def test_events_are_legal_and_consistent(beam):
    for event in beam:
        count = len(event.particles)
        primaries = int((event.particles["parent"] == -1).sum())
        assert primaries >= 1
        assert (event.particles["parent"][:primaries] == -1).all()
        assert event.particles["instance"].tolist() == list(range(count))
        for view in event.views.values():
            assert view.shape == NOVA_SHAPE
            flat = np.ravel_multi_index(tuple(view.coords.T), view.shape)
            assert (np.diff(flat) > 0).all()
            assert (view.values == np.floor(view.values)).all()
            assert view.values.min(initial=1) >= 1
            assert view.values.max(initial=1) <= 255
            known = view.instance >= 0
            assert (view.instance < count).all()
            owner = event.particles[view.instance[known]]
            assert not (owner["pdg"] == 111).any()  # its photons are
            share, primary_share = view.share, view.primary_share
            assert ((share > 0) == known).all()
            assert (share <= primary_share).all()
            one = ~np.isin(owner["parent"], np.flatnonzero(event.particles["pdg"] == 111))
            np.testing.assert_array_equal(share[known][one], primary_share[known][one])
            np.testing.assert_array_equal(view.labels[known], owner["label"])
            np.testing.assert_array_equal(view.interaction[known], owner["interaction"])
            assert (view.overlap[known] >= 1).all()
        assert sum(len(view) for view in event.views.values()) >= 20


def test_the_photons_of_neutral_pions_follow_the_primaries(beam):
    seen = 0
    for event in beam:
        table = event.particles
        photons = table[table["parent"] >= 0]
        mother = photons["parent"]
        assert (photons["pdg"] == 22).all()
        assert mother.tolist() == np.repeat(np.flatnonzero(table["pdg"] == 111), 2).tolist()
        own = np.arange(len(table))[table["parent"] >= 0]
        assert photons["instance"].tolist() == own.tolist()
        np.testing.assert_array_equal(photons["label"], table["label"][mother])
        np.testing.assert_array_equal(photons["start"], table["start"][mother])
        total = table["kinetic_energy"][mother[::2]] + 134.977
        np.testing.assert_allclose(
            photons["kinetic_energy"].reshape(-1, 2).sum(1), total, rtol=1e-4
        )
        seen += len(photons)
    assert seen > 20


def test_a_neutral_pion_is_two_instances_of_one_class():
    source = ScintillatorEvents(ScintillatorConfig("pi0", kinetic_energy=(800.0, 1200.0)), seed=1)
    seen = [
        np.unique(np.concatenate([view.instance for view in event.views.values()])).tolist()
        for event in source.block(0)[:16]
    ]
    assert all(set(numbers) <= {-1, 1, 2} for numbers in seen)
    assert sum({1, 2} <= set(numbers) for numbers in seen) > 8  # both photons are seen
    pion = NOVA_PIXEL_CLASSES.index("neutral pion")
    for event in source.block(0)[:16]:
        assert event.particles["label"].tolist() == [pion] * 3
        for view in event.views.values():
            named = np.asarray(view.instance) >= 0
            np.testing.assert_array_equal(view.labels, np.where(named, pion, -1))
            np.testing.assert_array_equal(view.primary_share, np.where(named, 1.0, 0.0))


def test_classes_energies_and_topologies_say_the_same(beam):
    for event in beam:
        name = NOVA_EVENT_CLASSES[event.label]
        assert len(event.topology.encode()) <= 32
        if name == "cosmic":
            assert event.topology == "cosmic"
            assert np.isnan(event.energy)
            assert len(event.particles) == 1
            assert np.isinf(event.views["XZ"].vertex_distance).all()
        else:
            assert event.topology.startswith("NC" if name == "nc" else f"{name} CC")
            own = event.particles[event.particles["parent"] < 0]
            assert own["kinetic_energy"].sum() / 1e3 < event.energy + 0.05  # Fermi motion
        lepton = {"numu": 13, "nue": 11}.get(name)
        if lepton:
            assert lepton in np.abs(event.particles["pdg"])


def test_a_muon_lights_one_cell_a_plane_in_both_views():
    config = ScintillatorConfig(
        "muon", kinetic_energy=(2000.0, 2000.0), forward=True, fiducial_margin=300.0
    )
    source = ScintillatorEvents(config, seed=2)
    depths, per_plane = [], []
    for event in source.block(0)[:24]:
        for view in event.views.values():
            planes = np.unique(view.coords[:, 0])
            depths.append(planes.max() - planes.min() + 1)
            per_plane.append(len(view) / depths[-1])
            assert np.all(view.labels == MUON)
    # A 2 GeV muon goes 9.4 m: 71 planes of each view, those lost in walls aside.
    assert np.median(depths) == pytest.approx(9.36 / 0.132, rel=0.04)
    assert 0.85 < np.mean(per_plane) < 1.3


def test_both_views_see_the_same_particle_at_the_same_depth():
    source = ScintillatorEvents(ScintillatorConfig("electron", kinetic_energy=(1500.0, 1500.0)))
    differences = []
    for event in source.block(0)[:32]:
        if all(len(view) for view in event.views.values()):
            means = [np.average(v.coords[:, 0], weights=v.values) for v in event.views.values()]
            differences.append(means[0] - means[1])
    assert abs(np.mean(differences)) < 0.6
    assert np.std(differences) < 2.0


def test_shares_of_the_classes_are_those_asked_for():
    config = ScintillatorConfig(classes=(("numu", 3.0), ("cosmic", 1.0)))
    labels = [event.label for event in ScintillatorEvents(config, seed=4).block(0)]
    counts = collections.Counter(NOVA_EVENT_CLASSES[label] for label in labels)
    assert set(counts) == {"numu", "cosmic"}
    assert counts["numu"] / BLOCK == pytest.approx(0.75, abs=5 * np.sqrt(0.75 * 0.25 / BLOCK))


def test_an_event_is_the_same_in_whatever_order():
    source = ScintillatorEvents(ScintillatorConfig("pion"), seed=3)
    late, early = source[BLOCK + 2], source[5]
    again = ScintillatorEvents(ScintillatorConfig("pion"), seed=3)[BLOCK + 2]
    for name, view in late.views.items():
        np.testing.assert_array_equal(view.coords, again.views[name].coords)
        np.testing.assert_array_equal(view.values, again.views[name].values)
    np.testing.assert_array_equal(late.particles, again.particles)
    other = ScintillatorEvents(ScintillatorConfig("pion"), seed=7)[5]
    assert not np.array_equal(early.particles, other.particles)
    assert (late.event_id, early.event_id) == (BLOCK + 2, 5)


def test_a_cosmic_muon_comes_from_above_and_has_crossed_the_roof():
    muons = {}
    for overburden in (0.0, 300.0):
        bank = ParticleBank(NOVA_FAR.world)
        for seed in range(200):
            rows = add_cosmic_muon(bank, np.random.default_rng(seed), overburden=overburden)
            assert len(rows) == 1
        muons[overburden] = bank.particles.copy()
        assert (np.abs(bank.particles["pdg"]) == 13).all()
        assert (bank.particles["direction"][:, 1] < 0).all()
    bare, roof = muons.values()
    same = (bare["direction"] == roof["direction"]).all(1)  # not stopped in the roof
    assert 0.5 < same.mean() < 1.0
    lost = (bare["kinetic_energy"] - roof["kinetic_energy"])[same]
    # 300 g/cm^2 at 2.0 to 2.6 MeV cm^2/g, more for slant muons.
    per_gram = lost * -bare["direction"][same, 1] / 300.0
    assert np.all((per_gram > 1.9) & (per_gram < 2.8))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"topology": "bomb"}, "topology is 'bomb'"),
        ({"classes": (("nux", 1.0),)}, "classes has 'nux'"),
        ({"classes": (("nc", 1.0), ("nc", 1.0))}, "name each once"),
        ({"classes": (("nc", -1.0),)}, "need numbers >= 0"),
        ({"kinetic_energy": (10.0, 1.0)}, "kinetic_energy is"),
        ({"fiducial_margin": -1.0}, "fiducial_margin is"),
        ({"least_hits": 1000}, "least_hits is 1000"),
    ],
)
def test_a_setting_out_of_range_is_one_line(changes, line):
    with pytest.raises(InputError, match=line) as error:
        ScintillatorConfig(**changes)
    assert len(str(error.value).splitlines()) == 1


def test_shares_on_the_command_line_are_name_and_number():
    assert parse_classes("numu:1, nc:0.5") == (("numu", 1.0), ("nc", 0.5))
    with pytest.raises(InputError, match="write name:share"):
        parse_classes("numu=1")


def program(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "jaxsparse.data.simulate", *arguments],
        capture_output=True, text=True, timeout=300, cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_the_command_line_writes_the_events_of_the_source_with_any_workers(tmp_path):
    last = 2
    done = program(
        "--detector=nova", f"--out={tmp_path}/e.h5", "--topology=electron", "--seed=5",
        f"--first_event={BLOCK - 2}", f"--events={2 + last}", "--workers=2", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    source = ScintillatorEvents(ScintillatorConfig("electron"), seed=5)
    file = EventFile(tmp_path / "e.h5")
    assert file.event_classes == NOVA_EVENT_CLASSES
    assert file.class_names == NOVA_PIXEL_CLASSES
    assert len(file) == 2 + last
    for row in range(2 + last):
        mine = source[BLOCK - 2 + row]
        assert file[row].event_id == mine.event_id
        for name, view in mine.views.items():
            np.testing.assert_array_equal(file[row].views[name].coords, view.coords)
            np.testing.assert_array_equal(file[row].views[name].values, view.values)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--detector=nova", "--topology=bomb"], "topology is 'bomb'"),
        (["--detector=nova", "--views=U"], "--views is an option of --detector=microboone"),
        (["--classes=nc:1"], "--classes is an option of --detector=nova"),
    ],
)
def test_an_option_of_the_other_detector_is_one_line(arguments, line):
    values = flags.FlagValues()
    define_flags(values)
    values(["simulate", *arguments])
    with pytest.raises(InputError, match=line) as error:
        sample(values)
    assert len(str(error.value).splitlines()) == 1
