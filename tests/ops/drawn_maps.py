"""Maps of many sites, and a convolution with both gradients, by the package and in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse import geometry, sparse_tensor
from jaxsparse.ops.convolve import convolve_rows

SITES, CAPACITY = 9005, 9100  # several blocks of rows, several partial sums of a weight gradient


def sites_and_geometry():
    rng = np.random.default_rng(0)
    cells = np.sort(rng.choice(150 * 150, size=SITES, replace=False))
    coords = np.stack([np.zeros_like(cells), *np.unravel_index(cells, (150, 150))], axis=1)
    x = sparse_tensor(
        coords.astype(np.int32),
        np.ones((SITES, 1), np.float32),
        spatial_shape=(150, 150),
        batch_size=1,
        capacity=CAPACITY,
    )
    return x, jax.jit(functools.partial(geometry, levels=2))(x)


def maps(built):
    fine = built.levels[0]
    return {"same": fine.kernel_maps[3], "down": fine.down, "up": fine.down.transpose()}


def draw(seed, *shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


@functools.partial(jax.jit, static_argnames=("implementation", "compute_dtype"))
def everything(features, weights, kernel_map, cotangent, implementation, compute_dtype=None):
    options = {"implementation": implementation, "compute_dtype": compute_dtype}
    out, back = jax.vjp(lambda f, w: convolve_rows(f, w, kernel_map, **options), features, weights)
    return out, *back(cotangent)


def exact(features, weights, kernel_map, cotangent):
    """The convolution and both gradients in float64, tap by tap."""
    features, weights, cotangent = (
        np.asarray(array, np.float64) for array in (features, weights, cotangent)
    )
    table = np.asarray(kernel_map.table_of_outputs())
    out, by_features = np.zeros_like(cotangent), np.zeros_like(features)
    by_weights = np.zeros_like(weights)
    for tap, line in enumerate(table):
        rows = np.flatnonzero(line < kernel_map.num_in)
        rows = rows[rows < kernel_map.num_out]
        out[rows] += features[line[rows]] @ weights[tap]
        np.add.at(by_features, line[rows], cotangent[rows] @ weights[tap].T)
        by_weights[tap] = features[line[rows]].T @ cotangent[rows]
    return out, by_features, by_weights
