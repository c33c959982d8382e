"""The tutorials run as they stand; of two of them what takes seconds, on a few events."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.M | re.S)
# Other tests train and evaluate like this, and test_pages.py looks after the flags.
_QUICKLY = {"jaxsparse train": "true", "jaxsparse eval": "true", "jaxsparse predict": "true"}
LESS = {
    "own_detector": {},
    "first_hour": {"--events=300": "--events=2", "--events=60": "--events=2", **_QUICKLY},
    "whole_events": {
        "--events=20": "--events=1",
        "jaxsparse view planes.h5 --events=3 --predictions": "true --predictions",
        **_QUICKLY,
    },
}


@pytest.mark.parametrize("page", LESS)
def test_every_block_of_a_tutorial_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    for flag, fewer in LESS[page].items():
        assert flag in text
        text = text.replace(flag, fewer)
    names: dict = {}
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        above = text.count("\n", 0, block.start(2))  # an error names the line of the page
        if kind == "python":
            exec(compile("\n" * above + code, f"{page}.md", "exec"), names)
        else:
            # The program of this environment, installed or not.
            code = re.sub(r"^jaxsparse ", f"{sys.executable} -m jaxsparse ", code, flags=re.M)
            done = subprocess.run(
                ["sh", "-e", "-c", code], env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"line {above}: {done.stderr}"
    assert LESS[page] or (tmp_path / "out/report.md").is_file()


def test_the_loop_that_renames_views_makes_a_file_for_the_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ((kind, code),) = BLOCK.findall((ROOT / "docs/predict.md").read_text(encoding="utf-8"))
    assert kind == "python"
    pixels = View(np.array([[1, 2]]), np.array([1.5]), (4, 6), labels=np.array([0]))
    views = {"front": pixels, "left": pixels}
    shapes = dict.fromkeys(views, (4, 6))
    with EventWriter("test.h5", detector="toy", views=shapes, class_names=["line"]) as file:
        file.append(Event(7, views))
    exec(compile(code, "predict.md", "exec"), {})
    renamed = EventFile("renamed.h5")
    assert renamed.view_shapes == dict.fromkeys(("XZ", "YZ"), (4, 6))
    assert renamed[0].event_id == 7
    assert renamed[0].views["YZ"].values.tolist() == [15.0]
