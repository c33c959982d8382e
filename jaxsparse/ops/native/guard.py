"""How a handler refuses: an error with a text of one line, which XLA raises in Python.

Offsets are those of ``xla/ffi/api/c_api.h``, as in ``call_frame.py``.
"""

from __future__ import annotations

from llvmlite import ir

from jaxsparse.ops.native.code import I8, I32, I64, POINTER, Code, Value

# XLA_FFI_Error_Code
INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8

_API = 16  # of XLA_FFI_CallFrame
_ERROR_CREATE = 48  # of XLA_FFI_Api
_CREATE_BYTES = 28  # XLA_FFI_Error_Create_Args
_TEXT_BYTES = 512


class Guard:
    """Leaves a handler with an error where something is not as it must be.

    All ways out meet in one block, so that a check is no more than a comparison and a branch.

    Args:
      code: of the handler.
      frame: the ``XLA_FFI_CallFrame``.
      name: of the handler, with which every text begins.
    """

    def __init__(self, code: Code, frame: Value, name: str) -> None:
        self._code, self._frame, self._name = code, frame, name
        self._refused = code.function.append_basic_block("refused")
        with code.b.goto_block(self._refused):
            self._text = code.b.phi(POINTER)
            self._numbers = [code.b.phi(I64) for _ in range(2)]
            self._kind = code.b.phi(I32)

    def unless(
        self, holds: Value, text: str, *numbers: Value, kind: int = INVALID_ARGUMENT
    ) -> None:
        """Goes on if the condition holds.

        Args:
          holds: the condition.
          text: of the error, with a ``%lld`` for each number.
          numbers: two at most.
          kind: an ``XLA_FFI_Error_Code``.
        """
        code = self._code
        block, rest = code.b.block, code.function.append_basic_block("checked")
        code.b.cbranch(holds, rest, self._refused)
        code.b.position_at_end(rest)
        self._text.add_incoming(code.text(f"{self._name}: {text}"), block)
        numbers = (*numbers, code.integer(0), code.integer(0))
        for phi, number in zip(self._numbers, numbers, strict=False):
            phi.add_incoming(number, block)
        self._kind.add_incoming(ir.Constant(I32, kind), block)

    def finish(self) -> None:
        """Writes the way out. Call it once, after the last check."""
        code = self._code
        code.b.position_at_end(self._refused)
        text = code.array(I8, _TEXT_BYTES)
        write = code.external("snprintf", I32, [POINTER, I64, POINTER], var_arg=True)
        code.b.call(write, [text, code.integer(_TEXT_BYTES), self._text, *self._numbers])
        create, nothing = code.array(I64, 4), ir.Constant(POINTER, None)
        size = code.integer(_CREATE_BYTES)
        for offset, value in ((0, size), (8, nothing), (16, text), (24, self._kind)):
            code.store(value, code.at(create, offset))
        api = code.load(POINTER, code.at(self._frame, _API))
        function = code.load(POINTER, code.at(api, _ERROR_CREATE))
        code.b.ret(code.call_pointer(function, POINTER, [create]))
