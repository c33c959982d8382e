"""An event as it is stored: types are converted without loss, what does not fit is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.event_layout import (
    CORNER_DTYPE,
    EVENT_DTYPES,
    KEY_COLUMNS,
    KEY_DTYPE,
    PIXEL_DTYPES,
    TOPOLOGY_BYTES,
)
from jaxsparse.data.links import Links
from jaxsparse.data.schema import (
    FURTHER,
    PARTICLE_DTYPE,
    PIXEL_COLUMNS,
    TRUTH_COLUMNS,
    Event,
    View,
)
from jaxsparse.data.stored_links import as_links
from jaxsparse.data.stored_values import as_stored
from jaxsparse.data.validation import check_event, check_links, check_view
from jaxsparse.errors import InputError


def stored_event(
    event: Event,
    *,
    view_shapes: Mapping[str, tuple[int, ...]],
    num_classes: int,
    event_classes: Sequence[str],
    where: str,
) -> Event:
    """The event with new arrays of the types in :mod:`jaxsparse.data.event_layout`, checked.

    Args:
      event: its arrays may be lists or of any type of numbers.
      view_shapes: the views that it must have, and their shapes.
      num_classes: of pixels.
      event_classes: of whole events; empty if they have no names.
      where: names the event in messages.

    Raises:
      InputError: a value that the file cannot hold as it is, or a rule of
        :mod:`jaxsparse.data.validation` is broken.
    """
    if not isinstance(event, Event):
        raise InputError(f"{where} is a {type(event).__name__}: give a jaxsparse Event")
    if set(event.views) != set(view_shapes):
        raise InputError(
            f"{where} has views {sorted(map(str, event.views))} but the file has "
            f"{sorted(view_shapes)}: give every view, empty ones too"
        )

    def number(name: str, value: Any, dtype: np.dtype) -> Any:
        return as_stored(value, dtype, name=name, where=where).item()

    particles = _stored_particles(event.particles, where)
    stored = Event(
        event_id=number("event_id", event.event_id, EVENT_DTYPES["event_id"]),
        views={
            name: _stored_view(event.views[name], shape, f"{where}, view {name}")
            for name, shape in view_shapes.items()
        },
        particles=particles,
        label=number("label", event.label, EVENT_DTYPES["label"]),
        topology=_stored_topology(event.topology, where),
        energy=number("energy", event.energy, EVENT_DTYPES["energy"]),
        keys={name: number(f"key {name}", key, KEY_DTYPE) for name, key in event.keys.items()},
    )
    unknown = sorted(str(name) for name in set(stored.keys) - set(KEY_COLUMNS))
    if unknown:
        raise InputError(
            f"{where}: keys has {unknown[0]!r}: it must be one of {', '.join(KEY_COLUMNS)}"
        )
    check_event(stored, event_classes=event_classes, where=where)
    for name, view in stored.views.items():
        check_view(
            view, num_particles=len(particles), num_classes=num_classes,
            where=f"{where}, view {name}",
        )  # fmt: skip
        for to, links in view.links.items():
            _check_links(links, name, to, stored.views, f"{where}, view {name}")
    return stored


def image_shape(shape: Any, where: str) -> tuple[int, ...]:
    """The pixels along every axis of a view.

    Raises:
      InputError: no axis, an axis that is empty or no whole number, more pixels than an event file
        can number.

    >>> image_shape([8.0, np.int64(4)], "view Y")
    (8, 4)
    """
    sizes = as_stored(shape, np.int64, name="shape", where=where, tail=(), entry="axis")
    if not len(sizes) or sizes.min() < 1 or np.prod(sizes.astype(float)) >= 2.0**62:
        raise InputError(
            f"{where}: shape {tuple(sizes.tolist())} is no image: give the pixels along every axis"
        )
    return tuple(sizes.tolist())


def _stored_view(view: View, shape: tuple[int, ...], where: str) -> View:
    if not isinstance(view, View):
        raise InputError(f"{where} is a {type(view).__name__}: give a jaxsparse View")
    if image_shape(view.shape, where) != shape:
        raise InputError(
            f"{where}: shape {view.shape} but the file has {shape}: all events of a file share "
            "their views' shapes"
        )
    columns: dict[str, Any] = {}
    for name in PIXEL_COLUMNS:
        given = getattr(view, name)
        if given is not None or name in ("coords", "values"):
            tail = (len(shape),) if name == "coords" else ()
            dtype = TRUTH_COLUMNS[name].dtype if name in TRUTH_COLUMNS else PIXEL_DTYPES[name]
            columns[name] = as_stored(given, dtype, name=name, where=where, tail=tail)
    columns["further"] = _further(view.further, where)
    if not isinstance(view.links, Mapping):
        raise InputError(f"{where}: links are {view.links!r}: give a dictionary by name of a view")
    links = {
        str(to): as_links(given, name=f"links to {to}", where=where)
        for to, given in view.links.items()
    }
    return View(shape=shape, links=links, corner=_corner(view.corner, shape, where), **columns)


def _further(given: Any, where: str) -> dict[str, np.ndarray]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: further is {given!r}: give a dictionary of values by name")
    for name in given:
        if not isinstance(name, str) or not _names_a_dataset(name):
            raise InputError(
                f"{where}: further has {name!r}: it must be a name of HDF5, without slashes and "
                "commas"
            )
    return {
        name: as_stored(values, FURTHER.stored, name=f"further {name}", where=where, tail=())
        for name, values in given.items()
    }


def _names_a_dataset(name: str) -> bool:
    """Whether a text can be a dataset of a file, and one of several names on a command line."""
    return name.strip() == name and name not in ("", ".") and not set(name) & set("/,\0")


def _corner(given: Any, shape: tuple[int, ...], where: str) -> tuple[int, ...] | None:
    if given is None:
        return None
    corner = as_stored(given, CORNER_DTYPE, name="corner", where=where, tail=(), entry="axis")
    if len(corner) != len(shape):
        raise InputError(
            f"{where}: corner {tuple(corner.tolist())} must have {len(shape)} numbers, one an axis"
        )
    return tuple(corner.tolist())


def _check_links(links: Links, name: str, to: str, views: Mapping[str, View], where: str) -> None:
    if to == name or to not in views:
        others = ", ".join(view for view in views if view != name)
        raise InputError(
            f"{where}: links to {to!r} must lead to another view of the file: choose among "
            f"{others or 'none, it has no other'}"
        )
    pixels, rows = (np.array([len(views[view])]) for view in (name, to))
    check_links(links, pixels=pixels, rows=rows, name=[f"{where}, links to {to}"].__getitem__)


def _stored_particles(particles: Any, where: str) -> np.ndarray:
    given = np.asarray(particles)
    if given.dtype.names is None and given.size == 0 and given.ndim:
        return np.zeros(0, PARTICLE_DTYPE)
    names = PARTICLE_DTYPE.names or ()
    if given.ndim != 1 or set(given.dtype.names or ()) != set(names):
        raise InputError(
            f"{where}: particles are {given.dtype} of shape {given.shape}: must be a flat array "
            "of jaxsparse.data.schema.PARTICLE_DTYPE"
        )
    table = np.zeros(len(given), PARTICLE_DTYPE)
    for name in names:
        base, tail = PARTICLE_DTYPE[name].base, PARTICLE_DTYPE[name].shape
        table[name] = as_stored(
            given[name], base, name=f"particles' {name}", where=where, tail=tail, entry="particle"
        )
    return table


def _stored_topology(topology: Any, where: str) -> str:
    try:
        code = topology.encode()
    except (AttributeError, UnicodeEncodeError):
        raise InputError(f"{where}: topology {topology!r} must be text in UTF-8") from None
    if len(code) > TOPOLOGY_BYTES:
        raise InputError(
            f"{where}: topology {topology!r} is longer than {TOPOLOGY_BYTES} bytes: shorten it"
        )
    if b"\0" in code:  # the file pads with zeros
        raise InputError(f"{where}: topology {topology!r} must not contain a zero byte: drop it")
    return str(topology)
