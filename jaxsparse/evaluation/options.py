"""What to evaluate, beside which checkpoint on which file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from jaxsparse import settings
from jaxsparse.detectors import ClassSet
from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of an evaluation.

    Those of some heads are marked and refused where the network has only others. Marked ``pixels``
    are those of the heads ``semantic`` and ``vertex``.

    Attributes:
      checkpoint: ``"best"``, ``"latest"`` or a step.
      num_events: only so many events, spread evenly over the file or its part; 0 for all.
      pictures: how many events to draw, evenly spaced in the file.
      thresholds: semantic, event: rules such as ``"delta>0.5"``; those of the file's detector if
        ``None``.
      baseline_data: semantic, event: file to fit the baseline on; part of the evaluated events if
        empty.
      seed: of the crop windows, of folds and of bootstrap draws.
      bad_events: ``"error"`` or ``"skip"``, for events that cannot be read; the configuration's
        if empty.
      max_bad_events: how many may be left out; as the configuration says if ``None``.
      part: ``"train"``, ``"validation"`` or ``"test"`` of the configuration's
        ``data.split``, ``"all"``; if empty the last part where the file is the one that was split,
        or a copy of it, else all.
      view: pixels: name of the view; the configuration's if empty.
      whole_plane: pixels: no crop.
      bootstrap_group: pixels: so many consecutive ``event_id`` are one event of the
        simulation and are drawn together; 0 takes ``placements`` from the file's attributes,
        else 1.
      value_scale: multiplies the values of the file.
      grouping: semantic: name of a grouping (:data:`~jaxsparse.inference.grouping.GROUPINGS`) that
        tells particles apart; if empty that of the network's head for them, or none.
      joiner: semantic: file or name of a joiner, with which the grouping is ``joined``; ``"own"``,
        the one that comes with a network called by its name; ``"none"``, to go without.
      operating_point: semantic: of the network's file, as :func:`jaxsparse.load` takes it.
      true_classes: semantic: group pixels by their true classes, an upper bound.
    """

    checkpoint: str | int = "best"
    num_events: int = 0
    pictures: int = 8
    thresholds: Sequence[str] | None = None
    baseline_data: str = ""
    seed: int = 0
    bad_events: str = ""
    max_bad_events: int | None = None
    part: str = ""
    view: str = ""
    whole_plane: bool = False
    bootstrap_group: int = 0
    value_scale: float = 1.0
    grouping: str = ""
    joiner: str = "own"
    operating_point: str = ""
    true_classes: bool = False

    def check(self, foreign: Mapping[str, Sequence[str]]) -> None:
        """Looks at every value.

        Args:
          foreign: by head of the network the settings that mean nothing to it; one that means
            nothing to any head is refused.

        Raises:
          InputError: a value out of its range, or one that means nothing to the network.
        """
        for name, least in (("num_events", 0), ("pictures", 0), ("bootstrap_group", 0)):
            if getattr(self, name) < least:
                raise InputError(
                    f"--{name}={getattr(self, name)}: it must not be negative, leave it out."
                )
        if not 0 < self.value_scale < float("inf"):
            raise InputError(
                f"--value_scale={self.value_scale}: it must be positive, leave it out."
            )
        settings.check("", {"seed": self.seed})
        for name, left_out in (("bad_events", ""), ("max_bad_events", None)):
            if (value := getattr(self, name)) != left_out:
                settings.check("data", {name: value})
        for name in sorted(set.intersection(*map(set, foreign.values()))):
            value = getattr(self, name)
            if value != getattr(type(self), name):
                raise InputError(
                    f"--{name}={value}: this network gives {', '.join(foreign)} "
                    "scores, for which there is no such setting, leave it out."
                )

    def rules(self, classes: ClassSet) -> Sequence[str]:
        """The threshold rules for the classes."""
        return classes.rules if self.thresholds is None else self.thresholds
