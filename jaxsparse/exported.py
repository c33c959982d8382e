"""Programs to take elsewhere, with our kernels for CPUs where they can be had.

``jax.export`` writes a program that needs nothing of this package where it runs, so it has none of
our kernels. What is written here holds such a program and, before it, one for CPUs that calls
kernels by name. A reader takes the first that can run where it is. The names carry a version
(``ops/native/compiler.py``), so that a program never finds kernels that it was not made for.

Layout: a line ``jaxsparse program 1 SHA256`` with the checksum of all that follows; a line of JSON
that says of every program its platforms, kernels and length; the programs, each as
``jax.export.deserialize`` takes it. The portable one is the last: its bytes end the file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.export import DisabledSafetyCheck, Exported, default_export_platform, deserialize, export

from jaxsparse.errors import InputError, check_kind, one_line, reason
from jaxsparse.ops.native import compiler
from jaxsparse.ops.primitive import PLATFORMS, exporting_kernels
from jaxsparse.paths import user_path
from jaxsparse.tensor import SparseTensor

FORMAT = 1
_FIRST_LINE = re.compile(rb"jaxsparse program ([0-9]{1,9}) ([0-9a-f]{64})\n")


@dataclasses.dataclass(frozen=True)
class LoadedProgram:
    """A program that :func:`load_program` read, ready to be called.

    Attributes:
      call: the compiled function, of arguments as it was exported with; the program itself calls
        it, too. It may be part of another program and, if it was exported with ``vjp_order``,
        differentiated.
      kernels: names of the native kernels in it; none are in the portable program.
      missing: kernels that it would have in the program that was passed over, for they cannot be
        had here.
      platforms: that it runs on.
      versions: of what wrote it: ``{"python": ..., "jaxsparse": ..., "jax": ...}``.
    """

    call: Callable[..., Any] = dataclasses.field(repr=False)  # its text is the whole program
    kernels: tuple[str, ...]
    missing: tuple[str, ...]
    platforms: tuple[str, ...]
    versions: dict[str, str]

    def __call__(self, *arguments: Any) -> Any:
        """What the program gives for these arguments.

        Raises:
          InputError: arguments of other shapes, types or static fields (``spatial_shape``,
            ``batch_size``, ``stride``) than it was exported with.
        """
        return self.call(*arguments)


def export_program(
    function: Callable[..., Any],
    *arguments: Any,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
    vjp_order: int = 0,
) -> bytes:
    """A function as a program for other processes and machines.

    What comes back goes into a file as it is. It holds the portable program and, if the function
    calls native kernels on this machine, one for CPUs that calls them too.

    Args:
      function: of arrays and pytrees. What it closes over becomes part of each program, so weights
        are better arguments.
      *arguments: of the function, or ``jax.ShapeDtypeStruct`` in their place.
      platforms: of the portable program: ``"cpu"``, ``"cuda"``, ``"rocm"``, ``"tpu"``.
      vjp_order: how many times the program can be differentiated in reverse mode.

    Raises:
      InputError: an unknown platform; an operation that asks for an implementation which a portable
        program cannot have.

    >>> import jax.numpy as jnp
    >>> program = export_program(jnp.square, jnp.zeros(3), platforms=("cpu",))
    >>> load_program(program)(jnp.arange(3.0)).tolist()
    [0.0, 1.0, 4.0]
    """
    from jaxsparse.versions import versions  # of the package itself, which loads this module

    if isinstance(platforms, str) or not platforms or not set(platforms) <= set(PLATFORMS):
        raise InputError(
            f"platforms is {platforms!r}: must be a list of some of {', '.join(PLATFORMS)}"
        )
    programs = [_write(function, arguments, platforms, vjp_order, kernels=())]
    if "cpu" in platforms:
        with exporting_kernels(True):
            quick = _write(function, arguments, ("cpu",), vjp_order, kernels=compiler.targets())
        if quick[0]["kernels"]:
            programs.insert(0, quick)
    header = {"versions": versions(["jax"]), "programs": [facts for facts, _ in programs]}
    rest = json.dumps(header).encode() + b"\n" + b"".join(data for _, data in programs)
    return _first_line(rest) + rest


def load_program(data: bytes | bytearray | str | os.PathLike[str]) -> LoadedProgram:
    """The first program of what ``export_program`` returned that can run here.

    On a CPU it is the one that calls kernels, unless this machine or this version of the package
    lacks one of them; those that it calls are made now, which takes up to a second. Pytrees of this
    package in its arguments are known once the module that defines them is imported.

    Args:
      data: all of it, or the path of a file of it.

    Raises:
      InputError: no such file, damaged or other data; no program for this platform, or none that
        this version of JAX reads.
    """
    header, programs = _read(_bytes_of(data))
    here, missing = default_export_platform(), set[str]()
    for facts, program in zip(header["programs"], programs, strict=True):
        if here not in facts["platforms"]:
            continue
        missing |= set(facts["kernels"]) - compiler.register_native_kernels(facts["kernels"])
        if missing.isdisjoint(facts["kernels"]):
            return LoadedProgram(
                jax.jit(_naming_differences(_deserialize(program, header["versions"]))),
                kernels=tuple(facts["kernels"]),
                missing=tuple(sorted(missing)),
                platforms=tuple(facts["platforms"]),
                versions=header["versions"],
            )
    known = sorted({platform for facts in header["programs"] for platform in facts["platforms"]})
    raise InputError(f"the program is for {', '.join(known)}: export it for {here} too")


def _write(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    platforms: Sequence[str],
    vjp_order: int,
    kernels: Sequence[str],
) -> tuple[dict[str, Any], bytes]:
    """What the header says of a program, and the program, in which these kernels may be called."""
    checks = [DisabledSafetyCheck.custom_call(name) for name in kernels]
    with _without_places():
        exported = export(jax.jit(function), platforms=platforms, disabled_checks=checks)(
            *arguments
        )
    data = bytes(exported.serialize(vjp_order))
    called = _called_by(exported, vjp_order).intersection(kernels) if kernels else ()
    return {"platforms": list(platforms), "kernels": sorted(called), "bytes": len(data)}, data


@contextlib.contextmanager
def _without_places() -> Iterator[None]:
    """Programs say of every operation in which file and line it was written: not for strangers.

    The setting is of the process: what other threads trace meanwhile has no places either.
    """
    before = jax.config.jax_traceback_in_locations_limit  # type: ignore[attr-defined]
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", before)


def _called_by(exported: Exported, vjp_order: int) -> set[str]:
    """Foreign functions that a program and its derivatives call."""
    called = set(re.findall(r"custom_call @(\w+)", exported.mlir_module()))
    return called | _called_by(exported.vjp(), vjp_order - 1) if vjp_order else called


def _first_line(rest: bytes) -> bytes:
    return b"jaxsparse program %d %s\n" % (FORMAT, hashlib.sha256(rest).hexdigest().encode())


def _bytes_of(data: Any) -> bytes:
    """The data itself, read where it is a path."""
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if not isinstance(data, str | os.PathLike):
        check_kind("data", data, bytes, remedy="what export_program returned, or a path of it")
        return bytes(data)
    path = user_path(data, "data")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"data is {str(path)!r}: {reason(error)}, give another path") from None


def _read(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the programs of data that is whole and of this format."""
    first = _FIRST_LINE.match(data)
    if not first:
        raise InputError(
            f"data begins with {data[:20]!r}: it is not what export_program returned, or damaged; "
            "jax.export.deserialize reads what jax.export alone wrote"
        )
    if int(first[1]) != FORMAT:
        raise InputError(
            f"data is a program of format {int(first[1])} but this version of jaxsparse reads "
            f"{FORMAT}: install the one that wrote it, or export the program again"
        )
    rest = data[first.end() :]
    if _first_line(rest) != first[0]:
        raise InputError(
            f"data is damaged: the checksum of its {len(data)} bytes is another one, copy the file "
            "again or export the program again"
        )
    text, _, rest = rest.partition(b"\n")
    header, programs = json.loads(text), []
    for facts in header["programs"]:
        programs.append(rest[: facts["bytes"]])
        rest = rest[facts["bytes"] :]
    return header, programs


