"""The Wire-Cell reader on small archives written here, and on the real one where it is."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from jaxsparse.data.readers.wire_cell import READER, WireCellSource
from jaxsparse.data.summary import active_neighbours
from jaxsparse.errors import InputError
from tests.data.readers.wire_cell_files import arrays, npy, write_archive

PLANES = ["A:3", "B:2"]  # five channels a unit: that of 10 to 14 is number 2
CHANNELS = [14, 10, 11, 12, 13]  # in any order


def charges():
    """``[channels, 7 ticks]`` in order of the channels: four ticks a row make two rows."""
    samples = np.zeros((5, 7), np.float32)
    samples[0, :3] = 1, 2, 3  # wire 0 of A, row 0
    samples[2, 3:5] = 4, 5  # wire 2 of A, one tick in either row
    samples[4, 6] = 100  # wire 1 of B, the last row, which has three ticks
    return samples


def rows_of(samples, channels):
    return samples[np.array(channels) - min(channels)]


def frame(ident=0, samples=None, channels=CHANNELS, **options):
    samples = charges() if samples is None else samples
    return arrays(ident, rows_of(samples, channels), channels, **options)


@pytest.fixture
def path(tmp_path):
    return write_archive(
        tmp_path / "a.tar.bz2", frame(7, masks=[(11, 0, 7), (12, 0, 4), (3, 0, 7)])
    )


def open_it(path, **options):
    return WireCellSource(path, **{"planes": PLANES, "row_ticks": 4, **options})


def test_ticks_are_summed_to_rows_and_channels_are_wires_of_planes(path):
    source = open_it(path)
    assert len(source) == 1
    assert source.view_shapes == {"A": (2, 3), "B": (2, 2)}
    assert source.axes["A"] == ("time row", "wire")
    assert source.value_units["A"] == "electrons"
    event = source[0]
    assert event.event_id == 7
    assert event.views["A"].coords.tolist() == [[0, 0], [0, 2], [1, 2]]
    assert event.views["A"].values.tolist() == [6, 4, 5]
    assert event.views["B"].coords.tolist() == [[1, 1]]
    assert event.views["B"].values.tolist() == [100]
    assert event.views["A"].labels is None


def test_pixels_are_rows_above_the_threshold(path):
    event = open_it(path, threshold=5.0)[0]
    assert event.views["A"].values.tolist() == [6]
    assert len(event.views["B"]) == 1


def test_wires_masked_over_the_whole_readout_are_dead(path, tmp_path):
    source = open_it(path)
    assert source.dead_wires("A").tolist() == [1]  # channel 11; 12 is masked for a part of it
    assert source.dead_wires("B").tolist() == []
    later = write_archive(tmp_path / "b.tar", frame(8, masks=[(13, 0, 7)]))
    assert open_it([str(path), str(later)]).dead_wires("A").tolist() == []  # not in every event


def test_frames_start_where_the_tick_information_says(tmp_path):
    source = open_it(write_archive(tmp_path / "a.tar.gz", frame(0, start=2), frame(1)))
    assert source.view_shapes["A"] == (3, 3)
    assert source[0].views["A"].coords.tolist() == [[0, 0], [1, 0], [1, 2]]
    assert source[0].views["A"].values.tolist() == [3, 3, 9]
    assert source[1].views["A"].values.tolist() == [6, 4, 5]


def test_files_of_a_folder_are_one_source_in_order(tmp_path):
    write_archive(tmp_path / "b.tar.bz2", frame(3, 2 * charges()), frame(5, 3 * charges()))
    write_archive(tmp_path / "a.tar", frame(9))
    source = open_it(str(tmp_path))
    assert [source[number].event_id for number in (2, 0, 1)] == [5, 9, 3]
    assert [float(source[number].views["B"].values[0]) for number in range(3)] == [100, 200, 300]
    again = pickle.loads(pickle.dumps(source))
    assert again[1].views["B"].values.tolist() == [200]


def test_the_tag_is_chosen_or_named(tmp_path):
    both = {**frame(1), **frame(1, 2 * charges(), tag="wiener1"), **frame(1, tag="raw_noisy_1")}
    path = write_archive(tmp_path / "a.tar", both)
    assert open_it(path).tag == "gauss1"
    assert open_it(path, frame="wiener1")[0].views["B"].values.tolist() == [200]
    with pytest.raises(InputError, match="have frames of the tags gauss1, raw_noisy_1, wie"):
        open_it(path, frame="gauss2")
    only = write_archive(tmp_path / "b.tar", frame(1, tag="raw_noisy_1"))
    assert open_it(only, threshold=1.0).tag == "raw_noisy_1"


def test_adc_counts_lose_their_pedestal_and_need_a_threshold(tmp_path):
    samples = np.full((5, 7), 900, np.int16)  # pedestal
    samples[1, 4:6] = 950, 930
    samples[2, 0] = 850
    path = write_archive(tmp_path / "a.tar", frame(1, samples, tag="raw1"))
    with pytest.raises(InputError, match="raw1 holds ADC counts"):
        open_it(path)
    source = open_it(path, threshold=10.0)
    assert source.value_units["A"] == "ADC"
    assert source[0].views["A"].coords.tolist() == [[1, 1]]
    assert source[0].views["A"].values.tolist() == [80]


def test_the_order_of_an_array_in_memory_does_not_matter(tmp_path):
    turned = frame(1)
    turned["frame_gauss1_1.npy"] = npy(np.asfortranarray(rows_of(charges(), CHANNELS)))
    event = open_it(write_archive(tmp_path / "a.tar", turned))[0]
    assert event.views["A"].values.tolist() == [6, 4, 5]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"channels_gauss1_0.npy": None}, "has no channels_gauss1_0"),
        ({"tickinfo_gauss1_0.npy": npy(np.zeros(2))}, r"\[channels, ticks\], \[channels\]"),
        ({"tickinfo_gauss1_0.npy": npy(np.array([0, 500, -1.0]))}, "ticks -1.0 to"),
        ({"tickinfo_gauss1_0.npy": npy(np.array([0, 500, np.nan]))}, "ticks nan to"),
        ({"tickinfo_gauss1_0.npy": npy(np.array([0, 500, 1e12]))}, "must be whole numbers from 0"),
        ({"channels_gauss1_0.npy": npy(np.array([10, 11, 12, 13]))}, r"channels \(4,\)"),
        ({"channels_gauss1_0.npy": npy(np.array([10, 11, 12, 13, 15]))}, "of 2 units of 5"),
        ({"channels_gauss1_0.npy": npy(np.array([10, 11, 12, 12, 14]))}, "must be different"),
        ({"channels_gauss1_0.npy": npy(np.array([10.5, 11, 12, 13, 14]))}, "channel 10.5"),
        ({"chanmask_bad_0.npy": npy(np.zeros((2, 2), int))}, "chanmask has shape"),
        ({"frame_gauss1_0.npy": npy(np.zeros(5))}, r"frame \(5,\)"),
        ({"frame_gauss1_0.npy": npy(np.array([["a"]]))}, "must be an array of plain numbers"),
        ({"frame_gauss1_0.npy": b"\x93NUMPY\x01\x00"}, "has a head of 10 bytes"),
        ({"frame_gauss1_0.npy": b"\x93NUMPY\x01\x00\xff\xff"}, "has a head of 65545 bytes"),
        ({"frame_gauss1_0.npy": npy(charges()).replace(b"'shape'", b"'shap\n'")}, "plain numbers"),
        ({"frame_gauss1_0.npy": b"hello"}, "no array of numpy's"),
        ({"frame_gauss1_0.npy": npy(charges())[:-4]}, "must have"),
        ({"frame_gauss1_0.npy": npy(np.array([[object()]], object))}, "must be an array of plain"),
    ],
)
def test_a_wrong_frame_is_one_line(tmp_path, change, line):
    members = {k: v for k, v in {**frame(0), **change}.items() if v is not None}
    with pytest.raises(InputError, match=line) as error:
        open_it(write_archive(tmp_path / "a.tar", members))
    assert "\n" not in str(error.value)
    assert "a.tar" in str(error.value)


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    huge = npy(np.zeros((5, 7), np.float32)).replace(b"(5, 7)", b"(5,7000000000000)", 1)
    members = {**frame(0), "frame_gauss1_0.npy": huge}
    with pytest.raises(InputError, match="must have"):
        open_it(write_archive(tmp_path / "a.tar", members))


def test_a_sample_that_is_no_number_is_one_line_with_event_and_channel(tmp_path):
    samples = charges()
    samples[3, 2] = np.nan
    source = open_it(write_archive(tmp_path / "a.tar", frame(0), frame(4, samples)))
    assert len(source[0].views["A"]) == 3
    with pytest.raises(InputError, match=r"Event 1 \(frame_gauss1_4.npy of .*a.tar\): channel 13"):
        source[1]


def test_an_array_twice_is_one_line(tmp_path):
    with pytest.raises(InputError, match="occurs twice"):
        open_it(write_archive(tmp_path / "a.tar", frame(0), frame(0)))


@pytest.mark.parametrize("ending", [".tar", ".tar.bz2", ".tar.gz", ".tar.xz"])
def test_cut_archives_are_one_line(tmp_path, ending):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(5, 4000)).astype(np.float32)  # does not compress
    whole = write_archive(tmp_path / f"a{ending}", frame(0, noise), frame(1, noise))
    whole.write_bytes(whole.read_bytes()[:-60_000])
    with pytest.raises(InputError) as error:
        [open_it(whole)[number] for number in range(2)]
    assert "\n" not in str(error.value)
    assert whole.name in str(error.value)


def test_what_is_no_archive_is_not_recognised(tmp_path, path):
    assert READER.recognise(path, None)
    (tmp_path / "text.tar").write_text("hello")
    other = write_archive(tmp_path / "other.tar", {"readme.txt": b"hello"})
    for no in (tmp_path / "text.tar", other, tmp_path, tmp_path / "none"):
        assert not READER.recognise(no, None)
    with pytest.raises(InputError, match="no whole archive"):
        open_it(tmp_path / "text.tar")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"planes": ["A"]}, "planes is 'A'"),
        ({"planes": ["A:3", "A:2"]}, "planes is 'A:3,A:2'"),
        ({"planes": []}, "planes is empty"),
        ({"row_ticks": 0}, "row_ticks is 0"),
        ({"threshold": float("nan")}, "threshold is nan"),
    ],
)
def test_a_wrong_option_is_one_line(path, options, line):
    with pytest.raises(InputError, match=line):
        open_it(path, **options)


@pytest.mark.shared_data
def test_the_real_readout_has_the_pixels_that_its_documentation_counts(shared_data):
    (archive,) = Path(shared_data / "protodune_hd").glob("*.tar.bz2")
    source = WireCellSource(str(archive))
    assert (len(source), source.tag, source.units) == (1, "gauss1", [1])
    views = source[0].views
    assert {name: view.shape for name, view in views.items()} == {
        "U": (1000, 800), "V": (1000, 800), "W": (1000, 960),
    }  # fmt: skip
    # The documentation counts whole rows of six ticks: the last of 5,999 ticks is not in one.
    whole = {name: int((view.coords[:, 0] < 999).sum()) for name, view in views.items()}
    assert whole == {"U": 27_594, "V": 25_494, "W": 15_846}
    near = {name: active_neighbours(view.coords, view.shape) for name, view in views.items()}
    assert near == pytest.approx({"U": 6.84, "V": 6.47, "W": 6.87}, abs=0.01)
    assert (views["W"].coords[:, 1] < 480).mean() > 0.98  # the face that sees the drift volume
