"""Peak memory of this process and of the accelerator."""

from __future__ import annotations

import sys

import jax

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def peak_memory_mb() -> float | None:
    """Highest resident memory of this process so far, in MB of 10^6 bytes; None if nobody says.

    Linux keeps the figure of the program that started this one in ``getrusage`` (it survives
    ``exec``), so the kernel's own high-water mark of this process comes first where there is one.
    """
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def device_peak_memory_mb() -> float | None:
    """Highest memory in use on the first device, in MB; ``None`` where the backend does not say."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    peak = statistics.get("peak_bytes_in_use")
    return None if peak is None else peak / 1e6
