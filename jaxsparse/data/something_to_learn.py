"""Whether a file has anything to learn from, as a config reads it: asked before the first step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxsparse.data.bad_events import unreadable
from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels, source_name
from jaxsparse.data.spread_out import spread_out
from jaxsparse.errors import InputError

SAMPLED = 256  # events that are looked at
COUNTED = 32  # events of which all pixels are read, without crop and mask
# Targets without which a head has nothing to learn, in words, and which of their values are truth.
NEEDED: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "instances": ("a particle that it is of", lambda numbers: numbers >= 0),
    "vertex_distance": ("a distance to a vertex", np.isfinite),
}
# Of pixels: two thirds lie between this quantile and its mirror image. Readers of a stored quantile
# take it for that of deploy/standalone/units.py, which imports nothing of this package.
UPPER = 0.84
ODD = 0.1  # size of features, or its inverse, at which to warn


def require_something_to_learn(train: Loader, validation: Loader | None) -> dict[str, str]:
    """Looks at some events of both, spread evenly over each.

    Args:
      train: of ``data.train``.
      validation: None where a run has none.

    Returns:
      What to tell the user: ``"warning"`` where features are not of the size that networks are made
      for, ``"no class"`` where a view has pixels but not one with a class, and in how many events.

    Raises:
      InputError: no event that can be read, no pixel in the views chosen, none between ``data.low``
        and ``data.high``, or, where pixels are to be named, none that has a class and a weight;
        likewise where particles or vertices are to be found.
    """
    images = _images(train, "data.train")
    unnamed = _without_class(train.pipeline, images, "data.train")
    if validation is not None:
        seen = _images(validation, "data.validation")
        unnamed += _without_class(validation.pipeline, seen, "data.validation")
    features = np.concatenate([view.values for view in images])
    warning = _of_odd_size(features, train.pipeline.mean, train.pipeline.std)
    facts = {"warning": warning}
    if unnamed:
        facts["no class"] = f"{'; '.join(unnamed)}: these pixels do not count"
    return {name: said for name, said in facts.items() if said}


def share_kept(loader: Loader) -> float:
    """Share of the pixels of some events that lie between ``data.low`` and ``data.high``.

    NaN where there are none.
    """
    pipeline = loader.pipeline
    values = read_values(pipeline, readable_sample(loader, COUNTED))
    kept = (pipeline.low <= values) & (values <= pipeline.high)
    return float(kept.mean()) if len(kept) else math.nan


def readable_sample(loader: Loader, number: int) -> np.ndarray:
    """int64: some of a loader's events, evenly over them, without those that cannot be read."""
    sample = loader.events[spread_out(len(loader.events), number)]
    wrong = unreadable(sample, lambda some: read_values(loader.pipeline, some))
    return sample[~np.isin(sample, list(wrong))]


def particles_seen(loader: Loader) -> np.ndarray:
    """How many particles leave a pixel in some events, over all views; int64 ``[events]``.

    Args:
      loader: whose pipeline has the target ``instances``.
    """
    pipeline = loader.pipeline
    sample = loader.events[spread_out(len(loader.events), SAMPLED)]
    pixels, good, _ = pipeline.readable_pixels(sample)
    numbers = np.zeros(int(good.sum()), np.int64)
    for view in pipeline.finished(pixels):
        np.maximum.at(numbers, view.event, view.columns["instances"] + 1)
    return numbers


def read_values(pipeline: Pipeline, events: np.ndarray) -> np.ndarray:
    """Values of all pixels of some events in the views of a pipeline, before its mask."""
    views = [pipeline.source.read_pixels(events, view, ()) for view in pipeline.views]
    return np.concatenate([view.values for view in views])


def _of_odd_size(features: np.ndarray, mean: float, std: float) -> str:
    """What to say of features that are all much larger or much smaller than 1."""
    seen = features[features != 0]  # those of a halo are
    if len(seen) and ODD <= np.quantile(np.abs(seen), UPPER) <= 1 / ODD:
        return ""
    low, middle, high = np.quantile(features, (1 - UPPER, 0.5, UPPER)).tolist()
    spread = (high - low) / 2
    if spread:
        new = f"--config.data.mean={mean + std * middle:.4g} --config.data.std={std * spread:.4g}"
    else:  # all pixels have one value
        new = f"--config.data.mean=0 --config.data.std={abs(mean + std * middle) or 1:.4g}"
    return (
        f"data.mean is {mean:g} and data.std {std:g}: two thirds of the features, (value - mean) / "
        f"std, are {low:.3g} to {high:.3g}, networks are made for some around 1: set {new}"
    )


def _without_class(pipeline: Pipeline, images: Sequence[Pixels], key: str) -> list[str]:
    """Of which views and how many events no pixel has a class, though there are some."""
    if "labels" not in pipeline.targets:
        return []
    said = []
    for name, view in zip(pipeline.views, images, strict=True):
        named = np.bincount(view.event[view.columns["labels"] >= 0], minlength=len(view.lengths))
        if missing := int(((view.lengths > 0) & (named == 0)).sum()):
            said.append(
                f"no pixel of view {name} has a class in {missing} of {len(named)} events of {key}"
            )
    return said


def _images(loader: Loader, key: str) -> tuple[Pixels, ...]:
    """Images of some events; refused where there is nothing to learn from them."""
    pipeline, source = loader.pipeline, loader.pipeline.source
    sample = loader.events[spread_out(len(loader.events), SAMPLED)]
    pixels, good, wrong = pipeline.readable_pixels(sample)
    if wrong and not good.any():
        raise InputError(wrong[min(wrong)])
    sample, images = sample[good], pipeline.finished(pixels)
    seen = f"{len(sample)} events of {source_name(source)}"
    if not any(map(len, images)):
        values = read_values(pipeline, sample)
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
            f"{most:g}, half of them {quarter:g} to {three_quarters:g}: set both to keep "
            "them, and data.mean and data.std to theirs"
        )
    if "labels" in pipeline.targets and not any(
        ((view.columns["labels"] >= 0) & (view.columns["weights"] > 0)).any() for view in images
    ):
        raise InputError(
            f"{key} has nothing to learn from: no pixel of {seen} has a class and a weight, give "
            "a file with truth"
        )
    for name, (what, known) in NEEDED.items():
        if name in pipeline.targets and not any(known(view.columns[name]).any() for view in images):
            raise InputError(
                f"{key} has nothing to learn from: no pixel of {seen} has {what}, give a file with "
                "that truth, or leave out the head that needs it"
            )
    return images
