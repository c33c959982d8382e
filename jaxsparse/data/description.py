"""What a file of events holds, in numbers and in lines: an event file or any foreign format."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from jaxsparse.data.axis_order import CHECKED, AxisOrderCheck, order_check
from jaxsparse.data.deposit_summary import DepositSummary, deposit_lines
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.picture import draw_events
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.formats import (
    EVENTS,
    READERS,
    chosen_options,
    open_source,
    recognise,
)
from jaxsparse.data.schema import Event
from jaxsparse.data.seen_pixels import SeenPixels
from jaxsparse.data.source import DepositSource, EventSource
from jaxsparse.data.spread_out import spread_or_all, spread_out
from jaxsparse.data.summary import ViewSummary, summary_lines
from jaxsparse.detectors import DetectorView, find
from jaxsparse.errors import InputError

PICTURED = 4  # events of a picture


def describe(
    path: str,
    num_events: int = 200,
    *,
    picture: str = "",
    progress: bool = False,
    **given: Any,
) -> dict[str, Any]:
    """What a file holds, as JSON can say it; :func:`lines` says it to a person.

    Args:
      path: an event file, or what a reader takes: a file, a folder, a pattern.
      num_events: how many events to read, spread over the file, for figures of pixels; 0: all.
      picture: PNG to write, of a few of the events; none if empty.
      progress: whether to draw a bar on stderr.
      **given: options of the format.

    Returns:
      ``path``, ``format``, ``events``, ``notes``, ``warnings``, ``read`` (how many events the
      figures are of), and for images ``detector``, ``classes``, ``event_classes`` (counts by
      name), ``without_class``, ``energy`` (GeV), ``made_by``, ``topologies`` (counts),
      ``particles`` (mean an event), ``axes_order``, ``views`` (by name), ``picture``; for deposits
      ``deposits``. What is not known is left out.

    Raises:
      InputError: the file or an event that was read breaks a rule of the format.
    """
    if num_events < 0:
        raise InputError(f"events is {num_events}: must be 0 (all) or more")
    format, source = _open(path, given)
    if picture:
        refuse_overwriting("picture", picture, getattr(source, "files", [path]))
    chosen = spread_or_all(len(source), num_events)
    numbers = with_progress(chosen, len(chosen), "reading", quiet=not progress)
    found: dict[str, Any] = {"path": path, "format": format, "events": len(source)}
    if isinstance(source, DepositSource):
        if picture:
            raise InputError(
                f"picture is {picture}: {path} holds deposits, which no detector has seen yet, "
                "convert it first"
            )
        summary = DepositSummary()
        for number in numbers:
            summary.add(*source[int(number)])
        return {**found, "notes": source.notes(), "warnings": [], "read": len(chosen),
                "deposits": summary.figures()}  # fmt: skip
    found |= _of_file(source)
    found |= _of_events(source, format, numbers, set(chosen[spread_out(len(chosen), CHECKED)]))
    found["read"] = len(chosen)
    if picture:
        shown = [source[int(index)] for index in spread_out(len(source), PICTURED)]
        titles = [event_words(event, source.event_classes) for event in shown]
        across = {name: view.across for name, view in _known_views(source).items()}
        draw_events(
            picture, shown, axes=source.axes, titles=titles, across=across, units=source.value_units
        )
        found["picture"] = picture
    return found


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What a person reads of :func:`describe`."""
    seen_by = f", detector {found['detector']}" if "detector" in found else ""
    yield f"{found['path']}: {found['events']} events{seen_by}"
    if found.get("classes"):
        yield f"classes   {', '.join(found['classes'])}"
    if "event_classes" in found:
        words = [f"{name} {count}" for name, count in found["event_classes"].items()]
        none = f" (without class {found['without_class']})" if found["without_class"] else ""
        yield f"events    {', '.join(words)}{none}"
    if "energy" in found:
        energy = found["energy"]
        yield (
            f"energy    median {energy['median']:.2f} GeV, {energy['low']:.2f} to "
            f"{energy['high']:.2f} GeV in nine of ten, known for {energy['known']} events"
        )
    for key, value in found.get("made_by", {}).items():
        yield f"made by   {key} = {value}"
    for note in found["notes"]:
        yield note if note.startswith("WARNING") else f"note      {note}"
    yield f"read      {found['read']} of {found['events']} events"
    if "deposits" in found:
        yield from deposit_lines(found["deposits"])
    if found.get("topologies"):
        counts = ", ".join(f"{name} {count}" for name, count in found["topologies"].items())
        yield f"topology  {counts}"
        yield f"particles {found['particles']:.1f} an event"
    if "axes_order" in found:
        yield found["axes_order"]
    yield from found["warnings"]
    for name, view in found.get("views", {}).items():
        mask = ""
        if "mask" in view:
            low, high = view["mask"]
            mask = f"; below: pixels of {low:g} to {high:g} {view['value_unit']}"
        size = " x ".join(map(str, view["shape"]))
        yield f"view {name}: {size}, {view['dead_wires']} dead wires{mask}"
        for line in summary_lines(view["figures"], view["shape"]):
            yield f"  {line}"
    if "picture" in found:
        yield f"picture   {found['picture']}"


