"""What the simulated images look like: occupancy, neighbours, sites per level, class shares."""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse.data.crop import choose_windows
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.data.transforms import crop, mask
from jaxsparse.detectors.microboone import CLASS_NAMES, MASK, VOXELS
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from studies.figure import Figure, Sample, near

CROP = (512, 512)
SBND_LEVELS = (1.0, 0.405, 0.181, 0.087, 0.045)
LARGEST_SHARE = 0.6  # of one class in the crops


def neighbours(view: View) -> float:
    """Mean number of active pixels in the 3 x 3 around an active one, itself included."""
    width = view.shape[1] + 2
    cells = (view.coords[:, 0].astype(np.int64) + 1) * width + view.coords[:, 1] + 1
    cells = np.sort(cells)
    offsets = [dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return sum(np.isin(cells + offset, cells).sum() for offset in offsets) / max(len(cells), 1)


def sites_per_level(view: View, levels: int = 5) -> np.ndarray:
    """Distinct ``coords >> level``, level by level."""
    counts = []
    for level in range(levels):
        cells = (view.coords.astype(np.int64) >> level) @ np.array([1 << 20, 1])
        counts.append(len(np.unique(cells)))
    return np.array(counts, float)


def images(number: int, seed: int = 6, voxels: bool = False) -> Sample:
    """Bombs with their cosmics on plane Y, 10 to 300 ADC, and 512 x 512 crops of them.

    Args:
      number: events.
      seed: of the events.
      voxels: also counts the classes of 3 mm voxels of the interaction.
    """
    views = ("Y", VOXELS) if voxels else ("Y",)
    source = SimulatedEvents(GeneratorConfig(), MICROBOONE_CHAMBER, seed=seed, views=views)
    shares, plane_shares = np.zeros(len(CLASS_NAMES)), np.zeros(len(CLASS_NAMES))
    voxel_shares = np.zeros(len(CLASS_NAMES))
    occupancy, near_each, crops = [], [], []
    levels = np.zeros(5)
    for i in range(number):
        event = source[i]
        pixels = mask(Pixels.of([event.views["Y"]]), *MASK)
        (plane,) = pixels.views()
        occupancy.append(len(plane) / np.prod(plane.shape))
        corners = choose_windows(
            pixels, CROP, keep="interaction", draw=functools.partial(_uniform, seed, i)
        )
        (part,) = crop(pixels, corners, CROP).views()
        crops.append(len(part))
        shares += _count(part)
        plane_shares += _count(plane)
        levels += sites_per_level(plane)
        near_each.append(neighbours(plane))
        if voxels:
            voxel_shares += _count(event.views[VOXELS])
    shares /= shares.sum()
    ratio = levels / levels[0]
    sbnd = "SBND planes, 10-300 ADC"
    figures = [
        Figure("occupied pixels of plane Y (%)", 100 * float(np.mean(occupancy)), 0.5, 0.1, 0.5,
               "under 0.5 %"),
        near("active pixels in the 3 x 3 around one", float(np.mean(near_each)), 6.2, 0.2, sbnd),
        *(
            near(f"sites of level {level} per finest site", ratio[level], SBND_LEVELS[level], 0.25,
                 sbnd)
            for level in range(1, 5)
        ),
        Figure("largest class share in crops", float(shares.max()), LARGEST_SHARE, 0.2,
               LARGEST_SHARE, "at most 60 %"),
    ]  # fmt: skip
    curves = {
        "shares": shares,
        "plane_shares": plane_shares / plane_shares.sum(),
        "crop_sites": np.percentile(crops, [25, 50, 75, 95, 100]),
        "occupancy": np.array(occupancy),
    }
    if voxels:
        curves["voxel_shares"] = voxel_shares / max(voxel_shares.sum(), 1.0)
    return Sample(figures, curves)


def _uniform(*numbers: int) -> np.ndarray:
    return np.random.default_rng(numbers).random(1)


def _count(view: View) -> np.ndarray:
    labels = view.labels if view.labels is not None else np.zeros(0, np.int8)
    return np.bincount(labels[labels >= 0], minlength=len(CLASS_NAMES)).astype(float)
