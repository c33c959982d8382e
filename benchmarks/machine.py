"""What a table must say about where it was measured, and how much memory a process holds.

Imports nothing but Python: other engines' processes use it, and their memory is counted.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path
from typing import Any


def record(program: str) -> dict[str, Any]:
    """Date, command line and computer.

    Args:
      program: module that was run, for example ``"benchmarks.run"``.
    """
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": " ".join([Path(sys.executable).name, "-m", program, *sys.argv[1:]]),
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def cpu_name() -> str:
    """The processor as the kernel names it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def resident_mb(field: str, process: int | str = "self") -> float:
    """Resident size of a process, ``"VmRSS"`` now or ``"VmHWM"`` at its peak.

    From the kernel's table: ``getrusage`` would count the parent's before exec.
    """
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        raise OSError(f"{status} is missing: memory is measured on Linux only")
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def busy_seconds() -> float:
    """Processor time of all cores that was not idle since the start, also what a host took away."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")
