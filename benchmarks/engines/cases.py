"""What is measured, and what every engine is given: numpy alone, so that no engine loads another.

Every input is drawn from a seed, so that two engines in two processes work on the same numbers and
their results can be compared before they are timed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DEPTH = 5
NUM_CLASSES = 5
LEARNING_RATE = 1e-6  # of a loss summed over sites: weights move, and stay finite, over many steps


@dataclasses.dataclass(frozen=True)
class Layer:
    """One convolution without bias on the finest level of a workload, its maps given."""

    kind: str  # "submanifold": kernel 3; "strided": kernel 2, stride 2; "inverse" of that
    channels_in: int
    channels_out: int
    gradients: bool = False  # by the input and by the weights, beside the output

    @property
    def kernel_size(self) -> int:
        return 3 if self.kind == "submanifold" else 2


MAPS = ("layer_map", "maps")
LAYERS = {
    "submanifold_32": Layer("submanifold", 32, 32),
    "submanifold_32_gradients": Layer("submanifold", 32, 32, gradients=True),
    "submanifold_64": Layer("submanifold", 64, 64),
    "submanifold_64_gradients": Layer("submanifold", 64, 64, gradients=True),
    "strided": Layer("strided", 32, 64),
    "inverse": Layer("inverse", 64, 32),
}
NETWORK = ("inference", "training_step")


@dataclasses.dataclass(frozen=True)
class Workload:
    """A batch of images: ``coords`` int32 ``[sites, 1 + D]`` in row-major order, event first."""

    coords: np.ndarray
    features: np.ndarray
    spatial_shape: tuple[int, ...]
    batch_size: int

    @property
    def dim(self) -> int:
        return len(self.spatial_shape)

    def write(self, path: Path) -> None:
        """Saves the keys that :meth:`read` takes."""
        shape = np.array([self.batch_size, *self.spatial_shape], np.int32)
        np.savez(path, coords=self.coords, feats=self.features, shape=shape)

    @classmethod
    def read(cls, path: Path) -> Workload:
        """``coords``, ``feats`` float32 ``[sites, 1]`` and ``shape`` (events, spatial ...)."""
        with np.load(path, allow_pickle=False) as arrays:
            batch_size, *shape = (int(n) for n in arrays["shape"])
            coords = np.ascontiguousarray(arrays["coords"])  # spconv reads memory, not strides
            return cls(coords, arrays["feats"], tuple(shape), batch_size)


@dataclasses.dataclass
class Call:
    """One case, ready to be timed.

    Attributes:
      run: does it once and returns when the result is there.
      arrays: of a result: what every engine must agree on, rows in lexicographic order of sites.
      facts: what was learnt on the way, such as the number of parameters.
    """

    run: Callable[[], Any]
    arrays: Callable[[Any], dict[str, np.ndarray]]
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def layer_weights(layer: Layer, dim: int) -> np.ndarray:
    """``[taps, in, out]`` float32, the last axis of the kernel fastest among taps."""
    shape = (layer.kernel_size**dim, layer.channels_in, layer.channels_out)
    return _normal(1, *shape) / np.float32(np.sqrt(layer.channels_in))


def layer_features(layer: Layer, rows: int) -> np.ndarray:
    """``[rows, in]`` float32, rows in lexicographic order of sites."""
    return _normal(2, rows, layer.channels_in)


def layer_cotangent(layer: Layer, rows: int) -> np.ndarray:
    """``[rows, out]`` float32: the gradient that comes back."""
    return _normal(3, rows, layer.channels_out)


def labels(rows: int) -> np.ndarray:
    """A class for every site, int32."""
    return np.random.default_rng(4).integers(0, NUM_CLASSES, rows).astype(np.int32)


def _normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
