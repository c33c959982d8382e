"""What a network says of an event."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.deploy.standalone.model import highest
from jaxsparse.inference.grouping import TOLD_DTYPE


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a network says of an event.

    Attributes:
      pixels: by name of the view, float32 ``[pixels, classes]``, in the order in which they were
        given; NaN where a pixel is outside of the network's mask. Empty without a semantic head.
      event: float32 ``[classes]``; NaN where the network sees no pixel of the event. None without
        an event head.
      instances: by name of the view, int32 ``[pixels]``, the particle of every pixel, which has one
        number in all views; -1 outside of the mask. Empty without an instance head.
      particles: ``TOLD_DTYPE`` ``[instances]``, of every particle by number its class and the
        number of the track that it belongs to, -1 for none. Empty without an instance head.
      vertices: by name of the view, float32 ``[pixels]``, the probability that a pixel is the one
        nearest to the vertex; NaN outside of the mask. Empty without a vertex head.
    """

    pixels: dict[str, np.ndarray]
    event: np.ndarray | None
    instances: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    particles: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, TOLD_DTYPE))
    vertices: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def pixel_classes(self) -> dict[str, np.ndarray]:
        """By name of the view, int8 ``[pixels]``: class of the highest score, -1 outside."""
        return {name: highest(scores) for name, scores in self.pixels.items()}
