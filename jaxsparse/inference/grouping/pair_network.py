"""What a joiner computes: a small network on features of pairs of fragments, in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import expit

from jaxsparse.errors import InputError

HIDDEN = (32, 32)


@dataclasses.dataclass(frozen=True)
class PairNetwork:
    """Three layers with ReLU between, on features that are scaled to mean 0 and deviation 1.

    Attributes:
      arrays: float32 by name: ``mean`` and ``scale`` ``[features]``, ``weight_N`` and ``bias_N``.
    """

    arrays: dict[str, np.ndarray]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float64 ``[pairs]`` of features ``[pairs, features]``.

        Raises:
          InputError: it was made for other features.
        """
        self.require(features.shape[1])
        arrays = {name: array.astype(np.float64) for name, array in self.arrays.items()}
        x = (features - arrays["mean"]) / arrays["scale"]
        for layer in range(len(HIDDEN)):
            x = np.maximum(x @ arrays[f"weight_{layer}"] + arrays[f"bias_{layer}"], 0)
        last = len(HIDDEN)
        return np.asarray(expit(x @ arrays[f"weight_{last}"] + arrays[f"bias_{last}"])[:, 0])

    def require(self, features: int) -> None:
        """Refuses another number of features than it was made for.

        Raises:
          InputError: it was.
        """
        if len(self.arrays["mean"]) != features:
            raise InputError(
                f"joiner has {len(self.arrays['mean'])} features, but pairs have {features}: "
                "train it with this network"
            )
