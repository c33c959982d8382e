"""What an event is: views of pixels with their truth, and particles.

Every reader and every simulator yields the same :class:`Event`; the event file
(:mod:`jaxsparse.data.event_file`) stores exactly this and nothing else. All arrays are numpy.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.errors import InputError
from jaxsparse.particle_data import UNKNOWN_PROCESS

SCHEMA_VERSION = 1  # docs/formats.md says what changes it and what does not

NO_CLASS = -1  # a pixel without truth: counts in no loss and in no score

# One row a particle of the event. ``row`` numbers refer to this table.
PARTICLE_DTYPE = np.dtype(
    [
        ("pdg", np.int32),  # PDG code; nuclei by their 10-digit code
        ("parent", np.int32),  # row of the mother, -1 for a primary
        ("process", np.int32),  # 1000 * Geant4 process + subprocess of creation, e.g. 2002
        ("label", np.int8),  # class of its pixels by the ancestor rule, NO_CLASS if it has none
        ("instance", np.int32),  # row of the particle whose cluster it belongs to
        ("interaction", np.bool_),  # from the vertex (True) or a cosmic overlay (False)
        ("kinetic_energy", np.float32),  # MeV at creation
        ("time", np.float32),  # us after the trigger, at creation
        ("start", np.float32, 3),  # cm: x drift, y up, z beam
        ("end", np.float32, 3),  # cm
        ("direction", np.float32, 3),  # unit vector at creation
    ]
)


def particle_table(number: int, **columns: Any) -> np.ndarray:
    """Particles of which only some columns are known, for an :class:`Event`.

    Nothing is said of the others: every particle is a primary of the interaction (``parent`` -1)
    and a cluster of its own (``instance`` is its row), has no class, and NaN for numbers.

    Args:
      number: of particles.
      **columns: of ``PARTICLE_DTYPE``, a value for all or one a particle.

    >>> table = particle_table(2, label=[0, 2])
    >>> table["label"].tolist(), table["instance"].tolist(), table["parent"].tolist()
    ([0, 2], [0, 1], [-1, -1])
    """
    table = np.zeros(number, PARTICLE_DTYPE)
    for name in ("kinetic_energy", "time", "start", "end", "direction"):
        table[name] = np.nan
    table["parent"], table["process"], table["label"] = -1, UNKNOWN_PROCESS, NO_CLASS
    table["instance"], table["interaction"] = np.arange(number), True
    known = PARTICLE_DTYPE.names or ()
    for name, values in columns.items():
        if name not in known:
            raise InputError(f"particles have no {name!r}: it must be one of {', '.join(known)}")
        table[name] = values
    return table


@dataclasses.dataclass(frozen=True)
class PixelColumn:
    """What is known of a truth column; :class:`View` declares one a line.

    Attributes:
      dtype: in memory; flags are bytes of 0 and 1 in the event file.
      none: the value of a pixel without this truth, such as one that a halo adds.
      merged: what a pixel gets that is made of several, by name of a rule of
        :mod:`jaxsparse.data.merging`.
      least, most: no value is smaller or larger; NaN is legal only where it is ``none``.
      number_of: what values count, which bounds them: ``"class"``, ``"particle row"``.
    """

    dtype: np.dtype
    none: float
    merged: str
    least: float = 0
    most: float = math.inf
    number_of: str = ""

    @property
    def stored(self) -> np.dtype:
        """Its type in an event file: plain bytes are read the same by every program."""
        return np.dtype(np.uint8) if self.dtype == np.bool_ else self.dtype


def truth_column(dtype: type, *, none: float, merged: str, **rules: Any) -> Any:
    """A field of :class:`View` that is a truth column; see :class:`PixelColumn`."""
    column = PixelColumn(np.dtype(dtype), none, merged, **rules)
    return dataclasses.field(default=None, metadata={"column": column})


@dataclasses.dataclass(frozen=True)
class View:
    """One image of an event as a list of its non-empty pixels.

    Rows are unique and in lexicographic order of ``coords``. Truth columns that the source does not
    know are ``None``: all of them in data without truth. Another truth column is one more line
    here: file, transforms and checks go by :data:`TRUTH_COLUMNS`.

    Attributes:
      coords: int32 ``[pixels, dim]``; (time row, wire) for wire planes, (x, y, z) for voxels,
        (plane, cell) for segmented detectors.
      values: float32 ``[pixels]``; ADC for wire planes, MeV for voxels; whole numbers 1 to 255 for
        NOvA's and DUNE's pixel maps.
      shape: the full image, for example ``(1008, 3456)``.
      labels: int8 ``[pixels]``, class number or ``NO_CLASS``.
      instance: int32 ``[pixels]``, row in the particle table of the cluster that named the pixel,
        -1 for none; the same row in every view that sees it.
      vertex_distance: float32 ``[pixels]``, Chebyshev distance in pixels to the nearest
        interaction vertex seen in this view, infinity without one.
      interaction: bool ``[pixels]``, whether the vertex (not a cosmic) left its largest part.
      overlap: uint8 ``[pixels]``, number of particle instances that left charge there.
      share: float32 ``[pixels]``, of the pixel's charge that which ``instance`` left, 0 to 1; 0
        where that is -1.
      primary_share: float32 ``[pixels]``, that which the primary of ``instance`` left with all that
        it set off: of a neutral pion both photons' together.
      along: float32 ``[pixels]``, cm in the detector: mean coordinate of the charge along the cell,
        which this view does not see (y of a vertical cell, x of a horizontal one); NaN unknown.
      along_spread: float32 ``[pixels]``, cm: its standard deviation; NaN unknown.
      further: float32 ``[pixels]`` by name: further values of the pixels, such as a time, a width
        or the scores of a network; NaN unknown.
      links: by name of another view of the event, in which of its pixels the charge of these lies.
      corner: where pixel (0, ..., 0) lies in the numbering of the whole detector, where images are
        windows of it: the first plane of the view and its first cell; ``None`` unknown. A transform
        of pixels does not know of it.
    """

    coords: np.ndarray
    values: np.ndarray
    shape: tuple[int, ...]
    labels: np.ndarray | None = truth_column(
        np.int8, none=NO_CLASS, merged="largest", least=NO_CLASS, number_of="class"
    )
    instance: np.ndarray | None = truth_column(
        np.int32, none=-1, merged="largest", least=-1, number_of="particle row"
    )
    vertex_distance: np.ndarray | None = truth_column(np.float32, none=math.inf, merged="nearest")
    interaction: np.ndarray | None = truth_column(np.bool_, none=False, merged="largest")
    overlap: np.ndarray | None = truth_column(np.uint8, none=0, merged="most")
    share: np.ndarray | None = truth_column(np.float32, none=0, merged="share", most=1)
    primary_share: np.ndarray | None = truth_column(np.float32, none=0, merged="share", most=1)
    along: np.ndarray | None = truth_column(
        np.float32, none=math.nan, merged="mean", least=-math.inf
    )
    along_spread: np.ndarray | None = truth_column(np.float32, none=math.nan, merged="along_spread")
    further: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    links: dict[str, Links] = dataclasses.field(default_factory=dict)
    corner: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray, **changes) -> View:
        """The view with only ``rows`` (boolean mask or increasing indices); fields may change.

        Links of other views to this one do not know of it: see :meth:`Event.take`.
        """
        columns = {
            name: None if (column := getattr(self, name)) is None else column[rows]
            for name in PIXEL_COLUMNS
        }
        further = {name: values[rows] for name, values in self.further.items()}
        links = {name: links.take(rows) for name, links in self.links.items()}
        columns |= {"further": further, "links": links}
        return dataclasses.replace(self, **{**columns, **changes})


TRUTH_COLUMNS: dict[str, PixelColumn] = {
    field.name: field.metadata["column"]
    for field in dataclasses.fields(View)
    if "column" in field.metadata
}
PIXEL_COLUMNS = ("coords", "values", *TRUTH_COLUMNS)

# Of a block of pixels a further value is the mean of what is known of its parts.
FURTHER = PixelColumn(np.dtype(np.float32), math.nan, "mean", least=-math.inf)
_FURTHER = "further "


def further_column(name: str) -> str:
    """The column of :class:`~jaxsparse.data.pixels.Pixels` with a further value of the pixels.

    >>> further_name(further_column("time")), further_name("labels")
    ('time', '')
    """
    return _FURTHER + name


def further_name(column: str) -> str:
    """The name of the further value that a column has; empty for another column."""
    return column[len(_FURTHER) :] if column.startswith(_FURTHER) else ""


def column_rule(column: str) -> PixelColumn:
    """What is known of a column of a file's pixels: of truth, or of further values."""
    return FURTHER if further_name(column) else TRUTH_COLUMNS[column]


