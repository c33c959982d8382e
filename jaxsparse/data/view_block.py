"""The pixels of many events in one view, one event after the other in shared arrays."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.data.validation import cell_numbers, check_view

LARGEST_KEY = 2**62


@dataclasses.dataclass(frozen=True)
class ViewBlock:
    """Views of several events; event ``i`` owns rows ``[offsets[i], offsets[i + 1])``.

    What can be done for a whole batch at once is done on these columns; :meth:`views` cuts them
    into events without copying.

    Attributes:
      events: int64 ``[events]``, their numbers in the source.
      offsets: int64 ``[events + 1]``.
      num_particles: int64 ``[events]``, rows of every event's particle table.
      shape: of the image.
      columns: by name of :class:`~jaxsparse.data.schema.View`'s columns: ``coords`` int32
        ``[pixels, dim]``, ``values`` float32 ``[pixels]``, and truth columns.

    >>> columns = {"coords": np.array([[0, 1], [0, 1], [2, 2]]), "values": np.ones(3, np.float32)}
    >>> block = ViewBlock(np.array([7, 4]), np.array([0, 1, 3]), np.zeros(2), (4, 4), columns)
    >>> [len(view) for view in block.views()]
    [1, 2]
    """

    events: np.ndarray
    offsets: np.ndarray
    num_particles: np.ndarray
    shape: tuple[int, ...]
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.events)

    def views(self) -> list[View]:
        """One view an event, in the order of ``events``; they share the block's memory."""
        bounds = self.offsets.tolist()
        return [
            View(
                shape=self.shape,
                **{name: column[first:last] for name, column in self.columns.items()},
            )
            for first, last in itertools.pairwise(bounds)
        ]  # fmt: skip

    def check(self, *, num_classes: int, where: str) -> None:
        """Raise :class:`InputError` for the first event that breaks a rule of ``check_view``.

        All events are looked at together, which costs as much as one; only if something is wrong
        is every event looked at alone.

        Args:
          num_classes: labels must be below it.
          where: file and view, for example ``"of a.h5, view Y"``.
        """
        if self._is_good(num_classes):
            return
        for event, particles, view in zip(
            self.events, self.num_particles, self.views(), strict=True
        ):
            check_view(
                view, num_particles=int(particles), num_classes=num_classes,
                where=f"Event {event} {where}",
            )  # fmt: skip

    def _is_good(self, num_classes: int) -> bool:
        coords, values = self.columns["coords"], self.columns["values"]
        if not len(values):
            return True
        cells = int(np.prod(np.array(self.shape, float)))
        if cells * len(self) > LARGEST_KEY:
            return False  # not known to be bad: look at every event alone
        # As unsigned numbers negative ones are too large as well: one comparison instead of two.
        if (coords.view(np.uint32) >= np.array(self.shape, np.uint64)).any():
            return False
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        keys = cell_numbers(coords, self.shape) + owner * cells
        if not (keys[1:] > keys[:-1]).all() or not (values >= 0).all() or np.isinf(values).any():
            return False
        labels, instance, distance = map(
            self.columns.get, ("labels", "instance", "vertex_distance")
        )
        return (
            (labels is None or bool(((labels >= -1) & (labels < num_classes)).all()))
            and (
                instance is None
                or bool(((instance >= -1) & (instance < self.num_particles[owner])).all())
            )
            and (distance is None or bool((distance >= 0).all()))
        )
