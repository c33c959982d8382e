"""The axis that views of a detector share, by which a reader finds a place of one in another."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence


def shared_axis(
    axes: Mapping[str, Sequence[str]], shapes: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Of the views that share an axis, which of theirs it is.

    It is the axis whose name and length most images have; of equals the first of the first view,
    which is the one that flips, shifts and crops keep in common.

    Args:
      axes: names of the axes by view.
      shapes: full images by view.

    Returns:
      Numbers of axes by view, of images of two axes that have it; empty where no two share one.

    >>> shared_axis({"XZ": ("plane", "cell"), "YZ": ("plane", "cell")},
    ...             {"XZ": (100, 80), "YZ": (100, 80)})
    {'XZ': 0, 'YZ': 0}
    >>> shared_axis({"top": ("x", "z"), "side": ("z", "y"), "space": ("x", "y", "z")},
    ...             {"top": (30, 90), "side": (90, 40), "space": (30, 40, 90)})
    {'top': 1, 'side': 0}
    """
    images = {
        view: list(zip(axes[view], shapes[view], strict=True))
        for view in axes
        if len(shapes[view]) == 2
    }
    counts = Counter(itertools.chain.from_iterable(map(dict.fromkeys, images.values())))
    axis, views = max(counts.items(), key=lambda item: item[1], default=(None, 0))
    if axis is None or views < 2:
        return {}
    return {view: own.index(axis) for view, own in images.items() if axis in own}


def lies_across(shared: Mapping[str, int], across: Mapping[str, int]) -> bool:
    """Whether the shared axis goes from left to right, as it does in the first view that has it.

    Args:
      shared: of :func:`shared_axis`.
      across: of every view the axis that goes from left to right in it.

    >>> lies_across({"XZ": 0, "YZ": 0}, {"XZ": 0, "YZ": 1}), lies_across({}, {"XZ": 0})
    (True, False)
    """
    first = next(iter(shared), None)
    return first is not None and across[first] == shared[first]
