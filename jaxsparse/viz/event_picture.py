"""What is shown of a whole event: its views, what it is and what the network says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.viz.picture import Picture

RIGHT, WRONG = "#1a7f37", "#c0392b"


@dataclasses.dataclass(frozen=True)
class EventPicture:
    """What a display shows of one whole event.

    Attributes:
      views: images by name, in the order to show them, with what the network says of the pixels.
      shared: of the views that share an axis the number of that axis, as
        :func:`~jaxsparse.viz.shared_axis.shared_axis` gives it.
      classes: names of event classes.
      truth: class number, -1 unknown.
      scores: float ``[classes]``, ``None`` before there is a prediction.
      energy: true neutrino energy in GeV, NaN unknown.
      details: such as ``"numu CC RES"``; ``""`` unknown.
      name: such as ``"event 12"``.
    """

    views: Mapping[str, Picture]
    shared: Mapping[str, int] = dataclasses.field(default_factory=dict)
    classes: Sequence[str] = ()
    truth: int = -1
    scores: np.ndarray | None = None
    energy: float = math.nan
    details: str = ""
    name: str = ""

    @property
    def called(self) -> int:
        """The class of the highest score, -1 without scores."""
        return -1 if self.scores is None else int(np.argmax(self.scores))

    @property
    def colour(self) -> str:
        """Green for a right prediction, red for a wrong one."""
        if self.truth < 0 or self.called < 0:
            return "#222222"
        return RIGHT if self.called == self.truth else WRONG

    def title(self) -> str:
        """Name, true class with details and energy, called class with its score."""
        parts = [self.name] if self.name else []
        if self.truth >= 0:
            inside = [self.details] if self.details != self.classes[self.truth] else []
            inside += [f"{self.energy:.2f} GeV"] if math.isfinite(self.energy) else []
            words = ", ".join(word for word in inside if word)
            parts.append(f"true {self.classes[self.truth]}" + (f" ({words})" if words else ""))
        if self.scores is not None:
            parts.append(f"called {self.classes[self.called]} ({self.scores[self.called]:.2f})")
        return "   ".join(parts)
