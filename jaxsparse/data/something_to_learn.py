"""Whether a file has anything to learn from, as a config reads it: asked before the first step."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.loader import Loader
from jaxsparse.data.pixels import source_name
from jaxsparse.data.spread_out import spread_out
from jaxsparse.errors import InputError

SAMPLED = 256  # events that are looked at


def require_something_to_learn(train: Loader, validation: Loader | None) -> None:
    """Looks at some events of both, spread evenly over each.

    Args:
      train: of ``data.train``.
      validation: None where a run has none.

    Raises:
      InputError: no pixel in the views chosen, none between ``data.low`` and ``data.high``, or,
        where pixels are to be named, none that has a class and a weight.
    """
    _require(train, "data.train")
    if validation is not None:
        _require(validation, "data.validation")


def _require(loader: Loader, key: str) -> None:
    pipeline, source = loader.pipeline, loader.pipeline.source
    sample = loader.events[spread_out(len(loader.events), SAMPLED)]
    pixels, good, _ = pipeline.readable_pixels(sample)
    sample, images = sample[good], [pipeline.finish(view) for view in pixels]
    seen = f"{len(sample)} events of {source_name(source)}"
    if not any(map(len, images)):
        views = [source.read_pixels(sample, view, ()) for view in pipeline.views]
        values = np.concatenate([view.values for view in views])
        if not len(values):
            raise InputError(
                f"{key} has nothing to learn from: {seen} have no pixel in views "
                f"{', '.join(pipeline.views)}, choose data.views among "
                f"{', '.join(source.view_shapes)}"
            )
        least, quarter, three_quarters, most = np.quantile(values, (0, 0.25, 0.75, 1)).tolist()
        raise InputError(
            f"data.low is {pipeline.low:g} and data.high {pipeline.high:g}: none of the "
            f"{len(values):,} pixels of {seen} lies between, their values are {least:g} to "
            f"{most:g}, half of them {quarter:g} to {three_quarters:g}: set both to keep them"
        )
    if "labels" in pipeline.targets and not any(
        ((view.columns["labels"] >= 0) & (view.columns["weights"] > 0)).any() for view in images
    ):
        raise InputError(
            f"{key} has nothing to learn from: no pixel of {seen} has a class and a weight, give "
            "a file with truth"
        )
