"""The edep-sim reader on a small file written here."""

import numpy as np
import pytest

from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.errors import InputError
from jaxsparse.particle_data import UNKNOWN_PROCESS
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
    assert particles["label"].tolist() == [NO_CLASS] * 3  # a detector's rule gives them
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
    with pytest.raises(InputError, match="event numbers must be whole numbers"):
        EdepSimFile(path)[index]
    with pytest.raises(IndexError):
        EdepSimFile(path)[2**40]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"segments": None}, "no dataset segments"),
        ({"trajectories": None}, "no field pdgId"),
        ({"trajectories": np.zeros(3)}, "trajectories is no table"),
        ({"segments": np.zeros(2, [("eventID", np.uint32)])}, "no field trackID"),
        ({"segments": np.zeros(2, [("eventID", np.float32)])}, "must be int or unsigned int"),
        ({"trajectories": muon_event(3)[1][::-1][:0]}, "segments but no trajectories"),
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


def same_event(left, right):
    (deposits, particles), (others, theirs) = left, right
    for name in ("start", "end", "energy", "length", "time", "particle"):
        np.testing.assert_array_equal(getattr(deposits, name), getattr(others, name))
    np.testing.assert_array_equal(particles, theirs)


def test_rows_of_events_may_come_in_any_order(tmp_path):
    events = (3, 5, 9)
    parts = [muon_event(event) for event in events]
    tables = [np.concatenate(column) for column in zip(*parts, strict=True)]
    ordered = EdepSimFile(write(tmp_path / "a.h5", segments=tables[0], trajectories=tables[1]))
    turn = np.argsort(np.arange(len(tables[0])) % 7, kind="stable")
    mixed = EdepSimFile(
        write(
            tmp_path / "b.h5",
            segments=tables[0][turn],
            trajectories=np.concatenate([tracks for _, tracks in reversed(parts)]),
        )
    )
    assert mixed.event_ids.tolist() == list(events)
    for number in range(3):
        deposits, particles = mixed[number]
        np.testing.assert_array_equal(particles, ordered[number][1])
        places = [np.lexsort(found.start.T) for found in (deposits, ordered[number][0])]
        for name in ("start", "energy", "particle"):
            own, expected = getattr(deposits, name), getattr(ordered[number][0], name)
            np.testing.assert_array_equal(own[places[0]], expected[places[1]])
    parts.reverse()  # whole events in another order: nothing changes at all
    tables = [np.concatenate(column) for column in zip(*parts, strict=True)]
    turned = EdepSimFile(write(tmp_path / "c.h5", segments=tables[0], trajectories=tables[1]))
    for number in range(3):
        same_event(turned[number], ordered[number])


def segments_alone(event):
    """The muon event as a file without trajectories has it, backwards."""
    segments, tracks = muon_event(event)
    kinds = dict(zip(tracks["trackID"].tolist(), tracks["pdgId"].tolist(), strict=True))
    wide = np.zeros(len(segments), [*segments.dtype.descr, ("pdgId", np.int32)])
    for name in segments.dtype.names:
        wide[name] = segments[name]
    wide["pdgId"] = [kinds[track] for track in segments["trackID"].tolist()]
    wide["t0_start"] = 0.001 * np.arange(len(wide))
    return wide[::-1]


@pytest.fixture
def alone(tmp_path):
    tables = np.concatenate([segments_alone(event) for event in (8, 2)])
    return write(tmp_path / "alone.h5", segments=tables, trajectories=None)


def test_segments_without_trajectories_make_a_particle_a_track(alone):
    file = EdepSimFile(alone)
    assert file.event_ids.tolist() == [2, 8]
    assert "no vertex is known" in file.notes()[0]
    deposits, particles = file[0]
    assert particles["pdg"].tolist() == [13, 11, 11]
    assert particles["parent"].tolist() == [-1, -1, -1]
    assert particles["process"].tolist() == [UNKNOWN_PROCESS] * 3
    np.testing.assert_allclose(particles["start"][0], (1, 0, 2))
    np.testing.assert_allclose(particles["end"][0], (1, 200, 2))
    np.testing.assert_allclose(particles["direction"][0], (0, 1, 0))
    assert np.isnan(particles["kinetic_energy"]).all()
    assert np.bincount(deposits.particle).tolist() == [200, 1, 1]
    assert deposits.energy.sum() == pytest.approx(200 * 2.1 + 24.5)


def test_a_track_of_two_kinds_is_one_line(tmp_path):
    segments = segments_alone(2).copy()
    segments["pdgId"][5] = 2212
    file = EdepSimFile(write(tmp_path / "a.h5", segments=segments, trajectories=None))
    with pytest.raises(InputError, match=r"Event 2 of a\.h5: track 4 has several pdgId"):
        file[0]


@pytest.mark.shared_data
def test_the_real_segments_alone_have_the_energy_that_their_documentation_says(shared_data):
    paths = sorted((shared_data / "larnd_segments").glob("*.h5"))
    assert len(paths) == 11
    for path in paths:
        file = EdepSimFile(path)
        energy = sum(
            deposits.energy.sum() for deposits, _ in map(file.__getitem__, range(len(file)))
        )
        assert energy == pytest.approx(370, rel=0.03)
        kinds = {int(k) for n in range(len(file)) for k in file[n][1]["pdg"]}
        assert kinds == {11, 13}