@dataclasses.dataclass(frozen=True)
class Event:
    """One event: its views by name, its particles, and where it came from.

    Attributes:
      event_id: number of the event in its source.
      views: for example ``{"U": View, "V": View, "Y": View}``.
      particles: structured array of ``PARTICLE_DTYPE``; empty without truth.
      label: class of the whole event, -1 for none; the file's ``event_classes`` name them.
      topology: details in words, at most 32 bytes: ``"bomb"``, ``"1e1p"``, ``"numu CC RES"``,
        ``"nutau CC DIS electron"`` (how the tau decayed), ``"NC DIS"``, ``"cosmic"``; ``""`` if
        unknown.
      energy: of the true neutrino, GeV; NaN for cosmics and where it is not known.
      keys: what names the event in its experiment's tables, by column: ``{"run": 10000, ...}``;
        empty if there is nothing. ``docs/formats.md`` has the columns.
    """

    event_id: int
    views: dict[str, View]
    particles: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, PARTICLE_DTYPE))
    label: int = -1
    topology: str = ""
    energy: float = math.nan
    keys: dict[str, int] = dataclasses.field(default_factory=dict)

    def take(self, name: str, rows: np.ndarray) -> Event:
        """The event with only ``rows`` of the view ``name``, to which the other views' links lead.

        Args:
          name: of the view.
          rows: boolean mask or increasing indices.

        >>> def line(pixels, **links):
        ...     return View(np.arange(pixels)[:, None], np.ones(pixels), (9,), links=links)
        >>> links = Links.of([0, 0], rows=[1, 2], shares=[0.25, 0.75], pixels=1)
        >>> event = Event(0, {"Y": line(1, voxels=links), "voxels": line(3)})
        >>> kept = event.take("voxels", np.array([0, 2])).views
        >>> kept["Y"].links["voxels"].rows.tolist(), kept["Y"].links["voxels"].shares.tolist()
        ([1], [0.75])
        """
        places = np.full(len(self.views[name]), -1)
        kept = np.arange(len(places))[rows]
        places[kept] = np.arange(len(kept))
        views = dict(self.views)
        for other, view in self.views.items():
            if name in view.links:
                moved = view.links[name].to_rows(places[view.links[name].rows])
                views[other] = dataclasses.replace(view, links={**view.links, name: moved})
        views[name] = views[name].take(rows)
        return dataclasses.replace(self, views=views)
