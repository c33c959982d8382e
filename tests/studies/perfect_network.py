"""A network that calls every pixel what it is, or one class always by another's name."""

from __future__ import annotations

import numpy as np

from jaxsparse.deploy.model import Scores
from jaxsparse.detectors.microboone import CLASS_NAMES, MASK


class Perfect:
    """What the studies use of :class:`jaxsparse.deploy.model.Model`.

    Args:
      mistaken: true class -> what its pixels are called.
    """

    views = ("Y",)

    def __init__(self, mistaken=None):
        self.classes = {"semantic": CLASS_NAMES}
        self.called = np.arange(len(CLASS_NAMES))
        for true, other in (mistaken or {}).items():
            self.called[true] = other

    def of_events(self, events, batch_size=1):
        waiting = []
        for event in events:
            waiting.append(event)
            if len(waiting) == batch_size:  # as a real one: it reads ahead
                yield from map(self._scores, waiting)
                waiting = []
        yield from map(self._scores, waiting)

    def _scores(self, event):
        view = event.views["Y"]
        scores = np.eye(len(CLASS_NAMES), dtype=np.float32)[self.called[view.labels]]
        scores[(view.values < MASK[0]) | (view.values > MASK[1])] = np.nan
        return Scores({"Y": scores}, None)
