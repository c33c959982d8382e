"""The command line of eval: what a signal leaves."""

import os
import signal
import sys

import pytest

from jaxsparse.evaluation import evaluator
from tests.fuzz import stubs
from tests.fuzz.program import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_is_one_line_and_leaves_the_folder_as_it_was(
    workdir, truth_file, tmp_path, monkeypatch, name, status
):
    def stop(*_):
        assert [path.name for path in out.iterdir() if path.is_dir()] == [f".partial-{os.getpid()}"]
        signal.raise_signal(getattr(signal, name))

    out = tmp_path / "out"
    out.mkdir()
    (out / "metrics.json").write_text("old")
    stubs.guess(monkeypatch)
    monkeypatch.setattr(evaluator, "_passed", stop)
    arguments = [f"--workdir={workdir}", f"--data={truth_file}", "--out=out"]
    outcome = run("eval", arguments, tmp_path)
    assert outcome.status == status
    line = f"stopped by {name}: out is as it was, the same command begins anew"
    assert outcome.lines[-1:] == [line]
    assert os.listdir(out) == ["metrics.json"]
    assert (out / "metrics.json").read_text() == "old"
