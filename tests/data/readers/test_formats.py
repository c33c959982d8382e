"""The table of formats: what is recognised, what can be said about all of them."""

import h5py
import numpy as np
import pytest

from jaxsparse.data.readers.formats import READERS, chosen_options, open_source, recognise
from jaxsparse.data.readers.protocol import Option
from jaxsparse.data.source import DepositSource, EventSource
from jaxsparse.errors import InputError
from tests.data.readers.larcv3_files import event, write_larcv3_file
from tests.data.readers.small_files import (
    keys_of,
    tracks,
    write_caf_file,
    write_edep_sim_file,
    write_sparse_file,
)
from tests.data.readers.test_dune_cvn import write as write_dune
from tests.data.readers.wire_cell_files import arrays, write_archive


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, write_events, make_event):
    """A small input of every format by name."""
    folder = tmp_path_factory.mktemp("inputs")
    archive = arrays(3, np.ones((2560, 12), np.float32), range(2560))
    return {
        "dune_cvn": write_dune(folder / "dune"),
        "edep_sim": write_edep_sim_file(folder / "edep.h5"),
        "events": write_events(folder / "events.h5", [make_event(0)]),
        "larcv3": write_larcv3_file(folder / "larcv3.h5", [event(0)]),
        "nova_caf": write_caf_file(folder / "caf.h5", keys_of(2), keys_of(2), [0, 4]),
        "nova_sparse": write_sparse_file(folder / "sparse.h5", [tracks(0), tracks(1)]),
        "wire_cell": write_archive(folder / "frames.tar.bz2", archive),
    }


@pytest.mark.parametrize("format", READERS)
def test_every_format_is_recognised_and_opened_by_the_table(inputs, format):
    path, reader = inputs[format], READERS[format]
    assert recognise(str(path)) == format
    given = {"image": ("sparse2d_wire",)} if format == "larcv3" else {}
    options = chosen_options(format, reader.options, given)
    source = open_source(str(path), format, options)
    assert isinstance(source, DepositSource if reader.deposits else EventSource)
    assert len(source) >= 1
    assert all(file.exists() for file in source.files)
    assert all(isinstance(line, str) for line in source.notes())
    if isinstance(source, EventSource):
        assert source.axes.keys() == source.value_units.keys() == source.view_shapes.keys()
        assert source[0].views.keys() == source.view_shapes.keys()
        assert source.event_labels.shape == source.event_energy.shape == (len(source),)


@pytest.mark.parametrize("format", [name for name, reader in READERS.items() if reader.patterns])
def test_a_folder_of_a_format_is_recognised_by_its_first_file(tmp_path, inputs, format):
    path = inputs[format]
    (tmp_path / path.name).symlink_to(path)
    assert recognise(str(tmp_path)) == format


@pytest.mark.parametrize("format", [name for name, reader in READERS.items() if not reader.many])
def test_a_format_of_one_file_takes_one(inputs, format):
    path = str(inputs[format])
    with pytest.raises(InputError, match=f"2 inputs are given: {format} reads one at a time"):
        open_source([path, path], format, {})


def test_what_nobody_knows_names_the_formats_that_are_known(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weights"] = 1
    (tmp_path / "text.h5").write_text("hello")
    for name, what in (("other.h5", "an HDF5 file with weights"), ("text.h5", "no HDF5 file")):
        with pytest.raises(InputError, match=f"none of the formats known here .{what}.") as error:
            recognise(str(tmp_path / name))
        assert all(reader.holds in str(error.value) for reader in READERS.values())
        assert "\n" not in str(error.value)


def test_options_that_formats_share_are_of_one_kind():
    kinds: dict[str, set[type]] = {}
    for reader in READERS.values():
        for option in reader.options:
            kinds.setdefault(option.name, set()).add(type(option.default))
    assert all(len(found) == 1 for found in kinds.values())


def test_an_option_that_a_format_does_not_have_is_refused():
    options = [Option("axes", "x,y", "order"), Option("threshold", 0.0, "lowest")]
    assert chosen_options("toy", options, {"axes": "", "threshold": 2.0, "views": ()}) == {
        "axes": "x,y", "threshold": 2.0,
    }  # fmt: skip
    with pytest.raises(
        InputError, match=r"views is .* toy has no such option, its options are axes"
    ):
        chosen_options("toy", options, {"views": ("U",)})
    with pytest.raises(InputError, match="format is 'root': must be one of dune_cvn, edep_sim"):
        open_source("a", "root", {})
