"""Runs that are killed until nothing is left to kill, and must end like one that was not."""

from __future__ import annotations

import dataclasses
import signal
from typing import Any

KILL, TERMINATE = signal.SIGKILL, signal.SIGTERM


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A run to be disturbed.

    Attributes:
      name: of the row.
      what: the row in words.
      task: segmentation or classification.
      settings: config keys in place of those of ``tiny_config.py``.
      signals: to end it by.
      first_save: kill it during its first save before anything else.
      begins_with: a scenario whose undisturbed run this one begins with.
    """

    name: str
    what: str
    task: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    signals: tuple[signal.Signals, ...] = (KILL,)
    first_save: bool = False
    begins_with: Scenario | None = None


_CLASSIFICATION = Scenario(
    "classification", "Whole events, a plateau, batches in two parts", "classification",
    {"train.accumulate": 2},
)  # fmt: skip
SCENARIOS = (
    Scenario("segmentation", "Pixels; periods of 7, 5 and 6 steps in 39", "segmentation"),
    Scenario(
        "sigterm", "The same, SIGTERM and SIGKILL in turn", "segmentation",
        signals=(KILL, TERMINATE),
    ),
    Scenario(
        "loaders", "Two loader processes, batches in two parts", "segmentation",
        {"train.accumulate": 2, "data.workers": 2, "train.steps": 23},
    ),
    _CLASSIFICATION,
    Scenario(
        "epochs", "7.3 epochs, a validation every 1.1", "classification",
        {"train.epochs": 7.3, "train.validate_epochs": 1.1, "train.log_every": 4,
         "train.checkpoint_every": 3},
        signals=(KILL, KILL, TERMINATE),
    ),
    Scenario(
        "early_stop", "A plateau, then an early stop", "segmentation",
        {"optimizer.schedule": "plateau", "optimizer.plateau_patience": 0,
         "optimizer.learning_rate": 0.3, "optimizer.plateau_factor": 0.5, "train.early_stop": 4,
         "train.validate_every": 3, "train.steps": 80},
        signals=(KILL, KILL, TERMINATE),
    ),
    Scenario(
        "averages", "Averaged parameters and their moments", "segmentation",
        {"train.average_decay": 0.9, "train.average_batches": 3, "train.steps": 23},
        signals=(KILL, KILL, TERMINATE),
    ),
    Scenario(
        "start_from", "Begins with another run's parameters, killed in its first save",
        "classification", {"seed": 5, "train.steps": 19}, first_save=True,
        begins_with=_CLASSIFICATION,
    ),
)  # fmt: skip
