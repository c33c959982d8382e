"""Memory that is freed stays with the process, for the next step to use."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt (malloc.h) and their largest value.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Tells glibc to give no memory back to Linux; elsewhere it does nothing.

    XLA allocates the temporaries of every step anew, and glibc takes blocks above 32 MB from Linux
    and gives them back: Linux clears their pages every time, a fifth of a training step. To be
    called before there are threads, which would have memory of their own.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return
    # Older versions refuse more than 32 MB, and would leave it at 128 kB if nothing was asked for.
    if not mallopt(_MMAP_THRESHOLD, _LARGEST):
        mallopt(_MMAP_THRESHOLD, 2**25)
    mallopt(_TRIM_THRESHOLD, _LARGEST)
    mallopt(_ARENA_MAX, 1)  # memory of a thread of its own is given back above 64 MB
