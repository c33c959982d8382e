"""Kills the runs of a scenario until they end by themselves, and compares what they end with."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.kills.compare import differences
from benchmarks.kills.moments import Met, Moment, draw, meet
from benchmarks.kills.place import Place
from benchmarks.kills.process import Start
from benchmarks.kills.scenarios import KILL, TERMINATE, Scenario

STOP_WITHIN = 30.0  # seconds from SIGTERM to exit status 0


@dataclasses.dataclass
class Outcome:
    """What happened to a scenario.

    Attributes:
      name: of the scenario.
      met: every start that was to be ended.
      runs: that came to their end and were compared.
      problems: what was not as it should be, one line each.
    """

    name: str
    met: list[Met] = dataclasses.field(default_factory=list)
    runs: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)

    @property
    def ended(self) -> Counter[str]:
        """How many starts each signal ended."""
        return Counter(met.moment.signal.name for met in self.met if met.struck)

    @property
    def kills(self) -> int:
        """How many starts were killed."""
        return self.ended["SIGKILL"]

    @property
    def unfinished(self) -> int:
        """How many left half a checkpoint behind."""
        return sum(bool(met.unfinished) for met in self.met if met.struck)


class Kills:
    """Disturbs scenarios in a place; the undisturbed run of each is made once.

    Args:
      place: files, programs, and where the work directories go.
      thorough: whether an undisturbed run is made twice, which must be equal, and a finished run
        is started once more, which must change nothing.
    """

    def __init__(self, place: Place, *, thorough: bool = True):
        self.place, self.thorough = place, thorough
        self.seconds: dict[str, float] = {}  # that an undisturbed run takes, programs compiled

    def reference(self, scenario: Scenario) -> Path:
        """The work directory of an undisturbed run.

        Raises:
          RuntimeError: the command itself fails, or its two runs differ.
        """
        folder = self._folder(scenario)
        workdir = folder / "reference"
        if scenario.name in self.seconds:
            return workdir
        for each in [folder / "compiling", workdir] if self.thorough else [workdir]:
            shutil.rmtree(each, ignore_errors=True)
            with Start(self.command(scenario, each), each) as start:
                ending = start.wait()
            if ending.status != 0:
                raise RuntimeError(f"{scenario.name}: {ending.describe()}\n{ending.errors}")
        found = differences(folder / "compiling", workdir) if self.thorough else []
        if found:
            raise RuntimeError(f"{scenario.name}: two undisturbed runs differ: {'; '.join(found)}")
        self.seconds[scenario.name] = ending.seconds
        return workdir

    def moments(self, scenario: Scenario, random: np.random.Generator) -> Iterator[Moment]:
        """Endless moments for a scenario, within the time that a run of it takes."""
        self.reference(scenario)
        if scenario.first_save:
            yield Moment("save", int(random.integers(2, 30)))
        while True:
            yield draw(random, self.seconds[scenario.name], scenario.signals)

    def disturb(self, scenario: Scenario, moments: Iterator[Moment], times: int) -> Outcome:
        """Kills the scenario's runs ``times`` times, each start by the same command.

        A run that comes to its end is compared with the reference; where moments are left over the
        next run begins in a new work directory.
        """
        reference = self.reference(scenario)
        outcome = Outcome(scenario.name)
        while outcome.kills < times or not outcome.runs:
            workdir = self._folder(scenario) / f"run{outcome.runs}"
            shutil.rmtree(workdir, ignore_errors=True)
            self._one_run(scenario, workdir, moments, times, outcome)
            if outcome.problems:
                break  # the work directory stays for whoever wants to know more
            outcome.runs += 1
            found = self._compare(workdir, reference, outcome)
            if self.thorough and not found and outcome.runs == 1:
                with Start(self.command(scenario, workdir), workdir) as start:
                    ending = start.wait()
                if ending.status != 0:
                    found.append(f"a finished run, started again: {ending.describe()}")
                found += self._compare(workdir, reference, outcome)
            outcome.problems += found
            if found:
                break
        return outcome

    def _one_run(
        self, scenario: Scenario, workdir: Path, moments: Iterator[Moment], times: int,
        outcome: Outcome,
    ) -> None:  # fmt: skip
        """Starts until the run has come to its end by itself."""
        command = self.command(scenario, workdir)
        while outcome.kills < times:
            number = len(outcome.met)
            met = meet(next(moments), command, workdir, workdir.with_name(f"start{number}"))
            outcome.met.append(met)
            outcome.problems += [f"start {number}, {met.place}: {p}" for p in problems(met)]
            if outcome.problems or not met.struck:
                return
        with Start(command, workdir) as start:
            ending = start.wait()
        if ending.status != 0 or ending.errors:
            outcome.problems.append(f"the last start: {ending.describe()}")

    def _compare(self, workdir: Path, reference: Path, outcome: Outcome) -> list[str]:
        return differences(workdir, reference, same_steps="SIGTERM" not in outcome.ended)

    def command(self, scenario: Scenario, workdir: Path) -> list[str]:
        """The command of the scenario, the same for every start."""
        settings = dict(scenario.settings)
        if scenario.begins_with:
            settings["train.start_from"] = self.reference(scenario.begins_with)
        return self.place.train(scenario.task, workdir, settings)

    def _folder(self, scenario: Scenario) -> Path:
        folder = self.place.folder / scenario.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def problems(met: Met) -> list[str]:
    """What is wrong with how a start ended, its moment considered."""
    ending = met.ending
    if ending.status is None:
        return [f"it hangs: {ending.describe()}"]
    if "Traceback" in ending.errors:
        return [f"a traceback: {ending.describe()}"]
    if not met.struck:
        return [] if ending.status == 0 else [f"it failed by itself: {ending.describe()}"]
    if met.moment.signal == KILL:
        return [] if ending.status == -KILL else [f"killed, but {ending.describe()}"]
    found = []
    # Before its first line a program is Python that imports, after its last one that cleans up:
    # nothing is lost by ending at once.
    at_work = ending.output and "; checkpoints [" not in ending.output
    if ending.status != 0 and (at_work or ending.status != -TERMINATE):
        found.append(f"after SIGTERM {ending.describe()}")
    if ending.seconds > STOP_WITHIN:
        found.append(f"SIGTERM took {ending.seconds:.0f} s")
    return found
