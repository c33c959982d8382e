"""How large the steps are: as the tables ask for, or as small as a test wants them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from benchmarks import workloads
from benchmarks.accelerator import field
from benchmarks.workloads import Size


@dataclasses.dataclass(frozen=True)
class Scale:
    """Sizes of all steps.

    Attributes:
      encoders: of the field's benchmark, by size.
      sites: of its batches, by their number of events.
      side: of its grid.
      images: that the whole network is timed on.
      network: fields of that network that differ from the published ones.
      channels: of the layers that are compared with the CPU.
      calls: of ``programs.call_times``.
      runs: results that are hashed.
      side_by_side: programs that are compiled at a time.
      matrix: rows of the product that shows the rate of the device.
      copied: bytes of the copy that shows its memory's.
      planes: simulated for the training.
      training: keys of the config that differ from the recipe's.
    """

    encoders: Mapping[str, field.Encoder]
    sites: Mapping[int, int]
    side: int
    images: Mapping[str, Size]
    network: Mapping[str, Any]
    channels: tuple[tuple[int, int], ...]
    calls: Mapping[str, int]
    runs: int
    side_by_side: int
    matrix: int
    copied: int
    planes: int
    training: Mapping[str, Any]


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def full() -> Scale:
    """For an accelerator: the published sizes."""
    return Scale(
        encoders=field.ENCODERS,
        sites=field.SITES,
        side=768,
        images={name: workloads.SIZES[name] for name in ("w1", "w3")},
        network={},
        channels=((16, 16), (64, 128), (256, 256)),
        calls={"warm": 20, "calls": 30, "burst": 20},
        runs=20,
        side_by_side=min(6, cores()),
        matrix=8192,
        copied=2**30,
        planes=640,
        training={
            "data.workers": min(8, cores() // 2), "train.steps": 200, "train.minutes": 2.0,
        },
    )  # fmt: skip


def smoke() -> Scale:
    """Every step once, in seconds on a CPU: shows that they run, measures nothing."""
    return Scale(
        encoders={"small": field.Encoder((2, 4), 1)},
        sites={1: 40},
        side=16,
        images={"w1": Size(1, (32, 32), 30)},
        network={"filters": 2, "depth": 2, "blocks": 1},
        channels=((2, 3),),
        calls={"warm": 0, "calls": 1, "burst": 1},
        runs=2,
        side_by_side=1,
        matrix=64,
        copied=2**10,
        planes=4,
        training={
            "model.filters": 2, "model.depth": 2, "model.blocks": 1, "data.crop": (32, 32),
            "train.batch_size": 4, "train.devices": 1, "train.steps": 3, "train.log_every": 1,
            "data.workers": 1,
        },
    )  # fmt: skip
