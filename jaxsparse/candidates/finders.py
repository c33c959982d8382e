"""Candidates of whole events, by detector: their image with truth, and how much of it they find."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxsparse.candidates.cells import REACH, candidate_shape, cell_candidates
from jaxsparse.candidates.sites import MOST, Candidates
from jaxsparse.candidates.truth import hit_truth, voxel_truth
from jaxsparse.candidates.wires import wire_candidates
from jaxsparse.data.schema import Event
from jaxsparse.detectors import find
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.microboone import MICROBOONE, ROW_VOXELS
from jaxsparse.detectors.nova import NOVA, NOVA_VIEWS
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.nova.detector import NOVA_FAR, CellDetector
from jaxsparse.simulate.wire_chamber.chamber import WireChamber


@dataclasses.dataclass(frozen=True)
class Recall:
    """How many candidates there are, and how much of the truth they find.

    Attributes:
      candidates: how many.
      real: of them.
      found: of what is to be found, what a real candidate is or shows.
      true: what is to be found.
    """

    candidates: int = 0
    real: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: Recall) -> Recall:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Recall(*map(sum, pairs))


@dataclasses.dataclass(frozen=True)
class Found:
    """An event with its candidates.

    Attributes:
      event: with the views that were looked at and the view ``CANDIDATES``, no others.
      seen_by_all: of the candidates that all views show.
      seen: of all.
    """

    event: Event
    seen_by_all: Recall
    seen: Recall


class Finder(abc.ABC):
    """Finds the candidates of the events of one kind of detector.

    Attributes:
      views: that are looked at.
      axes: of the candidates.
      sought: what is to be found.
    """

    axes: tuple[str, ...]
    sought: str

    @property
    @abc.abstractmethod
    def views(self) -> tuple[str, ...]: ...

    def __call__(self, event: Event, *, ghost: int, low: float = 0.0) -> Found:
        """The event with its candidates, and what they find; nothing of that without truth.

        Args:
          event: with the views.
          ghost: number of the class of ghosts.
          low: pixels with smaller values are left out.

        Raises:
          InputError: see :meth:`candidates`.
        """
        masked = {
            name: dataclasses.replace(view.take(view.values >= low), links={})
            for name, view in event.views.items()
            if name in self.views
        }
        event = dataclasses.replace(event, views={**event.views, **masked})
        candidates = self.candidates(event)
        of_all = candidates.seen == len(self.views)
        truth = self.truth(event, candidates, ghost)
        recalls = [Recall(int(of_all.sum())), Recall(len(candidates))]
        columns: dict[str, np.ndarray] = {}
        if truth is not None:
            real, columns = truth
            recalls = [
                Recall(recall.candidates, int(own.sum()), *self.recall(event, candidates, own))
                for recall, own in zip(recalls, (real & of_all, real), strict=True)
            ]
        values = {name: view.values for name, view in masked.items()}
        views = {**masked, CANDIDATES: candidates.view(values, **columns)}
        return Found(dataclasses.replace(event, views=views), *recalls)

    @abc.abstractmethod
    def shape(self, views: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        """Of the candidates, by the shapes of the views."""

    @abc.abstractmethod
    def candidates(self, event: Event) -> Candidates:
        """The candidates of an event.

        Raises:
          InputError: a view is missing or of another event, or there are too many.
        """

    @abc.abstractmethod
    def truth(
        self, event: Event, candidates: Candidates, ghost: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        """Which are real and their truth columns; ``None`` where the event does not say."""

    @abc.abstractmethod
    def recall(self, event: Event, candidates: Candidates, real: np.ndarray) -> tuple[int, int]:
        """What real candidates find, and what is to be found."""


@dataclasses.dataclass(frozen=True)
class WireFinder(Finder):
    """Voxels of a chamber that its wire planes agree on.

    Attributes:
      chamber: the chamber.
      dead_wires: by plane.
      blind: planes that may be blind to a candidate.
      most: candidates of an event.
    """

    chamber: WireChamber
    dead_wires: Mapping[str, np.ndarray]
    blind: int = 1
    most: int = MOST

    axes = ("time row", "y", "z")
    sought = "voxels"

    @property
    def views(self) -> tuple[str, ...]:
        return tuple(plane.name for plane in self.chamber.planes)

    def shape(self, views: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        return self.chamber.view_shape(ROW_VOXELS)

    def candidates(self, event: Event) -> Candidates:
        return wire_candidates(
            event.views, self.chamber, dead_wires=self.dead_wires, blind=self.blind, most=self.most
        )

    def truth(
        self, event: Event, candidates: Candidates, ghost: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        if ROW_VOXELS not in event.views:
            return None
        return voxel_truth(candidates, event.views[ROW_VOXELS], ghost)

    def recall(self, event: Event, candidates: Candidates, real: np.ndarray) -> tuple[int, int]:
        return int(real.sum()), len(event.views[ROW_VOXELS])


@dataclasses.dataclass(frozen=True)
class CellFinder(Finder):
    """Pairs of hits in neighbouring planes of cells.

    Attributes:
      detector: the cells.
      reach: planes of the other view to either side.
      most: candidates of an event.
    """

    detector: CellDetector
    reach: int = REACH
    most: int = MOST

    views = NOVA_VIEWS
    axes = ("plane", "cell in x", "cell in y")
    sought = "hits of particles"

    def shape(self, views: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        return candidate_shape(*(views[name] for name in NOVA_VIEWS))

    def candidates(self, event: Event) -> Candidates:
        return cell_candidates(event.views, reach=self.reach, most=self.most)

    def truth(
        self, event: Event, candidates: Candidates, ghost: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        if any(event.views[name].along is None for name in NOVA_VIEWS):
            return None
        return hit_truth(candidates, event.views, self.detector, ghost)

    def recall(self, event: Event, candidates: Candidates, real: np.ndarray) -> tuple[int, int]:
        found = true = 0
        for name in NOVA_VIEWS:
            shown = np.zeros(len(event.views[name]), bool)
            shown[candidates.pixels[name][real]] = True
            found += int(shown.sum())
            true += int((np.asarray(event.views[name].instance) >= 0).sum())
        return found, true


def finder_of(
    detector: str,
    dead_wires: Mapping[str, np.ndarray],
    *,
    blind: int = 1,
    reach: int = REACH,
    most: int = MOST,
) -> Finder:
    """What finds the candidates of a detector's events.

    Args:
      detector: name or alias.
      dead_wires: wires without read-out by view.
      blind: of :class:`WireFinder`.
      reach: of :class:`CellFinder`.
      most: candidates of an event.

    Raises:
      InputError: nothing does.

    >>> finder_of("nova", {}).views
    ('XZ', 'YZ')
    """
    name = find(detector).name
    if name == MICROBOONE.name:
        return WireFinder(MICROBOONE_CHAMBER, dead_wires, blind, most)
    if name == NOVA.name:
        return CellFinder(NOVA_FAR, reach, most)
    raise InputError(
        f"detector is {detector!r}: candidates are known of {MICROBOONE.name} and {NOVA.name}"
    )
