"""Images without any meaning, with every truth column, for tests that look at shapes and files."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.schema import View


def random_cells(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Distinct cells of a grid, in the order of a file."""
    cells = np.sort(rng.choice(int(np.prod(shape)), count, replace=False))
    return np.stack(np.unravel_index(cells, shape), axis=1).astype(np.int32)


def random_view(
    rng: np.random.Generator, pixels: int, shape: tuple[int, ...], *, truth: bool = True
) -> View:
    """Pixels strewn over an image, some outside 10 to 300 ADC, some without a class."""
    coords = random_cells(rng, pixels, shape)
    values = rng.uniform(5, 330, pixels).astype(np.float32)
    if not truth:
        return View(coords, values, shape)
    distance = np.abs(coords - shape[0] // 2).max(axis=1).astype(np.float32)
    return View(
        coords,
        values,
        shape,
        labels=rng.integers(-1, 5, pixels).astype(np.int8),
        instance=rng.integers(-1, 6, pixels).astype(np.int32),
        vertex_distance=distance,
        interaction=distance < shape[0] // 4,
        overlap=rng.integers(1, 6, pixels).astype(np.uint8),
        share=rng.random(pixels).astype(np.float32),
        primary_share=rng.random(pixels).astype(np.float32),
        along=rng.normal(0, 90, pixels).astype(np.float32),
        along_spread=rng.random(pixels).astype(np.float32),
    )
