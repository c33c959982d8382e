"""Pictures of some events of a network that names pixels: kept in the pass, drawn at its end."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import View
from jaxsparse.data.spread_out import spread_out
from jaxsparse.detectors import ClassSet
from jaxsparse.evaluation.data_set import DataSet

FEW = 100  # pixels: of fewer an accuracy says little

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn
    from jaxsparse.viz.canvas import Window
    from jaxsparse.viz.picture import Picture


@dataclasses.dataclass(frozen=True)
class PixelPicture:
    """An image to be drawn.

    Attributes:
      number: of the event in its file.
      name: of the view.
      view: the pixels with their truth.
      weights: float32 ``[pixels]`` of the loss, ``None`` without truth.
      scores: float32 ``[pixels, classes]``.
      corner: where the window lies in the file's image.
      instance: int32 ``[pixels]``, predicted; ``None`` where nothing was grouped.
      parent: int32 ``[pixels]``, the predicted instance that the pixel's one belongs to.
    """

    number: int
    name: str
    view: View
    weights: np.ndarray | None
    scores: np.ndarray
    corner: tuple[int, ...]
    instance: np.ndarray | None = None
    parent: np.ndarray | None = None


class PixelPictures:
    """The images to be drawn, of events spread evenly over the file.

    Args:
      data_set: whose events.
      class_set: names and colours of the classes that the network tells.
    """

    def __init__(self, data_set: DataSet, class_set: ClassSet):
        self.data_set, self.class_set = data_set, class_set
        chosen = spread_out(len(data_set), data_set.options.pictures)
        self._wanted = set(data_set.numbers[chosen].tolist())
        self._images: list[PixelPicture] = []

    def keep(
        self, number: int, view: int, pixels: Pixels, weights: np.ndarray | None,
        scores: np.ndarray, instance: np.ndarray | None, parent: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Remembers an image of one event if it is to be drawn; all views of an event in a row."""
        if number not in self._wanted:
            return
        corner = tuple(self.data_set.pipeline.corners(np.array([number]))[view][0].tolist())
        (image,) = pixels.views()
        name = self.data_set.views[view]
        self._images.append(
            PixelPicture(number, name, image, weights, scores, corner, instance, parent)
        )

    def images(self, number: int) -> dict[str, Picture]:
        """The views of one event with what is said of their pixels; none of one that is not drawn.

        Args:
          number: of the event in its file.
        """
        return {one.name: self._image(one) for one in self._images if one.number == number}

    def draw(self, folder: Path, *, quiet: bool) -> None:
        """Writes ``pictures/`` into a folder."""
        from jaxsparse.viz.events import event_figure
        from jaxsparse.viz.space import classes_in_space
        from jaxsparse.viz.style import save

        several = len(self.data_set.views) > 1
        images = self._images
        for one in with_progress(images, len(images), "drawing", quiet=quiet):
            picture = self._picture(one)
            name = f"{_name(one.number)}{f'_{one.name}' if several else ''}"
            for suffix, window in self._windows(picture).items():
                figure = event_figure(self._titled(picture, one, window), window=window)
                save(figure, folder / f"pictures/{name}{suffix}.png")
            if self._voxels:
                space = self._titled(self._image(one), one, None)
                save(classes_in_space(space), folder / f"pictures/{name}_3d.png")
        for number, views in itertools.groupby(images, lambda one: one.number):
            self._draw_instances(list(views), folder / f"pictures/{_name(number)}_instances")

    def _draw_instances(self, views: list[PixelPicture], path: Path) -> None:
        """All views of an event with their true and predicted instances, where both are known."""
        from jaxsparse.viz.instance_colours import coloured
        from jaxsparse.viz.instances import instances_figure, instances_in_line
        from jaxsparse.viz.lined_up import line_up
        from jaxsparse.viz.space import instances_in_space
        from jaxsparse.viz.style import save

        true = [one.view.instance for one in views if one.view.instance is not None]
        predicted = [one.instance for one in views if one.instance is not None]
        if not len(true) == len(predicted) == len(views):
            return
        colours = coloured(true, predicted)
        if self._voxels:
            for one, own, numbers in zip(views, colours, predicted, strict=True):
                space = self._titled(self._image(one), one, None)
                name = f"{path.name}{f'_{one.name}' if len(views) > 1 else ''}_3d.png"
                save(instances_in_space(space, own, numbers), path.with_name(name))
        pictures = [self._picture(one) for one in views]
        windows = [self._windows(picture) for picture in pictures]
        for suffix in windows[0]:
            shown = [own[suffix] for own in windows if suffix in own]
            if len(shown) == len(views):
                named = dict(zip((one.name for one in views), pictures, strict=True))
                title = self._title(views, pictures, shown)
                if self.data_set.shared and not suffix:
                    images = {one.name: self._image(one) for one in views}
                    whole = 0 if self.data_set.cropped else max(map(max, self.data_set.shapes))
                    lined = line_up(images, self.data_set.shared, small=whole)
                    figure = instances_in_line(lined, colours, title)
                else:
                    figure = instances_figure(named, colours, shown, title)
                save(figure, path.with_name(f"{path.name}{suffix}.png"))

    @property
    def _voxels(self) -> bool:
        """Whether images have three axes."""
        return len(self.data_set.source.axes[self.data_set.views[0]]) == 3

    def _picture(self, one: PixelPicture) -> Picture:
        return self._image(one).flat()

    def _image(self, one: PixelPicture) -> Picture:
        from jaxsparse.viz.picture import Picture

        source = self.data_set.source
        axes = source.axes[one.name]
        return Picture(
            one.view, one.scores, one.weights, self.class_set.names, axes=axes,
            unit=source.value_units[one.name],
            across=self.data_set.detector.view(one.name, len(axes)).across,
            corner=one.corner, pixel=self.data_set.pipeline.coarsen,
            colours=self.class_set.colours, instance=one.instance, parent=one.parent,
        )  # fmt: skip

    def _windows(self, picture: Picture) -> dict[str, Window | None]:
        """What to show of an image, by the end of the file's name; ``None`` is what is in use."""
        from jaxsparse.viz.canvas import whole
        from jaxsparse.viz.events import zoom_window

        if self.data_set.cropped or self._voxels:
            return {"": None}
        full, zoom = whole(picture.view.shape), zoom_window(picture.view)
        return {"": full} if zoom.size == full.size else {"": full, "_zoom": zoom}

    def _titled(self, picture: Picture, one: PixelPicture, window: Window | None) -> Picture:
        return dataclasses.replace(picture, title=self._title([one], [picture], [window]))

    def _title(
        self, views: Sequence[PixelPicture], pictures: Sequence[Picture],
        windows: Sequence[Window | None],
    ) -> str:  # fmt: skip
        """A line above views of an event: how right the network is in what is shown of them."""
        shown = [
            np.ones(len(one.view), bool) if window is None else window.holds(picture.view.coords)
            for one, picture, window in zip(views, pictures, windows, strict=True)
        ]
        number, names = views[0].number, ", ".join(one.name for one in views)
        topology = self.data_set.topologies[number]
        parts = [f"event {number}", *([topology] if topology else [])]
        parts.append(f"view{'s' * (len(views) > 1)} {names}")
        every = [np.ones_like(one) for one in shown]
        words = f"{sum(map(len, every)):,} pixels{_right_words(views, every)}"
        if not all(one.all() for one in shown):
            number_here = sum(int(one.sum()) for one in shown)
            words = f"here {number_here:,} pixels{_right_words(views, shown)};  all {words}"
        return ",  ".join([*parts, words])


def _right_words(views: Sequence[PixelPicture], chosen: Sequence[np.ndarray]) -> str:
    """The accuracy of some pixels; of few the counts, which say how far to trust it."""
    right = [
        (one.scores.argmax(1) == one.view.labels)[own & (one.view.labels >= 0)]
        for one, own in zip(views, chosen, strict=True)
        if one.view.labels is not None
    ]
    known = np.concatenate([np.zeros(0, bool), *right])
    if not len(known):
        return ""
    if len(known) < FEW:
        return f",  {known.sum()} of {len(known)} right"
    return f",  accuracy {known.mean():.3f}"


def _name(number: int) -> str:
    return f"event_{number:05d}"
