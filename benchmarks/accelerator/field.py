"""The field's open benchmark of sparse convolutions: its network, its sizes and what it measured.

Source: S. Young, https://github.com/youngsm/sparse-conv-benchmarks, ``results/h200/summary.md`` at
27f7dae (2026-07). Sparse residual encoders on PILArNet-M events of a 768^3 grid, bfloat16 by
autocast, batch norm in training mode; the loss is the sum of the output. Median of 30 calls after
20, timed on the device, an H200 NVL. Kernel maps were built before and are not in its times.
MinkowskiEngine and TorchSparse ignore autocast: theirs are float32.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np

import jaxsparse
from benchmarks.engines.cases import Workload
from benchmarks.images import tracks
from benchmarks.parameters import draw
from benchmarks.whole_network import CAPACITY_STEP
from jaxsparse import nn, ops

REGION = ops.hypercube(3, 3)
MODES = ("forward", "gradient")
# Which output sites a strided layer has there (see ``ops.strided_sites``). TorchSparse has both
# rules, this one by default.
RULES = {
    "spconv": "receptive_field",
    "torchsparse": "receptive_field",
    "warpconvnet": "stride",
    "minkowski": "stride",
}
# Median milliseconds (forward, forward and backward) and peak memory of the latter in MB.
FIGURES: dict[tuple[str, int], dict[str, tuple[float, float, float]]] = {
    ("small", 1): {
        "spconv": (2.88, 4.49, 35.8), "torchsparse": (1.25, 2.72, 110.6),
        "warpconvnet": (4.96, 6.45, 89.7), "minkowski": (2.42, 5.69, 88.9),
    },
    ("small", 16): {
        "spconv": (3.89, 9.21, 350.5), "torchsparse": (3.89, 9.27, 710.8),
        "warpconvnet": (6.20, 8.81, 205.7), "minkowski": (3.00, 8.51, 236.3),
    },
    ("medium", 1): {
        "spconv": (3.86, 6.79, 134.8), "torchsparse": (3.88, 8.89, 398.9),
        "warpconvnet": (7.22, 10.49, 177.0), "minkowski": (5.56, 15.52, 175.9),
    },
    ("medium", 16): {
        "spconv": (7.95, 26.09, 873.1), "torchsparse": (20.80, 47.54, 1828.4),
        "warpconvnet": (9.21, 16.17, 409.8), "minkowski": (8.11, 29.99, 590.0),
    },
    ("large", 1): {
        "spconv": (5.87, 13.11, 600.6), "torchsparse": (12.01, 33.40, 1575.0),
        "warpconvnet": (9.69, 16.24, 599.8), "minkowski": (10.23, 31.71, 629.1),
    },
    ("large", 16): {
        "spconv": (23.83, 87.32, 2382.6), "torchsparse": (102.32, 237.11, 5060.6),
        "warpconvnet": (15.69, 34.94, 1104.9), "minkowski": (19.45, 72.06, 1595.2),
    },
}  # fmt: skip
SITES = {1: 4_690, 16: 56_700}  # of all events of a batch together


@dataclasses.dataclass(frozen=True)
class Case:
    """One cell of its tables, and the rule of output sites that ours follows.

    Attributes:
      size: ``"small"``, ``"medium"`` or ``"large"``.
      events: of the batch.
      mode: of :data:`MODES`.
      rule: of ``ops.strided_sites``.
    """

    size: str
    events: int
    mode: str
    rule: str

    @property
    def name(self) -> str:
        """For people.

        >>> Case("small", 16, "gradient", "stride").name
        'small x 16 gradient, stride'
        """
        return f"{self.size} x {self.events} {self.mode}, {self.rule}"


def best_engine(size: str, events: int, mode: str) -> tuple[str, float]:
    """The fastest engine of the field in a case, and its milliseconds.

    >>> best_engine("large", 16, "gradient")
    ('warpconvnet', 34.94)
    """
    column = MODES.index(mode)
    figures = FIGURES[size, events]
    engine = min(figures, key=lambda name: figures[name][column])
    return engine, figures[engine][column]


def cases_of(sizes: Sequence[str], batches: Iterable[int]) -> tuple[list[Case], list[Case]]:
    """All cases, largest first: with the output sites of the engine to beat, and with the others.

    >>> [case.name for case in cases_of(["large"], [16])[0]]
    ['large x 16 gradient, stride', 'large x 16 forward, stride']
    """
    first, second = [], []
    for events in sorted(batches, reverse=True):
        for size in reversed(sizes):
            for mode in reversed(MODES):
                rule = RULES[best_engine(size, events, mode)[0]]
                (other,) = set(RULES.values()) - {rule}
                first.append(Case(size, events, mode, rule))
                second.append(Case(size, events, mode, other))
    return first, second


class Encoder(flax.linen.Module):
    """Stem, then stages of residual blocks with a convolution of kernel 3 and stride 2 between.

    Attributes:
      channels: of each stage.
      blocks: of each stage: ``out = relu(in + norm(conv(relu(norm(conv(in))))))``.
    """

    channels: tuple[int, ...]
    blocks: int

    @flax.linen.compact
    def __call__(self, x: jaxsparse.SparseTensor, maps: Maps) -> jaxsparse.SparseTensor:
        def unit(name: str, x: Any, channels: int, where: ops.Connection, relu: bool = True) -> Any:
            x = nn.GeneralConv(channels, name=f"{name}_convolution")(x, where)
            return nn.BatchNorm(train=True, epsilon=1e-5, relu=relu, name=f"{name}_norm")(x)

        x = unit("stem", x, self.channels[0], maps.submanifold[0])
        for stage, channels in enumerate(self.channels):
            same = maps.submanifold[stage]
            if stage:
                x = unit(f"down_{stage}", x, channels, maps.strided[stage - 1])
            for block in range(self.blocks):
                y = unit(f"stage_{stage}_{block}_first", x, channels, same)
                y = unit(f"stage_{stage}_{block}_second", y, channels, same, relu=False)
                x = nn.relu(nn.add(x, y))
        return x


ENCODERS = {
    "small": Encoder((16, 32, 64, 128), 1),
    "medium": Encoder((32, 64, 128, 256), 2),
    "large": Encoder((64, 128, 256, 512), 3),
}


class Maps(NamedTuple):
    """The connections of all stages: onto the same sites, and from a stage to the next."""

    submanifold: tuple[ops.Connection, ...]
    strided: tuple[ops.Connection, ...]


def batch(sites: int, events: int, side: int = 768) -> Workload:
    """Seeded tracks in place of PILArNet's events, as many sites; their shares vary as there."""
    rng = np.random.default_rng(0)
    shares = rng.gamma(4, 1, events)
    sizes = (shares / shares.sum() * sites).astype(int)
    sizes[-1] += sites - sizes.sum()
    coords, values = zip(
        *(tracks((side,) * 3, int(size), seed) for seed, size in enumerate(sizes)), strict=True
    )
    rows = [np.insert(sites, 0, event, axis=1) for event, sites in enumerate(coords)]
    return Workload(np.concatenate(rows), np.concatenate(values)[:, None], (side,) * 3, events)


