"""Pictures of some events of a network that names pixels: kept in the pass, drawn at its end."""

from __future__ import annotations

import dataclasses
import itertools
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
    """

    number: int
    name: str
    view: View
    weights: np.ndarray | None
    scores: np.ndarray
    corner: tuple[int, ...]
    instance: np.ndarray | None = None


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
        scores: np.ndarray, instance: np.ndarray | None,
    ) -> None:  # fmt: skip
        """Remembers an image of one event if it is to be drawn; all views of an event in a row."""
        if number not in self._wanted:
            return
        corner = tuple(self.data_set.pipeline.corners(np.array([number]))[view][0].tolist())
        (image,) = pixels.views()
        name = self.data_set.views[view]
        self._images.append(PixelPicture(number, name, image, weights, scores, corner, instance))

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
        from jaxsparse.viz.instances import instances_figure
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
                titled = {
                    one.name: self._titled(picture, one, window)
                    for one, picture, window in zip(views, pictures, shown, strict=True)
                }
                figure = instances_figure(titled, colours, shown)
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
            colours=self.class_set.colours, instance=one.instance,
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
        """The picture with a line above it, which says how right the network is in the window."""
        shown = np.ones(len(one.view), bool)
        if window is not None:
            shown = window.holds(picture.view.coords)
        topology = self.data_set.topologies[one.number]
        parts = [f"event {one.number}", *([topology] if topology else []), f"view {one.name}"]
        everything = f"{len(one.view):,} pixels{_right_words(one, np.ones_like(shown))}"
        if shown.all():
            parts.append(everything)
        else:
            parts.append(f"here {shown.sum():,} pixels{_right_words(one, shown)}")
            parts[-1] += f";  all {everything}"
        return dataclasses.replace(picture, title=",  ".join(parts))


def _right_words(one: PixelPicture, chosen: np.ndarray) -> str:
    """The accuracy of some pixels; of few the counts, which say how far to trust it."""
    truth = one.view.labels
    if truth is None or not (truth[chosen] >= 0).any():
        return ""
    right = (one.scores.argmax(1) == truth)[chosen & (truth >= 0)]
    if len(right) < FEW:
        return f",  {right.sum()} of {len(right)} right"
    return f",  accuracy {right.mean():.3f}"


def _name(number: int) -> str:
    return f"event_{number:05d}"
