"""The h5caf reader: joined by key, nothing lost in silence, any order of axes."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import h5py
import numpy as np
import pytest

from jaxsparse.data.readers.key_join import join
from jaxsparse.data.readers.nova_caf import MAPS, TRUTH, NovaCafSource
from jaxsparse.errors import InputError

CODES = [0, 2, 5, 8, 13, 14, 15, 3]
CLASSES = [0, 0, 1, 2, 3, 4, 4, 0]


@pytest.fixture
def caf(tmp_path, nova_keys, write_caf):
    """A good file of eight events, its truth in another order."""
    keys = nova_keys(8)
    order = np.random.default_rng(0).permutation(8)
    energies = 0.5 + np.arange(8)
    return write_caf(
        tmp_path / "a.h5caf.h5", keys, keys[order], np.array(CODES)[order],
        energies=energies[order],
    )  # fmt: skip


def dense(view) -> np.ndarray:
    image = np.zeros(view.shape)
    image[tuple(view.coords.T)] = view.values
    return image


def test_events_are_the_stored_images_with_the_truth_of_their_key(caf, nova_tracks):
    source = NovaCafSource(caf)
    assert source.event_labels.tolist() == CLASSES
    assert source.event_classes == ("numu", "nue", "nutau", "nc", "cosmic")
    expected_energy = np.where(np.isin(CODES, (14, 15)), np.nan, 0.5 + np.arange(8))
    np.testing.assert_array_equal(source.event_energy, expected_energy)
    assert source.report.lines() == []
    for number in (5, 0, 7):
        event = source[number]
        values = nova_tracks(number)[0]
        for view, name in enumerate(("XZ", "YZ")):
            np.testing.assert_array_equal(dense(event.views[name]), values[view])
        assert event.label == CLASSES[number]
    words = [source[number].topology for number in range(8)]
    assert words == [
        "numu CC QE", "numu CC DIS", "nue CC RES", "nutau CC QE", "NC", "cosmic", "cosmic",
        "numu CC other",
    ]  # fmt: skip
    keys = {"file": 0, "run": 10000, "subrun": 0, "evt": 901, "subevt": 2, "cycle": 0}
    assert source.keys(3) == source[3].keys == keys


def test_objects_are_one_particle_table_for_both_views(caf):
    event = NovaCafSource(caf)[2]
    assert event.particles["pdg"].tolist() == [13, 2212]  # objects 1 and 7 of the file
    for view in event.views.values():
        assert view.labels is not None
        assert view.instance is not None
        np.testing.assert_array_equal(view.instance == 1, view.labels == 2)  # class 2: proton
        assert np.unique(view.labels).tolist() == [1, 2]
        assert np.unique(view.instance).tolist() == [0, 1]
    assert np.isnan(event.particles["kinetic_energy"]).all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_of_axes_is_read(tmp_path, nova_keys, nova_tracks, write_caf, order):
    keys = nova_keys(2)
    path = write_caf(tmp_path / "a.h5", keys, keys, [0, 4], axes=order)
    names = ",".join(("view", "plane", "cell")[axis] for axis in order)
    event = NovaCafSource(path, axes=names)[1]
    np.testing.assert_array_equal(dense(event.views["YZ"]), nova_tracks(1)[0][1])


def test_keys_without_partner_are_kept_and_counted(tmp_path, nova_keys, write_caf):
    keys = nova_keys(7)
    path = write_caf(tmp_path / "a.h5", keys[:5], keys[[6, 3, 1, 5, 0]], [13, 4, 1, 14, 0])
    source = NovaCafSource(path)
    assert len(source) == 5
    assert source.event_labels.tolist() == [0, 0, -1, 1, -1]
    assert source[2].topology == ""
    assert np.isnan(source[0].energy)
    assert source.report.without_truth == 2
    assert source.report.truth_alone == 2
    assert source.report.lines() == [
        "images without truth: 2, kept without class",
        "truth without image: 2, not there",
    ]


def test_of_repeated_keys_the_first_counts_and_the_others_are_reported(
    tmp_path, nova_keys, nova_tracks, write_caf
):
    keys = nova_keys(3)
    path = write_caf(tmp_path / "a.h5", keys[[0, 1, 0, 2]], keys[[2, 1, 2, 0]], [13, 4, 0, 8])
    source = NovaCafSource(path)
    assert len(source) == 3
    assert source.event_labels.tolist() == [2, 1, 3]
    np.testing.assert_array_equal(dense(source[2].views["XZ"]), nova_tracks(3)[0][0])
    assert (source.report.repeated_images, source.report.repeated_truths) == (1, 1)
    assert len(source.report.lines()) == 2


def test_codes_without_a_class_are_counted_and_named(tmp_path, nova_keys, write_caf):
    keys = nova_keys(5)
    path = write_caf(tmp_path / "a.h5", keys, keys, [12, 77, 0, 77, 4_000_000_000])
    source = NovaCafSource(path)
    assert source.event_labels.tolist() == [-1, -1, 0, -1, -1]
    assert source.report.lines() == [
        "events of interaction code 12 (nu e elastic): 1, kept without class",
        "events of interaction code 77 (unknown): 2, kept without class",
        "events of interaction code 4000000000 (unknown): 1, kept without class",
    ]


def with_codes(path, codes):
    with h5py.File(path, "r+") as file:
        del file[f"{TRUTH}/interaction"]
        file[f"{TRUTH}/interaction"] = codes
    return NovaCafSource(path)


@pytest.mark.parametrize("kind", ["i2", "i8", "f4", "f8"])
def test_every_event_without_a_class_is_in_exactly_one_counted_group(
    tmp_path, nova_keys, write_caf, kind
):
    """-1 and -2 are codes like others: they are not what marks events without truth here."""
    keys = nova_keys(9)
    path = write_caf(tmp_path / "a.h5", keys, keys[1:], [0] * 8)
    stored = np.array([-1, -1, -2, -5, 16, 12, 0, 31000], kind)
    if kind[0] == "f":
        stored[4:6] = np.nan, -np.inf
    source = with_codes(path, stored)
    report, no_class = source.report, (source.event_labels < 0).sum()
    assert report.without_truth == 1
    assert report.without_truth + report.no_number + report.no_class.total() == no_class == 8
    expected = {-1: 2, -2: 1, -5: 1, 31000: 1}
    assert report.no_class == (expected if kind[0] == "f" else {**expected, 16: 1, 12: 1})
    assert "events of interaction code -1 (unknown): 2, kept without class" in report.lines()
    line = "events whose interaction code is no number: 2, kept without class"
    assert (line in report.lines()) == (kind[0] == "f")
    assert source[1].topology == ""


def test_a_column_of_other_numbers_is_counted_in_a_few_lines(tmp_path, nova_keys, write_caf):
    keys = nova_keys(30)
    codes = np.append(100 + np.arange(28), [100, 100])
    path = write_caf(tmp_path / "a.h5", keys, keys, codes)
    lines = NovaCafSource(path).report.lines()
    assert len(lines) == 21
    assert lines[0] == "events of interaction code 100 (unknown): 3, kept without class"
    assert lines[-1] == "events of 8 other interaction codes (unknown): 8, kept without class"


def test_two_tables_without_a_key_in_common_are_a_warning(tmp_path, nova_keys, write_caf):
    keys = nova_keys(4)
    path = write_caf(tmp_path / "a.h5", keys[:2], keys[2:], [0, 4])
    (warning,) = [line for line in NovaCafSource(path).notes() if line.startswith("WARNING")]
    assert f"no image of {path} has the key of a row of {TRUTH}" in warning
    assert "take both tables from one production" in warning
    write_caf(tmp_path / "b.h5", keys[2:], keys[:2], [0, 4])
    (warning,) = [line for line in NovaCafSource(tmp_path).notes() if line.startswith("WARNING")]
    assert f"{path} nor of 1 more has" in warning
    write_caf(tmp_path / "b.h5", keys[1:], keys[:2], [0, 4])
    assert "WARNING" in NovaCafSource(tmp_path).notes()[-1]
    assert "WARNING" not in "".join(NovaCafSource(tmp_path / "b.h5").notes())


def test_cycles_of_a_simulated_run_are_told_apart(tmp_path, nova_keys, write_caf):
    keys = nova_keys(1)[[0, 0]]
    keys[1, 2] = 1
    path = write_caf(tmp_path / "a.h5", keys, keys[::-1], [4, 0])
    assert NovaCafSource(path).event_labels.tolist() == [0, 1]
    path = write_caf(tmp_path / "b.h5", keys[:1], keys[1:], [4], with_cycle=False)
    assert NovaCafSource(path).event_labels.tolist() == [1]


def test_many_files_are_one_source_joined_file_by_file(tmp_path, nova_keys, nova_tracks, write_caf):
    keys = nova_keys(3)
    write_caf(tmp_path / "b.h5", keys, keys, [4, 4, 4])
    write_caf(tmp_path / "a.h5", keys[:2], keys[:2], [0, 1])
    by_folder, by_pattern = NovaCafSource(tmp_path), NovaCafSource(str(tmp_path / "*.h5"))
    by_list = NovaCafSource([tmp_path / "a.h5", tmp_path / "b.h5", tmp_path / "a.h5"])
    for source in (by_folder, by_pattern, by_list):
        assert [path.name for path in source.files] == ["a.h5", "b.h5"]
        assert source.event_labels.tolist() == [0, 0, 1, 1, 1]
        np.testing.assert_array_equal(dense(source[4].views["XZ"]), nova_tracks(2)[0][0])
        assert source[3].event_id == 3


def test_keys_name_the_file_and_say_what_only_others_have(tmp_path, nova_keys, write_caf):
    keys = nova_keys(3) + 7
    write_caf(tmp_path / "a.h5", keys[:2], keys[:2], [0, 1], with_cycle=False)
    write_caf(tmp_path / "b.h5", keys[[2, 0, 2]], keys, [4, 4, 4])
    source = NovaCafSource(tmp_path)
    for number, (file, row) in ((0, (0, 0)), (3, (1, 0)), (1, (0, 1)), (2, (1, 2))):
        run, subrun, cycle, evt, subevt = keys[row].tolist()
        assert source[number].keys == {
            "file": file, "run": run, "subrun": subrun, "evt": evt, "subevt": subevt,
            "cycle": cycle if file else -1,
        }  # fmt: skip


def test_the_source_may_be_pickled_and_closed(caf):
    source = NovaCafSource(caf)
    source.close()
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(copy[1].views["XZ"].coords, source[1].views["XZ"].coords)


def test_more_files_than_may_be_open_are_read(tmp_path, monkeypatch, nova_keys, write_caf):
    monkeypatch.setattr("jaxsparse.data.readers.file_pool.OPEN_FILES", 2)
    keys = nova_keys(1)
    for number in range(4):
        write_caf(tmp_path / f"{number}.h5", keys, keys, [4 * (number % 3)])
    source = NovaCafSource(tmp_path)
    assert [source[number].label for number in (0, 3, 1, 2, 0)] == [0, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("name", "replace", "line"),
    [
        (f"{MAPS}/cvnmap", lambda a: a[:, :8000], "a view is missing, 16000 pixels"),
        (f"{MAPS}/cvnmap", lambda a: a[:, :15999], r"must be \[rows, 16000\]"),
        (f"{MAPS}/cvnmap", lambda a: a.astype("f4"), "is float32, must be unsigned int"),
        (f"{MAPS}/cvnmap", lambda a: a.astype("u2"), "is uint16, must be uint8"),
        (f"{MAPS}/cvnlabmap", lambda a: a[:5], "cvnlabmap has 5 rows, the other columns 8"),
        (f"{MAPS}/evt", lambda a: a[:7], "evt has 7 rows, the other columns 8"),
        (f"{MAPS}/evt", None, "no dataset .*/evt"),
        (f"{MAPS}/cvnmap", None, "no dataset .*/cvnmap"),
        (MAPS, None, "no table rec.training.cvnmaps"),
        (f"{TRUTH}/interaction", None, "no dataset .*/interaction"),
        (f"{TRUTH}/interaction", lambda a: a.astype("S4"), "interaction is .S4, must be int"),
        (f"{TRUTH}/interaction", lambda a: a + 0.5, "interaction has fractions"),
        (f"{TRUTH}/subevt", lambda a: np.hstack([a, a]), r"subevt has shape \(8, 2\)"),
        (f"{TRUTH}/run", lambda a: a.astype("f8"), "run is float64, must be int or"),
    ],
)
def test_a_bad_table_is_one_line(caf, name, replace, line):
    with h5py.File(caf, "r+") as file:
        rows = None if name == MAPS else file[name][:]
        del file[name]
        if replace is not None:
            file[name] = replace(rows)
    with pytest.raises(InputError, match=line) as error:
        NovaCafSource(caf)
    assert "\n" not in str(error.value)
    assert caf.name in str(error.value)


def test_a_file_without_truth_is_kept_and_said(caf):
    with h5py.File(caf, "r+") as file:
        del file[TRUTH]
    source = NovaCafSource(caf)
    assert source.event_labels.tolist() == [-1] * 8
    assert f"files without table {TRUTH}: 1, kept without classes" in source.report.lines()


def test_links_to_other_files_are_not_followed(caf, tmp_path):
    with h5py.File(caf, "r+") as file:
        del file[f"{MAPS}/cvnmap"]
        file[f"{MAPS}/cvnmap"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    with pytest.raises(InputError, match="cvnmap"):
        NovaCafSource(caf)


def test_a_pixel_label_out_of_range_is_named_with_its_event(caf):
    with h5py.File(caf, "r+") as file:
        image = file[f"{MAPS}/cvnmap"][3]
        file[f"{MAPS}/cvnlabmap"][3, np.flatnonzero(image)[0]] = 12
    source = NovaCafSource(caf)
    with pytest.raises(InputError, match=r"Event 3 \(row 3 of a.h5caf.h5\), view XZ: pixel label"):
        source[3]


def test_damaged_and_missing_files_are_one_line(caf, tmp_path):
    with pytest.raises(InputError, match="is no file, pattern or folder"):
        NovaCafSource(tmp_path / "none*.h5")
    with pytest.raises(InputError, match="no NOvA h5caf file is given"):
        NovaCafSource([])
    caf.write_bytes(caf.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be read as HDF5") as error:
        NovaCafSource(caf)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("axes", ["view,plane", "view,plane,wire", "view,view,cell", ""])
def test_axes_that_are_none_are_refused(caf, axes):
    with pytest.raises(InputError, match="must name view, plane, cell, each one once"):
        NovaCafSource(caf, axes=axes)


def test_an_event_out_of_range_is_an_index_error(caf):
    source = NovaCafSource(caf)
    with pytest.raises(IndexError):
        source[8]
    assert source[-1].event_id == source[7].event_id == 7
    strange: list[Any] = [True, 1.5]
    for index in strange:
        with pytest.raises(InputError, match="event numbers must be whole numbers"):
            source[index]


@pytest.mark.parametrize("bits", [4, 31, 60])
def test_the_join_agrees_with_a_dictionary(bits):
    rng = np.random.default_rng(bits)
    values = rng.integers(0, 2**bits, 12)
    left, right = rng.integers(0, 12, (2, 40, 4))
    found = join(list(values[left].T), list(values[right].T))
    first: dict[tuple, int] = {}
    for row, key in enumerate(map(tuple, values[right].tolist())):
        first.setdefault(key, row)
    seen: dict[tuple, int] = {}
    for row, key in enumerate(map(tuple, values[left].tolist())):
        seen.setdefault(key, row)
    assert found.rows.tolist() == list(seen.values())
    assert found.partners.tolist() == [first.get(key, -1) for key in seen]
    assert found.left_repeats == 40 - len(seen)
    assert found.right_repeats == 40 - len(first)
    assert found.right_alone == len(set(first) - set(seen))