def count_sites(workload: Workload, stages: int, rule: str) -> list[int]:
    """Sites of every stage, counted on the host, so that capacities fit."""
    rows = workload.coords.astype(np.int64)
    shape = np.array(workload.spatial_shape)
    counts = [len(rows)]
    for _ in range(stages - 1):
        shape = -(-shape // 2)
        if rule == "stride":
            made = [np.concatenate([rows[:, :1], rows[:, 1:] // 2], axis=1)]
        else:
            made = []
            for offset in itertools.product((-1, 0, 1), repeat=len(shape)):
                doubled = rows[:, 1:] - offset
                read = np.all((doubled % 2 == 0) & (doubled >= 0) & (doubled < 2 * shape), axis=1)
                made.append(np.concatenate([rows[read, :1], doubled[read] // 2], axis=1))
        rows = np.unique(np.concatenate(made), axis=0)
        counts.append(len(rows))
    return counts


def padded(workload: Workload, stages: int, rule: str) -> tuple[jaxsparse.SparseTensor, list[int]]:
    """The batch with bfloat16 features, and the capacities of all stages."""
    counts = count_sites(workload, stages, rule)
    capacities = [-(-count // CAPACITY_STEP) * CAPACITY_STEP for count in counts]
    x = jaxsparse.sparse_tensor(
        workload.coords,
        workload.features.astype(jnp.bfloat16),
        spatial_shape=workload.spatial_shape,
        batch_size=workload.batch_size,
        capacity=capacities[0],
    )
    return x, capacities


def build_maps(x: jaxsparse.SparseTensor, capacities: list[int], rule: str) -> Maps:
    """All connections of a network with a stage a capacity; traceable."""
    sites = ops.Sites.of(x)
    same, down = [ops.submanifold_connection(sites, REGION)], []
    for capacity in capacities[1:]:
        down.append(ops.strided_connection(sites, REGION, 2, output_sites=rule, capacity=capacity))
        sites = down[-1].target
        same.append(ops.submanifold_connection(sites, REGION))
    return Maps(tuple(same), tuple(down))


def variables_of(encoder: Encoder, x: jaxsparse.SparseTensor, maps: Any) -> Any:
    """Seeded parameters and running statistics; of ``maps`` the shapes are enough."""
    return draw(jax.eval_shape(lambda maps: encoder.lazy_init(jax.random.key(0), x, maps), maps))


def function_of(encoder: Encoder, mode: str) -> Callable[..., Any]:
    """``(variables, x, maps) -> features``, or the loss and its gradient by the parameters."""

    def forward(variables: Any, x: Any, maps: Maps) -> Any:
        return encoder.apply(variables, x, maps, mutable=["batch_stats"])[0].features

    def gradient(variables: Any, x: Any, maps: Maps) -> Any:
        def loss(params: Any) -> Any:
            return forward({**variables, "params": params}, x, maps).astype(jnp.float32).sum()

        return jax.value_and_grad(loss)(variables["params"])

    return {"forward": forward, "gradient": gradient}[mode]
