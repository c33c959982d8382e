"""DUNE far-detector pixel maps (dune-cvn): three wire views of a whole event, class by folder.

A folder holds one folder a class (``nue``, ``numu``, ``nutau``, ``nc``), each with pairs of
``eventN.gz`` (a **zlib** stream, not gzip, of uint8 ``(3, 500, 500)``: views U, V, Z with axes wire
and tick) and ``eventN.info`` (text). There is no truth of single pixels.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import zlib
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.readers.protocol import Reader
from jaxsparse.data.schema import Event, View
from jaxsparse.data.source import EventSource
from jaxsparse.detectors.dune import (
    DUNE,
    DUNE_EVENT_CLASSES,
    DUNE_INTERACTIONS,
    DUNE_SIZE,
    DUNE_VIEWS,
)
from jaxsparse.errors import InputError, one_line

LEPTON_DECAYS = {0: "electron", 1: "muon", 2: "hadrons"}


@dataclasses.dataclass(frozen=True)
class DuneInfo:
    """What ``eventN.info`` says.

    Attributes:
      interaction: QE, RES, DIS or other.
      neutrino_energy, lepton_energy: GeV.
      weight: oscillation weight.
      neutrino_pdg: 12, 14, 16, negative for antineutrinos, 1 for neutral currents.
      protons, charged_pions, neutral_pions, neutrons: counts.
      lepton_decay: of a tau: to electron, muon or hadrons; "" for other numbers.
    """

    interaction: str
    neutrino_energy: float
    lepton_energy: float
    weight: float
    neutrino_pdg: int
    protons: int
    charged_pions: int
    neutral_pions: int
    neutrons: int
    lepton_decay: str


class DuneCvnSource(EventSource):
    """Random-access source of the events of a folder, in the order of the classes, then N.

    Views have axes (tick, wire), like all wire planes here: the file's the other way round.
    ``event_id`` is N, ``label`` the number of the folder's name in :data:`DUNE_EVENT_CLASSES`;
    ``topology`` (``"nutau CC DIS electron"``: how the tau decayed; ``"NC"``) and ``energy`` come
    from the ``.info``. Classes that a folder lacks are left out.

    Args:
      folder: the folder of folders.

    Raises:
      InputError: no such folder, no event in it, an event without its ``.info``; reading an event:
        a cut or foreign stream, an ``.info`` that says no number where one must be.
    """

    detector = DUNE.name
    view_shapes = dict.fromkeys(DUNE_VIEWS, (DUNE_SIZE, DUNE_SIZE))
    event_classes = DUNE_EVENT_CLASSES

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder: give the one that holds nue, numu...")
        self._events = [
            (label, number, path)
            for label, name in enumerate(DUNE_EVENT_CLASSES)
            for number, path in sorted(_numbered(self.folder / name))
        ]
        if not self._events:
            raise InputError(
                f"{self.folder} has no eventN.gz below {', '.join(DUNE_EVENT_CLASSES)}: give the "
                "folder above"
            )
        for _, _, path in self._events:
            if not path.with_suffix(".info").is_file():
                raise InputError(f"{path} has no {path.stem}.info beside it: copy both")
        images = [path for _, _, path in self._events]
        self.files = [*images, *(path.with_suffix(".info") for path in images)]

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index: int) -> Event:
        label, number, path = self._entry(index)
        image = _read_image(path)
        views = {}
        for name, plane in zip(DUNE_VIEWS, image, strict=True):
            coords = np.argwhere(plane.T).astype(np.int32)
            values = plane.T[tuple(coords.T)].astype(np.float32)
            views[name] = View(coords, values, (DUNE_SIZE, DUNE_SIZE))
        info = self.info(index)
        energy = info.neutrino_energy
        if not (math.isnan(energy) or 0 <= energy < math.inf):
            raise InputError(
                f"{path.with_suffix('.info')}: neutrino energy {energy} must be finite and not "
                "negative: copy it anew"
            )
        return Event(
            event_id=number, views=views, label=label, topology=_topology(label, info),
            energy=energy,
        )  # fmt: skip

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``: class of every event."""
        return np.array([label for label, _, _ in self._events], np.int32)

    @property
    def event_energy(self) -> np.ndarray:
        """float32 ``[events]``: true energy of the neutrino, GeV; reads every ``.info``."""
        energies = [self.info(index).neutrino_energy for index in range(len(self))]
        return np.array(energies, np.float32)

    def info(self, index: int) -> DuneInfo:
        """The generator's truth of one event."""
        path = self._entry(index)[2].with_suffix(".info")
        try:
            values = [float(line) for line in path.read_text("ascii").split()]
            return DuneInfo(
                interaction=DUNE_INTERACTIONS[int(values[0]) % 4],
                neutrino_energy=values[1],
                lepton_energy=values[2],
                weight=values[6],
                neutrino_pdg=int(values[7]),
                protons=int(values[8]),
                charged_pions=int(values[9]),
                neutral_pions=int(values[10]),
                neutrons=int(values[11]),
                lepton_decay=LEPTON_DECAYS.get(int(values[13]), ""),
            )
        except (OSError, ValueError, IndexError, OverflowError) as error:
            text = one_line(error)
            raise InputError(f"{path} is not 14 lines of numbers ({text}): copy it anew") from None

    def _entry(self, index: int) -> tuple[int, int, Path]:
        return self._events[event_number(index, len(self), f"{self.folder}")]


def _topology(label: int, info: DuneInfo) -> str:
    if DUNE_EVENT_CLASSES[label] == "nc":
        return "NC"  # their code is 13 whatever the mode
    decay = info.lepton_decay if DUNE_EVENT_CLASSES[label] == "nutau" else ""
    return f"{DUNE_EVENT_CLASSES[label]} CC {info.interaction} {decay}".rstrip()


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    found = ((re.fullmatch(r"event(\d+)\.gz", path.name), path) for path in folder.iterdir())
    return [(int(match[1]), path) for match, path in found if match]


def _read_image(path: Path) -> np.ndarray:
    """uint8 ``[3, 500, 500]``; never inflates more than an image, whatever the stream holds."""
    expected = len(DUNE_VIEWS) * DUNE_SIZE * DUNE_SIZE
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(path.read_bytes(), expected + 1)
    except (OSError, zlib.error) as error:
        raise InputError(f"{path} is no zlib stream ({error}): copy it anew") from None
    if len(data) != expected or not stream.eof:
        raise InputError(
            f"{path} holds {'over ' * (len(data) > expected)}{min(len(data), expected)} bytes of "
            f"image: must be {expected}, copy it anew"
        )
    return np.frombuffer(data, np.uint8).reshape(len(DUNE_VIEWS), DUNE_SIZE, DUNE_SIZE)


def _recognise(path: Path, _: h5py.File | None) -> bool:
    return any((path / name).is_dir() for name in DUNE_EVENT_CLASSES)


READER = Reader(
    holds="folders of DUNE pixel maps (nue, numu, nutau, nc)", recognise=_recognise,
    open=DuneCvnSource, patterns=(),
)  # fmt: skip
