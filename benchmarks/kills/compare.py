"""Whether a run that was disturbed ended like one that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp

from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.workdir import LOCK_FILE

# What a line of the log says that does not depend on the clock or on how often the run was started.
KEYS = ("step", "split", "loss", "accuracy", "learning_rate")
_MANY = 3  # differences named before the others are only counted


def differences(workdir: Path, reference: Path, *, same_steps: bool = True) -> list[str]:
    """What of a finished run is not as in ``reference``, one line a difference.

    Args:
      workdir: of the run.
      reference: work directory of the same command, never disturbed.
      same_steps: whether the same checkpoints must be kept; a stop by SIGTERM saves one more.

    Returns:
      Lines that name the array, the line of the log, the checkpoint or the file; none is right.
    """
    try:
        found = _states(workdir, reference) + _logs(workdir, reference)
        return found + _kept(workdir, reference, same_steps) + _left_behind(workdir, reference)
    except Exception as error:  # a directory that cannot be read is what the harness looks for
        return [f"{workdir} cannot be read: {type(error).__name__}: {error}"]


def latest(workdir: Path) -> int:
    """The last step with a checkpoint folder."""
    return max(int(p.name) for p in (workdir / "checkpoints").iterdir() if p.name.isdigit())


def state(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Every array of a checkpoint by its path, read past the product's own code."""
    handler = ocp.PyTreeCheckpointHandler()
    folder = (workdir / "checkpoints" / str(step) / "state").resolve()
    types = {
        path: ocp.RestoreArgs(restore_type=np.ndarray) for path in handler.metadata(folder).tree
    }
    return handler.restore(folder, args=ocp.args.PyTreeRestore(restore_args=types))


def _states(workdir: Path, reference: Path) -> list[str]:
    here, there = latest(workdir), latest(reference)
    if here != there:
        return [f"the last checkpoint is of step {here}, not {there}"]
    ours, theirs = state(workdir, here), state(reference, there)
    found = [f"array {path} is on one side only" for path in sorted(ours.keys() ^ theirs.keys())]
    for path in sorted(ours.keys() & theirs.keys()):
        one, two = np.asarray(ours[path]), np.asarray(theirs[path])
        if one.dtype != two.dtype or one.tobytes() != two.tobytes():
            found.append(f"array {path} differs: {one.ravel()[:3]} instead of {two.ravel()[:3]}")
    return _few(found)


def records(workdir: Path) -> list[dict[str, Any]]:
    """The lines of the log, reduced to ``KEYS``; a line that is no JSON raises ``ValueError``."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [{key: json.loads(line)[key] for key in KEYS} for line in lines]


def _logs(workdir: Path, reference: Path) -> list[str]:
    ours, theirs = records(workdir), records(reference)
    keyed = [{(r["step"], r["split"]): r for r in lines} for lines in (ours, theirs)]
    found = []
    for step, split in sorted(keyed[0].keys() - keyed[1].keys()):
        found.append(f"log: a {split} line of step {step} too many")
    for step, split in sorted(keyed[1].keys() - keyed[0].keys()):
        found.append(f"log: no {split} line of step {step}")
    for place in sorted(keyed[0].keys() & keyed[1].keys()):
        one, two = keyed[0][place], keyed[1][place]
        differing = [key for key in KEYS if one[key] != two[key]]
        if differing:
            pairs = ", ".join(f"{key} {one[key]} instead of {two[key]}" for key in differing)
            found.append(f"log: step {place[0]} {place[1]}: {pairs}")
    if not found and ours != theirs:
        found.append("log: lines stand twice or in another order")
    return _few(found)


def _kept(workdir: Path, reference: Path, same_steps: bool) -> list[str]:
    found = []
    ours, theirs = Checkpoints(workdir), Checkpoints(reference)
    try:
        if ours.best_step != theirs.best_step:
            found.append(f"the best checkpoint is {ours.best_step}, not {theirs.best_step}")
        if same_steps and ours.steps != theirs.steps:
            found.append(f"checkpoints {ours.steps} are kept, not {theirs.steps}")
    finally:
        ours.close()
        theirs.close()
    return found + _best_is_best(workdir, ours.best_step)


def _best_is_best(workdir: Path, best_step: int | None) -> list[str]:
    """Whether the best checkpoint has the best validation of the log, by the config's metric."""
    metric = json.loads((workdir / "config.json").read_text())["optimizer"]["plateau_metric"]
    scores = {r["step"]: r[metric] for r in records(workdir) if r["split"] == "validation"}
    best = (min if metric == "loss" else max)(scores.values(), default=None)
    if best is None or scores.get(best_step) == best:
        return []
    steps = [step for step, score in scores.items() if score == best]
    return [f"the best checkpoint is {best_step}, but the best validation that of step {steps[0]}"]


def _left_behind(workdir: Path, reference: Path) -> list[str]:
    names = [{entry.name for entry in folder.iterdir()} for folder in (workdir, reference)]
    found = [f"left behind: {name}" for name in sorted(names[0] - names[1] - {LOCK_FILE})]
    found += [f"missing: {name}" for name in sorted(names[1] - names[0])]
    halves = [e.name for e in (workdir / "checkpoints").iterdir() if not e.name.isdigit()]
    return found + [f"left behind: checkpoints/{name}" for name in sorted(halves)]


def _few(found: list[str]) -> list[str]:
    more = len(found) - _MANY
    return found if more <= 0 else [*found[:_MANY], f"and {more} more like these"]
