"""convert and inspect on pixel maps: recognised, nothing lost, a wrong order of axes is seen."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

from jaxsparse.commands.convert import convert
from jaxsparse.data.axis_order import AxisOrderCheck
from jaxsparse.data.description import describe, lines
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.picture import draw_events
from jaxsparse.data.readers.formats import recognise
from jaxsparse.data.readers.nova_caf import NovaCafSource
from jaxsparse.errors import InputError

CODES = [0, 5, 9, 13, 14, 77]


@pytest.fixture(scope="module")
def caf(tmp_path_factory, nova_keys, write_caf):
    """Six images, one of them without truth."""
    keys = nova_keys(7)
    path = tmp_path_factory.mktemp("caf") / "a.h5"
    energies = [2.0, 1.5, 8.0, 2.5, -5.0, 1.0]
    return write_caf(path, keys[:6], keys[1:], CODES, energies=energies)


@pytest.fixture(scope="module")
def converted(tmp_path_factory, caf):
    path = tmp_path_factory.mktemp("converted") / "nova.h5"
    assert convert(str(caf), str(path), format="nova_caf") == 6
    return path


def text(path, **options) -> str:
    return "\n".join(lines(describe(str(path), **options)))


def test_a_converted_file_holds_the_same_events(caf, converted):
    source, file = NovaCafSource(caf), EventFile(converted)
    assert file.event_classes == source.event_classes
    assert file.class_names == source.class_names
    assert file.detector == "nova"
    np.testing.assert_array_equal(file.event_labels, [-1, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(file.event_energy, source.event_energy)
    assert file.axes == {"XZ": ("plane", "cell"), "YZ": ("plane", "cell")}
    assert file.attributes["notes"] == source.notes()
    for number in range(6):
        event, expected = file[number], source[number]
        assert event.keys == expected.keys
        np.testing.assert_array_equal(event.particles["pdg"], expected.particles["pdg"])
        for name in ("XZ", "YZ"):
            for column in ("coords", "values", "labels", "instance"):
                np.testing.assert_array_equal(
                    getattr(event.views[name], column), getattr(expected.views[name], column)
                )
    assert file.event_keys["run"].tolist() == [10000] * 6
    assert file.event_keys["file"].tolist() == [0] * 6
    assert list(file.event_keys) == ["file", "run", "subrun", "cycle", "evt", "subevt"]
    with h5py.File(converted) as stored:  # small events by the million: nothing to unpack
        assert stored["views/XZ/values"].compression is None


def test_inspect_says_the_same_of_a_foreign_file_and_of_its_conversion(caf, converted):
    foreign, own = text(caf), text(converted)
    for line in (
        "6 events, detector nova",
        "events    numu 1, nue 1, nutau 1, nc 1, cosmic 1 (without class 1)",
        "energy    median 2.25 GeV",
        "view XZ: 100 x 80, 0 dead wires",
        "images without truth: 1, kept without class",
    ):
        assert line in foreign
        assert line in own
    shared = [line for line in foreign.splitlines() if line.startswith("  ")]
    assert len(shared) == 14
    assert shared == [line for line in own.splitlines() if line.startswith("  ")]
    assert "note      truth without image: 1, not there" in foreign
    assert "WARNING" not in foreign + own


def test_a_picture_is_drawn(tmp_path, monkeypatch, converted):
    monkeypatch.setattr("jaxsparse.data.description.PICTURED", 3)
    assert f"picture   {tmp_path / 'a.png'}" in text(converted, picture=str(tmp_path / "a.png"))
    header = (tmp_path / "a.png").read_bytes()[:24]
    assert header[1:4] == b"PNG"
    width, height = (int.from_bytes(header[i : i + 4], "big") for i in (16, 20))
    assert height > width  # three events, two views


def test_a_picture_that_cannot_be_drawn_is_one_line(tmp_path, converted):
    event = EventFile(converted)[0]
    axes = {"XZ": ("plane", "cell")}
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")  # as /dev/null, which root can replace
    reasons = {"file/a.png": "cannot be written", "a.h5": "not supported", "pipe": "is no file"}
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=reason):
            draw_events(tmp_path / name, [event], axes=axes, titles=["one"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]
    draw_events(tmp_path / "no_ending", [event], axes=axes, titles=["one"])
    assert (tmp_path / "no_ending").read_bytes()[1:4] == b"PNG"
    with pytest.raises(InputError, match="no event with a view of two or three axes"):
        draw_events(tmp_path / "a.png", [], axes=axes, titles=[])


def test_a_picture_replaces_the_old_one_when_it_is_whole(tmp_path, converted, monkeypatch):
    def interrupted(figure, path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    event, axes = EventFile(converted)[0], {"XZ": ("plane", "cell")}
    path = tmp_path / "made" / "a [1].png"
    draw_events(path, [event], axes=axes, titles=["one"])
    old = path.read_bytes()
    monkeypatch.setattr(Figure, "savefig", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw_events(path, [event], axes=axes, titles=["one"])
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3)))[1:])
def test_a_wrong_order_of_axes_is_noticed_and_the_right_one_named(
    tmp_path, nova_keys, write_caf, axes
):
    name = ",".join(("view", "plane", "cell")[axis] for axis in axes)
    keys = nova_keys(6)
    path = write_caf(tmp_path / "a.h5", keys, keys, [0] * 6, axes=axes)
    assert f"try --axes={name} " in text(path)
    assert "WARNING" not in text(path, axes=name)


def test_a_conversion_in_a_wrong_order_of_axes_says_so_and_keeps_the_line(
    tmp_path, nova_keys, write_caf, capsys
):
    keys, out = nova_keys(6), tmp_path / "events.h5"
    path = write_caf(tmp_path / "a.h5", keys, keys, [0] * 6, axes=(1, 2, 0))
    convert(str(path), str(out), format="nova_caf")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert "convert it again with --axes=plane,cell,view " in line
    assert EventFile(out).attributes["notes"][-1] == line
    assert line in text(out).splitlines()
    # The order that is named is that of the stored file, whichever the conversion took.
    convert(str(path), str(out), format="nova_caf", axes="cell,plane,view")
    assert "convert it again with --axes=plane,cell,view " in text(out)
    convert(str(path), str(out), format="nova_caf", axes="plane,cell,view")
    assert "WARNING" not in text(out)
    assert EventFile(out).attributes["axes"] == "plane,cell,view"


def test_a_sparse_file_in_a_wrong_order_is_not_told_to_try_axes(
    tmp_path, nova_tracks, write_sparse
):
    images = [
        tuple(plane.transpose(1, 2, 0).reshape(2, 100, 80) for plane in nova_tracks(number))
        for number in range(6)
    ]
    path = write_sparse(tmp_path / "s.h5", images)
    convert(str(path), str(tmp_path / "out.h5"), format="nova_sparse")
    for found in (text(path), text(tmp_path / "out.h5")):
        assert "the file's flat index is in another order, make it anew" in found
        assert "--axes" not in found


def test_few_events_are_looked_at_for_the_order_of_axes(monkeypatch, converted):
    added = []
    monkeypatch.setattr("jaxsparse.data.description.CHECKED", 2)
    monkeypatch.setattr(AxisOrderCheck, "add", lambda self, views: added.append(len(views)))
    monkeypatch.setattr(AxisOrderCheck, "lines", lambda self: [])
    assert "read      6 of 6 events" in text(converted, num_events=0)
    assert added == [2, 2]


@pytest.mark.parametrize("view", [0, 1])
def test_a_view_of_zeros_alone_is_a_warning(
    tmp_path, nova_keys, nova_tracks, write_caf, capsys, view
):
    keys, out = nova_keys(4), tmp_path / "events.h5"
    pixels = [nova_tracks(number) for number in range(4)]
    for images in pixels:
        for image in images:
            image[view] = 0
    path = write_caf(tmp_path / "a.h5", keys, keys, [0] * 4, pixels=pixels)
    name = ("XZ", "YZ")[view]
    line = f"WARNING   view {name} has no pixel in any of 4 events: it is missing or was stored"
    assert line in text(path)
    convert(str(path), str(out), format="nova_caf")
    assert line in capsys.readouterr().out
    assert line in EventFile(out).attributes["notes"][-1]
    assert text(out).count(line) == 2  # as it was found, and as it is


def test_a_file_without_events_converts_with_a_word(tmp_path, nova_keys, write_caf, capsys):
    keys = nova_keys(0)
    path = write_caf(tmp_path / "a.h5", keys, keys, [])
    assert convert(str(path), str(tmp_path / "out.h5"), format="nova_caf") == 0
    assert "WARNING   the input has no events" in capsys.readouterr().out
    assert len(EventFile(tmp_path / "out.h5")) == 0


def test_settings_that_a_format_does_not_have_are_refused(
    tmp_path, nova_tracks, write_sparse, caf, converted
):
    sparse = write_sparse(tmp_path / "s.h5", [nova_tracks(0)])
    (tmp_path / "dune" / "nue").mkdir(parents=True)
    (tmp_path / "dune" / "nue" / "event0.gz").touch()
    (tmp_path / "dune" / "nue" / "event0.info").touch()
    out = tmp_path / "out.h5"
    for path, format in ((sparse, "nova_sparse"), (tmp_path / "dune", "dune_cvn")):
        line = f"axes is 'view,cell,plane': {format} has no such option, it has none, leave it out"
        with pytest.raises(InputError, match=line):
            convert(str(path), str(out), format=format, axes="view,cell,plane")
        with pytest.raises(InputError, match=line):
            text(path, axes="view,cell,plane")
    with pytest.raises(InputError, match="convert it again with --axes=view,cell,plane"):
        text(converted, axes="view,cell,plane")
    with pytest.raises(
        InputError, match="its options are placements, seed, cosmic_rate, views, leave it out"
    ):
        convert(str(caf), str(out), format="edep_sim", axes="view,plane,cell")
    for setting in ({"placements": 5}, {"seed": 0}, {"views": ("U",)}):
        with pytest.raises(InputError, match="nova_caf has no such option, its options are axes"):
            convert(str(caf), str(out), format="nova_caf", **setting)
    assert not out.exists()


def test_sparse_files_and_dune_folders_are_recognised(tmp_path, nova_tracks, write_sparse, caf):
    sparse = write_sparse(tmp_path / "s.h5", [nova_tracks(i) for i in range(3)], numbers=[0, 2, 3])
    found = text(sparse)
    assert "3 events, detector nova" in found
    assert "note      event numbers up to 3 without a pixel: 1, not there" in found
    folder = tmp_path / "dune"
    (folder / "numu").mkdir(parents=True)
    image = np.zeros((3, 500, 500), np.uint8)
    image[:, 4:9, 7] = 20
    (folder / "numu" / "event3.gz").write_bytes(zlib.compress(image.tobytes()))
    (folder / "numu" / "event3.info").write_text("0\n2.5\n" + "0\n" * 5 + "14\n" + "0\n" * 7)
    found = text(folder)
    assert "events    nue 0, numu 1, nutau 0, nc 0" in found
    assert "topology  numu CC QE 1" in found
    assert "mean 20.00, standard deviation 0.00" in found
    assert "tick 1 of 500, wire 5 of 500" in found
    assert recognise(sparse) == "nova_sparse"
    assert recognise(folder) == "dune_cvn"
    assert recognise([caf]) == recognise(str(caf.parent)) == "nova_caf"
    out = tmp_path / "s_events.h5"
    assert convert(str(sparse), str(out), format="nova_sparse") == 3
    assert [event.event_id for event in EventFile(out)] == [0, 2, 3]
    assert EventFile(out).event_classes == ()


def test_what_no_reader_knows_is_one_line(tmp_path, caf):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = 1
    with pytest.raises(InputError, match="is none of the formats known here"):
        text(tmp_path / "other.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(InputError, match=r"\(no HDF5 file\): known are folders of DUNE"):
        text(tmp_path / "text.h5")
    with pytest.raises(InputError, match="does not exist"):
        text(tmp_path / "none.h5")
    with pytest.raises(InputError, match="format is 'root': must be one of"):
        convert(str(caf), str(tmp_path / "x.h5"), format="root")
    with pytest.raises(InputError, match="2 inputs are given: nova_sparse reads one"):
        convert([str(caf), str(caf)], str(tmp_path / "x.h5"), format="nova_sparse")


def test_the_command_line_converts_several_inputs(tmp_path, nova_keys, write_caf):
    keys = nova_keys(2)
    paths = [write_caf(tmp_path / f"{name}.h5", keys, keys, [0, 4]) for name in "ab"]
    out = tmp_path / "out" / "nova.h5"
    done = subprocess.run(
        [
            sys.executable, "-m", "jaxsparse.data.convert", "--format=nova_caf", f"--out={out}",
            *(f"--input={path}" for path in paths), "--compression=gzip",
        ],
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert EventFile(out).event_labels.tolist() == [0, 1, 0, 1]
