"""The edep-sim reader on a small file written here, and on the real one where it is."""

import pickle

import numpy as np
import pytest

from jaxsparse.data.readers.edep_sim import EdepSimFile, EdepSimSource
from jaxsparse.data.schema import DELTA, HIP, MICHEL, MIP, SHOWER
from jaxsparse.errors import InputError
from tests.data.readers.small_files import TRAJECTORY, muon_event
from tests.data.readers.small_files import write_edep_sim_file as write


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("edep") / "events.h5")


def test_units_times_and_mothers_are_read(path):
    file = EdepSimFile(path)
    assert len(file) == 2
    assert file.event_ids.tolist() == [3, 5]
    deposits, particles = file[1]
    np.testing.assert_allclose(particles["start"][0], (1, 0, 2))  # mm became cm
    np.testing.assert_allclose(deposits.start[0], (1, 0, 2))  # cm stayed cm
    assert particles["parent"].tolist() == [-1, 0, 0]
    assert particles["process"].tolist() == [0, 2002, 6201]  # a primary's code is stale
    assert particles["label"].tolist() == [MIP, DELTA, MICHEL]
    assert particles["kinetic_energy"][0] == pytest.approx(np.hypot(600, 105.658) - 105.658)
    assert deposits.energy.sum() == pytest.approx(200 * 2.1 + 24.5)
    assert np.bincount(deposits.particle).tolist() == [200, 1, 1]


def test_numbers_that_do_not_fit_are_refused_but_not_stale_codes_of_primaries(tmp_path):
    segments, tracks = muon_event(3)
    tracks["start_process"][0] = 2**32 - 1
    source = EdepSimFile(write(tmp_path / "a.h5", segments=segments, trajectories=tracks))
    assert source[0][1]["process"].tolist()[0] == 0
    for name, row, value, line in [
        ("start_process", 1, 2**31, r"process 2147483648002\.0 of row 1"),
        ("pdgId", 2, 2**31, "pdgId 2147483648 of row 2"),
        ("parentID", 1, 2**63, "parentID 9223372036854775808 of row 1"),
    ]:
        wide = tracks.astype(
            [(n, "u8" if n == name else TRAJECTORY[n]) for n in TRAJECTORY.names or ()]
        )
        wide["parentID"] = np.where(tracks["parentID"] < 0, 0, wide["parentID"])
        if name != "parentID":
            wide["parentID"] = tracks["parentID"]
        wide[name][row] = value
        path = write(tmp_path / "b.h5", segments=segments, trajectories=wide)
        with pytest.raises(InputError, match=line):
            EdepSimFile(path)[0]


@pytest.mark.parametrize("index", [True, 1.0, np.float32(0), None])
def test_events_are_numbered_by_whole_numbers(path, index):
    for source in (EdepSimFile(path), EdepSimSource(path)):
        with pytest.raises(InputError, match="event numbers must be whole numbers"):
            source[index]
        with pytest.raises(IndexError):
            source[2**40]
    assert EdepSimSource(path)[-1].event_id == 9


def test_an_image_depends_on_its_number_and_the_seed_only(path):
    views = ["Y"]
    source = EdepSimSource(path, placements=3, seed=1, views=views, dead_wires={})
    assert len(source) == 6
    image = source[4]
    again = pickle.loads(pickle.dumps(source))[4]
    np.testing.assert_array_equal(image.views["Y"].values, again.views["Y"].values)
    other = EdepSimSource(path, placements=3, seed=2, views=views)[4]
    assert len(other.views["Y"]) != len(image.views["Y"]) or not np.array_equal(
        other.views["Y"].coords, image.views["Y"].coords
    )
    assert image.event_id == 4
    view = image.views["Y"]
    assert view.labels is not None
    assert view.vertex_distance is not None
    assert {MIP, DELTA, MICHEL} >= set(view.labels.tolist()) - {-1}
    assert view.vertex_distance.min() < 3


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"segments": None}, "no table 'segments'"),
        ({"trajectories": np.zeros(3)}, "no table 'trajectories'"),
        ({"segments": np.zeros(2, [("eventID", np.uint32)])}, "no field trackID"),
        ({"segments": np.zeros(2, [("eventID", np.float32)])}, "must be whole numbers"),
        ({"trajectories": muon_event(3)[1][::-1][:0]}, "segments but no trajectories"),
        ({"segments": np.concatenate([muon_event(e)[0] for e in (5, 3)])}, "not ordered"),
    ],
)
def test_a_wrong_layout_is_one_line(tmp_path, change, line):
    bad = write(tmp_path / "bad.h5", **change)
    with pytest.raises(InputError, match=line) as error:
        EdepSimFile(bad)
    assert "\n" not in str(error.value)


def spoil(table, row, column, value):
    table = table.copy()
    table[column][row] = value
    return table


@pytest.mark.parametrize(
    ("which", "row", "column", "value", "line"),
    [
        ("segments", 2, "dE", -1, "below 0"),
        ("segments", 2, "x_end", np.nan, "x_end is not a number"),
        ("segments", 2, "trackID", 99, "trackID 99 has no trajectory"),
        ("trajectories", 2, "parentID", 99, "parentID 99 has no trajectory"),
        ("trajectories", 2, "trackID", 7, "occurs twice"),
        ("trajectories", 0, "xyz_start", (10, 0, 2), "cm from its segments"),
    ],
)
def test_a_bad_event_is_one_line(tmp_path, which, row, column, value, line):
    tables = dict(zip(("segments", "trajectories"), muon_event(3), strict=True))
    tables[which] = spoil(tables[which], row, column, value)
    file = EdepSimFile(write(tmp_path / "bad.h5", **tables))
    with pytest.raises(InputError, match=line):
        file[0]


def test_missing_truncated_and_foreign_files_are_one_line(tmp_path, path):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(path.read_bytes()[:5000])
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    for bad in (tmp_path / "none.h5", cut, text, tmp_path):
        with pytest.raises(InputError):
            EdepSimFile(bad)
    with pytest.raises(InputError, match="placements is 0"):
        EdepSimSource(path, placements=0)
    with pytest.raises(InputError, match="View 'W'"):
        EdepSimSource(path, views=["W"])


def test_an_unknown_process_is_counted_and_falls_to_the_mother(tmp_path, caplog):
    segments, tracks = muon_event(3)
    tracks["start_process"][1], tracks["start_subprocess"][1] = 7, 400
    file = EdepSimFile(write(tmp_path / "new.h5", segments=segments, trajectories=tracks))
    assert file.unknown_processes() == {7400: 1}
    assert file[0][1]["label"].tolist() == [MIP, MIP, MICHEL]
    assert "7/400 x 1" in caplog.text


@pytest.mark.shared_data
def test_the_real_muons_have_the_classes_of_the_code_table(edep_sim_file):
    file = EdepSimFile(edep_sim_file)
    assert len(file) == 10
    assert file.unknown_processes() == {}
    energy = np.zeros(5)
    michels = set()
    electrons_by_ionisation = 0
    for number in range(10):
        deposits, particles = file[number]
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
