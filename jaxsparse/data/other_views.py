"""What is said of a file that lacks the views of a network, the same in every command."""

from __future__ import annotations

from collections.abc import Iterable


def other_views(file: str, there: Iterable[str], read: Iterable[str]) -> str:
    """Which views a file has, which the network reads, and what to do.

    Args:
      file: its name, with its detector where that is known.
      there: views of the file.
      read: views that the network reads.

    >>> other_views("nova.h5", ["XZ", "YZ"], ["Y"]).partition(":")[0]
    'nova.h5 has views XZ, YZ but the network reads Y'
    """
    return (
        f"{file} has views {', '.join(there)} but the network reads {', '.join(read)}: give a file "
        "of the detector that it was trained for, or name the views as it does (docs/predict.md)"
    )
