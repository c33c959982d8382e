"""Random access to events and to energy deposits, wherever they come from."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import Event
from jaxsparse.detectors import Detector, DetectorView, find


class Numbered(Protocol):
    """Events by number, of simulators that never end too."""

    @property
    def view_shapes(self) -> Mapping[str, tuple[int, ...]]: ...

    def __getitem__(self, index: int, /) -> Event: ...


class EventSource(abc.ABC):
    """Random access to events; readers of foreign formats derive from it.

    Opening checks the layout and reads little; an event is read and checked when it is asked for.
    A source is picklable, and serves several threads and forked processes.

    Attributes:
      files: what is read.
      detector: name.
      described: what the files say of the detector, which none of the foreign ones does.
      view_shapes: full image by view, the same for all events.
      axes, value_units: by view; as the detector has them if a reader says nothing.
      class_names: of pixel labels; empty if there are none.
      event_classes: of event labels; empty if there are none.
      stored_axes: order in which stored images were taken apart, where that is an option.
      attributes: what the files say of how they were made, which none of the foreign ones does.
    """

    files: list[Path]
    detector: str
    described: Detector | None = None
    view_shapes: Mapping[str, tuple[int, ...]]
    class_names: tuple[str, ...] = ()
    event_classes: tuple[str, ...] = ()
    stored_axes: str = ""
    attributes: Mapping[str, Any] = MappingProxyType({})

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def __getitem__(self, index: int) -> Event: ...

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return {name: self._known(name).axes for name in self.view_shapes}

    @property
    def value_units(self) -> dict[str, str]:
        return {name: self._known(name).unit for name in self.view_shapes}

    def _known(self, name: str) -> DetectorView:
        return find(self.detector).view(name, len(self.view_shapes[name]))

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``: class of every event, -1 for none."""
        return np.full(len(self), -1, np.int32)

    @property
    def event_energy(self) -> np.ndarray:
        """float32 ``[events]``: true energy of the neutrino, GeV; NaN where it is not known."""
        return np.full(len(self), np.nan, np.float32)

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: numbers of the wires of a view that were not read out in any event."""
        return np.zeros(0, np.int32)

    def notes(self) -> list[str]:
        """What of the files did not fit together, in lines for a person."""
        return []


class DepositSource(abc.ABC):
    """Random access to energy deposits of foreign files, for a detector response.

    An item is the :class:`~jaxsparse.data.deposits.Deposits` of an event and its ``PARTICLE_DTYPE``
    table, where the source had them.

    Attributes:
      path: for messages.
      files: what is read.
      event_ids: the source's own event numbers.
    """

    path: Path
    files: list[Path]
    event_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.event_ids)

    @abc.abstractmethod
    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]: ...

    def notes(self) -> list[str]:
        """What of the files did not fit together, in lines for a person."""
        return []
