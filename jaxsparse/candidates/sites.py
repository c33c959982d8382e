"""Sites in three dimensions that the views of an event agree on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.data.schema import View
from jaxsparse.errors import InputError

NO_PIXEL = -1  # of a view that does not see a site
MOST = 1_000_000  # sites of an event


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Sites at which an event may have left charge, by what its views show.

    Attributes:
      coords: int32 ``[candidates, 3]``, unique and in lexicographic order.
      shape: of the volume.
      pixels: int32 ``[candidates]`` by view: the row of the pixel that shows the site,
        ``NO_PIXEL`` where the view does not.
    """

    coords: np.ndarray
    shape: tuple[int, ...]
    pixels: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def seen(self) -> np.ndarray:
        """int64 ``[candidates]``: how many views show a site."""
        return np.sum([rows != NO_PIXEL for rows in self.pixels.values()], axis=0)

    def take(self, rows: np.ndarray) -> Candidates:
        """Some of them, by a mask or by increasing rows."""
        pixels = {name: column[rows] for name, column in self.pixels.items()}
        return Candidates(self.coords[rows], self.shape, pixels)

    def least(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """float32 ``[candidates]``: the smallest value of the pixels that show a site.

        Args:
          values: of the pixels, by view.
        """
        smallest = np.full(len(self), np.inf, np.float32)
        for name, rows in self.pixels.items():
            shown = rows != NO_PIXEL
            own = np.asarray(values[name])[rows[shown]]
            smallest[shown] = np.minimum(smallest[shown], own)
        return smallest

    def view(self, values: Mapping[str, np.ndarray], **truth: Any) -> View:
        """The sites as an image with the values of :meth:`least`.

        Args:
          values: of the pixels, by view.
          **truth: columns of the view.

        Returns:
          An image whose sites are linked to the pixels that show them, each with a share of 1.
        """
        return View(
            self.coords, self.least(values), self.shape,
            links={name: self._links(rows) for name, rows in self.pixels.items()}, **truth,
        )  # fmt: skip

    def _links(self, rows: np.ndarray) -> Links:
        site = np.flatnonzero(rows != NO_PIXEL)
        return Links.of(site, rows[site], np.ones(len(site)), len(self))


def pairs_of(first: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Owner and other of all pairs of owner i and the others ``first[i]`` and following.

    Args:
      first: int64 ``[owners]``, where the others of each begin.
      counts: int64 ``[owners]``, how many there are.

    >>> owner, other = pairs_of(np.array([5, 0, 7]), np.array([2, 0, 1]))
    >>> owner.tolist(), other.tolist()
    ([0, 0, 2], [5, 6, 7])
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner] + step


def require_views(views: Mapping[str, View], names: tuple[str, ...], least: int) -> None:
    """Refuses an event without enough of the views that see sites.

    Raises:
      InputError: there are fewer.
    """
    found = [name for name in names if name in views]
    if len(found) < least:
        raise InputError(
            f"the event has views {', '.join(views) or 'none'}: candidates need {least} of "
            f"{', '.join(names)}"
        )


def require_few(number: int, most: int, what: str) -> None:
    """Refuses an event of which there would be too many candidates.

    Raises:
      InputError: there would be.
    """
    if number > most:
        raise InputError(
            f"the event has {number:,} {what}, but {most:,} are the most: mask its noise, or raise "
            "the limit"
        )
