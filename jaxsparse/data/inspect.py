"""Says what a file of events holds: ``python -m jaxsparse.data.inspect FILE [--events=N]``.

Takes event files, NOvA files (h5caf: also a pattern or a folder; sparse) and folders of DUNE pixel
maps, and finds out itself which it is. Checks the layout, and every event that it reads; a bad file
is one line and exit status 2.
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from absl import flags

from jaxsparse import command_line, detectors
from jaxsparse.data.axis_order import CHECKED, AxisOrderCheck, order_check
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.picture import draw_events
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.nova_caf import NovaCafSource
from jaxsparse.data.readers.recognise import (
    AXES_REMEDIES,
    EVENTS,
    PIXEL_MAP_FORMATS,
    PixelMapSource,
    open_pixel_maps,
    recognise,
)
from jaxsparse.data.schema import Event
from jaxsparse.data.seen_pixels import SeenPixels
from jaxsparse.data.spread_out import spread_or_all, spread_out
from jaxsparse.data.summary import ViewSummary
from jaxsparse.detectors import DetectorView
from jaxsparse.errors import InputError
from jaxsparse.paths import user_path

PICTURED = 4  # events of a picture


def describe(
    path: str,
    num_events: int = 200,
    *,
    axes: str = "",
    picture: str = "",
    progress: bool = False,
) -> Iterator[str]:
    """Lines about a file; pixel figures from ``num_events`` events spread over it (0: all).

    Args:
      path: see above.
      num_events: how many events to read.
      axes: order of the axes of images in NOvA h5caf files, where it is not the usual one.
      picture: PNG to write, of a few of the events; none if empty.
      progress: whether to draw a bar on stderr.

    Raises:
      InputError: the file or an event that was read breaks a rule of the format.
    """
    if num_events < 0:
        raise InputError(f"events is {num_events}: must be 0 (all) or more")
    source = _open(path, axes)
    if picture:
        refuse_overwriting("picture", picture, getattr(source, "files", [path]))
    chosen = spread_or_all(len(source), num_events)
    shapes = source.view_shapes
    names_of_axes = _axes(source)
    views = _views(source)
    summaries = {
        name: ViewSummary(shape, len(source.class_names), views[name].low, views[name].high)
        for name, shape in shapes.items()
    }
    order = _order_check(source, names_of_axes)
    checked = set(chosen[spread_out(len(chosen), CHECKED)].tolist())
    topologies: collections.Counter[str] = collections.Counter()
    particles = []
    seen = SeenPixels(shapes)
    numbers: Iterable[Any] = with_progress(chosen, len(chosen), "reading") if progress else chosen
    for number in numbers:
        event = source[int(number)]
        topologies[event.topology or "unknown"] += 1
        particles.append(len(event.particles))
        for name, view in event.views.items():
            summaries[name].add(view)
        seen.add(event)
        if order is not None and int(number) in checked:
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
            yield line if line.startswith("WARNING") else f"note      {line}"
    yield f"read      {len(chosen)} of {len(source)} events"
    if topologies:
        counts = ", ".join(f"{name} {count}" for name, count in topologies.most_common())
        yield f"topology  {counts}"
        yield f"particles {np.mean(particles):.1f} an event"
    if order is not None:
        yield from order.lines()
    yield from seen.warnings()
    for name, shape in shapes.items():
        low, high = views[name].low, views[name].high
        bounds = f"{low:g} to {high:g} {views[name].unit}"
        mask = f"; below: pixels of {bounds}" if np.isfinite(high) else ""
        size = " x ".join(map(str, shape))
        dead = len(source.dead_wires(name)) if isinstance(source, EventFile) else 0
        yield f"view {name}: {size}, {dead} dead wires{mask}"
        for line in summaries[name].lines(source.class_names, names_of_axes[name]):
            yield f"  {line}"
    if picture:
        shown = [source[int(index)] for index in spread_out(len(source), PICTURED)]
        titles = [_title(event, source.event_classes) for event in shown]
        across = {name: view.across for name, view in views.items()}
        draw_events(picture, shown, axes=names_of_axes, titles=titles, across=across)
        yield f"picture   {picture}"


def _open(path: str, axes: str) -> EventFile | PixelMapSource:
    if not os.path.exists(path) and not any(mark in path for mark in "*?["):
        return EventFile(path)  # says what is missing
    format = recognise(path)
    if format == EVENTS:
        if axes:
            raise InputError(
                f"axes is {axes!r}: {path} is an event file, whose images are taken apart already, "
                f"convert it again with --axes={axes}"
            )
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
    """With what to do about a wrong order: where the file is from decides it."""
    if isinstance(source, EventFile):
        made_by = source.attributes
        remedy = AXES_REMEDIES.get(str(made_by.get("format")), "make the file anew")
        remedy = remedy.replace("try", "convert it again with")
        return order_check(source.view_shapes, axes, str(made_by.get("axes", "")), remedy)
    used = source.stored_axes if isinstance(source, NovaCafSource) else ""
    remedy = AXES_REMEDIES["nova_caf" if used else "nova_sparse"]
    return order_check(source.view_shapes, axes, used, remedy)


def _views(source: EventFile | PixelMapSource) -> dict[str, DetectorView]:
    """What is known of the views."""
    detector = detectors.find(source.detector)
    return {name: detector.view(name, len(shape)) for name, shape in source.view_shapes.items()}


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
    path, picture = str(user_path(argv[1], "FILE")), str(values.picture or "")
    lines = list(describe(path, values.events, axes=values.axes, picture=picture, progress=True))
    print("\n".join(lines))


if __name__ == "__main__":
    flags.DEFINE_integer("events", 200, "read so many events, spread over the file; 0 reads all")
    flags.DEFINE_string(
        "axes", "", "NOvA h5caf files: order of the axes, if it is not view,plane,cell"
    )
    command_line.define_path("picture", None, "PNG to write: a few of the events, every view")
    command_line.run(main, positional=1)
