"""The batch job of ``docs/predict.md``, as it stands there, with one core and 2 GB."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from jaxsparse import pretrained
from jaxsparse.data.event_writer import EventWriter
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 2 * 2**30


# What a batch system allows, and then the job. A fork of this process would be one of JAX's
# threads.
LIMITED = f"""
import os, resource, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def planes(tmp_path):
    """Two whole planes at the surface's full cosmic rate: the most pixels that there are."""
    source = SimulatedEvents(
        GeneratorConfig("published_bomb"), MICROBOONE_CHAMBER, seed=12, views=("Y",)
    )
    with EventWriter(
        tmp_path / "planes.h5", detector="microboone", views=source.view_shapes
    ) as writer:
        for number in range(2):
            writer.append(source[number])
    return tmp_path / "planes.h5"


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
def test_whole_planes_are_scored_with_one_core_and_two_gigabytes(planes, tmp_path):
    page = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    found = re.search(r"^    #!/bin/sh\n(?:    .*\n)+", page, re.MULTILINE)
    assert found, "docs/predict.md has the script"
    script = re.sub("^    ", "", found.group(), flags=re.MULTILINE)
    shutil.copy(pretrained.path_of("sparsessnet_y"), tmp_path / "sparsessnet_y.safetensors")
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [
            sys.executable, "-c", LIMITED, "sh", "-c", script, "predict.sh", str(planes),
            str(tmp_path / "scores.h5"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "scores.h5") as file:
        scores = file["scores"][:]
        assert file["event"][:].tolist() == [0, 1]
    seen = ~np.isnan(scores[:, 0])
    assert seen.sum() > 20_000
    np.testing.assert_allclose(scores[seen].sum(axis=1), 1.0, atol=1e-5)
