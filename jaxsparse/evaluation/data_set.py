"""The events of a file that are evaluated, as the pipeline that trained makes them."""

from __future__ import annotations

import copy
import dataclasses
import functools
import os
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse import models, settings
from jaxsparse.data.bad_events import LeftOut, read_all, unreadable
from jaxsparse.data.batch import Batch, pad, share_out
from jaxsparse.data.buckets import BucketTable, fit_buckets
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.other_views import other_views
from jaxsparse.data.partition import PARTS, select_events
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import NO_CLASS, TRUTH_COLUMNS
from jaxsparse.data.something_to_learn import COUNTED
from jaxsparse.data.spread_out import spread_or_all, spread_out
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.data.transforms import coarsen, mask
from jaxsparse.deploy.standalone.shapes import odd_shape
from jaxsparse.deploy.standalone.units import other_unit
from jaxsparse.detectors import find
from jaxsparse.errors import InputError
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.source import EvaluatedFile
from jaxsparse.evaluation.told_classes import event_classes, pixel_classes
from jaxsparse.evaluation.which_part import which_part
from jaxsparse.models.backbones.backbone import PIXELS
from jaxsparse.training.objectives import weigh_pixels
from jaxsparse.training.workdir import Input
from jaxsparse.viz.shared_axis import shared_axis

BATCHES_PER_BUCKET, MOST_BUCKETS = 32, 4
READ_AT_ONCE = 256  # events, to find those that cannot be read
DEFAULTS = Options()


@dataclasses.dataclass(frozen=True)
class Portion:
    """Some events of a data set.

    Attributes:
      numbers: int64 ``[events]``, in the file.
      images: of these events, one a view: values as in the file, truth columns, and ``rows`` in
        the file's list.
    """

    numbers: np.ndarray
    images: tuple[Pixels, ...]


