"""Says what an event file holds: ``python -m jaxsparse.data.inspect FILE [--events=N]``.

Checks the file's layout, and every event that it reads; a bad file is one line and exit status 2.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.progress import with_progress
from jaxsparse.data.summary import MASK, ViewSummary
from jaxsparse.errors import InputError


def describe(path: str, num_events: int = 200, *, progress: bool = False) -> Iterator[str]:
    """Lines about a file; pixel figures from ``num_events`` events spread over it (0: all).

    Raises:
      InputError: the file or an event that was read breaks a rule of the format.
    """
    if num_events < 0:
        raise InputError(f"events is {num_events}: must be 0 (all) or more")
    source = EventFile(path)
    wanted = min(num_events or len(source), len(source))
    chosen = np.unique(np.linspace(0, max(len(source) - 1, 0), wanted).astype(int))
    masks = {name: _mask(source, name) for name in source.view_shapes}
    summaries = {
        name: ViewSummary(shape, len(source.class_names), *masks[name])
        for name, shape in source.view_shapes.items()
    }
    topologies: collections.Counter[str] = collections.Counter()
    particles = []
    events = (source[int(index)] for index in chosen)
    for event in with_progress(events, len(chosen), "reading") if progress else events:
        topologies[event.topology or "unknown"] += 1
        particles.append(len(event.particles))
        for name, view in event.views.items():
            summaries[name].add(view)

    yield f"{path}: {len(source)} events, detector {source.detector}"
    yield f"classes   {', '.join(source.class_names)}"
    for name, value in source.attributes.items():
        yield f"made by   {name} = {value}"
    yield f"read      {len(chosen)} of {len(source)} events"
    if topologies:
        counts = ", ".join(f"{name} {count}" for name, count in topologies.most_common())
        yield f"topology  {counts}"
        yield f"particles {np.mean(particles):.1f} an event"
    for name, shape in source.view_shapes.items():
        mask = f"; below: pixels of {MASK[0]:g} to {MASK[1]:g} ADC" if masks[name] == MASK else ""
        size = " x ".join(map(str, shape))
        yield f"view {name}: {size}, {len(source.dead_wires(name))} dead wires{mask}"
        for line in summaries[name].lines(source.class_names):
            yield f"  {line}"


def _mask(source: EventFile, name: str) -> tuple[float, float]:
    """The published mask for wire planes with truth; real pixel maps are masked already."""
    if not len(source):
        return MASK
    view = source.read_view(0, name)
    return MASK if len(view.shape) == 2 and view.labels is not None else (0.0, np.inf)


def main(argv: list[str]) -> None:
    """Entry point of the command line."""
    if len(argv) != 2:
        raise InputError("FILE is missing: python -m jaxsparse.data.inspect FILE")
    lines = list(describe(argv[1], flags.FLAGS.events, progress=True))
    print("\n".join(lines))


if __name__ == "__main__":
    flags.DEFINE_integer("events", 200, "read so many events, spread over the file; 0 reads all")
    command_line.run(main, positional=1)
