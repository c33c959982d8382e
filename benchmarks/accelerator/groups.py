"""Steps that compile several programs side by side, then steps that time one of them each.

All are compiled before any is timed, so that nothing else keeps the device busy meanwhile: XLA
tries variants of kernels on it while it compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.accelerator.journal import Journal, Record, Skipped
from benchmarks.accelerator.scale import Scale
from benchmarks.programs import Lowered, Program, call_times, compile_together

CALLS = 2  # seconds that a step of timed calls is expected to take


class Group:
    """Compiles programs in one step and hands each to a step of its own."""

    def __init__(
        self,
        journal: Journal,
        scale: Scale,
        name: str,
        lowered: Callable[[], Mapping[str, Lowered]],
        kind: str,
        needs: float,
    ):
        """Compiles.

        Args:
          journal: takes the steps.
          scale: of the run.
          name: of what is compiled.
          lowered: makes the programs, by the names of their steps.
          kind: of the compilation, see ``Journal.take``.
          needs: seconds that it is expected to take.
        """
        self._journal = journal
        self._compiled: dict[str, Callable[[], Program]] = {}

        def compile_all() -> Record:
            self._compiled |= compile_together(lowered(), scale.side_by_side)
            return {"programs": len(self._compiled)}

        journal.take(f"compiled {name}", compile_all, kind=kind, needs=needs)

    def take(self, name: str, measure: Callable[[Program], Record], *, kind: str) -> None:
        """The step of one program, which is forgotten then: it holds memory."""

        def measured() -> Record:
            if name not in self._compiled:
                raise Skipped("its program was not compiled")
            return measure(self._compiled.pop(name)())

        self._journal.take(name, measured, kind=kind, needs=CALLS)


def times(program: Program, scale: Scale) -> Record:
    """Milliseconds of a call, seconds of the compilation, and MB that arrays of a call take."""
    facts = program.facts
    held = sum(facts[f"{part}_mb"] for part in ("arguments", "outputs", "temporaries"))
    return {**call_times(program.start, **scale.calls), **facts, "held_mb": held * 2**20 / 1e6}
