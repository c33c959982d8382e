"""What convert and inspect read is never what they write."""

from __future__ import annotations

import pytest

from jaxsparse.commands.convert import convert
from jaxsparse.data.description import describe
from jaxsparse.errors import InputError
from tests.data.readers.small_files import write_edep_sim_file


@pytest.fixture
def caf(tmp_path, nova_keys, write_caf):
    keys = nova_keys(2)
    return write_caf(tmp_path / "data" / "a.h5", keys, keys, [0, 4])


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "data").mkdir()


def refused(paths, out, caf, *, format="nova_caf"):
    before, there = caf.read_bytes(), sorted(caf.parent.iterdir())
    with pytest.raises(InputError, match="would be overwritten: choose another name") as error:
        convert(paths, str(out), format=format)
    assert str(out) in str(error.value)
    assert "\n" not in str(error.value)
    assert caf.read_bytes() == before
    assert sorted(caf.parent.iterdir()) == there


def test_an_input_is_never_the_output_by_name_pattern_folder_or_list(caf):
    for paths in (str(caf), str(caf.parent / "*.h5"), str(caf.parent), [str(caf)]):
        refused(paths, caf, caf)
    refused(str(caf), caf.parent / ".." / "data" / "a.h5", caf)


def test_an_input_is_never_the_output_through_a_link_of_either(caf, tmp_path):
    link, hard = tmp_path / "link.h5", tmp_path / "hard.h5"
    link.symlink_to(caf)
    hard.hardlink_to(caf)
    for one, other in ((link, caf), (caf, link), (hard, caf), (caf, hard)):
        refused(str(one), other, caf)


def test_an_input_is_never_the_partial_file_of_the_output(caf):
    partial = caf.rename(caf.with_name("b.h5.partial"))
    refused(str(partial), partial.with_name("b.h5"), partial)


def test_an_earlier_conversion_that_the_pattern_takes_in_is_named(caf):
    out = caf.with_name("events.h5")
    convert(str(caf), str(out), format="nova_caf")
    refused(str(caf.parent / "*.h5"), out, caf)
    assert convert(str(caf), str(out), format="nova_caf") == 2  # its own earlier output may go


def test_other_formats_are_safe_too(tmp_path, nova_tracks, write_sparse):
    sparse = write_sparse(tmp_path / "data" / "s.h5", [nova_tracks(0)])
    refused(str(sparse), sparse, sparse, format="nova_sparse")
    edep = write_edep_sim_file(tmp_path / "data" / "edep.h5")
    refused(str(edep), edep, edep, format="edep_sim")
    image = tmp_path / "data" / "numu" / "event1.gz"
    image.parent.mkdir()
    image.write_bytes(b"x")
    image.with_suffix(".info").write_text("0")
    refused(str(tmp_path / "data"), image, image, format="dune_cvn")


def test_a_picture_is_never_the_input(caf):
    image = caf.rename(caf.with_name("a.png"))
    before = image.read_bytes()
    with pytest.raises(InputError, match="would be overwritten: choose another name"):
        describe(str(image), picture=str(image))
    assert image.read_bytes() == before
