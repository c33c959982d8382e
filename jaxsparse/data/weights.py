"""Pixel weights of the SparseSSNet loss: cluster weighting and vertex weighting."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.errors import InputError

COLUMNS = ("labels", "instance", "vertex_distance")  # what they are made from


def pixel_weights(
    pixels: Pixels,
    *,
    low: float = 2e-4,
    high: float = 2e-2,
    scale: float = 1.0,
    vertex_weight: float = 2e-2,
    vertex_radius: float = 3.0,
) -> np.ndarray:
    """Weight of every pixel in the loss.

    Cluster weighting: ``w = clip(scale / N, low, high)``, with N the pixels of that particle
    instance in this view as it is given, so after mask and crop; pixels of no instance (-1) count
    together as one. A proton of 30 pixels then weighs as much as a muon of 300, and ``high`` keeps
    specks from ruling the loss. Vertex weighting: pixels within ``vertex_radius`` of an interaction
    vertex (Chebyshev distance) get ``vertex_weight``, whatever they had. Pixels without a class get
    0: they count nowhere.

    The range (0.02 to 2)e-2 and the vertex weight 2e-2 are those of the talk (R. Itay, CTD 2020);
    it leaves the constant of proportionality open. ``scale=1`` is this project's choice: it puts
    the range exactly on instances of 50 to 5000 pixels.

    Args:
      pixels: images with ``labels``; without ``instance`` all pixels of an event count as of none.
      low: smallest cluster weight.
      high: largest cluster weight.
      scale: constant of proportionality, in pixels.
      vertex_weight: weight near a vertex.
      vertex_radius: how near, in pixels.

    Returns:
      float32 ``[pixels]``.

    Raises:
      InputError: the images have no labels, or ``low`` is above ``high``.

    >>> coords = np.stack([np.zeros(100), np.arange(100)], axis=1).astype(np.int32)
    >>> truth = {"labels": np.ones(100, np.int8), "instance": np.zeros(100, np.int32)}
    >>> pixels = Pixels(coords, np.ones(100, np.float32), np.array([100]), (1, 100), truth)
    >>> float(pixel_weights(pixels)[0])  # 1 / 100
    0.009999999776482582
    """
    columns = pixels.columns
    if "labels" not in columns:
        raise InputError(
            "pixel weights need labels but the view has no truth: train on a file with truth"
        )
    if not 0 <= low <= high:
        raise InputError(
            f"objectives.semantic.cluster_low is {low} and cluster_high is {high}: they must be "
            "0 <= low <= high"
        )
    # Instances of one event after those of another; the first of each are the pixels of none.
    cluster = columns["instance"] + 1 if "instance" in columns else np.zeros(len(pixels), int)
    most = int(cluster.max(initial=0)) + 1
    cluster = pixels.event * most + cluster
    counts = np.bincount(cluster, minlength=len(pixels.lengths) * most)
    with np.errstate(divide="ignore"):  # rows of the particle table without a pixel
        weights = np.clip(scale / counts, low, high).astype(np.float32)[cluster]
    if "vertex_distance" in columns:
        weights[columns["vertex_distance"] <= vertex_radius] = vertex_weight
    weights[columns["labels"] == NO_CLASS] = 0.0
    return weights
