"""Images of another shape than those that a network was trained on: swapped axes, other views."""

from __future__ import annotations

from collections.abc import Sequence


def odd_shape(
    reach: Sequence[int], usual: Sequence[int], shape: Sequence[int] = (), *, trained: bool = True
) -> str:
    """What to say of an image that is not like the usual ones.

    Args:
      reach: largest coordinate along every axis, counted from 0.
      usual: shape of the usual images.
      shape: that the image says it has; empty where it says none.
      trained: whether the network was trained on images of the usual shape. Else it is that of a
        detector, and only swapped axes are told.

    Returns:
      A line; nothing where there is nothing to say.

    >>> odd_shape((177, 90), (96, 180))
    'coordinates reach (177, 90), the network was trained on 96 x 180: are the axes swapped?'
    >>> odd_shape((40, 20), (96, 180), (180, 96))
    'the image is 180 x 96, the network was trained on 96 x 180: are the axes swapped?'
    >>> odd_shape((40, 20), (96, 180)), odd_shape((40, 20), (96, 180), (200, 200), trained=False)
    ('', '')
    """
    reach, usual, shape = tuple(reach), tuple(usual), tuple(shape)
    whose = "the network was trained on" if trained else "images of the detector are"
    images = f"{whose} {_by(usual)}"
    if may_be_swapped(reach, usual):
        return f"coordinates reach {reach}, {images}: are the axes swapped?"
    if not trained:
        return ""
    stated = f"the image is {_by(shape)}"
    if shape not in ((), usual) and sorted(shape) == sorted(usual):
        return f"{stated}, {images}: are the axes swapped?"
    if not _within(reach, usual):
        return f"coordinates reach {reach}, {images}: another view or detector?"
    if shape not in ((), usual):
        return f"{stated}, {images}: another view or detector?"
    return ""


def may_be_swapped(reach: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether an image fits into a shape with its axes the other way round only.

    >>> may_be_swapped((177, 90), (96, 180)), may_be_swapped((90, 177), (96, 180))
    (True, False)
    """
    return not _within(reach, shape) and _within(reach[::-1], shape)


def _within(reach: Sequence[int], shape: Sequence[int]) -> bool:
    return all(most < side for most, side in zip(reach, shape, strict=True))


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
