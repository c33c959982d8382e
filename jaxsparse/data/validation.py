"""The rules every view must obey, checked where data comes in: event file and readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import (
    FURTHER,
    PIXEL_COLUMNS,
    TRUTH_COLUMNS,
    Event,
    PixelColumn,
    View,
    column_rule,
)
from jaxsparse.errors import InputError

LARGEST_KEY = 2**62
CORRECT = "correct it where the file is made"
NUMBER_TRACKS = (
    "number track IDs 0 to N-1 over all views together (docs/own_detector.md), -1 for no particle, "
    "and give particles=particle_table(N)"
)
ROUNDING = 1e-4  # by which shares that were made as float32 may add up to more than 1


def check_view(view: View, *, num_particles: int, num_classes: int, where: str) -> None:
    """Raise :class:`InputError` at the first rule that ``view`` breaks.

    Rules: columns of one length; coordinates inside ``view.shape``, unique, in lexicographic order;
    values finite and not negative; truth as :data:`~jaxsparse.data.schema.TRUTH_COLUMNS` says;
    further values finite or NaN.

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
    not negative: correct it where the file is made
    """
    dim = len(view.shape)
    if view.coords.ndim != 2 or view.coords.shape[1] != dim:
        raise InputError(
            f"{where}: coords have shape {view.coords.shape} but the image {view.shape} has {dim} "
            f"axes: coords must be [pixels, {dim}]"
        )
    columns = {name: getattr(view, name) for name in PIXEL_COLUMNS}
    further = {f"further {name}": values for name, values in view.further.items()}
    for name, column in (columns | further).items():
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
    bounds = {"class": num_classes, "particle row": num_particles}
    for name, rule in TRUTH_COLUMNS.items():
        column = getattr(view, name)
        if column is not None:
            bound = bounds.get(rule.number_of)
            _check_rows(within(rule, column, bound), column, name, _in_words(rule, bound), where)
    for name, column in further.items():
        words = _in_words(FURTHER, None)
        _check_rows(within(FURTHER, column, None), column, name, words, where)


def _in_words(rule: PixelColumn, bound: int | None) -> str:
    """What the values of a truth column must be."""
    if rule.number_of == "particle row":
        rows = f"in [0, {bound})" if bound else "which has none"
        return f"must be a row of the event's particle table, {rows}, or -1: {NUMBER_TRACKS}"
    if rule.number_of:
        return f"must be a {rule.number_of} in [0, {bound}) or {rule.least}"
    if math.isfinite(rule.most):
        return f"must lie in [{rule.least:g}, {rule.most:g}]"
    if not math.isnan(rule.none):
        return "must not be negative or NaN"
    finite = "finite" if math.isinf(rule.least) else "finite and not negative"
    return f"must be {finite}, or NaN where it is not known"


def within(rule: PixelColumn, column: np.ndarray, bound: np.ndarray | int | None) -> np.ndarray:
    """Where a truth column has legal values.

    Args:
      rule: of the column.
      column: its values.
      bound: numbers are below it; None where nothing is counted.
    """
    good = (column >= rule.least) & (column <= rule.most)
    if math.isnan(rule.none):
        good = np.isnan(column) | (good & np.isfinite(column))
    return good if bound is None else good & (column < bound)


def check_pixels(
    pixels: Pixels, *, num_particles: np.ndarray, num_classes: int, name: Callable[[int], str]
) -> None:
    """Raise :class:`InputError` for the first event that breaks a rule of :func:`check_view`.

    All events are looked at together, which costs as much as one; only if something is wrong is
    every event looked at alone.

    Args:
      pixels: of some events.
      num_particles: int64 ``[events]``, rows of every event's particle table.
      num_classes: labels must be below it.
      name: place of an event -> its name in messages, see ``where`` of :func:`check_view`.
    """
    if _all_good(pixels, num_particles, num_classes):
        return
    for place, view in enumerate(pixels.views()):
        check_view(
            view, num_particles=int(num_particles[place]), num_classes=num_classes,
            where=name(place),
        )  # fmt: skip


def _all_good(pixels: Pixels, num_particles: np.ndarray, num_classes: int) -> bool:
    values = pixels.values
    if not len(values):
        return True
    if math.prod(map(float, pixels.shape)) * len(pixels.lengths) > LARGEST_KEY:
        return False  # not known to be bad: look at every event alone
    # As unsigned numbers negative ones are too large as well: one comparison instead of two.
    if (pixels.coords.view(np.uint32) >= np.array(pixels.shape, np.uint64)).any():
        return False
    cells = pixels.cells
    if not (cells[1:] > cells[:-1]).all() or not (values >= 0).all() or np.isinf(values).any():
        return False
    for name, column in pixels.columns.items():
        rule, bound = column_rule(name), None
        if rule.number_of:
            particles = rule.number_of == "particle row"
            bound = pixels.per_event(num_particles) if particles else num_classes
        if not within(rule, column, bound).all():
            return False
    return True


def check_links(
    links: Links, *, pixels: np.ndarray, rows: np.ndarray, name: Callable[[int], str]
) -> None:
    """Raise :class:`InputError` at the first rule of :class:`~jaxsparse.data.links.Links` broken.

    Args:
      links: of the pixels of some events, event after event.
      pixels: int64 ``[events]``, how many pixels an event has.
      rows: int64 ``[events]``, how many it has in the view that the links lead to.
      name: place of an event -> name of its links in messages, for example
        ``"Event 3 of a.h5, view Y, links to voxels"``.

    >>> check_links(Links.of([1], rows=[7], shares=[0.5], pixels=2), pixels=np.array([2]),
    ...             rows=np.array([5]), name="Event {} of a.h5, view Y, links to voxels".format)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: Event 0 of a.h5, view Y, links to voxels: row 7 of pixel 1 must be
    a pixel of that view, of which there are 5: correct it where the file is made
    """
    entries = len(links.rows)
    if (
        len(links.offsets) != pixels.sum() + 1 or links.offsets[0] != 0
        or (links.offsets[1:] < links.offsets[:-1]).any()
        or not links.offsets[-1] == entries == len(links.shares)
    ):  # fmt: skip
        raise InputError(
            f"{name(0)}: {len(links.offsets)} offsets for {pixels.sum()} pixels, {entries} rows "
            f"and {len(links.shares)} shares: offsets must be one more than the pixels and rise "
            "from 0 to the number of rows, each of which has a share"
        )
    owner, totals = links.owner, links.totals
    event = np.repeat(np.arange(len(pixels)), pixels)
    first = (np.cumsum(pixels) - pixels)[event]
    rises = np.ones(entries, bool)
    rises[1:] = (np.diff(links.rows.astype(np.int64)) > 0) | (np.diff(owner) > 0)
    inside = (links.rows >= 0) & (links.rows < rows[event][owner])
    legal = np.isfinite(links.shares) & (links.shares >= 0)
    each = np.arange(len(links))
    for good, pixel, column, what, rule in (
        (inside, owner, links.rows, "row", "must be a pixel of that view, of which there are {}"),
        (rises, owner, links.rows, "row", "must be larger than the one before it"),
        (legal, owner, links.shares, "share", "must be finite and not negative"),
        (totals <= 1 + ROUNDING, each, totals, "sum of shares", "must not be above 1"),
    ):
        if not good.all():
            place = int(np.argmin(good))
            row = int(pixel[place])
            there = rule.format(rows[event[row]])
            raise InputError(
                f"{name(int(event[row]))}: {what} {column[place]} of pixel {row - first[row]} "
                f"{there}: {CORRECT}"
            )


def check_event(event: Event, *, event_classes: Sequence[str], where: str) -> None:
    """Raise :class:`InputError` unless the event's label and energy are legal.

    Rules: the label is a class number or -1 where classes have names, any number where they have
    none; the energy is NaN, or finite and not negative.

    >>> check_event(Event(0, {}, label=4), event_classes=("numu", "nue"), where="Event 0 of a.h5")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: Event 0 of a.h5: label 4 must be an event class in [0, 2) or -1:
    correct it where the file is made
    """
    if event_classes and not -1 <= event.label < len(event_classes):
        raise InputError(
            f"{where}: label {event.label} must be an event class in [0, {len(event_classes)}) or "
            f"-1: {CORRECT}"
        )
    if not (math.isnan(event.energy) or 0 <= event.energy < math.inf):
        raise InputError(
            f"{where}: energy {event.energy} must be finite and not negative, or NaN if it is not "
            f"known: {CORRECT}"
        )


def _check_coords(view: View, where: str) -> None:
    inside = (view.coords >= 0) & (view.coords < np.asarray(view.shape, np.int64))
    if not inside.all():
        row = int(np.argmin(inside.all(axis=1)))
        swapped = view.coords[:, ::-1]
        fits = ((swapped >= 0) & (swapped < np.asarray(view.shape, np.int64))).all()
        remedy = "are the axes swapped? All pixels of coords[:, ::-1] fit" if fits else CORRECT
        raise InputError(
            f"{where}: coordinates {tuple(view.coords[row].tolist())} of pixel {row} must lie "
            f"inside the image {tuple(view.shape)}: {remedy}"
        )
    cell = cell_numbers(view.coords, view.shape)
    increases = np.diff(cell) > 0
    if not increases.all():
        row = int(np.argmin(increases)) + 1
        raise InputError(
            f"{where}: coordinates {tuple(view.coords[row].tolist())} of pixel {row} must come "
            "after those of the pixel before it: sort the pixels by coordinates, each one once"
        )


def _check_rows(good: np.ndarray, column: np.ndarray, name: str, rule: str, where: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        remedy = "" if ": " in rule else f": {CORRECT}"
        raise InputError(f"{where}: {name} {column[row]} of pixel {row} {rule}{remedy}")
