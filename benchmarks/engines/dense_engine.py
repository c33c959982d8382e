"""The dense twin: the same network with the same parameters on whole images, every pixel computed.

In plain mode, what a user of dense networks runs. On images with empty pixels that is another
function than the sparse one, so its results are not compared; the tests hold its masked mode equal.
"""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.engines import jaxsparse_engine
from benchmarks.engines.cases import Call, Workload

set_up, check = jaxsparse_engine.set_up, jaxsparse_engine.check

# Pixels of a batch up to which a call stays within 16 GB: it holds the activations of every pixel.
LARGEST = {"inference": 2**22, "training_step": 2**21}


def serves(case: str, workload: Workload) -> bool:
    """Whether whole images of a workload fit; single layers and maps have no dense side."""
    pixels = workload.batch_size * math.prod(workload.spatial_shape)
    return pixels <= LARGEST.get(case, 0)


def prepare(case: str, workload: Workload, parameters: Path) -> Call:
    """A compiled call of the dense network."""
    return jaxsparse_engine.network_call(case, workload, parameters, vocabulary="dense")
