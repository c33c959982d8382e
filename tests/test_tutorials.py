"""The tutorials run as they stand."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.M | re.S)


@pytest.mark.parametrize("page", ["own_detector"])
def test_every_block_of_a_tutorial_runs(page, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        above = text.count("\n", 0, block.start(2))  # an error names the line of the page
        if kind == "python":
            exec(compile("\n" * above + code, f"{page}.md", "exec"), names)
        else:
            # The program of this environment, installed or not.
            code = re.sub(r"^jaxsparse ", f"{sys.executable} -m jaxsparse ", code, flags=re.M)
            done = subprocess.run(code, shell=True, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"line {above}: {done.stderr}"
    assert (tmp_path / "out/report.md").is_file()
