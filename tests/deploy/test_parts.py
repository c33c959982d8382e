"""Parts of a run: whatever is there, the rest is made, and the rows are the same."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest

from jaxsparse.deploy.parts import Parts
from jaxsparse.errors import InputError

RUN = {"model": "a", "inputs": [("x.h5", 10, "0f")]}
ROWS = np.arange(40).reshape(20, 2)  # two of each of ten events


def write(parts, *cuts):
    for first, last in itertools.pairwise(cuts):
        parts.write(range(first, last), {"rows": ROWS[2 * first : 2 * last], "none": ROWS[:0]})


def test_what_is_in_no_part_is_missing_also_where_a_part_was_deleted(tmp_path):
    out = tmp_path / "deep/out.h5"
    parts = Parts(out, RUN, 10)
    assert parts.missing() == [range(10)]
    write(parts, 0, 3, 4, 8)
    assert parts.missing() == [range(8, 10)]
    (parts.folder / "000000000003-000000000004.h5").unlink()
    (parts.folder / "000000000008-000000000009.h5.partial").write_bytes(b"cut off")
    parts.close()
    again = Parts(out, RUN, 10)
    assert again.missing() == [range(3, 4), range(8, 10)]
    write(again, 3, 4)
    write(again, 8, 10)
    assert again.missing() == []
    again.remove()
    assert os.listdir(tmp_path) == ["deep"]
    assert os.listdir(tmp_path / "deep") == []


@pytest.mark.parametrize("cuts", [(0, 10), (0, 1, 2, 9, 10), (0, 4, 6, 10)])
@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_slabs_do_not_depend_on_how_the_rows_lie_in_parts(tmp_path, cuts, size):
    parts = Parts(tmp_path / "out.h5", RUN, 10)
    write(parts, *cuts)
    slabs = list(parts.slabs("rows", size))
    assert [len(slab) for slab in slabs[:-1]] == [size] * (len(slabs) - 1)
    np.testing.assert_array_equal(np.concatenate(slabs), ROWS)
    assert list(parts.slabs("none", size)) == []
    parts.close()


def test_one_program_at_a_time(tmp_path):
    parts = Parts(tmp_path / "out.h5", RUN, 10)
    with pytest.raises(InputError, match=r"out\.h5\.parts is in use: another program makes"):
        Parts(tmp_path / "out.h5", RUN, 10)
    write(parts, 0, 10)
    parts.close()
    Parts(tmp_path / "out.h5", RUN, 10).close()


def test_without_a_part_the_folder_vanishes_and_what_is_not_ours_stays(tmp_path):
    Parts(tmp_path / "a/b/out.h5", RUN, 10).close()
    assert not list(tmp_path.iterdir())
    folder = tmp_path / "out.h5.parts"
    folder.mkdir()
    (folder / "mine.h5").write_text("mine")
    parts = Parts(tmp_path / "out.h5", RUN, 10)
    assert parts.missing() == [range(10)]
    write(parts, 0, 10)
    parts.remove()
    assert os.listdir(folder) == ["mine.h5"]


def test_parts_that_share_events_are_refused(tmp_path):
    parts = Parts(tmp_path / "out.h5", RUN, 10)
    write(parts, 0, 5)
    write(parts, 4, 6)
    with pytest.raises(InputError, match="two parts with event 4: delete the folder"):
        parts.missing()
    parts.close()


def test_a_damaged_note_is_as_that_of_another_run(tmp_path):
    parts = Parts(tmp_path / "out.h5", RUN, 10)
    write(parts, 0, 5)
    parts.close()
    (parts.folder / "run.json").write_text("[1")
    with pytest.raises(InputError, match=r"another run \(model, inputs: not those"):
        Parts(tmp_path / "out.h5", RUN, 10)


@pytest.mark.parametrize("name", ["file/out.h5", "n" * 250 + ".h5"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written \(.*\), choose another") as error:
        Parts(tmp_path / name, RUN, 10)
    assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == ["file"]
