"""A world of files in which programs run, and a copy that they may change."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.fuzz import stubs, world
from tests.fuzz.command_lines import Copy
from tests.fuzz.program import run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """The world, with the work directory of a run of each task; programs cost little."""
    folder = tmp_path_factory.mktemp("fuzz")
    world.build(folder)
    with pytest.MonkeyPatch.context() as patch:
        stubs.trace_only(patch)
        stubs.guess(patch)
        patch.setattr("jaxsparse.simulate.parallel.all_cores", lambda: 1)
        patch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
        for name, config in (("run", "tiny.py"), ("classifier", "tiny.py:events")):
            outcome = run("train", [f"--config={config}", f"--workdir={name}"], folder)
            assert outcome.status == 0, outcome.errors
        yield folder


@pytest.fixture(scope="module")
def copy(original: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(original, tmp_path_factory.mktemp("copy"))