def _naming_differences(program: Exported) -> Callable[..., Any]:
    """The program as a function that says which argument it does not take."""

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return program.call(*arguments, **named)
        except ValueError as error:
            given = (arguments, named)
            leaves = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in program.in_avals]
            gets, takes = _told(given), _told(jax.tree.unflatten(program.in_tree, leaves))
            for place, one in takes.items():
                if gets.get(place, one) != one:
                    remedy = (
                        "pad to that capacity and give that spatial_shape and batch_size"
                        if one.startswith(SparseTensor.__name__)
                        else "give that shape and type"
                    )
                    raise InputError(
                        f"arguments{place} is {gets[place]}: the program takes {one}, {remedy}, or "
                        "export one program a bucket"
                    ) from None
            structures: list[Any] = [jax.tree.structure(given), program.in_tree]
            if structures[0] != structures[1]:
                raise InputError(
                    f"the arguments are built in another way than those of the export: give the "
                    f"same, or export it again ({one_line(error)})"
                ) from None
            raise

    return call


def _told(arguments: tuple[Any, ...]) -> dict[str, str]:
    """What the leaves are, sparse tensors as a whole, by their place in the arguments."""
    leaves, _ = jax.tree.flatten_with_path(
        arguments, is_leaf=lambda node: isinstance(node, SparseTensor)
    )
    return {
        jax.tree_util.keystr(path[1:]): str(leaf)
        if isinstance(leaf, SparseTensor)
        else f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"
        for path, leaf in leaves
    }


def _deserialize(program: bytes, versions: dict[str, str]) -> Exported:
    try:
        return deserialize(bytearray(program))
    except InputError:
        raise
    except Exception as error:  # of a later JAX, or with a pytree that nobody has registered
        wrote = ", ".join(f"{name} {version}" for name, version in versions.items())
        raise InputError(
            f"data is a program of {wrote} that JAX {jax.__version__} does not read "
            f"({one_line(error)}): import what defines its arguments, or export it again"
        ) from error
