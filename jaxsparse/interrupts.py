"""Ctrl-C while modules are loaded, and the end of an interrupted process.

An extension module whose initialisation is interrupted crashes, or raises an ``ImportError`` with a
long traceback; a callback of JAX's swallows the interruption. Nothing is lost at that time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def end_while_loading() -> None:
    """From now on Ctrl-C ends this process with one line while modules are loaded.

    At any other time it raises ``KeyboardInterrupt``, as before. Where somebody else handles the
    signal, nothing changes.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)


def end_now() -> NoReturn:
    """Ends this process as interrupted, without Python's own clean-up.

    All files are closed by then. Clean-up would take Python away from threads of XLA that still
    compile, and they answer with an abort and a page of text.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _handle(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"interrupted\n")
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt
