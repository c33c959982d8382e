"""convert on formats of several kinds: what is stored is what the reader gives."""

from typing import Any

import numpy as np
import pytest

from jaxsparse.commands.convert import convert
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.larcv3 import Larcv3Source
from jaxsparse.errors import InputError
from tests.data.readers.larcv3_files import event, write_larcv3_file
from tests.data.readers.wire_cell_files import arrays, write_archive

PRODUCTS: dict[str, Any] = {
    "image": ("sparse2d_wire", "sparse3d_dep"),
    "labels": ("sparse2d_class",),
    "classes": ("", "delta", "muon"),
}


def test_planes_and_voxels_are_stored_with_their_own_axes_and_units(tmp_path):
    voxels = {"sparse3d_dep": {0: ((5, 6, 7), {(1, 2, 3): 0.5})}}
    path = write_larcv3_file(tmp_path / "a.h5", [{**event(n), **voxels} for n in range(2)])
    out = tmp_path / "events.h5"
    assert convert(str(path), str(out), format="larcv3", detector="toy", **PRODUCTS) == 2
    file, source = EventFile(out), Larcv3Source(path, **PRODUCTS)
    assert file.detector == "toy"
    assert file.class_names == ("delta", "muon")
    assert file.axes == {**dict.fromkeys("UVY", ("time row", "wire")), "voxels": ("x", "y", "z")}
    assert file.value_units == {**dict.fromkeys("UVY", "ADC"), "voxels": "MeV"}
    assert file.event_keys["evt"].tolist() == [100, 101]
    assert file.attributes["labels"] == ["sparse2d_class"]
    for number in range(2):
        ours, theirs = file[number], source[number]
        np.testing.assert_array_equal(ours.particles, theirs.particles)
        for name, view in theirs.views.items():
            for column in ("coords", "values", "labels", "instance", "overlap"):
                np.testing.assert_array_equal(
                    getattr(ours.views[name], column), getattr(view, column)
                )


def test_readouts_are_stored_in_electrons_with_their_dead_wires(tmp_path):
    samples = np.zeros((5, 12), np.float32)
    samples[1, 3] = 7
    paths = [
        write_archive(tmp_path / f"{name}.tar", arrays(9, samples, range(5), masks=[(4, 0, 12)]))
        for name in "ab"
    ]
    out = tmp_path / "events.h5"
    options: dict[str, Any] = {"planes": ("A:3", "B:2"), "row_ticks": 4}
    assert convert([str(path) for path in paths], str(out), format="wire_cell", **options) == 2
    file = EventFile(out)
    assert file.value_units == {"A": "electrons", "B": "electrons"}
    assert file.dead_wires("B").tolist() == [1]
    assert file[1].views["A"].coords.tolist() == [[0, 1]]
    assert file.attributes["files"] == [str(path) for path in paths]
    assert "units 0" in file.attributes["notes"][0]
    assert file.class_names == ()


def test_an_archive_is_never_the_output(tmp_path):
    path = write_archive(tmp_path / "a.tar", arrays(9, np.ones((5, 4), np.float32), range(5)))
    before = path.read_bytes()
    for inputs in (str(path), str(tmp_path), str(tmp_path / "*.tar")):
        with pytest.raises(InputError, match="would be overwritten"):
            convert(inputs, str(path), format="wire_cell", planes=("A:5",))
    assert path.read_bytes() == before


def test_a_name_too_long_for_an_unfinished_file_is_one_line(tmp_path):
    path = write_archive(tmp_path / "a.tar", arrays(9, np.ones((5, 4), np.float32), range(5)))
    with pytest.raises(InputError, match="File name too long"):
        convert(str(path), str(tmp_path / ("n" * 250)), format="wire_cell", planes=("A:5",))
    assert list(tmp_path.iterdir()) == [path]
