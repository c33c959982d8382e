"""Slow, dense, float64 numpy versions of the operations: oracles for tests and for the docs.

They share no code and no data structure with what they check.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float


def submanifold_convolution(
    dense: Float[np.ndarray, "events ..."],
    active: np.ndarray,
    weights: Float[np.ndarray, " taps in out"],
    kernel_size: int,
) -> np.ndarray:
    """``out[o] = sum_k weights[k] . dense[o + k - kernel_size // 2]`` at active ``o``, else zero.

    Args:
      dense: ``[events, *spatial, in]``, zero where not active.
      active: bool ``[events, *spatial]``.
      weights: ``[kernel_size ** D, in, out]``, last axis fastest.
      kernel_size: odd.
    """
    spatial = dense.shape[1:-1]
    reach = kernel_size // 2
    widths = [(0, 0), *[(reach, reach)] * len(spatial), (0, 0)]
    padded = np.pad(dense.astype(np.float64), widths)
    out = np.zeros((*dense.shape[:-1], weights.shape[2]))
    for tap, offset in enumerate(itertools.product(range(kernel_size), repeat=len(spatial))):
        shifted = padded[
            (slice(None), *(slice(o, o + n) for o, n in zip(offset, spatial, strict=True)))
        ]
        out += shifted @ weights[tap].astype(np.float64)
    return np.where(active[..., None], out, 0)


def strided_convolution(
    dense: Float[np.ndarray, "events ..."], weights: Float[np.ndarray, " taps in out"]
) -> np.ndarray:
    """``out[o] = sum_k weights[k] . dense[2 o + k]``, kernel 2, stride 2, shape ``ceil(n / 2)``."""
    spatial = dense.shape[1:-1]
    padded = np.pad(dense.astype(np.float64), [(0, 0), *((0, n % 2) for n in spatial), (0, 0)])
    shape = tuple((n + 1) // 2 for n in spatial)
    out = np.zeros((dense.shape[0], *shape, weights.shape[2]))
    for tap, offset in enumerate(itertools.product(range(2), repeat=len(spatial))):
        children = padded[(slice(None), *(slice(o, None, 2) for o in offset))]
        out += children @ weights[tap].astype(np.float64)
    return out


def inverse_convolution(
    dense: Float[np.ndarray, "events ..."],
    active: np.ndarray,
    weights: Float[np.ndarray, " taps in out"],
) -> np.ndarray:
    """``out[2 o + k] = weights[k] . dense[o]`` at the ``active`` fine sites, else zero."""
    spatial = active.shape[1:]
    out = np.zeros((*active.shape, weights.shape[2]))
    for tap, offset in enumerate(itertools.product(range(2), repeat=len(spatial))):
        target = out[(slice(None), *(slice(o, None, 2) for o in offset))]
        source = dense[(slice(None), *(slice(0, n) for n in target.shape[1:-1]))]
        target[...] = source.astype(np.float64) @ weights[tap].astype(np.float64)
    return np.where(active[..., None], out, 0)


def coarse_sites(active: np.ndarray) -> np.ndarray:
    """Occupied cells of the next level: any child occupied."""
    spatial = active.shape[1:]
    padded = np.pad(active, [(0, 0), *((0, n % 2) for n in spatial)])
    out = np.zeros((active.shape[0], *((n + 1) // 2 for n in spatial)), bool)
    for offset in itertools.product(range(2), repeat=len(spatial)):
        out |= padded[(slice(None), *(slice(o, None, 2) for o in offset))]
    return out


def batch_norm(
    rows: Float[np.ndarray, "sites channels"],
    scale: np.ndarray,
    bias: np.ndarray,
    epsilon: float = 1e-5,
) -> np.ndarray:
    """``scale * (x - mean) / sqrt(variance + epsilon) + bias`` over the rows, biased variance."""
    x = rows.astype(np.float64)
    if not len(x):
        return x
    return scale * (x - x.mean(0)) / np.sqrt(x.var(0) + epsilon) + bias
