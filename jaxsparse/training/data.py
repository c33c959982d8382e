"""The data of a run: files opened and checked, events chosen, buckets measured."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxsparse import models, settings
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.loader import Loader
from jaxsparse.data.odd_names import odd_names
from jaxsparse.data.partition import Selection, content_hashes, select_events
from jaxsparse.data.pipeline import Pipeline, chosen_views
from jaxsparse.data.something_to_learn import (
    particles_seen,
    require_something_to_learn,
    share_kept,
)
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.data.trained_images import TrainedImages, trained_images
from jaxsparse.errors import InputError
from jaxsparse.models import Network
from jaxsparse.training.data_facts import (
    axis_warning,
    by,
    mask_warning,
    mirrors,
    require_one_shape,
    shape_warning,
)
from jaxsparse.training.objectives import Objective, pixel_targets, weigh_pixels
from jaxsparse.training.programs import programs_fact


@dataclasses.dataclass(frozen=True)
class Loaders:
    """The data of a run.

    Attributes:
      train: endless.
      validation: one pass; None where the run has no validation events.
      num_events: training events of an epoch.
      facts: what to tell the user about the data, by name.
      contents: :func:`~jaxsparse.data.fingerprint.fingerprint` of every file by its config key.
      images: what those of the training are like.
      class_names: of the training file, by the key of ``config.data`` that may say others; those
        of whole events and of pixels, where a head names them.
    """

    train: Loader
    validation: Loader | None
    num_events: int
    facts: dict[str, str]
    contents: dict[str, str]
    images: TrainedImages
    class_names: dict[str, tuple[str, ...]]


def with_class_names(config: ConfigDict, names: Mapping[str, Sequence[str]]) -> ConfigDict:
    """The config; a copy that says the names of the classes where it leaves them to its file.

    Args:
      config: of a run.
      names: of the classes in ``data.train``: of whole events by ``"classes"``, of pixels by
        ``"pixel_classes"``.

    >>> from jaxsparse.training.config import classifier_config
    >>> config = with_class_names(classifier_config(), {"classes": ["nc", "nue"]})
    >>> with_class_names(config, {"classes": ["nue", "nc"]}).data.classes
    ('nc', 'nue')
    """
    named = config.copy_and_resolve_references()
    for key, of_file in names.items():
        if not tuple(config.data.get(key, ())):
            named.data[key] = tuple(map(str, of_file))
    return named


def open_data(
    config: ConfigDict, network: Network, objectives: Sequence[Objective], num_devices: int
) -> Loaders:
    """Opens the files of a config, checks them, measures buckets.

    Args:
      config: of the run, which :func:`jaxsparse.settings.check_config` has seen.
      network: whose levels are counted.
      objectives: say which targets batches have.
      num_devices: of this process.

    Raises:
      InputError: a file that is none or does not fit, or nothing to train or to validate on.
    """
    names_events = "event" in config.model.heads
    source = _open(config, "train")
    class_names = {}
    if names_events:
        class_names["classes"] = tuple(source.event_classes)
    if any(map(settings.tells_pixels, config.model.heads)):
        class_names["pixel_classes"] = tuple(source.class_names)
    # Every other file is read by the names of this one: of events in whatever order it has them.
    config = with_class_names(config, class_names)
    data, train = config.data, config.train
    own_file = bool(data.validation)
    split = () if own_file else data.split
    chosen = _select(config, source, split, "train")
    images = functools.partial(
        Pipeline, data=data, levels=network.levels, targets=pixel_targets(objectives),
        weigh=weigh_pixels(config), lifts=network.lifts, seed=config.seed,
    )  # fmt: skip
    batches = functools.partial(
        Loader, num_devices=num_devices, capacities=data.capacities, workers=data.workers,
        max_bad_events=data.max_bad_events,
    )  # fmt: skip
    loader = batches(
        images(source, augment=True), batch_size=train.batch_size, micro_batches=train.accumulate,
        events=chosen.events, num_buckets=data.num_buckets,
    )  # fmt: skip
    require_one_shape(network, loader.pipeline, config.model.name)
    facts = {"data": f"{data.train}, {_pictures(loader)}", "training": chosen.describe()}
    if names_events:
        facts["classes"] = ", ".join(loader.pipeline.classes)
    contents = {"data.train": fingerprint(source)}
    validation = None
    other = _open(config, "validation") if own_file else source
    if own_file or split:
        seen = _select(config, other, split, "validation")
        if not len(seen.events):
            key = "validation" if own_file else "split"
            raise InputError(_none_left(config, seen, key, len(other)))
        facts["validation"] = seen.describe()
        if own_file:
            contents["data.validation"] = fingerprint(other)
            facts["validation"] += _shared(loader.pipeline.views, source, chosen, other, seen)
        # Few buckets: a pass is short, and compiling costs more than padding.
        validation = batches(
            images(other, augment=False), shuffle=False,
            batch_size=-(-train.batch_size // train.accumulate),
            events=seen.events[spread_or_all(len(seen.events), train.validation_events)],
            num_buckets=min(2, data.num_buckets),
        )  # fmt: skip
    kept = share_kept(loader)
    facts["mask"] = f"values from {data.low:g} to {data.high:g}: {kept:.0%} of the pixels"
    facts["mirrors"] = mirrors(loader.pipeline, source.axes)
    if clipped := _clipped(loader.pipeline, data.crop):
        facts["crop"] = clipped
    facts |= require_something_to_learn(loader, validation)
    warnings = (
        mask_warning(loader.pipeline, kept),
        axis_warning(loader.pipeline, source.axes),
        shape_warning(loader.pipeline, validation.pipeline if validation else None),
        facts.pop("warning", ""),
    )
    for number, said in enumerate(filter(None, warnings), 1):
        facts["warning" if number == 1 else f"warning {number}"] = said
    most = {}
    if "instance" in config.model.heads:
        most["model.heads.instance.queries"] = config.model.heads.instance.queries
    if "embedding" in config.objectives:
        most["objectives.embedding.most"] = config.objectives.embedding.most
    if most:
        facts["particles"] = _particles(loader, most)
    facts["programs"] = programs_fact(loader, validation, averages=bool(train.average_decay))
    like = trained_images(loader)
    return Loaders(loader, validation, len(chosen.events), facts, contents, like, class_names)


def _open(config: ConfigDict, key: str) -> EventFile:
    """The event file that ``config.data[key]`` names."""
    path, heads = config.data[key], config.model.heads
    if not path:
        raise InputError(f"data.{key} is empty: give an event file, --config.data.{key}=FILE.")
    source = EventFile(path)
    if len(source) == 0:
        raise InputError(f"data.{key} is {path}: it has no events, give a file with some.")
    views = chosen_views(source, config.data)  # first: it tells a file of another detector
    for view, axes in zip(views, models.view_axes(config.model), strict=False):
        shape = source.view_shapes[view]
        if len(shape) != axes:
            raise InputError(
                f"data.views has {view!r}, whose images {shape} have {len(shape)} axes, but with "
                f"model.dim {config.model.dim} it must have {axes}: choose other views or set "
                "model.dim."
            )
    pixels, wanted = source.class_names, tuple(config.data.pixel_classes)
    if any(map(settings.tells_pixels, heads)) and pixels and wanted and pixels != wanted:
        odd = odd_names(pixels, wanted, of_found="the file", of_wanted="data.pixel_classes")
        raise InputError(
            f"data.{key} is {source.path}, whose pixels are {', '.join(pixels)}, but "
            f"data.pixel_classes (by default those of data.train) are {', '.join(wanted)} ({odd}): "
            "give a file with these classes in this order, or leave data.pixel_classes to "
            "data.train."
        )
    settings.check_pixel_classes(
        config, pixels, f"the pixels of {source.path} are {', '.join(pixels)}"
    )
    names = tuple(config.data.classes) or tuple(source.event_classes)
    if "event" in heads and names:
        settings.check_event_classes(
            config, names, f"the events of {source.path} are {', '.join(names)}"
        )
    return source


def _select(config: ConfigDict, source: EventFile, fractions: Any, part: str) -> Selection:
    return select_events(
        source, views=tuple(config.data.views), classes=tuple(config.data.classes),
        fractions=fractions, part=part, keep_all="event" not in config.model.heads,
    )  # fmt: skip


def _none_left(config: ConfigDict, seen: Selection, key: str, num_events: int) -> str:
    """What to say where there is no validation event, or none of a class that is to be told."""
    value, classes = config.data[key], ", ".join(config.data.classes)
    if not seen.left_out:
        return (
            f"data.{key} is {value}: none of the {num_events:,} events falls into validation, give "
            "a larger share."
        )
    left = ", ".join(f"{count:,} of {name}" for name, count in seen.left_out.items())
    return (
        f"data.{key} is {value}: no validation event is of a class that the network tells "
        f"({classes}; there are {left}), give events with such labels, or a larger share."
    )


def _particles(loader: Loader, most: Mapping[str, int]) -> str:
    """How many there are in some events, and for how many events that is too many, in words.

    Args:
      loader: of the training.
      most: by key of the config how many of an event count.
    """
    numbers = particles_seen(loader)
    said = f"{numbers.mean():.1f} an event, most {numbers.max()}"
    for key, limit in most.items():
        if more := int((numbers > limit).sum()):
            said += (
                f"; {more / len(numbers):.2%} of events have more than {key}, {limit}: their "
                "smallest count nowhere"
            )
    return said


def _shared(
    views: Sequence[str], source: EventFile, chosen: Selection, other: EventFile, seen: Selection
) -> str:
    """How many validation events have the pixels of a training event, in words."""
    sizes = [
        np.stack([file.num_pixels(view)[events] for view in views], axis=1)
        for file, events in ((source, chosen.events), (other, seen.events))
    ]
    # Large images hardly ever have as many pixels as another one: few of them are read.
    _, number = np.unique(np.concatenate(sizes), axis=0, return_inverse=True)
    before, after = np.split(number.ravel(), [len(sizes[0])])
    alike = content_hashes(source, views, chosen.events[np.isin(before, after)])
    candidates = content_hashes(other, views, seen.events[np.isin(after, before)])
    shared = int(np.isin(candidates, alike).sum())
    return f", {shared:,} of them with the pixels of a training event" if shared else ""


def _clipped(pipeline: Pipeline, crop: Sequence[int]) -> str:
    """The views whose images are smaller than the windows that were asked for, in words."""
    said = []
    for view, window in zip(pipeline.views, pipeline.windows, strict=True):
        image = tuple(pipeline.source.view_shapes[view])
        if len(crop) == len(image) and tuple(crop) != window:
            kept = "the whole image" if window == image else f"windows of {by(window)}"
            said.append(f"images of view {view} are {by(image)}, it keeps {kept}")
    return f"data.crop is {by(crop)} but {'; '.join(said)}" if said else ""


def _pictures(loader: Loader) -> str:
    """The views and the sizes of their images, in words."""
    sizes = map(by, loader.pipeline.shapes)
    return "views " + ", ".join(
        f"{view} of {size}" for view, size in zip(loader.pipeline.views, sizes, strict=True)
    )
