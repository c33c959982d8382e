"""Kills, stops and faults, with the table of what became of each.

    python -m benchmarks.kills --times=50 [--seed=0] [--only=NAME,...] [--out=FILE.json]

Every row is a real ``train.py`` on simulated events, in processes of its own. ``--times`` signals
are shared out among the scenarios; a scenario's run is repeated by the same command until it has
come to its end, and is then compared with an undisturbed one. Exit status 1 where anything differs.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from benchmarks import machine
from benchmarks.kills.place import simulated
from benchmarks.kills.scenarios import SCENARIOS, Kills, Outcome
from jaxsparse import command_line
from jaxsparse.errors import InputError

_TIMES = flags.DEFINE_integer("times", 50, "Signals, over all scenarios.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_ONLY = flags.DEFINE_list("only", [], "Names of rows; empty: all.")
_FOLDER = flags.DEFINE_string("folder", "", "Keeps everything here; empty: a temporary folder.")
_OUT = flags.DEFINE_string("out", "", "JSON file to write; empty: only the table on the screen.")


def main(_: list[str]) -> int:
    with tempfile.TemporaryDirectory() as temporary:
        place = simulated(Path(_FOLDER.value or temporary).resolve())
        kills = Kills(place)
        scenarios = SCENARIOS
        outcomes: list[Outcome] = []
        shares = [len(part) for part in np.array_split(np.arange(_TIMES.value), len(scenarios))]
        for number, (scenario, times) in enumerate(zip(scenarios, shares, strict=True)):
            if _ONLY.value and scenario.name not in _ONLY.value:
                continue
            random = np.random.default_rng([_SEED.value, number])
            outcome = kills.disturb(scenario, kills.moments(scenario, random), times)
            print(outcome.name, dict(outcome.ended), outcome.runs, outcome.unfinished, outcome.problems, flush=True)
            for m in outcome.met:
                print("   ", m.moment, m.struck, m.place, m.unfinished, f"{m.ending.seconds:.2f}", m.ending.status)
            outcomes.append(outcome)
    return 0


if __name__ == "__main__":
    command_line.run(main)
