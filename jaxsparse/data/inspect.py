"""Says what a file of events holds: ``python -m jaxsparse.data.inspect FILE [--events=N]``.

Takes event files, NOvA files (h5caf: also a pattern or a folder; sparse) and folders of DUNE pixel
maps, and finds out itself which it is. Checks the layout, and every event that it reads; a bad file
is one line and exit status 2.
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.axis_order import AxisOrderCheck
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.picture import draw_events, spread_out
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.recognise import (
    EVENTS,
    PIXEL_MAP_FORMATS,
    PixelMapSource,
    open_pixel_maps,
    recognise,
)
from jaxsparse.data.schema import Event
from jaxsparse.data.summary import MASK, ViewSummary
from jaxsparse.errors import InputError

PICTURED = 4  # events of a picture


def describe(
    path: str,
    num_events: int = 200,
    *,
    axes: str = "view,plane,cell",
    picture: str = "",
    progress: bool = False,
) -> Iterator[str]:
    """Lines about a file; pixel figures from ``num_events`` events spread over it (0: all).

    Args:
      path: see above.
      num_events: how many events to read.
      axes: order of the axes of images in NOvA h5caf files.
      picture: PNG to write, of a few of the events; none if empty.
      progress: whether to draw a bar on stderr.

    Raises:
      InputError: the file or an event that was read breaks a rule of the format.
    """
    if num_events < 0:
        raise InputError(f"events is {num_events}: must be 0 (all) or more")
    source = _open(path, axes)
    chosen = spread_out(len(source), num_events or len(source))
    shapes = source.view_shapes
    names_of_axes = _axes(source)
    masks = {name: _mask(source, name) for name in shapes}
    summaries = {
        name: ViewSummary(shape, len(source.class_names), *masks[name])
        for name, shape in shapes.items()
    }
    order = _order_check(source, names_of_axes)
    topologies: collections.Counter[str] = collections.Counter()
    particles = []
    events = (source[int(index)] for index in chosen)
    for event in with_progress(events, len(chosen), "reading") if progress else events:
        topologies[event.topology or "unknown"] += 1
        particles.append(len(event.particles))
        for name, view in event.views.items():
            summaries[name].add(view)
        if order is not None:
            order.add(list(event.views.values()))

    yield f"{path}: {len(source)} events, detector {source.detector}"
    if source.class_names:
        yield f"classes   {', '.join(source.class_names)}"
    yield from _event_lines(source)
    if isinstance(source, EventFile):
        for key, value in source.attributes.items():
            yield f"made by   {key} = {value}"
    else:
        for line in source.notes():
            yield f"note      {line}"
    yield f"read      {len(chosen)} of {len(source)} events"
    if topologies:
        counts = ", ".join(f"{name} {count}" for name, count in topologies.most_common())
        yield f"topology  {counts}"
        yield f"particles {np.mean(particles):.1f} an event"
    if order is not None:
        yield from order.lines()
    for name, shape in shapes.items():
        mask = f"; below: pixels of {MASK[0]:g} to {MASK[1]:g} ADC" if masks[name] == MASK else ""
        size = " x ".join(map(str, shape))
        dead = len(source.dead_wires(name)) if isinstance(source, EventFile) else 0
        yield f"view {name}: {size}, {dead} dead wires{mask}"
        for line in summaries[name].lines(source.class_names, names_of_axes[name]):
            yield f"  {line}"
    if picture:
        shown = [source[int(index)] for index in spread_out(len(source), PICTURED)]
        titles = [_title(event, source.event_classes) for event in shown]
        draw_events(picture, shown, axes=names_of_axes, titles=titles)
        yield f"picture   {picture}"


def _open(path: str, axes: str) -> EventFile | PixelMapSource:
    if not os.path.exists(path) and not any(mark in path for mark in "*?["):
        return EventFile(path)  # says what is missing
    format = recognise(path)
    if format == EVENTS:
        return EventFile(path)
    if format not in PIXEL_MAP_FORMATS:
        raise InputError(f"{path} is {format}: convert it with python -m jaxsparse.data.convert")
    return open_pixel_maps(path, format, axes=axes)


def _axes(source: EventFile | PixelMapSource) -> dict[str, tuple[str, ...]]:
    if isinstance(source, EventFile):
        return source.axes
    return dict.fromkeys(source.view_shapes, source.axes_names)


def _event_lines(source: EventFile | PixelMapSource) -> Iterator[str]:
    """Counts by class and range of energies, of all events."""
    if source.event_classes and len(source):
        labels = source.event_labels
        counts = np.bincount(labels + 1, minlength=len(source.event_classes) + 1)
        words = [f"{n} {c}" for n, c in zip(source.event_classes, counts[1:], strict=True)]
        none = f" (without class {counts[0]})" if counts[0] else ""
        yield f"events    {', '.join(words)}{none}"
    energy: Any = source.event_energy
    known = energy[np.isfinite(energy)]
    if len(known):
        low, median, high = np.percentile(known, [5, 50, 95])
        yield (
            f"energy    median {median:.2f} GeV, {low:.2f} to {high:.2f} GeV in nine of ten, known "
            f"for {len(known)} events"
        )


def _order_check(
    source: EventFile | PixelMapSource, axes: dict[str, tuple[str, ...]]
) -> AxisOrderCheck | None:
    """For segmented detectors, whose maps are stored flat; wire planes are not."""
    kinds = set(axes.values())
    if kinds != {("plane", "cell")} or len(set(source.view_shapes.values())) != 1:
        return None
    shape = next(iter(source.view_shapes.values()))
    used = getattr(source, "stored_axes", "")
    return AxisOrderCheck(("plane", "cell"), shape, len(source.view_shapes), used)


def _mask(source: EventFile | PixelMapSource, name: str) -> tuple[float, float]:
    """The published mask for wire planes with truth; pixel maps are masked already."""
    everything = (0.0, np.inf)
    if not isinstance(source, EventFile) or source.value_units[name] != "ADC":
        return everything
    if not len(source):
        return MASK
    view = source.read_view(0, name)
    return MASK if len(view.shape) == 2 and view.labels is not None else everything


def _title(event: Event, event_classes: tuple[str, ...]) -> str:
    name = event_classes[event.label] if event_classes and event.label >= 0 else ""
    words = [f"event {event.event_id}", event.topology or name]
    if np.isfinite(event.energy):
        words.append(f"{event.energy:.2f} GeV")
    return ", ".join(word for word in words if word)


def main(argv: list[str]) -> None:
    """Entry point of the command line."""
    if len(argv) != 2:
        raise InputError("FILE is missing: python -m jaxsparse.data.inspect FILE")
    values = flags.FLAGS
    lines = list(
        describe(argv[1], values.events, axes=values.axes, picture=values.picture, progress=True)
    )
    print("\n".join(lines))


if __name__ == "__main__":
    flags.DEFINE_integer("events", 200, "read so many events, spread over the file; 0 reads all")
    flags.DEFINE_string("axes", "view,plane,cell", "order of the axes in NOvA h5caf files")
    flags.DEFINE_string("picture", "", "PNG to write: a few of the events, every view")
    command_line.run(main, positional=1)
