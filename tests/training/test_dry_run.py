"""A dry run: what it says, and that nothing stays."""

import os
import signal
import subprocess
import sys

from jaxsparse.training.dry_run import dry_run
from jaxsparse.training.loop import train


def test_it_says_what_a_run_will_be_and_keeps_nothing(toy_config, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    toy_config.data.num_buckets = 1
    dry_run(toy_config)
    assert os.listdir(tmp_path) == []
    lines = capsys.readouterr().out.splitlines()
    said = dict(line.strip().split("  ", 1) for line in lines if "  " in line.strip())
    assert "compiling the first step, seconds to minutes" in lines
    assert said["work directory"] == "none: a dry run"
    assert said["view Y"].startswith("coords int32 1x")
    assert "compiling and validations not counted" in said["whole run"]
    assert said["programs"] == (
        "2 to compile at most (1 of training, 1 of validation), each when a batch first needs it"
    )
    assert said["compiling"].endswith(", if 2 programs at most take as long as the first")
    assert {"model", "capacities", "first step", "next steps", "whole run", "memory"} <= {*said}


def test_a_signal_while_it_compiles_ends_it_in_one_line(toy_config, tmp_path):
    config = (
        "from ml_collections import ConfigDict\n"
        f"def get_config(): return ConfigDict({toy_config.to_dict()!r})\n"
    )
    (tmp_path / "config.py").write_text(config)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "jaxsparse", "train", "--config=config.py", "--dry_run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("compiling"):
            process.send_signal(signal.SIGTERM)
            break
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + signal.SIGTERM, "")
    assert rest.splitlines()[-1] == "stopped by SIGTERM: nothing is kept"


def test_one_bucket_compiles_the_two_programs_that_are_counted(toy_config, tmp_path, capsys):
    toy_config.data.num_buckets = 1
    toy_config.train.steps, toy_config.train.validate_every = 4, 2
    train(toy_config, tmp_path)
    said = capsys.readouterr().out
    assert "programs  2 to compile at most" in said
    words = [line for line in said.splitlines() if line.startswith("compiling")]
    assert [line.split(",")[0] for line in words] == [
        "compiling the first step", "compiling program 1 of validation"
    ]  # fmt: skip
