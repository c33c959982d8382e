"""The DUNE reader on files written here, and on the real ones where they are."""

import zlib

import numpy as np
import pytest

from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.errors import InputError

INFO = "14\n3.4\n3.3\n0\n0\n0\n0.9\n12\n1\n2\n3\n4\n0\n2\n131\n"


def image():
    pixels = np.zeros((3, 500, 500), np.uint8)
    pixels[0, 499, 2] = 7  # view, wire, tick
    pixels[2, 3, 4], pixels[2, 3, 1] = 9, 255
    return pixels


def write(folder, name="nue", number=12, data=None, info=INFO):
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    data = zlib.compress(image().tobytes()) if data is None else data
    (place / f"event{number}.gz").write_bytes(data)
    if info is not None:
        (place / f"event{number}.info").write_text(info)
    return folder


def test_views_are_tick_by_wire_and_labels_are_folders(tmp_path):
    write(tmp_path, "nc", 3)
    source = DuneCvnSource(write(write(tmp_path, "nue", 12), "nue", 2))
    assert [source[i].event_id for i in range(3)] == [2, 12, 3]
    assert source.event_labels.tolist() == [0, 0, 3]
    event = source[1]
    assert (event.label, event.topology, event.energy) == (0, "nue CC DIS", 3.4)
    assert event.views["U"].coords.tolist() == [[2, 499]]
    assert len(event.views["V"]) == 0
    assert event.views["Z"].coords.tolist() == [[1, 3], [4, 3]]
    assert event.views["Z"].values.tolist() == [255, 9]
    assert event.views["Z"].labels is None


def test_info_is_parsed(tmp_path):
    info = DuneCvnSource(write(tmp_path)).info(0)
    assert (info.interaction, info.neutrino_pdg, info.lepton_decay) == ("DIS", 12, "hadrons")
    assert (info.neutrino_energy, info.lepton_energy, info.weight) == (3.4, 3.3, 0.9)
    assert (info.protons, info.charged_pions, info.neutral_pions, info.neutrons) == (1, 2, 3, 4)


def test_topology_says_current_mode_and_how_a_tau_decayed(tmp_path):
    info = INFO.splitlines()
    info[13] = "0"
    write(tmp_path, "nutau", 1, info="\n".join(info))
    write(tmp_path, "nc", 2, info="\n".join(["1", *info[1:]]))
    write(tmp_path, "numu", 3, info="\n".join(["4", *info[1:]]))
    source = DuneCvnSource(tmp_path)
    assert [event.topology for event in map(source.__getitem__, range(3))] == [
        "numu CC QE", "nutau CC DIS electron", "NC",
    ]  # fmt: skip
    np.testing.assert_array_equal(source.event_energy, np.full(3, 3.4, np.float32))
    assert source.event_classes == ("nue", "numu", "nutau", "nc")


def test_an_energy_below_zero_is_one_line(tmp_path):
    source = DuneCvnSource(write(tmp_path, info=INFO.replace("3.4", "-3.4")))
    with pytest.raises(InputError, match=r"event12\.info: neutrino energy -3.4 must be finite"):
        source[0]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "0 bytes"),
        (b"no stream", "no zlib stream"),
        (zlib.compress(image().tobytes())[:-20], "copy it anew"),
        (zlib.compress(image().tobytes() + b"1"), "over 750000"),
        (zlib.compress(bytes(10**7)), "over 750000"),
        (zlib.compress(bytes(100)), "100 bytes"),
    ],
)
def test_a_bad_stream_is_one_line(tmp_path, data, line):
    with pytest.raises(InputError, match=line):
        DuneCvnSource(write(tmp_path, data=data))[0]


@pytest.mark.parametrize(
    "info", ["", "1\n2\n", INFO.replace("3.4", "x"), INFO.replace("14", "nan")]
)
def test_a_bad_info_is_one_line(tmp_path, info):
    with pytest.raises(InputError, match="numbers"):
        DuneCvnSource(write(tmp_path, info=info)).info(0)


def test_a_folder_without_events_is_one_line(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        DuneCvnSource(tmp_path / "none")
    with pytest.raises(InputError, match=r"has no eventN\.gz"):
        DuneCvnSource(tmp_path)
    with pytest.raises(InputError, match=r"no event12\.info"):
        DuneCvnSource(write(tmp_path, info=None))


@pytest.mark.shared_data
def test_the_real_events_are_those_their_documentation_describes(shared_data):
    source = DuneCvnSource(shared_data / "dune_cvn")
    assert np.bincount(source.event_labels).tolist() == [150] * 4
    taus = [source.info(int(i)) for i in np.flatnonzero(source.event_labels == 2)]
    assert sum(info.lepton_decay != "hadrons" for info in taus) == 47
    median = np.median([info.neutrino_energy for info in taus])
    assert median == pytest.approx(15, rel=0.05)
    assert all(info.neutrino_pdg == 1 for info in map(source.info, range(450, 600)))
    assert len(source[0].views["Z"]) > 10
