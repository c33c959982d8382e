"""The data flows that compute an operation: one table of operation and platform.

A data flow stands in a file of its own and registers itself there: what it is called, what it does
not serve and why, and the function. XLA's are in ``xla``, kernels for the CPU in ``native``. All
data flows of an operation compute the same to rounding.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from jaxsparse.errors import InputError
from jaxsparse.ops.primitive import PLATFORMS, lower_by_platform

AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Implementation:
    """One way to compute an operation.

    Attributes:
      name: what it is asked for by.
      call: the function of the operands.
      refuses: of the operands too, in words why it does not serve them; None where it does.
      portable: made of what XLA itself brings, and so fit for an exported program.
      best: of those that are portable, or of those that are not, the first to be asked.
    """

    name: str
    call: Callable[..., Any]
    refuses: Callable[..., str | None]
    portable: bool
    best: bool


_TABLE: dict[tuple[str, str], list[Implementation]] = collections.defaultdict(list)


def register(
    operation: str,
    name: str,
    call: Callable[..., Any],
    *,
    platforms: Sequence[str] = PLATFORMS,
    best_on: Sequence[str] = PLATFORMS,
    refuses: Callable[..., str | None] = lambda *_: None,
    portable: bool = True,
) -> None:
    """Adds a data flow to the table.

    ``"auto"`` takes the first that serves: kernels before what is portable, of several the one that
    is best on the platform.

    Args:
      operation: ``"convolution"``, ``"convolution_weight_gradient"``, the same with
        ``"grouped_"``, ``"column_moments"``, ``"normalise"``, ``"project"``, ``"spread"``,
        ``"neighbours"`` or ``"halved_sites"``.
      name: of the data flow.
      call: the function.
      platforms: that it is for.
      best_on: those of them where it is asked before its like.
      refuses: see ``Implementation``.
      portable: see ``Implementation``.
    """
    for platform in platforms:
        flows = _TABLE[operation, platform]
        flows[:] = [flow for flow in flows if flow.name != name]  # a module may be loaded again
        flows.append(Implementation(name, call, refuses, portable, platform in best_on))
        flows.sort(key=lambda flow: (flow.portable, not flow.best))


def names(operation: str) -> tuple[str, ...]:
    """What the data flows of an operation are called, on any platform.

    >>> names("convolution")
    ('native', 'table', 'windows')
    """
    return tuple(sorted({flow.name for flow in _flows(operation)}))


def counterpart(operation: str, implementation: str) -> str:
    """What an operation is asked for where convolutions are asked for ``implementation``.

    The same, where the operation has a data flow of that name; else the one that is made of the
    same, of XLA's operations or as a kernel; ``"auto"`` where it has none.

    >>> [counterpart("column_moments", name) for name in ("auto", "native", "windows")]
    ['auto', 'native', 'xla']
    """
    if implementation in (AUTO, *names(operation)):
        return implementation
    asked = {flow.portable for flow in _flows("convolution") if flow.name == implementation}
    alike = sorted(flow.name for flow in _flows(operation) if flow.portable in asked)
    return alike[0] if alike else AUTO


def check_name(operation: str, implementation: str) -> None:
    """Refuses a name that no data flow of the operation has.

    Raises:
      InputError: it is neither ``"auto"`` nor one of ``names(operation)``.
    """
    if implementation != AUTO and implementation not in names(operation):
        raise InputError(
            f"implementation is {implementation!r}: of the {_in_words(operation)} it must be one "
            f"of {', '.join((AUTO, *names(operation)))}"
        )


def choose(
    operation: str, implementation: str, platform: str, portable: bool, operands: Sequence[Any]
) -> Callable[..., Any]:
    """The function of a data flow that serves the operands.

    Args:
      operation: as in ``register``.
      implementation: ``"auto"``, or the name of the one to take.
      platform: that the program is for.
      portable: it is to run where our kernels are not.
      operands: of the operation.

    Raises:
      InputError: the one that was asked for does not serve: why, and which do.
    """
    check_name(operation, implementation)
    here = {flow.name: flow for flow in _TABLE[operation, platform]}
    for name, flow in here.items():
        if implementation in (AUTO, name) and not _refusal(flow, portable, operands):
            return flow.call
    answers = []
    for name in names(operation):
        why = f"not for {platform}"
        if name in here:
            why = _refusal(here[name], portable, operands) or ""
        answers.append(f"{name} does not serve ({why})" if why else f"{name} serves")
    raise InputError(
        f"implementation is {implementation!r} of the {_in_words(operation)} on {platform}"
        f"{' for export' if portable else ''}: {', '.join(answers)}; use one that serves or 'auto'"
    )


def lower_by_choice(primitive: Any, operation: str) -> None:
    """Lowers a primitive, of a parameter ``implementation`` alone, to what ``choose`` answers."""

    def compute(*operands: Any, implementation: str, platform: str, portable: bool) -> Any:
        return choose(operation, implementation, platform, portable, operands)(*operands)

    lower_by_platform(primitive, compute)


def _flows(operation: str) -> list[Implementation]:
    return [flow for (name, _), flows in _TABLE.items() if name == operation for flow in flows]


def _refusal(flow: Implementation, portable: bool, operands: Sequence[Any]) -> str | None:
    if portable and not flow.portable:
        return "a portable program holds what XLA brings alone"
    return flow.refuses(*operands)


def _in_words(operation: str) -> str:
    return operation.replace("_", " ")
