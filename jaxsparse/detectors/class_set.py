"""Classes of pixels or of whole events: names in order, colours, and what may be asked of them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from jaxsparse.detectors.declared import number
from jaxsparse.errors import InputError

# Eleven that can be told apart on white and in print; NOvA names as many classes of pixels.
_PALETTE = (
    "#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#17becf",
    "#bcbd22", "#7f7f7f", "#26323a",
)  # fmt: skip
GHOST = "ghost"  # the class of a candidate in three dimensions at which nothing was left
GHOST_COLOUR = "#dcdcd6"  # hardly darker than the background


def palette(number: int) -> tuple[str, ...]:
    """Colours of ``number`` classes nobody chose any for; they repeat after eleven.

    >>> palette(2), palette(12)[0] == palette(12)[11]
    (('#d62728', '#1f77b4'), True)
    """
    return tuple(_PALETTE[label % len(_PALETTE)] for label in range(number))


@dataclasses.dataclass(frozen=True)
class ClassSet:
    """Classes in the order of their numbers.

    Attributes:
      names: of the classes.
      colours: one a class, as matplotlib takes them; a palette if empty.
      tracks: names of the classes that are tracks, the rest being showers; empty where the
        question track or shower has no meaning.
      rules: thresholds that an evaluation reports unasked, such as ``"MIP>0.5"``.
      along_tracks: names of the classes of particles that a track sets off anywhere on its way, as
        delta rays.
      at_track_ends: of those that begin where a track ends, as Michel electrons.

    Raises:
      InputError: names that are no tuple of different texts; another number of colours than of
        names or one that matplotlib does not know; a track, something that a track sets off or a
        rule of no class, or a rule without a threshold.

    >>> ClassSet(("muon", "electron"), tracks=("muon",)).track_numbers
    (0,)
    """

    names: tuple[str, ...]
    colours: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    along_tracks: tuple[str, ...] = ()
    at_track_ends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.names, str) or not all(isinstance(name, str) for name in self.names):
            raise InputError(f"names is {self.names!r}: it must be a tuple of texts, one a class")
        for key, value in vars(self).copy().items():  # with lists no two sets would be equal
            if isinstance(value, list):
                object.__setattr__(self, key, tuple(value))
        if len({*self.names}) < len(self.names):
            raise InputError(f"names is {', '.join(self.names)}: every class needs its own name")
        if not self.colours:
            object.__setattr__(self, "colours", palette(len(self.names)))
        if len(self.colours) != len(self.names):
            raise InputError(
                f"colours has {len(self.colours)} entries but there are {len(self.names)} classes "
                f"({', '.join(self.names)}): give one a class, or none"
            )
        for colour in self.colours:
            if not (isinstance(colour, str) and _is_colour(colour)):
                raise InputError(
                    f"colours has {colour!r:.60}: it must be one of matplotlib's, such as '#1f77b4'"
                )
        for field in ("tracks", "along_tracks", "at_track_ends"):
            for name in getattr(self, field):
                if name not in self.names:
                    raise InputError(
                        f"{field} has {name!r}: it must be a class, one of {', '.join(self.names)}"
                    )
        for rule in self.rules:
            name, _, threshold = rule.partition(">")
            if name.strip() not in self.names:
                raise InputError(
                    f"rules has {rule!r}: it must begin with a class, one of "
                    f"{', '.join(self.names)}"
                )
            if not 0 <= number(f"the threshold of the rule {rule!r}", threshold) < 1:
                raise InputError(f"rules has {rule!r}: its threshold must be from 0 to below 1")

    @property
    def track_numbers(self) -> tuple[int, ...]:
        """Class numbers of the tracks."""
        return self.numbers(self.tracks)

    @property
    def ghost(self) -> int | None:
        """Class number of candidates at which nothing was left; ``None`` without that class."""
        return self.names.index(GHOST) if GHOST in self.names else None

    def numbers(self, names: Sequence[str]) -> tuple[int, ...]:
        """Class numbers of some of the names."""
        return tuple(self.names.index(name) for name in names)


def _is_colour(colour: str) -> bool:
    if re.fullmatch("#[0-9a-fA-F]{6}", colour):
        return True
    from matplotlib.colors import is_color_like  # slow to load, and needed for names alone

    return bool(is_color_like(colour))


NO_CLASSES = ClassSet(())
