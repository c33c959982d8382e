"""A trained network as a function from host batches to host arrays, timed."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from jaxsparse.data.batch import Batch
from jaxsparse.inference.forward import make_forward
from jaxsparse.models.network import Network


class Predictor:
    """Runs batches of one device through a network; compiles once per bucket and image shape.

    Args:
      network: of :func:`jaxsparse.models.build`.
      variables: ``params`` and ``batch_stats``.

    Attributes:
      seconds: an event, of every batch that holds one: from host arrays to outputs on the host,
        geometry included, compilation not, divided by the events of the batch.
    """

    def __init__(self, network: Network, variables: Any):
        self.variables = jax.device_put(variables)
        self.seconds: list[float] = []
        self._compiled: set[tuple[Any, ...]] = set()  # what a program is made for
        forward = make_forward(network)
        # Compiling in one piece takes a second more, and tens of MB less at the process's peak.
        on_cpu = jax.default_backend() == "cpu"
        self._forward = jax.jit(
            lambda variables, batch: forward(variables, batch)[0],
            compiler_options={"xla_cpu_parallel_codegen_split_count": 1} if on_cpu else None,
        )

    @property
    def compilations(self) -> int:
        """How many programs were compiled so far: a bucket, shapes of images, events at once."""
        return len(self._compiled)

    @property
    def capacities(self) -> list[tuple[tuple[int, ...], ...]]:
        """Of the buckets compiled so far: sites per level, for every view."""
        return sorted({capacities for capacities, *_ in self._compiled})

    def __call__(self, batch: Batch) -> dict[str, Any]:
        """The outputs of all heads, numpy; rows of padding and of empty slots are among them.

        Args:
          batch: without a device axis.
        """
        capacities = tuple(view.capacities for view in batch.views)
        program = (
            capacities,
            tuple(view.spatial_shape for view in batch.views),
            tuple(view.batch_size for view in batch.views),
        )
        if program not in self._compiled:
            self._outputs(batch)  # compiles; not timed
            self._compiled.add(program)
        start = time.perf_counter()
        outputs = self._outputs(batch)
        if number := int((np.asarray(batch.events) >= 0).sum()):
            self.seconds.append((time.perf_counter() - start) / number)
        return outputs

    def _outputs(self, batch: Batch) -> dict[str, Any]:
        return jax.tree.map(np.asarray, self._forward(self.variables, batch))
