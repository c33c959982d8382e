"""Odd command lines of the programs that make, convert and inspect files of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import world
from tests.fuzz.command_lines import (
    DAMAGE,
    MARKS,
    ODD,
    OUTPUTS,
    PATHS,
    READER_OPTIONS,
    VALUES,
    cases,
    check,
    flags_of,
)

pytestmark = MARKS


@cases(70)
@given(
    st.sampled_from(["microboone", "nova", "dune", "nova", "dune", "x"]),
    st.sampled_from(["1", "1", "1", "0", "-1", "1.5", "x", "9" * 25, ""]),
    OUTPUTS,
    flags_of(
        seed=VALUES, first_event=VALUES, workers=st.sampled_from(["0", "1", "-1", "513", "x"]),
        topology=VALUES | st.sampled_from(["bomb", "beam", "1mu1p", "cosmic"]),
        cosmic_rate=ODD.filter(lambda rate: rate not in ("7", "1e9", "9" * 40)),
        views=VALUES | st.sampled_from(["Y", "U,V", "voxels"]), dead_wire_seed=VALUES,
        classes=VALUES | st.sampled_from(["nue:1", "nc:0", "nue:-1,nc:2", "nue:nan", "numu:inf"]),
        spectrum=VALUES | st.sampled_from(["produced", "oscillated", "appeared"]),
    ),
)  # fmt: skip
def test_simulate(copy, detector, events, out, more):
    arguments = [f"--detector={detector}", f"--events={events}", f"--out={out}", *more]
    check("simulate", arguments, copy, outputs=(out,))


FORMATS = {
    "edep_sim": "edep.h5", "larcv3": "larcv3.h5", "nova_caf": "caf.h5",
    "nova_sparse": "sparse.h5", "wire_cell": "frames.tar.gz",
}  # fmt: skip
MORE_OF_CONVERT = flags_of(
    placements=VALUES, seed=VALUES, views=VALUES | st.sampled_from(["Y", "voxels", "a,b,c"]),
    compression=VALUES | st.sampled_from(["none", "gzip"]), input=PATHS, **READER_OPTIONS,
)  # fmt: skip


@cases(90)
@given(
    st.sampled_from([*FORMATS, "dune_cvn", "x"]), PATHS | st.sampled_from(list(FORMATS.values())),
    OUTPUTS, MORE_OF_CONVERT,
)  # fmt: skip
def test_convert(copy, format, source, out, more):
    arguments = [f"--format={format}", f"--input={source}", f"--out={out}", *more]
    check("convert", arguments, copy, outputs=(out,))


@cases(60)
@given(st.sampled_from(sorted(FORMATS)), DAMAGE)
def test_convert_of_a_damaged_file(copy, format, damage):
    source = FORMATS[format]
    arguments = [f"--format={format}", f"--input={source}", "--out=new.h5"]
    check("convert", arguments, copy, outputs=("new.h5",), damage=(source, *damage))


@cases(20)
@given(st.sampled_from(["dune/nue/event1.gz", "dune/nue/event1.info"]), DAMAGE)
def test_convert_of_a_damaged_folder(copy, file, damage):
    arguments = ["--format=dune_cvn", "--input=dune", "--out=new.h5"]
    check("convert", arguments, copy, outputs=("new.h5",), damage=(file, *damage))


@cases(70)
@given(
    PATHS,
    flags_of(
        events=VALUES,
        picture=OUTPUTS | st.sampled_from(["a.png", "a.pdf"]),
        json=st.sampled_from(["true", "x"]),
        **READER_OPTIONS,
    ),
)
def test_inspect(copy, source, more):
    pictures = tuple(flag.partition("=")[2] for flag in more if flag.startswith("--picture="))
    check("inspect", [source, *more], copy, outputs=pictures)


@cases(90)
@given(st.sampled_from(sorted(world.INPUTS - {"dune"})), DAMAGE)
def test_inspect_of_a_damaged_file(copy, source, damage):
    check("inspect", [source], copy, damage=(source, *damage))
