"""Kills, stops and faults, with the table of what became of each.

    python -m benchmarks.kills --times=56 [--seed=0] [--only=NAME,...] [--out=FILE.json]

Every row is a real ``train.py`` on simulated events, in processes of its own. ``--times`` kills
are shared out among the scenarios; a scenario's run is repeated by the same command until it has
come to its end, and is then compared with an undisturbed one. Exit status 1 where anything is not
as it should be; ``--folder`` keeps the work directories.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from benchmarks import machine
from benchmarks.kills import checkpoint_faults, data_faults, disk_faults, stops
from benchmarks.kills.check import Check, CheckFunction
from benchmarks.kills.disturb import Kills, Outcome
from benchmarks.kills.place import Place, simulated
from benchmarks.kills.scenarios import SCENARIOS
from benchmarks.kills.small_disk import Unavailable
from jaxsparse import command_line
from jaxsparse.errors import InputError

CHECKS: dict[str, CheckFunction] = {
    name: function
    for module in (stops, disk_faults, data_faults, checkpoint_faults)
    for name, function in vars(module).items()
    if callable(function) and getattr(function, "__module__", "") == module.__name__
    if not name.startswith("_")
}

_TIMES = flags.DEFINE_integer("times", 56, "Kills, over all scenarios; 0: none.", lower_bound=0)
_SEED = command_line.define_seed(0, "Of the moments.")
_ONLY = flags.DEFINE_list("only", [], "Names of rows; empty: all.")
_FOLDER = command_line.define_path("folder", None, "Keeps all here; without: temporary.")
_OUT = command_line.define_path("out", None, "JSON file to write; without: only the table.")


def main(_: list[str]) -> int:
    """Prints the rows as they come, in Markdown, and writes them."""
    known = [*(scenario.name for scenario in SCENARIOS), *CHECKS]
    for name in _ONLY.value:
        if name not in known:
            raise InputError(f"--only has {name!r}: known are {', '.join(known)}.")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        place = simulated((_FOLDER.value or Path(temporary)).resolve())
        for row in _rows(place):
            rows.append(row)
            verdict = "; ".join(row["problems"]) or row["observed"]
            print(f"| {row['name']} | {row['what']} | {verdict} |", flush=True)
    failed = [row["name"] for row in rows if row["problems"]]
    print(f"{len(rows)} rows, not as they should be: {', '.join(failed) or 'none'}")
    if _OUT.value:
        record = {"machine": machine.record("benchmarks.kills"), "rows": rows}
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")
    return 1 if failed else 0


def _rows(place: Place) -> Iterator[dict[str, Any]]:
    kills = Kills(place)
    shares = [len(part) for part in np.array_split(np.arange(_TIMES.value), len(SCENARIOS))]
    for number, (scenario, times) in enumerate(zip(SCENARIOS, shares, strict=True)):
        if times and _wanted(scenario.name):
            random = np.random.default_rng([_SEED.value, number])
            outcome = kills.disturb(scenario, kills.moments(scenario, random), times)
            yield _kills_row(outcome, scenario.what)
    for name, function in CHECKS.items():
        if _wanted(name):
            yield _check_row(kills, name, function)


def _wanted(name: str) -> bool:
    return not _ONLY.value or name in _ONLY.value


def _kills_row(outcome: Outcome, what: str) -> dict[str, Any]:
    signals = ", ".join(f"{count} {name}" for name, count in sorted(outcome.ended.items()))
    runs = f"{outcome.runs} run{'s' if outcome.runs > 1 else ''}"
    observed = (
        f"{signals}; {outcome.unfinished} left half a checkpoint behind; {runs} ended as if "
        "undisturbed"
    )
    moments = [
        {"kind": met.moment.kind, "signal": met.moment.signal.name, "place": met.place,
         "seconds": met.ending.seconds, "status": met.ending.status}
        for met in outcome.met
        if met.struck
    ]  # fmt: skip
    return {
        "name": outcome.name, "what": what, "observed": observed, "problems": outcome.problems,
        "moments": moments,
    }  # fmt: skip


def _check_row(kills: Kills, name: str, function: CheckFunction) -> dict[str, Any]:
    check = Check(kills, name)
    try:
        function(check)
    except Unavailable as reason:
        check.observed.append(f"not tried: {reason}")
    except Exception as error:  # the other rows are worth having
        check.problems.append(f"the check itself failed: {type(error).__name__}: {error}")
    what = (function.__doc__ or name).splitlines()[0]
    observed = "; ".join(dict.fromkeys(check.observed))
    return {"name": name, "what": what, "observed": observed, "problems": check.problems}


if __name__ == "__main__":
    command_line.run(main)
