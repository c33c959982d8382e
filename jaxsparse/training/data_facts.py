"""What a run says of its images before it begins: mask, mirrors, shapes of views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.pipeline import Pipeline
from jaxsparse.errors import InputError
from jaxsparse.models import Network
from jaxsparse.models.backbones.backbone import EVENT

MOST_PIXELS = 0.5  # share that a mask should keep; the detectors' own keep 0.8


def mask_warning(pipeline: Pipeline, kept: float) -> str:
    """What to say where the mask leaves out most pixels.

    Args:
      pipeline: of the training.
      kept: share of the pixels that pass.
    """
    if not kept < MOST_PIXELS:
        return ""
    return (
        f"data.low is {pipeline.low:g} and data.high {pipeline.high:g}: {1 - kept:.0%} of the "
        "pixels are masked, which the network never sees: is the mask in the units of the file?"
    )


def mirrors(pipeline: Pipeline, axes: Mapping[str, Sequence[str]]) -> str:
    """Along which axes training mirrors images at random, in words.

    Args:
      pipeline: of the training.
      axes: names of the axes of every view.
    """
    said = []
    if pipeline.flip_first:
        first = dict.fromkeys(axes[view][0] for view in pipeline.views)
        said.append(f"{'/'.join(first)} (all views together)")
    if pipeline.flip_others:
        others = [f"{axis} of {view}" for view in pipeline.views for axis in axes[view][1:]]
        said.append(f"{', '.join(others)} (each by itself)")
    if not said:
        return "none"
    return (
        f"at random along {' and '.join(said)}: --config.data.flip_time=false and "
        "--config.data.flip_wire=false where the detector is not symmetric"
    )


def axis_warning(pipeline: Pipeline, axes: Mapping[str, Sequence[str]]) -> str:
    """What to say where views seem to share an axis that is not their first.

    Flips, shifts and crops move views together along the first.

    Args:
      pipeline: of the training.
      axes: names of the axes of every view.
    """
    shapes = [tuple(pipeline.source.view_shapes[view]) for view in pipeline.views]
    sides = list(zip(*shapes, strict=False))
    alike = [number for number, of_axis in enumerate(sides) if len({*of_axis}) == 1]
    if len({*map(len, shapes)}) > 1 or len(shapes) == 1 or not alike or alike[0] == 0:
        return ""
    name = axes[pipeline.views[0]][alike[0]]
    return (
        f"views {', '.join(pipeline.views)} are {' and '.join(map(by, shapes))}: if they share "
        f"the axis {name}, write it as their first, which flips, shifts and crops keep in common"
    )


def shape_warning(train: Pipeline, validation: Pipeline | None) -> str:
    """What to say where validation images have another shape than those that are trained on.

    Nothing where the training sees windows, which an image of any shape has.
    """
    if validation is None or any(train.crops):
        return ""
    said = []
    for view in train.views:
        own, other = (tuple(each.source.view_shapes[view]) for each in (train, validation))
        question = ": are its axes swapped?" if own[::-1] == other else ""
        if own != other:
            said.append(
                f"images of view {view} are {by(own)} in data.train, {by(other)} in "
                f"data.validation{question}"
            )
    return "; ".join(said)


def require_one_shape(network: Network, pipeline: Pipeline, name: str) -> None:
    """Refuses views of different shapes where a network merges them.

    Args:
      network: of the run.
      pipeline: of the training.
      name: of the network.

    Raises:
      InputError: it does, and they differ.
    """
    merges = hasattr(network.backbone, "merge") and any(
        head.reads == EVENT for head in network.heads.values()
    )
    if not merges or len(set(pipeline.shapes)) == 1:
        return
    shapes = [pipeline.source.view_shapes[view] for view in pipeline.views]
    seen = (
        f"{view} of {by(shape)}"
        for view, shape in zip(pipeline.views, pipeline.shapes, strict=True)
    )
    least, most = np.min(shapes, axis=0).tolist(), np.max(shapes, axis=0).tolist()
    raise InputError(
        f"data.views are {', '.join(seen)} but {name} puts its views on top of one another, they "
        f"must have one shape: write them as {by(most)} where the file is made (pixels stay where "
        f"they are), or cut windows, --config.data.crop={','.join(map(str, least))}"
    )


def by(shape: Sequence[int]) -> str:
    """A shape in words.

    >>> by((96, 180))
    '96 x 180'
    """
    return " x ".join(map(str, shape))
