"""Programs that are compiled, timed and hashed."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.programs import Lowered, call_times, compile_together, fingerprint, lower


class Broken:
    def compile(self) -> None:
        raise MemoryError("no room")


def test_a_program_that_cannot_be_compiled_does_not_keep_the_others_from_it() -> None:
    programs = {"bad": Lowered(Broken(), (), 0.0), "good": lower(jnp.add, 1.0, 2.0)}
    compiled = compile_together(programs, threads=2)
    with pytest.raises(MemoryError, match="no room"):
        compiled["bad"]()
    program = compiled["good"]()
    assert float(program.start()) == 3.0
    assert program.facts["outputs_mb"] == 4 / 2**20  # a float32


def test_every_bit_counts_in_a_fingerprint() -> None:
    zeros = {"a": np.zeros(3, np.float32)}
    assert fingerprint(zeros) == fingerprint({"a": jnp.zeros(3)})
    assert fingerprint(zeros) != fingerprint({"a": -np.zeros(3, np.float32)})


def test_calls_are_counted() -> None:
    made = []
    found = call_times(lambda: made.append(0), warm=2, calls=3, burst=4)
    assert len(made) == 9
    assert 0 <= found["least_ms"] <= found["ms"]
