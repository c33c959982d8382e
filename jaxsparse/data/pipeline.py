"""From the numbers of events to their images as the network sees them: numpy, many at a time."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse import settings
from jaxsparse.data import crop, transforms
from jaxsparse.data.bad_events import unreadable
from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.hashing import normal, uniform
from jaxsparse.data.lifted import around_shown, with_rows
from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels, Source, source_name
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.data.seen_values import SeenValues
from jaxsparse.data.targets import TARGETS, Weigh, label_events, make_targets
from jaxsparse.errors import InputError

# Streams of random numbers.
_FLUCTUATION, _FLIP, _SHIFT, _DROP, _CROP, _SHRINK = 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6
_ANYWHERE = 0xF7
BLOCK = 1 << 17  # pixels of a file handled at once: a few MB, which stay in a core's cache

# Seed, epochs and numbers of some events: what all that is random is a hash of.
Key = tuple[int, np.ndarray, np.ndarray]


class Pipeline:
    """Makes the images of any events of a source, the same ones whoever asks and whenever.

    In this order: pixels outside ``low <= value <= high`` go; a window is cut out where ``crop``
    says so, in a share ``crop_anywhere`` of the events wherever chance has it; each allowed flip
    happens with probability 1/2; images move by 0 to ``shift`` pixels towards larger coordinates,
    along every axis by as many as chance has it; every pixel goes with the probability ``drop``;
    blocks of ``coarsen`` pixels along every axis become one, with the sum of their values; values
    are multiplied by ``1 + fluctuation * g`` with g of a standard normal distribution, one number
    an event and view, or one an event (``fluctuation_shared``); features are
    ``(value - mean) / std``. Beside its own value a pixel has, as features, its values ``further``,
    and the values and ``gathered_further`` of the pixels in the views ``gathered`` that it is
    linked to (:class:`~jaxsparse.data.seen_values.SeenValues`). Only active sites are ever touched:
    an empty pixel stays empty, it does not become ``-mean / std``. Empty pixels within ``halo`` of
    an active one become sites, with the feature 0 that they have in a dense image. Truth, further
    values and links go with their pixel, and targets are made from what is left of it at the
    end.

    What is random is a hash of (seed, epoch, event number, view), so resuming, workers and the
    order of events change nothing. The first axis is one that all views share (drift time; the
    plane along the beam): its flip and its shift take all views of an event together, and along it
    the window lies where it does in the first view, if the views are equally long. Other axes are
    each view's own, and so are their flip and shift, and the place of the window. Where the last
    view is lifted, only it has windows; the others keep what lies around the pixels that show them.

    Args:
      source: where events come from.
      data: the ``data`` part of a config.
      levels: how many levels of sites to count.
      augment: whether to cut anywhere, flip, shift, drop and fluctuate: as a rule in training
        alone.
      targets: names of :data:`~jaxsparse.data.targets.TARGETS`, of every pixel.
      weigh: the weight of every pixel, a target; without it every pixel with a class weighs 1.
      truth: truth columns to read beside those that targets and windows need.
      links: views to whose pixels the links of the others are read, for
        :meth:`~jaxsparse.data.pixels.Pixels.linked_to`.
      lifts: whether the last view goes with the rows of the pixels of the others that show its
        sites (:mod:`~jaxsparse.data.lifted`).
      seed: of all that is random, not negative.

    Attributes:
      views: names, one a view.
      shapes: of the images, one a view.
      classes: names of the classes of whole events, in the order of the labels; none where the
        source does not know them.
      labels: int32 ``[events of the source]``: place of every event's class in ``classes``, -1 for
        none and for a class that was not chosen.

    Raises:
      InputError: the source lacks a view or a class, or an option is out of its range.
    """

    def __init__(
        self,
        source: Source,
        data: Any,
        *,
        levels: int,
        augment: bool,
        targets: Sequence[str] = (),
        weigh: Weigh | None = None,
        truth: Sequence[str] = (),
        links: Sequence[str] = (),
        lifts: bool = False,
        seed: int = 0,
    ):
        settings.check("data", data)
        settings.check("", {"seed": seed})
        self.source = source
        self.views = chosen_views(source, data)
        images = [tuple(source.view_shapes[view]) for view in self.views]
        longest = max(map(max, images))
        self.low, self.high = float(data.low), float(data.high)
        _require(self.low <= self.high, "low", self.low, f"must not be above data.high {self.high}")
        self.coarsen, self.halo = int(data.coarsen), int(data.halo)
        rule = f"must lie in [1, {longest}], the images' longest side, 1 changes nothing"
        _require(self.coarsen <= longest, "coarsen", self.coarsen, rule)
        self.shift, self.drop = int(data.shift), float(data.drop)
        rule = f"must lie in [0, {longest}), the images' longest side, 0 moves nothing"
        _require(self.shift < longest, "shift", self.shift, rule)
        sides, self.crop_keep = tuple(data.crop), str(data.crop_keep)
        self.crop_anywhere = float(data.crop_anywhere) if augment else 0.0
        self.lifts = lifts
        whole = images[: -1 if lifts else 0] if sides else images
        self.windows = whole + [crop.window_shape(image, sides) for image in images[len(whole) :]]
        self.one_length = len({image[0] for image in images}) == 1
        self.crops = [window != image for window, image in zip(self.windows, images, strict=True)]
        self.shapes = tuple(
            tuple(-(-side // self.coarsen) for side in window) for window in self.windows
        )
        self.flip_first, self.flip_others = bool(data.flip_time), bool(data.flip_wire)
        self.fluctuation = float(data.fluctuation)
        self.fluctuation_shared = bool(data.fluctuation_shared)
        self.mean, self.std = float(data.mean), float(data.std)
        self.max_sites, self.oversize = int(data.max_sites), str(data.oversize)
        self.skips = data.bad_events == "skip"
        self.classes: tuple[str, ...] = ()
        self.labels = np.full(len(source), NO_CLASS, np.int32)
        if source.event_classes or data.classes:
            self.classes, self.labels = label_events(source, tuple(data.classes))
        self.targets = tuple(targets)
        self.weigh = weigh
        wanted = {*truth, *itertools.chain(*(TARGETS[target].columns for target in targets))}
        if self.crop_keep == "interaction" and (any(self.crops) or self.oversize == "crop"):
            wanted |= set(crop.COLUMNS)
        seen = (data.further, data.gathered, data.gathered_further)
        self.seen = SeenValues(*(tuple(map(str, names)) for names in seen))
        self.seen.require(source, self.views)
        self.columns = {
            view: tuple(name for name in source.truth_columns(view) if name in wanted)
            + self.seen.columns()
            for view in self.views
        }
        self.links = self._links((*links, *self.views[:-1]) if lifts else links)
        self._sizes = np.sum([source.num_pixels(view) for view in self.views], axis=0)
        self.levels, self.seed, self.augment = levels, int(seed), augment

    def finished(self, views: Sequence[Pixels]) -> tuple[Pixels, ...]:
        """All views of some events with features instead of values, targets instead of truth."""
        targets = make_targets(self.targets, views, self.weigh)
        finished = tuple(
            dataclasses.replace(
                pixels,
                values=self.seen.features(pixels, self.mean, self.std),
                columns={name: of_views[number] for name, of_views in targets.items()},
            )
            for number, pixels in enumerate(views)
        )
        return with_rows(finished, self.views) if self.lifts else finished

    def pixels(self, events: np.ndarray, epochs: np.ndarray | int = 0) -> tuple[Pixels, ...]:
        """The views of ``events`` (numbers in the file) as they are in ``epochs``, with truth."""
        events = np.asarray(events, np.int64)
        epochs = np.broadcast_to(epochs, events.shape)
        blocks = [
            self._views((self.seed, epochs[block], events[block])) for block in self._blocks(events)
        ]
        if len(blocks) == 1:
            return blocks[0]
        return tuple(map(Pixels.joined, zip(*blocks, strict=True)))

    def corners(self, events: np.ndarray, epochs: np.ndarray | int = 0) -> tuple[np.ndarray, ...]:
        """Where the windows of :meth:`pixels` lie in the images of the file, one array a view.

        Returns:
          First corners, int64 ``[events, dim]``; 0 where nothing is cut out.
        """
        events = np.asarray(events, np.int64)
        key = (self.seed, np.broadcast_to(epochs, events.shape), events)
        return tuple(starts for _, starts in self._windows(key))

    def readable_pixels(
        self, events: np.ndarray, epochs: np.ndarray | int = 0
    ) -> tuple[tuple[Pixels, ...], np.ndarray, dict[int, str]]:
        """As :meth:`pixels`, without the events that cannot be read.

        Returns:
          The images, which events they are of (bool ``[events]``), and what is wrong with the
          others, by number.

        Raises:
          InputError: one cannot be read, and ``data.bad_events`` is ``"error"``.
        """
        events = np.asarray(events, np.int64)
        try:
            return self.pixels(events, epochs), np.ones(len(events), bool), {}
        except InputError as error:
            if not self.skips:
                raise InputError(
                    f"{error}, or leave such events out: data.bad_events=skip"
                ) from None
        wrong = unreadable(events, lambda some: [self._read(some, view) for view in self.views])
        good = ~np.isin(events, list(wrong))
        epochs = np.broadcast_to(epochs, events.shape)
        return self.pixels(events[good], epochs[good]), good, wrong

    def key(self, events: np.ndarray, epochs: np.ndarray) -> Key:
        """What is random about some events is a hash of this."""
        return self.seed, epochs, events

    def shrink(
        self, images: tuple[Pixels, ...], position: int, room: np.ndarray, key: Key
    ) -> tuple[Pixels, ...]:
        """Drops pixels of one event outside a window that fits, around what a crop would keep.

        In every view the window's sides shrink by an eighth until there is room; the image keeps
        its shape and the pixels their place.

        Args:
          images: of :meth:`pixels`.
          position: of the event among them.
          room: sites that it may have, int64 ``[views, levels]``.
          key: of all events, see :meth:`key`.
        """
        seed, epochs, events = key
        one = slice(position, position + 1)
        shrunk = []
        for number, pixels in enumerate(images):
            first, length = int(pixels.bounds[position]), int(pixels.lengths[position])
            own, window = pixels.events(np.array([position])), pixels.shape
            own = dataclasses.replace(own, columns={**own.columns, "place": np.arange(length)})
            own_key = seed, epochs[one], events[one]
            while (own.level_counts(self.levels)[0] > room[number]).any():
                smaller = tuple(max(side * 7 // 8, 1) for side in window)
                if smaller == window:  # there is no room for a single pixel
                    own = own.take(np.zeros(len(own), bool))
                    break
                window = smaller
                start = self._starts(own, window, own_key, (_SHRINK, number))
                own = transforms.inside(own, start, window)
            rows = np.ones(len(pixels), bool)
            rows[first : first + length] = False
            rows[first + own.columns["place"]] = True
            shrunk.append(pixels.take(rows))
        return tuple(shrunk)

    def _links(self, views: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Which links to read of every view."""
        links: dict[str, tuple[str, ...]] = dict.fromkeys(self.views, ())
        for to in views:
            linked = [view for view in self.views if to in self.source.linked_views(view)]
            if to not in self.views or not linked:
                what = "no view is linked to it" if to in self.views else "data.views lacks it"
                raise InputError(
                    f"links has {to!r} but {what}: choose a view of data.views that others of "
                    f"{source_name(self.source)} are linked to"
                )
            for view in (to, *linked):
                links[view] += (to,)
        return links

    def _read(self, events: np.ndarray, view: str) -> Pixels:
        pixels = self.source.read_pixels(events, view, self.columns[view])
        links = {
            to: self.source.read_links(events, view, to) if to != view
            else Links.own(pixels.lengths)
            for to in self.links[view]
        }  # fmt: skip
        return self.seen.read(self.source, events, dataclasses.replace(pixels, links=links), view)

    def _blocks(self, events: np.ndarray) -> list[slice]:
        """Parts of ``events``, one at least, with about ``BLOCK`` pixels of the file each."""
        block = np.cumsum(self._sizes[events]) // BLOCK
        ends = (np.flatnonzero(np.diff(block, append=-1)) + 1).tolist() or [0]
        return [slice(*ends) for ends in itertools.pairwise([0, *ends])]

    def _views(self, key: Key) -> tuple[Pixels, ...]:
        return tuple(
            self._changed(pixels, number, key)
            for number, (pixels, _) in enumerate(self._windows(key))
        )

    def _windows(self, key: Key) -> Iterator[tuple[Pixels, np.ndarray]]:
        """View after view what lies in the windows, and their first corners."""
        if self.lifts and self.crops[-1]:
            # Those of a network that sees the last view alone.
            sites, corners = self._window(len(self.views) - 1, key, stream=0)
            for number, name in enumerate(self.views[:-1]):
                pixels, starts = self._window(number, key, stream=number)
                yield around_shown(pixels, sites, name), starts
            yield sites, corners
            return
        first = None
        for number in range(len(self.views)):
            pixels, starts = self._window(number, key, stream=number, first=first)
            if self.crops[number]:
                first = starts[:, 0] if self.one_length else None
            yield pixels, starts

    def _window(
        self, number: int, key: Key, stream: int, first: np.ndarray | None = None
    ) -> tuple[Pixels, np.ndarray]:
        """What the mask leaves of a view, in its windows where it is cut; and their corners."""
        pixels = transforms.mask(self._read(key[2], self.views[number]), self.low, self.high)
        if not self.crops[number]:
            return pixels, np.zeros((len(key[2]), len(pixels.shape)), np.int64)
        starts = self._starts(pixels, self.windows[number], key, (_CROP, stream), first)
        return transforms.crop(pixels, starts, self.windows[number]), starts

    def _starts(
        self,
        pixels: Pixels,
        window: Sequence[int],
        key: Key,
        stream: tuple[int, int],
        first: np.ndarray | None = None,
    ) -> np.ndarray:
        """First corners of windows; those of an event lie anywhere in all its views or in none."""
        choose = functools.partial(
            crop.choose_windows, pixels, window, first=first,
            draw=lambda number: uniform(*key, *stream, number),
        )  # fmt: skip
        starts = choose(keep=self.crop_keep)
        if not self.crop_anywhere:
            return starts
        anywhere = uniform(*key, _ANYWHERE) < self.crop_anywhere
        return np.where(anywhere[:, None], choose(keep="random"), starts)

    def _changed(self, pixels: Pixels, number: int, key: Key) -> Pixels:
        if self.augment:
            for change in (self._flipped, self._shifted, self._dropped):
                pixels = change(pixels, number, key)
        pixels = transforms.coarsen(pixels, self.coarsen)
        if self.augment and self.fluctuation:
            own = 0 if self.fluctuation_shared else number
            factor = 1 + self.fluctuation * normal(*key, _FLUCTUATION, own)
            factor = np.maximum(factor, 0).astype(np.float32)  # charge has one sign
            pixels = transforms.scale(pixels, factor)
        return transforms.halo(pixels, self.halo, self.mean)  # whose feature is 0

    def _flipped(self, pixels: Pixels, view: int, key: Key) -> Pixels:
        flips = np.zeros((len(pixels.lengths), len(pixels.shape)), bool)
        if self.flip_first:
            flips[:, 0] = uniform(*key, _FLIP) < 0.5
        if self.flip_others:
            for axis in range(1, len(pixels.shape)):
                flips[:, axis] = uniform(*key, _FLIP, view, axis) < 0.5
        return transforms.flip(pixels, flips)

    def _shifted(self, pixels: Pixels, view: int, key: Key) -> Pixels:
        # Towards larger coordinates alone: images begin where the event does, and the other way
        # its vertex would leave.
        if not self.shift:
            return pixels
        chances = [uniform(*key, _SHIFT)]
        chances += [uniform(*key, _SHIFT, view, axis) for axis in range(1, len(pixels.shape))]
        steps = np.floor(np.stack(chances, axis=1) * (self.shift + 1)).astype(int)
        return transforms.shift(pixels, steps)

    def _dropped(self, pixels: Pixels, view: int, key: Key) -> Pixels:
        if not self.drop:
            return pixels
        seed, epochs, events = key
        cells = cell_numbers(pixels.coords, pixels.shape)
        own = seed, pixels.per_event(epochs), pixels.per_event(events)
        return pixels.take(uniform(*own, _DROP, view, cells) >= self.drop)


def chosen_views(source: Source, data: Any) -> tuple[str, ...]:
    """The views of ``data.views``, all of them in the source.

    Raises:
      InputError: no view, one that the source lacks, or one twice.
    """
    views = tuple(str(view) for view in data.views)
    known = ", ".join(source.view_shapes)
    flag = f"--config.data.views={','.join(source.view_shapes)}"
    if not views:
        raise InputError(f"data.views is (): choose among {known} of {source_name(source)}, {flag}")
    for view in views:
        if view not in source.view_shapes:
            raise InputError(
                f"data.views has {view!r} but {source_name(source)} has {known}: choose among "
                f"these, {flag}"
            )
    if len(set(views)) != len(views):
        raise InputError(f"data.views is {views}: no view may come twice")
    return views


def _require(condition: bool, key: str, value: Any, rule: str) -> None:
    if not condition:
        raise InputError(f"data.{key} is {value}: it {rule}")
