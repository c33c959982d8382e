"""Events in any form that users have them in: checked, sorted, and with the given order kept."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from jaxsparse.data.schema import Event, View
from jaxsparse.data.validation import check_view
from jaxsparse.errors import InputError

SMALLEST_SIDE, LARGEST_SIDE = 64, 2**31 - 2  # of an image whose shape nobody says

# An event; a view; pixels as (coords, values) or (coords, values, shape); or these by view's name.
Image = View | tuple[Any, ...]
Given = Event | Image | Mapping[str, Image]


@dataclasses.dataclass(frozen=True)
class SortedView:
    """A view in canonical order, and where its pixels were.

    Attributes:
      view: without truth.
      order: int64 ``[pixels]``, row of every pixel in what was given.
      shape: of the image, if it was given; else empty.
    """

    view: View
    order: np.ndarray
    shape: tuple[int, ...] = ()


def views_of(
    given: Given,
    names: Sequence[str],
    dim: int,
    *,
    needs_shape: bool = False,
    usual: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> dict[str, SortedView]:
    """The views that a network sees, by name.

    Args:
      given: see :data:`Given`; with one view its name may be left out.
      names: of the views.
      dim: axes of an image.
      needs_shape: whether images must say theirs; else one is made up for all that do not.
      usual: by view the shape, or more, that images are taken to have which do not say theirs.

    Raises:
      InputError: a view is missing, or its pixels break a rule: coordinates that are no whole
        numbers, negative, outside of the shape or double; values not finite or negative; no shape
        where one is needed.

    >>> found = views_of(([[2, 1], [0, 3]], [5.0, 6.0]), ["Y"], 2)["Y"]
    >>> found.view.coords.tolist(), found.order.tolist(), found.view.shape
    ([[0, 3], [2, 1]], [1, 0], (64, 64))
    """
    if isinstance(given, Event):
        given = given.views
    if not isinstance(given, Mapping):
        if len(names) != 1:
            raise InputError(
                f"the event is a {type(given).__name__} but the network sees {', '.join(names)}: "
                f"give a dictionary, {{'{names[0]}': (coords, values), ...}}"
            )
        given = {names[0]: given}
    for name in names:
        if name not in given:
            raise InputError(
                f"view {name} is missing: the network sees {', '.join(names)}, the event has "
                f"{', '.join(given) or 'none'}"
            )
    found = {
        name: _sorted(given[name], name, dim, needs_shape, usual.get(name, ())) for name in names
    }
    silent = [name for name in names if not _says_shape(given[name])]
    if len(silent) > 1:  # one shape for all, because a network may add up its views
        shape = tuple(np.max([found[name].view.shape for name in silent], axis=0).tolist())
        for name in silent:
            view = dataclasses.replace(found[name].view, shape=shape)
            found[name] = dataclasses.replace(found[name], view=view)
    return found


def _says_shape(image: Image) -> bool:
    return isinstance(image, View) or (len(image) > 2 and len(image[2]) > 0)


def _sorted(
    image: Image, name: str, dim: int, needs_shape: bool, usual: Sequence[int]
) -> SortedView:
    where = f"view {name}"
    if isinstance(image, View):
        coords, values, shape = image.coords, image.values, image.shape
    else:
        if not isinstance(image, tuple | list) or len(image) not in (2, 3):
            raise InputError(
                f"{where} is {type(image).__name__}: give (coords, values) or "
                "(coords, values, shape), of a dense image (np.argwhere(image > 0), "
                "image[image > 0], image.shape)"
            )
        coords, values, *rest = image
        shape = rest[0] if rest else ()
    try:
        coords = _numbers(coords, where, "coords")
        with np.errstate(invalid="ignore", over="ignore"):  # what does not fit is refused below
            values = _numbers(values, where, "values").astype(np.float32)
            whole = coords.astype(np.int32)
        shape = tuple(map(operator.index, shape))
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{where}: coords and values must be arrays of numbers, and a shape {dim} whole numbers"
        ) from None
    if coords.size == 0:
        coords = whole = np.zeros((0, dim), np.int32)
    if coords.ndim != 2 or coords.shape[1] != dim or values.shape != coords.shape[:1]:
        raise InputError(
            f"{where}: coords have shape {coords.shape} and values {values.shape}: they must be "
            f"[pixels, {dim}] and [pixels]"
        )
    _require((coords == whole).all(axis=1), coords, where, "must be whole numbers of int32")
    _require((whole >= 0).all(axis=1), coords, where, "must not be negative")
    if needs_shape and not shape:
        raise InputError(
            f"{where}: the network sees where an image ends: give (coords, values, shape)"
        )
    stated, shape = shape, shape or _made_up(whole.max(0, initial=0).tolist(), usual)
    if len(shape) == dim:
        rule = f"must lie in the image {shape}: are its axes in the order of the shape?"
        _require((whole < shape).all(axis=1), coords, where, rule)
    good = np.isfinite(values) & (values >= 0)
    _require(good, values, where, "must be finite and not negative", "value")
    order = np.lexsort(whole.T[::-1])
    once = np.ones(len(order), bool)
    once[order[1:]] = (whole[order[1:]] != whole[order[:-1]]).any(axis=1)
    _require(once, coords, where, "come twice: give every pixel once, its values added up")
    view = View(whole[order], values[order], shape)
    check_view(view, num_particles=0, num_classes=0, where=where)
    return SortedView(view, order, stated)


def _numbers(column: Any, where: str, name: str) -> np.ndarray:
    """An array of real numbers; texts that could be read as numbers are none.

    Raises:
      InputError: some are masked, which an array without a mask would show again.
      TypeError, ValueError: it is something else.
    """
    if np.ma.is_masked(column):
        raise InputError(
            f"{where}: {name} are a masked array: leave those pixels out, coords[~mask] and "
            "values[~mask]"
        )
    array = np.asarray(column)
    if array.dtype.kind in "USOcMm":
        raise TypeError(f"{array.dtype} is no type of real numbers")
    return array


def _require(
    good: Any, column: np.ndarray, where: str, rule: str, name: str = "coordinates"
) -> None:
    """Refuses the first pixel, as they were given, that breaks a rule."""
    if not good.all():
        pixel = int(np.argmin(good))
        value = column[pixel].tolist()
        value = tuple(value) if isinstance(value, list) else value
        raise InputError(f"{where}: {name} {value} of pixel {pixel} {rule}")


def _made_up(most: Sequence[int], usual: Sequence[int]) -> tuple[int, ...]:
    """A shape for pixels up to these coordinates: one of few, so that few programs are compiled."""
    smallest = usual or [SMALLEST_SIDE] * len(most)
    return tuple(
        side if last < side else min(1 << last.bit_length(), LARGEST_SIDE)
        for last, side in zip(most, smallest, strict=True)
    )