def _open(path: str, given: Mapping[str, Any]) -> tuple[str, EventFile | EventSource | Any]:
    if not os.path.exists(path) and not any(mark in path for mark in "*?["):
        return EVENTS, EventFile(path)  # says what is missing
    format = recognise(path)
    if format == EVENTS:
        for name, value in given.items():
            if value:
                raise InputError(
                    f"{name} is {value!r}: {path} is an event file, whose images are taken apart "
                    f"already, convert it again with --{name}={value}"
                )
        return EVENTS, EventFile(path)
    return format, open_source(path, format, chosen_options(format, READERS[format].options, given))


def _of_file(source: EventFile | EventSource) -> dict[str, Any]:
    """What is known of all events without reading one."""
    found: dict[str, Any] = {
        "detector": source.detector, "classes": list(source.class_names), "notes": [],
    }  # fmt: skip
    if source.event_classes and len(source):
        counts = np.bincount(source.event_labels + 1, minlength=len(source.event_classes) + 1)
        names = zip(source.event_classes, counts[1:].tolist(), strict=True)
        found |= {"event_classes": dict(names), "without_class": int(counts[0])}
    energy: Any = source.event_energy
    known = energy[np.isfinite(energy)]
    if len(known):
        ranks = np.percentile(known, [5, 50, 95]).tolist()
        found["energy"] = dict(zip(("low", "median", "high"), ranks, strict=True))
        found["energy"]["known"] = len(known)
    if isinstance(source, EventFile):
        found["made_by"] = source.attributes
    else:
        found["notes"] = source.notes()
    return found


def _of_events(
    source: EventFile | EventSource, format: str, numbers: Iterable[Any], checked: set[Any]
) -> dict[str, Any]:
    """Figures of the events that are read."""
    known = _known_views(source)
    summaries = {
        name: ViewSummary(shape, len(source.class_names), known[name].low, known[name].high)
        for name, shape in source.view_shapes.items()
    }
    order = _order_check(source, format)
    seen = SeenPixels(source.view_shapes)
    topologies: collections.Counter[str] = collections.Counter()
    particles = 0
    for number in numbers:
        event = source[int(number)]
        topologies[event.topology or "unknown"] += 1
        particles += len(event.particles)
        for name, view in event.views.items():
            summaries[name].add(view)
        seen.add(event)
        if order is not None and number in checked:
            order.add(list(event.views.values()))
    said = order.lines() if order is not None else []
    found: dict[str, Any] = {
        "topologies": dict(topologies.most_common()),
        "warnings": [*said[1:], *seen.warnings()],
        "views": {
            name: {
                "shape": list(shape),
                "axes": list(source.axes[name]),
                "value_unit": source.value_units[name],
                "dead_wires": len(source.dead_wires(name)),
                **({"mask": [low, high]} if np.isfinite(high) else {}),
                "figures": summaries[name].figures(source.class_names, source.axes[name]),
            }
            for name, shape in source.view_shapes.items()
            for low, high in [(known[name].low, known[name].high)]
        },
    }
    if topologies:
        found["particles"] = particles / topologies.total()
    if said:
        found["axes_order"] = said[0]
    return found


def _order_check(source: EventFile | EventSource, format: str) -> AxisOrderCheck | None:
    """With what to do about a wrong order: where the file is from decides it."""
    if isinstance(source, EventFile):
        made_by = source.attributes
        maker = READERS.get(str(made_by.get("format")))
        remedy = maker.axes_remedy if maker is not None else "make the file anew"
        remedy = remedy.replace("try", "convert it again with")
        return order_check(source.view_shapes, source.axes, str(made_by.get("axes", "")), remedy)
    remedy = READERS[format].axes_remedy
    return order_check(source.view_shapes, source.axes, source.stored_axes, remedy)


def _known_views(source: EventFile | EventSource) -> dict[str, DetectorView]:
    """What is known of the detector's views."""
    detector = find(source.detector, source.described)
    return {name: detector.view(name, len(shape)) for name, shape in source.view_shapes.items()}


def event_words(event: Event, event_classes: tuple[str, ...]) -> str:
    """An event in a line: its number in its source, what it is, its energy."""
    name = event_classes[event.label] if event_classes and event.label >= 0 else ""
    words = [f"event {event.event_id}", event.topology or name]
    if np.isfinite(event.energy):
        words.append(f"{event.energy:.2f} GeV")
    return ", ".join(word for word in words if word)
