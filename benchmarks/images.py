"""Images to measure on: seeded tracks and showers, or the events of a file."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.crop import choose_windows, window_shape
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.transforms import crop, mask
from jaxsparse.detectors import find


def tracks(shape: tuple[int, ...], num_sites: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sites of scattering lines, one to three pixels thick, until ``num_sites`` are hit.

    Args:
      shape: of the image, any number of axes.
      num_sites: active pixels, exactly.
      seed: of the random numbers.

    Returns:
      ``coords`` int32 ``[num_sites, dim]`` in row-major order and ``values`` float32
      ``[num_sites]``, of mean 1.
    """
    rng = np.random.default_rng(seed)
    dim, longest = len(shape), max(shape)
    sites = np.zeros(0, np.int64)  # flat numbers: an image of all pixels may be half a gigabyte
    while len(sites) < num_sites:
        direction = rng.normal(size=dim)
        kicks = rng.normal(0, 0.01, size=(int(rng.uniform(0.1, 1.0) * longest * 2), dim))
        directions = direction / np.linalg.norm(direction) + np.cumsum(kicks, axis=0)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        line = rng.uniform(0, shape) + np.cumsum(0.5 * directions, axis=0)
        across = int(np.argmin(np.abs(line[-1] - line[0])))
        for _ in range(rng.integers(1, 4)):
            pixels = np.floor(line).astype(int)
            inside = np.all((pixels >= 0) & (pixels < shape), axis=1)
            sites = np.union1d(sites, np.ravel_multi_index(tuple(pixels[inside].T), shape))
            line[:, across] += 1
    kept = np.sort(rng.choice(sites, num_sites, replace=False)) if len(sites) > num_sites else sites
    coords = np.stack(np.unravel_index(kept, shape), axis=1).astype(np.int32)
    return coords, rng.gamma(4.0, 0.25, num_sites).astype(np.float32)


def event_of(
    path: str, index: int, view: str, shape: tuple[int, ...] | None
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """One view of an event file, masked and scaled as its detector is: coords, values and shape.

    Args:
      path: event file.
      index: event of the file.
      view: its name, for example ``"Y"``.
      shape: crop to this much, where the charge is densest; None for the whole view.
    """
    file = EventFile(path)
    known = find(file.detector, file.described).view(view, len(file.view_shapes[view]))
    image = mask(file.read_pixels([index], view, ()), known.low, known.high)
    if shape is not None:
        window = window_shape(image.shape, shape)
        corner = choose_windows(image, window, keep="densest", draw=np.zeros)
        image = crop(image, corner, window)
    return image.coords, (image.values - known.mean) / np.float32(known.std), image.shape
