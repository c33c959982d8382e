"""What the images of a training were like: those of other events are compared with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsparse.data.loader import Loader
from jaxsparse.data.something_to_learn import COUNTED, UPPER, readable_sample
from jaxsparse.data.transforms import coarsen


@dataclasses.dataclass(frozen=True)
class TrainedImages:
    """What is remembered of them, in a work directory and in files of networks.

    Attributes:
      shapes: of the images in the file, before any crop, by name of the view.
      upper_value: 84 % of the values are below it, in the file's unit: of pixels of the size that
        the network sees (``data.coarsen``), inside and outside of the mask, in all views.
      windows: whether the training saw windows of them: then images of any size are like it.

    >>> images = TrainedImages({"front": (96, 64)}, 1.8)
    >>> TrainedImages.of(images.plain()) == images
    True
    """

    shapes: Mapping[str, tuple[int, ...]]
    upper_value: float
    windows: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> TrainedImages:
        """What :meth:`plain` gave.

        Raises:
          KeyError, TypeError, ValueError: it is something else.
        """
        shapes = {
            str(name): tuple(map(int, shape)) for name, shape in dict(stored["shapes"]).items()
        }
        return cls(shapes, float(stored["upper_value"]), bool(stored.get("windows", False)))


def trained_images(loader: Loader) -> TrainedImages:
    """Of the events that a loader chooses among; values are those of some, evenly over the file."""
    pipeline, sample = loader.pipeline, readable_sample(loader, COUNTED)
    source = pipeline.source
    images = [source.read_pixels(sample, view, ()) for view in pipeline.views]
    values = np.concatenate([coarsen(each, pipeline.coarsen).values for each in images])
    shapes = {view: tuple(source.view_shapes[view]) for view in pipeline.views}
    upper = float(np.quantile(values, UPPER)) if len(values) else 0.0
    return TrainedImages(shapes, upper, windows=any(pipeline.crops))
