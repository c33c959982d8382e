"""What a program costs on a GPU, read off the text of XLA's optimised program: an estimate.

Every instruction that is left is a kernel. One takes as long as its traffic at the memory's rate or
its products at theirs, whichever is longer, and a launch. Caches, how well a kernel fills the
device, and time between kernels are not in it.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import NamedTuple

# Of an H200, what good kernels reach of its 4.8 TB/s and of its 989 TFLOP/s (bfloat16, dense); the
# other types get what has no tensor cores.
BYTES_PER_SECOND = 4.0e12
FLOP_PER_SECOND = {"bf16": 4.0e14, "f16": 4.0e14}
FLOP_PER_SECOND_ELSE = 4.0e13
LAUNCH_SECONDS = 2e-6

_BITS = {"pred": 8, "bf16": 16}  # of the others the name ends with it
_ARRAY = re.compile(r"\b(pred|bf16|[fsu]\d+)\[([\d,]*)\]")
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([\w\-]+)\((.*)$")
_NO_KERNEL = {"parameter", "constant", "bitcast", "tuple", "get-tuple-element", "after-all"}


@dataclasses.dataclass(frozen=True)
class Instruction:
    """A line of a program: ``shape opcode(operands), attributes``."""

    shape: str
    opcode: str
    operands: tuple[str, ...]
    attributes: str

    def of(self, attribute: str) -> str:
        """The computation that an attribute names, or nothing."""
        found = re.search(rf"{attribute}=%?([\w.\-]+)", self.attributes)
        return found.group(1) if found else ""


Computation = dict[str, Instruction]


class Cost(NamedTuple):
    """Of one call.

    Attributes:
      kernels: launched, in loops as often as they run.
      seconds: of the estimate.
      waits: how often the host is asked: after each step of a loop whose length is data, counted
        as one step, and by a choice between ways with loops.
    """

    kernels: int = 0
    seconds: float = 0.0
    waits: int = 0

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override] # not a longer tuple
        kernels, seconds, waits = other
        return Cost(self.kernels + kernels, self.seconds + seconds, self.waits + waits)


def cost(program: str) -> Cost:
    """The estimate for ``jax.stages.Compiled.as_text()``.

    >>> cost('''
    ... ENTRY %main (a: f32[1000,1000]) -> f32[1000,1000] {
    ...   %a = f32[1000,1000]{1,0} parameter(0)
    ...   ROOT %b = f32[1000,1000]{0,1} copy(%a), metadata={}
    ... }''')
    Cost(kernels=1, seconds=4e-06, waits=0)
    """
    computations, entry = _computations(program)
    return _of_computation(computations[entry], computations)


def _computations(program: str) -> tuple[dict[str, Computation], str]:
    computations: dict[str, Computation] = {}
    entry = current = ""
    for line in program.splitlines():
        if begins := _COMPUTATION.match(line):
            current = begins.group(2)
            entry = current if begins.group(1) else entry
            computations[current] = {}
        elif found := _INSTRUCTION.match(line):
            name, shape, opcode, rest = found.groups()
            operands, _, attributes = rest.partition(")")
            names = tuple(re.findall(r"%([\w.\-]+)", operands))
            computations[current][name] = Instruction(shape, opcode, names, attributes)
    return computations, entry


def _of_computation(computation: Computation, computations: dict[str, Computation]) -> Cost:
    total = Cost()
    for instruction in computation.values():
        if instruction.opcode == "while":
            body = _of_computation(computations[instruction.of("body")], computations)
            steps = re.search(r'known_trip_count":\{"n":"(\d+)"', instruction.attributes)
            times = int(steps.group(1)) if steps else 1
            waits = body.waits if steps else body.waits + 1
            total += Cost(times * body.kernels, times * body.seconds, waits)
        elif instruction.opcode == "conditional":
            total += _of_choice(instruction, computations)
        elif instruction.opcode == "call":
            total += _of_computation(computations[instruction.of("to_apply")], computations)
        elif instruction.opcode not in _NO_KERNEL and not instruction.opcode.endswith("-done"):
            inside = computations.get(instruction.of("calls"), {})
            total += Cost(1, _seconds(instruction, computation, inside))
    return total


def _of_choice(choice: Instruction, computations: dict[str, Computation]) -> Cost:
    """Of the way that takes less time, and of choosing: a kernel, then a graph that is entered.

    The host is asked instead where XLA cannot record the ways in a graph: where one has a loop.
    """
    ways = [computations[choice.of(f"{answer}_computation")] for answer in ("true", "false")]
    loop = any(part.opcode == "while" for way in ways for part in way.values())
    least = min((_of_computation(way, computations) for way in ways), key=lambda way: way.seconds)
    return least + Cost(1, 2 * LAUNCH_SECONDS, int(loop))


def _seconds(instruction: Instruction, computation: Computation, inside: Computation) -> float:
    """Of one kernel, a fusion of what is ``inside`` it or a single instruction."""
    written = _bytes(instruction.shape)
    read = sum(_bytes(computation[name].shape) for name in instruction.operands)
    if any(part.opcode == "gather" for part in inside.values()):
        read = min(read, 2 * written)  # rows that are asked for and their numbers, not all rows
    products = _products(inside) if inside else _products({"": instruction}, computation)
    return max((read + written) / BYTES_PER_SECOND, products) + LAUNCH_SECONDS


def _products(parts: Computation, shapes: Computation | None = None) -> float:
    """Seconds of the matrix products among instructions, at the rate of their type."""
    seconds = 0.0
    for part in parts.values():
        if part.opcode == "dot":
            left = (shapes or parts)[part.operands[0]].shape
            (kind, lengths), (_, result) = _arrays(left)[0], _arrays(part.shape)[0]
            axes = re.search(r"lhs_contracting_dims=\{([\d,]*)\}", part.attributes)
            summed = [lengths[int(axis)] for axis in (axes.group(1) if axes else "").split(",")]
            flop = 2 * math.prod(result) * math.prod(summed)
            seconds += flop / FLOP_PER_SECOND.get(kind, FLOP_PER_SECOND_ELSE)
    return seconds


def _arrays(shape: str) -> list[tuple[str, list[int]]]:
    return [
        (kind, [int(length) for length in lengths.split(",") if length])
        for kind, lengths in _ARRAY.findall(shape)
    ]


def _bytes(shape: str) -> int:
    return sum(
        math.prod(lengths) * (_BITS.get(kind) or int(kind[1:])) // 8
        for kind, lengths in _arrays(shape)
    )