class DataSet:
    """Events of a file under the configuration of a checkpoint, by numbers and in batches.

    Mask, crop, coarsening and features are those of the training; nothing is augmented and no pixel
    is dropped for want of room. Networks that label pixels see one event at a time, others as many
    as training put through at once. Where ``data.bad_events`` is ``"skip"``, events that cannot be
    read are left out from the beginning: what is evaluated is as if the file had the others alone.

    Args:
      path: an event file.
      config: of the checkpoint.
      options: which events, views and windows; see :class:`~jaxsparse.evaluation.options.Options`.
      trained_on: the training file; where ``config`` says it is, if None.

    Attributes:
      source: the file.
      detector: what is known of it.
      views: names.
      heads: names of the network's heads.
      shapes: of the images, one a view, after the crop.
      classes: names of the classes of whole events that the network tells; none if it tells none.
      pixel_classes: names of the classes of pixels that the network tells; none if it tells none.
      numbers: int64 ``[events]``, of the evaluated events in the file, increasing.
      num_bad_events: that would have been evaluated as well and cannot be read.
      part: which part of the file they are.
      remark: what to say where nobody chose the part and it is not plain which it is; else empty.

    Raises:
      InputError: an unreadable file, a view or classes that the network does not have, a part of a
        configuration that splits nothing, or one without an event; too many events that cannot
        be read, or no other.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: ConfigDict,
        options: Options = DEFAULTS,
        *,
        trained_on: Input | None = None,
    ):
        file = EventFile(path)
        self.config, self.options = config, options
        network = models.build(config.model)
        self.levels, self._lifts, heads = network.levels, network.lifts, network.heads
        self.heads = tuple(heads)
        self.views = (options.view,) if options.view else tuple(map(str, config.data.views))
        self._check_views(file, network.views)
        self.classes = event_classes(file, config, heads["event"]) if "event" in heads else ()
        self.detector = find(file.detector, file.described)
        self.source: Any = EvaluatedFile(file, self.classes, options.value_scale)
        self._sees_pixels = any(head.reads == PIXELS for head in heads.values())
        telling = next(filter(settings.tells_pixels, heads), "")
        self.has_pixel_truth = bool(telling) and all(
            len(file) > 0 and "labels" in file.truth_columns(view) for view in self.views
        )
        self.pixel_classes: tuple[str, ...] = ()
        if telling:
            self.pixel_classes = pixel_classes(file, config, heads[telling], self.has_pixel_truth)
        self.part, self.remark = which_part(file, config, trained_on=trained_on, part=options.part)
        self._data = self._settings()
        self._left_out: dict[str, LeftOut] = {}  # by part
        numbers = self._of_part(self.part)
        if not len(numbers) and len(file):
            sizes = ", ".join(f"{len(self._of_part(part))} {part}" for part in PARTS)
            raise InputError(
                f"part is {self.part!r}, of which {file.path} has no event ({sizes}): choose "
                "another --part, or all"
            )
        chosen = numbers[spread_or_all(len(numbers), options.num_events)]
        self.numbers = self._readable(chosen, self.part)
        self.num_bad_events = len(chosen) - len(self.numbers)
        if self.num_bad_events and not len(self):
            raise InputError(
                f"None of the {len(chosen)} events of {file.path} that are evaluated can be read: "
                "make the file again"
            )
        placements = file.attributes.get("placements", 1)
        said = placements if isinstance(placements, int) else 1
        self._group_size = max(options.bootstrap_group or said, 1)
        self.batch_size = 1 if self._sees_pixels else _batch_size(config, len(self.numbers))
        self.pipeline = self._pipeline()
        self.shapes = self.pipeline.shapes

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def truth(self) -> np.ndarray:
        """int32 ``[events]``, place of the true class in ``classes``, -1 for none of them."""
        return self.truth_of(self.numbers)

    @property
    def training(self) -> np.ndarray:
        """Numbers of the events of this file that the configuration trained on."""
        numbers = self._of_part(PARTS[0])
        part = self.part if self.part == "all" else PARTS[0]
        return self._readable(numbers[self.truth_of(numbers) != NO_CLASS], part)

    def odd_remark(self, images: TrainedImages | None) -> str:
        """What to say where values look like those of another unit, or images are of other shapes.

        Args:
          images: of the training; None where they are not known.
        """
        said = [self._unit_remark(images), *self._shape_remarks(images)]
        return "; ".join(filter(None, said))

    def _unit_remark(self, images: TrainedImages | None) -> str:
        sample = self.numbers[spread_out(len(self), COUNTED)]
        factor = int(self._data.coarsen)
        pixels = (self.source.read_pixels(sample, view, ()) for view in self.views)
        values = np.concatenate([coarsen(each, factor).values for each in pixels])
        usual = images.upper_value if images else None
        line = other_unit(values, float(self._data.mean), float(self._data.std), usual)
        return f"{line} (--value_scale multiplies them)" if line else ""

    def _shape_remarks(self, images: TrainedImages | None) -> list[str]:
        """Of the views that the training had; with --view the network may see another one."""
        if images is None:
            return []
        lines = {
            view: odd_shape(
                (0,) * len(shape), images.shapes[view], shape, trained=not images.windows
            )
            for view, shape in self.source.view_shapes.items()
            if view in self.views and view in images.shapes
        }
        return [f"view {view}: {line}" for view, line in lines.items() if line]

    def truth_of(self, numbers: np.ndarray) -> np.ndarray:
        """int32, true classes of any events of the file."""
        return self.pipeline.labels[numbers]

    # Columns of the whole file, which it reads anew whenever it is asked.

    @functools.cached_property
    def event_ids(self) -> np.ndarray:
        """int64, of every event of the file in its source."""
        return np.asarray(self.source.event_ids)

    @functools.cached_property
    def energies(self) -> np.ndarray:
        """float32, GeV, of every event of the file; NaN unknown."""
        return np.asarray(self.source.event_energy, np.float32)

    @functools.cached_property
    def topologies(self) -> np.ndarray:
        """Texts of every event of the file."""
        return np.array(self.source.topologies, object)

    def group_of(self, number: int) -> int:
        """Events of equal group share their physics and are drawn together by a bootstrap."""
        return int(self.event_ids[number]) // self._group_size

    @property
    def cropped(self) -> bool:
        """Whether images are windows of those in the file."""
        return any(self.pipeline.crops)

    def pixels(self, numbers: np.ndarray) -> list[Pixels]:
        """Images of any events of the file, one list a view: what passes the network's mask."""
        data = self.config.data
        return [
            mask(self.source.read_pixels(numbers, view, ()), data.low, data.high)
            for view in self.views
        ]

    @property
    def shared(self) -> dict[str, int]:
        """Of the views that share an axis, which of theirs it is."""
        axes, shapes = self.source.axes, self.source.view_shapes
        return shared_axis(
            {name: axes[name] for name in self.views}, {name: shapes[name] for name in self.views}
        )

    def some(self, number: int) -> DataSet:
        """The same with so many of its events at most, spread evenly."""
        some = copy.copy(self)
        some.numbers = self.numbers[spread_or_all(len(self), number)]
        return some

    def portions(self, *, draw: int = 0, text: str = "", quiet: bool = True) -> Iterator[Portion]:
        """The evaluated events in their order, a batch at a time.

        Args:
          draw: mirrored and moved as training may, each number another draw; 0 as they are.
          text: words of the progress bar.
          quiet: no progress bar.
        """
        pipeline = self._pipeline(draw) if draw else self.pipeline
        batches = range(self.num_batches)
        for number in with_progress(batches, len(batches), text, quiet=quiet):
            numbers = self.numbers[number * self.batch_size :][: self.batch_size]
            yield Portion(numbers, pipeline.pixels(numbers))

    @property
    def num_batches(self) -> int:
        """Portions of one pass."""
        return -(-len(self) // self.batch_size)

    def batch(self, portion: Portion, buckets: BucketTable) -> Batch:
        """What the network takes, on one device."""
        images = self.pipeline.finished(portion.images)
        (shard,) = share_out(
            images, self.truth_of(portion.numbers), portion.numbers, num_shares=1,
            slots=self.batch_size, levels=self.levels,
        )  # fmt: skip
        bucket = buckets.pick(shard.level_counts)
        assert bucket is not None, "buckets were made for these events"
        return pad([shard], buckets.capacities[bucket], slots=self.batch_size).device(0)

    def buckets(self, *, draws: int = 0, quiet: bool = True) -> BucketTable:
        """Buckets for exactly the portions to come, so that nothing is ever too large.

        Those of ``data.capacities`` where they hold all. Else on a CPU one: the network's work
        follows the sites there, not the capacity, and every program that is compiled takes seconds
        and about 100 MB. On an accelerator up to four for many portions.
        """
        views, levels = len(self.views), self.levels
        counts = [np.zeros((0, views * levels), np.int64)]
        for draw in range(1, draws + 1) if draws else (0,):
            for portion in self.portions(draw=draw, text="surveying", quiet=quiet):
                sites = [pixels.level_counts(levels).sum(axis=0) for pixels in portion.images]
                counts.append(np.concatenate(sites)[None])
        loads = np.concatenate(counts)
        if not len(loads):
            return BucketTable(((64,) * loads.shape[1],))
        most = np.maximum(loads.max(axis=0), 1)
        stated = tuple(sorted(tuple(row) for row in self._data.capacities))
        if stated and (most <= np.array(stated[-1])).all():
            return BucketTable(stated, len(stated))
        number = 1 if jax.default_backend() == "cpu" else MOST_BUCKETS
        return fit_buckets(
            loads, loads[np.unique(loads.argmax(axis=0))], most.tolist(), batch_size=1,
            num_buckets=min(1 + len(loads) // BATCHES_PER_BUCKET, number), views=views,
        )  # fmt: skip

    def _settings(self) -> ConfigDict:
        data = self.config.data.copy_and_resolve_references()
        data.views, data.classes = self.views, self.classes
        # What a draw changes is where the event lies, not what it is.
        data.fluctuation = data.drop = 0.0
        data.max_sites = 0
        data.bad_events = self.options.bad_events or data.bad_events
        if self.options.max_bad_events is not None:
            data.max_bad_events = self.options.max_bad_events
        if self.options.whole_plane:
            data.crop = ()
        if self._sees_pixels:
            data.capacities = ()  # of batches, and of crops
        return data

    def _readable(self, numbers: np.ndarray, part: str) -> np.ndarray:
        """Those of a part's events that can be read, where others are left out; else all of them.

        Every part may have ``data.max_bad_events``, so that none depends on what else is read.
        """
        if self._data.bad_events != "skip":
            return numbers
        limit = self._data.max_bad_events
        left_out = self._left_out.setdefault(part, LeftOut(self.source, limit))
        for start in range(0, len(numbers), READ_AT_ONCE):
            some = numbers[start : start + READ_AT_ONCE]
            wrong = unreadable(some, lambda events: read_all(self.source, events, self.views))
            left_out.add(wrong)
        return numbers[~np.isin(numbers, list(left_out.events))]

    def _pipeline(self, draw: int = 0) -> Pipeline:
        return Pipeline(
            self.source, self._data, levels=self.levels,
            weigh=weigh_pixels(self.config),
            targets=("weights",) if self.has_pixel_truth else (), lifts=self._lifts,
            truth=tuple(TRUTH_COLUMNS) if self._sees_pixels else (),
            seed=draw or self.options.seed, augment=draw > 0,
        )  # fmt: skip

    def _check_views(self, file: EventFile, number: int) -> None:
        asked = bool(self.options.view)
        if len(self.views) != number:
            raise InputError(
                f"{f'--view={self.options.view}' if asked else f'data.views is {self.views}'}, but "
                f"the network takes {number} views: give as many."
            )
        for view, axes in zip(self.views, models.view_axes(self.config.model), strict=True):
            there = file.view_shapes
            if view not in there and asked:
                raise InputError(
                    f"--view={view}, but {file.path} has {', '.join(there)}: give one of them"
                )
            if view not in there:
                said = f"{file.path} (detector {file.detector})"
                raise InputError(other_views(said, there, self.views))
            setting = f"--view={view}" if asked else f"view {view} of {file.path}"
            shape = file.view_shapes[view]
            if len(shape) != axes:
                raise InputError(
                    f"{setting}: its images {shape} have {len(shape)} axes but the network takes "
                    f"{axes} there, choose another view or network."
                )

    def _of_part(self, part: str) -> np.ndarray:
        if part == "all":
            return np.arange(len(self.source))
        return select_events(
            self.source, views=self.views, classes=self.classes, keep_all=True,
            fractions=tuple(self.config.data.split), part=part,
        ).events  # fmt: skip


def _batch_size(config: Any, num_events: int) -> int:
    """What training puts through the network at once, not more than there are events."""
    training = -(-config.train.batch_size // config.train.accumulate)
    return max(min(training, num_events), 1)
