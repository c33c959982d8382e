"""Runs a program that may not write where permissions forbid it, not even as root.

    python -m benchmarks.kills.obedient PROGRAM ARGUMENTS...

Root loses one capability (CAP_DAC_OVERRIDE) for good; for any other user nothing changes.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h


def main() -> None:
    """The program begins without what it may not have: capabilities change when one is started."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
