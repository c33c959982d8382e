"""Where the harness works, and the commands that it gives there."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]  # commands run here: train.py is no module
TASKS = ("segmentation", "classification")


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder with event files, compiled programs and work directories.

    Attributes:
      folder: all of it.
      files: the training and the validation file of each task.
    """

    folder: Path
    files: dict[str, tuple[Path, Path]]

    @property
    def cache(self) -> Path:
        """The compiled programs: a restart costs a few seconds with them."""
        return self.folder / "programs"

    def train(self, task: str, workdir: Path, settings: dict[str, Any]) -> list[str]:
        """The command that trains the tiny network of ``task`` in ``workdir``.

        Args:
          task: segmentation or classification.
          workdir: of the run.
          settings: config keys in place of those of ``tiny_config.py``.
        """
        train, validation = self.files[task]
        keys = {
            "data.train": train, "data.validation": validation, "train.cache_dir": self.cache,
        } | settings  # fmt: skip
        return [
            sys.executable,
            "train.py",
            f"--config=benchmarks/kills/tiny_config.py:{task}",
            f"--workdir={workdir}",
            *(f"--config.{key}={value}" for key, value in keys.items()),
        ]


def simulated(folder: Path) -> Place:
    """A place with a few simulated events for each task; made where they are missing."""
    files = {}
    for task, options in (
        ("segmentation", ["--views=Y"]),
        ("classification", ["--detector=nova"]),
    ):
        pair = []
        for seed, (part, events) in enumerate((("train", 24), ("validation", 8))):
            path = folder / f"{task}_{part}.h5"
            if not path.exists():
                simulate = [sys.executable, "-m", "jaxsparse.data.simulate", *options]
                simulate += [f"--out={path}", f"--events={events}", f"--seed={seed}"]
                subprocess.run(simulate, cwd=ROOT, check=True, capture_output=True)
            pair.append(path)
        files[task] = (pair[0], pair[1])
    return Place(folder, files)
