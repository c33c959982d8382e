"""Event files that are simulated side by side, an event of each at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jaxsparse
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import Event
from jaxsparse.detectors.microboone import MICROBOONE
from jaxsparse.errors import InputError
from jaxsparse.simulate.parallel import ordered_map


def simulated_files(
    files: Mapping[Path, Mapping[str, Any]],
    make: Callable[[int], Sequence[Event]],
    numbers: range,
    *,
    views: Mapping[str, tuple[int, ...]],
    workers: int = 0,
) -> None:
    """Makes the files, or leaves them where they are there and hold the same events.

    Args:
      files: for each its path, and what its events depend on, which the file says.
      make: from the number of an event to one event for each file; workers can import it.
      numbers: of the events.
      views: their shapes.
      workers: processes; 0 for all cores.

    Raises:
      InputError: some of the files are there and hold other events.
    """
    about = {
        path: {"version": jaxsparse.__version__, **said, "numbers": [numbers.start, numbers.stop]}
        for path, said in files.items()
    }
    there = [path for path in files if path.exists()]
    for path in there:
        if EventFile(path).attributes != about[path]:
            raise InputError(f"{path} holds other events: remove it, or give another --out")
    if len(there) == len(files):
        return
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                EventWriter(path, detector=MICROBOONE.name, views=views, made_by=said)
            )
            for path, said in about.items()
        ]
        made = ordered_map(make, numbers, workers=workers)
        for events in with_progress(made, len(numbers), "simulating"):
            for writer, event in zip(writers, events, strict=True):
                writer.append(event)
