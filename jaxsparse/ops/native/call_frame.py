"""A foreign function of XLA, which shares its work over XLA's threads.

Offsets are those of ``xla/ffi/api/c_api.h``, an interface that is versioned and only ever appended
to; the header lies in the ``include`` folder of jaxlib.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from jaxsparse.ops.native.arguments import Frame, Signature
from jaxsparse.ops.native.code import I32, I64, POINTER, VOID, Code, Value
from jaxsparse.ops.native.error import RESOURCE_EXHAUSTED, make_error

# XLA_FFI_CallFrame
_EXTENSION, _API, _CONTEXT = 8, 16, 24
# XLA_FFI_Api: pointers to functions
_ERROR_DESTROY, _SCHEDULE, _NUM_THREADS = 64, 136, 144
# XLA_FFI_Extension_Base, XLA_FFI_Metadata_Extension, XLA_FFI_Metadata
_EXTENSION_TYPE, _METADATA, _METADATA_VERSION, _METADATA_TRAITS = 8, 24, 24, 32
_METADATA_EXTENSION = 1
_MINOR_VERSION = 1  # the oldest that XLA takes; a later major version refuses it

# The record of one call that its threads share: 64-bit slots. It is freed by the last to leave it,
# since a busy pool may start a helper after the call has returned.
_NEXT, _DONE, _USERS, _ITEMS, _FIRST_VALUE = 0, 8, 16, 24, 32
_RECORD_BYTES = 512


def parallel_handler(
    module: ir.Module,
    name: str,
    signature: Signature,
    prepare: Callable[[Code, Frame], tuple[Value, list[Value]]],
    make_worker: Callable[[Code, list[Value]], Callable[[Value], None]],
    finish: Callable[[Code, Value, list[Value]], None] | None = None,
) -> None:
    """Adds the foreign function ``name``, which does numbered items of work on all threads.

    The thread that XLA calls takes items, and so does every thread of XLA's own pool that finds
    time: none waits for another to begin. Items must not depend on each other, and which thread
    does one must not matter: then the result does not depend on the number of threads.

    Args:
      module: to add to.
      name: of the handler.
      signature: what it takes and gives. A call that differs is refused before anything is done.
      prepare: code that runs once and first; how many items there are, and the 64-bit values and
        pointers that the items need.
      make_worker: given code and these values, code to run once a thread; it returns what to do
        with the item of a number.
      finish: code that runs once and last, of (code, items, values).
    """
    values: list[Value] = []
    code = Code(module, name, POINTER, [POINTER])
    code.keep_short()
    frame = code.arguments[0]
    _answer_for_metadata(code, frame)
    items, values = prepare(code, signature.check(code, name, frame))
    record = code.b.call(code.external("malloc", POINTER, [I64]), [code.integer(_RECORD_BYTES)])
    with code.b.if_then(code.b.icmp_unsigned("==", record, ir.Constant(POINTER, None))):
        text = code.text(f"{name}: no memory for the {_RECORD_BYTES} bytes that threads share")
        code.b.ret(make_error(code, frame, RESOURCE_EXHAUSTED, text))
    kinds = [value.type for value in values]
    for index, value in enumerate(values):
        code.store(value, code.at(record, _FIRST_VALUE + 8 * index))
    code.store(code.integer(0), code.at(record, _NEXT))
    code.store(code.integer(0), code.at(record, _DONE))
    code.store(code.integer(1), code.at(record, _USERS))
    code.store(items, code.at(record, _ITEMS))

    work = _work_function(module, f"{name}_work", kinds, make_worker)
    help_ = _help_function(module, f"{name}_help", work)
    _call_helpers(code, frame, record, items, help_)
    code.b.call(work, [record])
    # Nobody holds more than one item: the wait is short, unless its thread lost its core.
    with code.forever() as leave_if:
        leave_if(code.b.icmp_signed(">=", code.load_atomic(code.at(record, _DONE)), items))
        code.b.call(code.external("sched_yield", I32, []), [])
    _leave(code, record)
    if finish is not None:
        finish(code, items, values)
    code.b.ret(ir.Constant(POINTER, None))
    code.finish()


def _answer_for_metadata(code: Code, frame: Value) -> None:
    """XLA asks every handler once for the version that it was written for."""
    extension = code.load(POINTER, code.at(frame, _EXTENSION))
    with code.b.if_then(code.b.icmp_unsigned("!=", extension, ir.Constant(POINTER, None))):
        kind = code.load(I32, code.at(extension, _EXTENSION_TYPE))
        is_metadata = code.b.icmp_signed("==", kind, ir.Constant(I32, _METADATA_EXTENSION))
        with code.b.if_then(is_metadata):
            metadata = code.load(POINTER, code.at(extension, _METADATA))
            version = code.integer(_MINOR_VERSION << 32)  # major 0, then minor, 32 bits each
            code.store(version, code.at(metadata, _METADATA_VERSION))
            code.store(ir.Constant(I32, 0), code.at(metadata, _METADATA_TRAITS))
            code.b.ret(ir.Constant(POINTER, None))


def _work_function(
    module: ir.Module,
    name: str,
    kinds: list[Any],
    make_worker: Callable[[Code, list[Value]], Callable[[Value], None]],
) -> Any:
    """Takes items from the record until none is left."""
    code = Code(module, name, VOID, [POINTER])
    record = code.arguments[0]
    values = [
        code.load(kind, code.at(record, _FIRST_VALUE + 8 * index))
        for index, kind in enumerate(kinds)
    ]
    items = code.load(I64, code.at(record, _ITEMS))
    do_item = make_worker(code, values)
    with code.forever() as leave_if:
        item = code.add_atomic(code.at(record, _NEXT), 1)
        leave_if(code.b.icmp_signed(">=", item, items))
        do_item(item)
        code.add_atomic(code.at(record, _DONE), 1)
    code.leave()
    code.finish()
    return code.function


def _help_function(module: ir.Module, name: str, work: Any) -> Any:
    """What a thread of the pool runs."""
    code = Code(module, name, VOID, [POINTER])
    code.keep_short()
    code.b.call(work, [code.arguments[0]])
    _leave(code, code.arguments[0])
    code.b.ret_void()
    code.finish()
    return code.function


def _leave(code: Code, record: Value) -> None:
    users = code.add_atomic(code.at(record, _USERS), -1)
    with code.b.if_then(code.b.icmp_signed("==", users, code.integer(1))):
        code.b.call(code.external("free", VOID, [POINTER]), [record])


def _call_helpers(code: Code, frame: Value, record: Value, items: Value, help_: Any) -> None:
    """One helper for every further thread of the pool, and no more than there are items."""
    api = code.load(POINTER, code.at(frame, _API))
    context = code.load(POINTER, code.at(frame, _CONTEXT))
    nothing = ir.Constant(POINTER, None)
    size, query = code.array(I64, 8), code.array(I64, 8)
    code.store(code.integer(1), size)
    for offset, value in ((0, code.integer(32)), (8, nothing), (16, context), (24, size)):
        code.store(value, code.at(query, offset))

    def call(field: int, arguments: Value) -> Value:
        function = code.load(POINTER, code.at(api, field))
        error = code.call_pointer(function, POINTER, [arguments])
        failed = code.b.icmp_unsigned("!=", error, nothing)
        with code.b.if_then(failed):
            destroy = code.array(I64, 4)
            for offset, value in ((0, code.integer(24)), (8, nothing), (16, error)):
                code.store(value, code.at(destroy, offset))
            function = code.load(POINTER, code.at(api, _ERROR_DESTROY))
            code.call_pointer(function, VOID, [destroy])
        return failed

    call(_NUM_THREADS, query)  # without a pool the size stays 1
    threads = code.minimum(code.load(I64, size), items)
    order = code.array(I64, 8)
    helper = code.b.bitcast(help_, POINTER)
    fields = ((0, code.integer(40)), (8, nothing), (16, context), (24, helper), (32, record))
    for offset, value in fields:
        code.store(value, code.at(order, offset))
    with code.loop(1, threads):
        code.add_atomic(code.at(record, _USERS), 1)
        failed = call(_SCHEDULE, order)
        with code.b.if_then(failed):
            code.add_atomic(code.at(record, _USERS), -1)
