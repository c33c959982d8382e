"""Steps that time the field's benchmark, its maps apart and together."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax

from benchmarks.accelerator import field
from benchmarks.accelerator.field import Case
from benchmarks.accelerator.groups import Group, times
from benchmarks.accelerator.journal import Journal, Record
from benchmarks.accelerator.scale import Scale
from benchmarks.programs import Lowered, Program, call_times, lower

# Seconds that a group is expected to take, until one of its kind has been taken.
COMPILING_MAPS, COMPILING_ENCODERS = 25, 75


def time_cases(journal: Journal, scale: Scale, cases: Sequence[Case]) -> None:
    """Maps first: encoders get them as arguments, and are timed with their making too."""
    keys = dict.fromkeys((case.events, case.rule) for case in cases)
    batches = {key: _Batch(scale, *key) for key in keys}
    maps = Group(
        journal, scale, "maps of the field's batches",
        lambda: {batch.name: batch.lower_maps() for batch in batches.values()},
        "compiling maps", COMPILING_MAPS,
    )  # fmt: skip
    for batch in batches.values():
        maps.take(batch.name, batch.measure_maps, kind="maps")
    batch_of = {case: batches[case.events, case.rule] for case in cases}

    def lower_encoders(part: Sequence[Case]) -> dict[str, Lowered]:
        ready = [case for case in part if batch_of[case].built is not None]
        return {case.name: batch_of[case].lower_encoder(case) for case in ready}

    size = scale.side_by_side
    for part in (cases[i : i + size] for i in range(0, len(cases), size)):
        encoders = Group(
            journal, scale, f"{len(part)} of the field's cases",
            functools.partial(lower_encoders, part),
            "compiling the field's cases", COMPILING_ENCODERS,
        )  # fmt: skip
        for case in part:
            measure = functools.partial(batch_of[case].measure_encoder, case)
            encoders.take(case.name, measure, kind="field")


class _Batch:
    """Sites and maps of a batch by one rule, shared by all encoders."""

    def __init__(self, scale: Scale, events: int, rule: str):
        self._scale, self._events, self._rule = scale, events, rule
        self.name = f"maps x {events}, {rule}"
        self.built: Any = None

    def lower_maps(self) -> Lowered:
        scale = self._scale
        workload = field.batch(scale.sites[self._events], self._events, scale.side)
        stages = len(next(iter(scale.encoders.values())).channels)
        x, self._capacities = field.padded(workload, stages, self._rule)
        self._x = jax.device_put(x, jax.devices()[0])
        return lower(lambda x: field.build_maps(x, self._capacities, self._rule), self._x)

    def measure_maps(self, program: Program) -> Record:
        self._maps, self.built = program, jax.block_until_ready(program.start())
        found = {"events": self._events, "rule": self._rule, "capacities": self._capacities}
        return found | times(program, self._scale)

    def lower_encoder(self, case: Case) -> Lowered:
        encoder = self._scale.encoders[case.size]
        variables = field.variables_of(encoder, self._x, self.built)
        variables = jax.device_put(variables, jax.devices()[0])
        return lower(field.function_of(encoder, case.mode), variables, self._x, self.built)

    def measure_encoder(self, case: Case, program: Program) -> Record:
        """Alone, as the field does, and after the program that builds its maps."""
        variables, x, _ = program.arguments
        both = call_times(
            lambda: program.compiled(variables, x, self._maps.start()), **self._scale.calls
        )
        found = {f"with_maps_{key}": value for key, value in both.items()}
        return dataclasses.asdict(case) | times(program, self._scale) | found
