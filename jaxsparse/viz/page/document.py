"""The page as one text: markup, style, scripts, and the events as base64."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from jaxsparse.data.schema import TRUTH_COLUMNS, Event, View
from jaxsparse.detectors import class_set
from jaxsparse.detectors.class_set import GHOST
from jaxsparse.strict_json import plain
from jaxsparse.viz.content_policy import content_policy
from jaxsparse.viz.instance_colours import colours_of
from jaxsparse.viz.page.columns import Columns
from jaxsparse.viz.page.particle_names import particle_name
from jaxsparse.viz.page.shown import Predicted, ShownEvent, ShownFile
from jaxsparse.viz.panels import CHARGE, CONFIDENCE, GREY, NO_TRUTH, class_colours
from jaxsparse.viz.shared_axis import lies_across, shared_axis
from jaxsparse.viz.style import BACKGROUND

# One module: its functions see each other, nothing outside sees them.
SCRIPTS = (
    "buffers.js", "colours.js", "frame.js", "gestures.js", "plane.js", "space.js", "words.js",
    "main.js",
)  # fmt: skip
SHADES = 256  # of a scale of colours


def document(shown: ShownFile, events: Iterable[ShownEvent]) -> str:
    """A page that opens without a network.

    What comes from a file gets into it as JSON, in which no ``<`` is left, and as base64; the
    script puts it on the page as text, never as markup. The page's own policy allows its script
    and its style, known by their digests, and no connection.

    Args:
      shown: what is common to the events.
      events: in their order on the page.
    """
    events = list(events)
    classes = _classes(shown, events)
    blocks, described = [], []
    for place, event in enumerate(events):
        columns = Columns()
        described.append(_event(event, shown, classes, columns))
        blocks.append(
            f'<script type="application/octet-stream" id="event-{place}">{columns.text()}</script>'
        )
    style, script = _source("page.css"), "\n".join(map(_source, SCRIPTS))
    parts = {
        "title": html.escape(shown.title),
        "policy": content_policy(style, script),
        "style": style,
        "description": _json(_file(shown, events, classes) | {"events": described}),
        "events": "\n".join(blocks),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _source("page.html"))


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that may stand in a page: no text in it ends the element.

    >>> _json({"name": "</script>"})
    '{"name": "\\\\u003c/script>"}'
    """
    return json.dumps(plain(value), allow_nan=False).replace("<", "\\u003c")


def _classes(shown: ShownFile, events: Sequence[ShownEvent]) -> list[str]:
    """True and predicted classes, each once; numbers without a name get one."""
    names = [*shown.classes]
    names += [name for name in shown.predicted_classes if name not in names]
    labels = [
        view.labels
        for one in events
        for view in one.event.views.values()
        if view.labels is not None
    ]
    numbers = max((int(found.max(initial=-1)) for found in labels), default=-1) + 1
    return [*names, *(f"class {number}" for number in range(len(names), numbers))]


def _file(shown: ShownFile, events: Sequence[ShownEvent], classes: list[str]) -> dict[str, Any]:
    known = class_set(shown.classes or shown.predicted_classes, shown.detector.pixel_classes)
    colours = class_colours(classes, np.arange(len(classes)), known.colours)
    lying = _lying(shown)
    particles = {int(code) for one in events for code in np.unique(one.event.particles["pdg"])}
    return {
        "title": shown.title,
        "classes": [
            {"name": name, "colour": to_hex(colour)}
            for name, colour in zip(classes, colours, strict=True)
        ],
        "views": {
            name: {
                "shape": list(shape),
                "axes": list(shown.axes[name]),
                "unit": shown.units[name],
                "across": lying[name][0],
                "along": lying[name][1],
            }
            for name, shape in shown.view_shapes.items()
        },
        "particles": {code: particle_name(code) for code in sorted(particles)},
        "ghost": classes.index(GHOST) if GHOST in classes else -1,
        "flags": [name for name, column in TRUTH_COLUMNS.items() if column.dtype == np.bool_],
        "leastScore": 1 / max(len(shown.predicted_classes), 2),
        "scales": {"charge": _shades(CHARGE), "score": _shades(CONFIDENCE)},
        "colours": {
            "background": BACKGROUND, "none": to_hex(NO_TRUTH), "right": to_hex(GREY),
        },
    }  # fmt: skip


def _lying(shown: ShownFile) -> dict[str, tuple[int, int]]:
    """Of every view the axis that goes across, and where the axis lies that views share.

    That is 0 where it goes across, 1 where it goes up, and -1 in views without it. It lies in all
    as in the first that has it, as in pictures (:mod:`jaxsparse.viz.lined_up`).
    """
    across = {
        name: shown.detector.view(name, len(shape)).across
        for name, shape in shown.view_shapes.items()
    }
    shared = shared_axis(shown.axes, shown.view_shapes)
    down = lies_across(shared, across)
    turned = {name: axis if down else 1 - axis for name, axis in shared.items()}
    return {
        name: (turned.get(name, own), int(not down) if name in shared else -1)
        for name, own in across.items()
    }


def _shades(scale: Any) -> list[str]:
    return [to_hex(colour) for colour in scale(np.linspace(0, 1, SHADES))]


def _event(
    one: ShownEvent, shown: ShownFile, classes: list[str], columns: Columns
) -> dict[str, Any]:
    renamed = np.array([*(classes.index(name) for name in shown.predicted_classes), -1])
    return {
        "number": one.number,
        "title": one.title,
        "particles": _particles(one.event, columns),
        "instanceColours": _instance_colours(one),
        "views": {
            name: _view(one.event.views[name], one.predicted.get(name), renamed, columns)
            for name in shown.view_shapes
        },
    }


def _instance_colours(one: ShownEvent) -> dict[str, dict[int, str]]:
    """Colours of true and of predicted particles by number, those of pictures: large ones first."""
    columns = {
        "instance": [view.instance for view in one.event.views.values()],
        "predicted_instance": [predicted.instance for predicted in one.predicted.values()],
    }
    found = {}
    for name, views in columns.items():
        numbers = np.concatenate([np.zeros(0, int), *(view for view in views if view is not None)])
        particles, sizes = np.unique(numbers[numbers >= 0], return_counts=True)
        particles = particles[np.argsort(-sizes, kind="stable")]
        shades = colours_of(np.arange(len(particles)), NO_TRUTH)
        found[name] = dict(zip(particles.tolist(), map(to_hex, shades), strict=True))
    return found


def _particles(event: Event, columns: Columns) -> dict[str, Any]:
    return {
        name: columns.add(event.particles[name])
        for name in ("pdg", "parent", "label", "kinetic_energy")
    }


def _view(
    view: View, predicted: Predicted | None, renamed: np.ndarray, columns: Columns
) -> dict[str, Any]:
    found = {f"axis{number}": view.coords[:, number] for number in range(len(view.shape))}
    found["values"] = view.values
    for name in TRUTH_COLUMNS:
        if (column := getattr(view, name)) is not None:
            found[name] = column
    if predicted is not None:
        found |= {"prediction": renamed[predicted.labels], "score": predicted.scores}
        if predicted.instance is not None:
            found["predicted_instance"] = predicted.instance
        if predicted.parent is not None:  # what is no number is not said
            found["predicted_parent"] = np.where(predicted.parent < 0, np.nan, predicted.parent)
    top = float(np.quantile(view.values, 0.995)) if len(view) else 1.0
    return {
        "pixels": len(view),
        "top": max(top, 1e-6),  # the darkest colour stands for this charge and more
        "columns": {name: columns.add(column) for name, column in found.items()},
    }
