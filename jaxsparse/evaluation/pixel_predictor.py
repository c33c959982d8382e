"""The network as a function from one image to its logits, timed."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from jaxsparse.data.batch import Batch, make_batch
from jaxsparse.data.buckets import BucketTable, fit_buckets
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.evaluation.images import Image
from jaxsparse.evaluation.options import Trained
from jaxsparse.inference.forward import make_forward

IMAGES_PER_BUCKET, MOST_BUCKETS = 32, 4


class Predictor:
    """Runs one image at a time; compiles once per bucket.

    Args:
      trained: the network, its variables and configuration.
      level_counts: int ``[events, levels]``, sites per level of every image to come: the buckets
        are made for exactly these, so nothing is ever too large.

    Attributes:
      seconds: of every image, from host arrays to logits on the host, geometry included,
        compilation not.
      compilations: buckets that were compiled.
    """

    def __init__(self, trained: Trained, level_counts: np.ndarray):
        self.config = trained.config
        self.variables = jax.device_put(trained.variables)
        self.levels = trained.model.levels
        self.buckets = make_buckets(level_counts)
        self.seconds: list[float] = []
        self._compiled: set[tuple[int, ...]] = set()

        forward = make_forward(trained.model)

        def logits(variables: Any, batch: Batch) -> jax.Array:
            outputs, _ = forward(variables, batch)
            (of_view,) = outputs["semantic"]
            return of_view

        # Compiling in one piece takes a second more, and tens of MB less at the process's peak.
        on_cpu = jax.default_backend() == "cpu"
        options = {"xla_cpu_parallel_codegen_split_count": 1} if on_cpu else None
        self._forward = jax.jit(logits, compiler_options=options)

    @property
    def compilations(self) -> int:
        """How many buckets were compiled so far."""
        return len(self._compiled)

    def logits(self, image: Image) -> np.ndarray:
        """float32 ``[pixels, classes]`` in the order of the image."""
        data = self.config.data
        features = (image.view.values - np.float32(data.mean)) / np.float32(data.std)
        pixels = Pixels.of([View(image.view.coords, features, image.view.shape)])
        batch = make_batch([pixels], levels=self.levels, buckets=self.buckets)
        (view,) = batch.views
        if view.capacities not in self._compiled:
            np.asarray(self._forward(self.variables, batch))  # compiles; not timed
            self._compiled.add(view.capacities)
        start = time.perf_counter()
        logits = np.asarray(self._forward(self.variables, batch))
        self.seconds.append(time.perf_counter() - start)
        return logits[: len(image.view)]


def make_buckets(level_counts: np.ndarray) -> BucketTable:
    """Buckets for images whose sites per level are all known.

    On a CPU one: the network's work follows the sites there, not the capacity, and every program
    that is compiled takes seconds and about 100 MB. On an accelerator up to four for many images.
    """
    if not len(level_counts):
        return BucketTable(((64,) * level_counts.shape[1],))
    most = 1 if jax.default_backend() == "cpu" else MOST_BUCKETS
    num_buckets = min(1 + len(level_counts) // IMAGES_PER_BUCKET, most)
    bound = np.maximum(level_counts.max(axis=0), 1)
    largest = level_counts[np.unique(level_counts.argmax(axis=0))]
    return fit_buckets(level_counts, largest, bound.tolist(), batch_size=1, num_buckets=num_buckets)
