"""The rules every view must obey, checked where data comes in: event file and readers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.schema import NO_CLASS, PIXEL_COLUMNS, Event, View
from jaxsparse.errors import InputError


def check_view(view: View, *, num_particles: int, num_classes: int, where: str) -> None:
    """Raise :class:`InputError` at the first rule that ``view`` breaks.

    Rules: columns of one length; coordinates inside ``view.shape``, unique, in lexicographic order;
    values finite and not negative; labels a class number or ``NO_CLASS``; instances rows of the
    particle table or -1; vertex distances not negative (infinity is legal).

    Args:
      view: what to check; truth columns may be ``None``.
      num_particles: rows of the event's particle table.
      num_classes: labels must be below it.
      where: names event, file and view in the message, for example ``"Event 3 of a.h5, view Y"``.

    Raises:
      InputError: names the first offending pixel, its value and the rule.

    >>> coords = np.array([[0, 5]], np.int32)
    >>> check_view(View(coords, np.array([-2.0], np.float32), (8, 8)), num_particles=0,
    ...            num_classes=5, where="Event 0 of a.h5, view Y")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: Event 0 of a.h5, view Y: value -2.0 of pixel 0 must be finite and
    not negative: make the file again
    """
    dim = len(view.shape)
    if view.coords.ndim != 2 or view.coords.shape[1] != dim:
        raise InputError(
            f"{where}: coords have shape {view.coords.shape} but the image {view.shape} has {dim} "
            f"axes: coords must be [pixels, {dim}]"
        )
    for name in PIXEL_COLUMNS:
        column = getattr(view, name)
        if column is not None and len(column) != len(view):
            raise InputError(
                f"{where}: {name} has {len(column)} rows but there are {len(view)} pixels: "
                "every column needs one row a pixel"
            )
    if len(view) == 0:
        return

    _check_coords(view, where)
    _check_rows(
        np.isfinite(view.values) & (view.values >= 0),
        view.values, "value", "must be finite and not negative", where,
    )  # fmt: skip
    if view.labels is not None:
        _check_rows(
            (view.labels >= NO_CLASS) & (view.labels < num_classes),
            view.labels, "label", f"must be a class in [0, {num_classes}) or {NO_CLASS}", where,
        )  # fmt: skip
    if view.instance is not None:
        _check_rows(
            (view.instance >= -1) & (view.instance < num_particles),
            view.instance, "instance", f"must be a particle row in [0, {num_particles}) or -1",
            where,
        )  # fmt: skip
    if view.vertex_distance is not None:
        _check_rows(
            view.vertex_distance >= 0,
            view.vertex_distance, "vertex_distance", "must not be negative or NaN", where,
        )  # fmt: skip


def check_event(event: Event, *, event_classes: Sequence[str], where: str) -> None:
    """Raise :class:`InputError` unless the event's label and energy are legal.

    Rules: the label is a class number or -1 where classes have names, any number where they have
    none; the energy is NaN, or finite and not negative.

    >>> check_event(Event(0, {}, label=4), event_classes=("numu", "nue"), where="Event 0 of a.h5")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: Event 0 of a.h5: label 4 must be an event class in [0, 2) or -1:
    make the file again
    """
    if event_classes and not -1 <= event.label < len(event_classes):
        raise InputError(
            f"{where}: label {event.label} must be an event class in [0, {len(event_classes)}) or "
            "-1: make the file again"
        )
    if not (math.isnan(event.energy) or 0 <= event.energy < math.inf):
        raise InputError(
            f"{where}: energy {event.energy} must be finite and not negative, or NaN if it is not "
            "known: make the file again"
        )


def _check_coords(view: View, where: str) -> None:
    inside = (view.coords >= 0) & (view.coords < np.asarray(view.shape, np.int64))
    if not inside.all():
        row = int(np.argmin(inside.all(axis=1)))
        raise InputError(
            f"{where}: coordinates {tuple(view.coords[row].tolist())} of pixel {row} must lie "
            f"inside the image {tuple(view.shape)}: make the file again"
        )
    cell = cell_numbers(view.coords, view.shape)
    increases = np.diff(cell) > 0
    if not increases.all():
        row = int(np.argmin(increases)) + 1
        raise InputError(
            f"{where}: coordinates {tuple(view.coords[row].tolist())} of pixel {row} must come "
            "after those of the pixel before it: sort the pixels by coordinates, each one once"
        )


def cell_numbers(coords: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int64 ``[pixels]``: C-order number of each pixel's cell, increasing in lexicographic order.

    >>> cell_numbers(np.array([[0, 3], [2, 1]]), (4, 10))
    array([ 3, 21])
    """
    cell = np.zeros(len(coords), np.int64)
    for axis, size in enumerate(shape):
        cell *= size
        cell += coords[:, axis]
    return cell


def _check_rows(good: np.ndarray, column: np.ndarray, name: str, rule: str, where: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise InputError(
            f"{where}: {name} {column[row]} of pixel {row} {rule}: make the file again"
        )
