"""Errors of a handler: a text of one line, which XLA raises in Python.

Offsets are those of ``xla/ffi/api/c_api.h``, as in ``call_frame.py``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from jaxsparse.ops.native.code import I8, I32, I64, POINTER, Code, Value

# XLA_FFI_Error_Code
INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8

_API = 16  # of XLA_FFI_CallFrame
_ERROR_CREATE = 48  # of XLA_FFI_Api
_CREATE_BYTES = 28  # XLA_FFI_Error_Create_Args
_TEXT_BYTES = 512


def make_error(code: Code, frame: Value, kind: int, text: Value, *numbers: Value) -> Value:
    """An ``XLA_FFI_Error``, for the handler to return.

    Args:
      code: that is to make it.
      frame: the ``XLA_FFI_CallFrame``.
      kind: an ``XLA_FFI_Error_Code``.
      text: pointer to a string, with a ``%lld`` for each number.
      numbers: two at most, of 64 bits.
    """
    numbers = (*numbers, code.integer(0), code.integer(0))[:2]
    return code.b.call(_function(code.module), [frame, ir.Constant(I32, kind), text, *numbers])


def _function(module: ir.Module) -> Any:
    """What makes errors, once a module."""
    name = "make_error"
    if name in module.globals:
        return module.globals[name]
    code = Code(module, name, POINTER, [POINTER, I32, POINTER, I64, I64])
    code.keep_short()
    frame, kind, form, *numbers = code.arguments
    text = code.array(I8, _TEXT_BYTES)
    write = code.external("snprintf", I32, [POINTER, I64, POINTER], var_arg=True)
    code.b.call(write, [text, code.integer(_TEXT_BYTES), form, *numbers])
    create, nothing = code.array(I64, 4), ir.Constant(POINTER, None)
    size = code.integer(_CREATE_BYTES)
    for offset, value in ((0, size), (8, nothing), (16, text), (24, kind)):
        code.store(value, code.at(create, offset))
    api = code.load(POINTER, code.at(frame, _API))
    function = code.load(POINTER, code.at(api, _ERROR_CREATE))
    code.b.ret(code.call_pointer(function, POINTER, [create]))
    code.finish()
    return code.function
