"""The command lines that make, convert and describe event files, as processes."""

import os
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest

from jaxsparse.data.description import describe, lines
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.samples import Sample
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents


def program(name, *arguments, **options):
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, "-m", f"jaxsparse.data.{name}", *map(str, arguments)],
        capture_output=True, text=True, timeout=100, env=environment, check=False, **options,
    )  # fmt: skip


def same_view(left, right):
    return all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("coords", "values", "labels", "instance", "vertex_distance", "overlap")
    )


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Three events made by two processes."""
    path = tmp_path_factory.mktemp("simulated") / "events.h5"
    done = program(
        "simulate", f"--out={path}", "--events=3", "--seed=6", "--topology=1mu1p", "--workers=2",
        "--cosmic_rate=0.1", "--first_event=4", "--views=Y,voxels",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path, done


def test_portions_are_counted_without_making_them():
    source: Any = None
    for first, events, portions in ((0, 0, 0), (3, 6, 3), (0, 8, 2), (4, 1, 1), (0, 2**62, 2**60)):
        made = Sample(source, 4, "", {}, {})
        numbers = range(first, first + events)
        assert made.num_portions(numbers) == portions
        assert portions > 9 or len(list(made.portions(numbers))) == portions


def test_an_event_is_the_same_whatever_the_workers(simulated):
    file = EventFile(simulated[0])
    source = SimulatedEvents(
        GeneratorConfig("1mu1p", cosmic_rate=0.1),
        MICROBOONE_CHAMBER,
        seed=6,
        views=("Y", "voxels"),
    )
    for place, number in enumerate((4, 5, 6)):
        alone, stored = source[number], file[place]
        assert stored.event_id == number
        assert stored.topology == "1mu1p"
        assert same_view(stored.views["Y"], alone.views["Y"])
        assert same_view(stored.views["voxels"], alone.views["voxels"])
        np.testing.assert_array_equal(stored.particles["label"], alone.particles["label"])
    np.testing.assert_array_equal(file.dead_wires("Y"), source.dead_wires["Y"])
    assert file.attributes["seed"] == 6
    assert not same_view(source[5].views["Y"], source[6].views["Y"])


def test_simulate_ends_with_class_shares_and_speed(simulated):
    lines = simulated[1].stdout.splitlines()
    assert "3 events of microboone, 1mu1p" in lines[0]
    assert lines[1].startswith("Y: HIP ")
    assert lines[2].startswith("voxels: HIP ")
    assert "events/s on average with 2 workers" in lines[3]
    assert "3/3" in simulated[1].stderr  # the progress bar


def test_inspect_says_what_a_file_holds(simulated):
    text = "\n".join(lines(describe(str(simulated[0]))))
    for line in (
        "3 events, detector microboone",
        "classes   HIP, MIP, shower, delta, Michel",
        "made by   topology = 1mu1p",
        "topology  1mu1p 3",
        "view Y: 1008 x 3456, 346 dead wires; below: pixels of 10 to 300 ADC",
        "view voxels: 854 x 777 x 3456, 0 dead wires",
        "sites per level   1.000 / ",
    ):
        assert line in text
    assert "read      1 of 3 events" in "\n".join(lines(describe(str(simulated[0]), 1)))


def test_inspect_answers_a_bad_file_with_one_line(tmp_path, simulated):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(simulated[0].read_bytes()[:20000])
    done = program("inspect", cut)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(cut) in done.stderr
    with pytest.raises(InputError, match="events is -1"):
        describe(str(simulated[0]), -1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--events=1"], "--out is required"),
        (["--out=x.h5", "--events=1", "--topology=2p"], "topology is '2p'"),
        (["--out=x.h5", "--events=1", "--views=Y,W"], "View 'W'"),
        (["--out=x.h5", f"--events={10**25}"], f"--events={10**25}"),
    ],
)
def test_a_wrong_flag_of_simulate_is_one_line(tmp_path, arguments, line):
    done = program("simulate", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert line in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path):
    view = View(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), (4, 4))
    path = tmp_path / "events.h5"
    with EventWriter(path, detector="old", views={"Y": (4, 4)}) as writer:
        writer.append(Event(event_id=0, views={"Y": view}))
    old = path.read_bytes()
    # A limit on the size of files is what a full disk looks like to a process.
    limited = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.argv = sys.argv[1:];"
        "runpy.run_module('jaxsparse.data.simulate', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "simulate", f"--out={path}", "--events=2", "--workers=1"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "could not be written" in done.stderr.splitlines()[-1]
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_convert_writes_dune_images_with_their_classes(tmp_path):
    for label, name in enumerate(("nue", "nc")):
        (tmp_path / "in" / name).mkdir(parents=True)
        image = np.zeros((3, 500, 500), np.uint8)
        image[label, 1, 2] = 9
        stem = tmp_path / "in" / name / "event1"
        stem.with_suffix(".gz").write_bytes(zlib.compress(image.tobytes()))
        stem.with_suffix(".info").write_text("0\n" * 15)
    out = tmp_path / "dune.h5"
    done = program("convert", f"--input={tmp_path / 'in'}", "--format=dune_cvn", f"--out={out}")
    assert done.returncode == 0, done.stderr
    file = EventFile(out)
    assert file.event_labels.tolist() == [0, 3]
    assert file.topologies == ["nue CC QE", "NC"]
    assert file.event_energy.tolist() == [0.0, 0.0]
    assert file[1].views["V"].coords.tolist() == [[2, 1]]
    assert file.event_classes == ("nue", "numu", "nutau", "nc")
    assert file.axes["U"] == ("tick", "wire")


@pytest.mark.shared_data
def test_convert_places_geant4_muons(tmp_path, shared_data):
    out = tmp_path / "muons.h5"
    source = shared_data / "edep_sim" / "edepsim_muon_1-2GeV.h5"
    done = program(
        "convert", f"--input={source}", "--format=edep_sim", f"--out={out}", "--placements=1",
        "--views=Y",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file = EventFile(out)
    assert len(file) == 10
    assert file.attributes["placements"] == 1
    labels = np.concatenate([event.views["Y"].labels for event in file])
    shares = np.bincount(labels[labels >= 0], minlength=5) / (labels >= 0).sum()
    assert shares[1] > 0.9
    assert 0.02 < shares[3] < 0.06


def test_convert_answers_a_wrong_input_with_one_line(tmp_path):
    done = program("convert", f"--input={tmp_path}", "--format=edep_sim", "--out=x.h5")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "edep-sim HDF5 file" in done.stderr
