"""The scores of whole events, averaged over mirrored and moved copies where that is asked for."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.inference import Predictor
from jaxsparse.training.trained_network import Trained

TINY = float(np.finfo(np.float32).tiny)  # a score that has a logarithm


def event_logits(trained: Trained, data_set: DataSet, *, draws: int = 0) -> np.ndarray:
    """The logits of every event in their order, float32 ``[events, classes]``.

    Args:
      trained: a network with an ``event`` head.
      data_set: of the events.
      draws: passes over the events mirrored and moved as training may, each another draw: the
        logits are logarithms of the mean of their scores. 0 for one pass of the events as they are.
    """
    buckets = data_set.buckets(draws=draws)
    predictor = Predictor(trained.network, trained.variables)
    passes = []
    for draw in range(1, draws + 1) if draws else (0,):
        parts = [np.zeros((0, len(data_set.classes)), np.float32)]
        for portion in data_set.portions(draw=draw):
            output = predictor(data_set.batch(portion, buckets))["event"]
            parts.append(output[: len(portion.numbers)])
        passes.append(np.concatenate(parts))
    if not draws:
        return passes[0]
    return np.log(np.maximum(softmax(np.array(passes), axis=-1).mean(axis=0), TINY))
