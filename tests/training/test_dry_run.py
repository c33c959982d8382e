"""A dry run: what it says, and that nothing stays."""

import os

from jaxsparse.training.dry_run import dry_run


def test_it_says_what_a_run_will_be_and_keeps_nothing(toy_config, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dry_run(toy_config)
    assert os.listdir(tmp_path) == []
    said = dict(line.strip().split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["work directory"] == "none: a dry run"
    assert said["view Y"].startswith("coords int32 1x")
    assert {"model", "capacities", "first step", "next steps", "whole run", "memory"} <= {*said}
