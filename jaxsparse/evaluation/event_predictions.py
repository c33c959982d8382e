"""``predictions.h5`` of a classifier: the scores of every event, in the order of the file.

| dataset | type | what |
| --- | --- | --- |
| ``scores`` | float32 ``[events, classes]`` | softmax scores |
| ``event`` | int64 ``[events]`` | number of the event in the input file |
| ``label`` | int32 ``[events]`` | true class, -1 unknown |
| ``energy`` | float32 ``[events]`` | true neutrino energy in GeV, NaN unknown |
| ``topology`` | bytes, at most 32 | true details in words |
| ``file``, ``run``, ``subrun``, ... | int64 ``[events]`` | its keys, if the file has some |

Attributes: ``format``, ``class_names``, ``data``, ``views``, ``checkpoint_step``, ``complete``.
Truth is repeated here so that two classifiers can be compared without the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import TOPOLOGY_BYTES
from jaxsparse.data.hdf5_attributes import read_texts, says
from jaxsparse.errors import InputError, one_line
from jaxsparse.evaluation.scored import Scored
from jaxsparse.inference.prediction_file import FORMAT, PredictionFile

COLUMNS: dict[str, Any] = {
    "event": np.int64,
    "label": np.int32,
    "energy": np.float32,
    "topology": f"S{TOPOLOGY_BYTES}",
}
REMEDY = "give the predictions.h5 that jaxsparse eval wrote for a classifier of events"


class EventPredictions(PredictionFile):
    """Appends events with bounded memory; a context manager.

    Args:
      path: of the file to be.
      classes: class names.
      attributes: written beside the class names.
      keys: int64, of every event of the input file by column, what names the events in their
        experiment's tables.

    Raises:
      InputError: the file cannot be made, or the disk is full.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        classes: Sequence[str],
        attributes: dict[str, Any],
        keys: Mapping[str, np.ndarray] | None = None,
    ):
        super().__init__(path, classes, attributes)
        self._keys = keys or {}
        self.dataset("scores", np.float32, (len(classes),))
        for name, kind in {**COLUMNS, **dict.fromkeys(self._keys, np.int64)}.items():
            self.dataset(name, kind)

    def append(self, scored: Scored) -> None:
        """Writes events that have the columns ``event``, ``energy`` and ``topology``."""
        known = scored.columns
        events = np.asarray(known["event"], np.int64)
        texts = [text.encode() for text in known["topology"]]
        self.extend(
            {
                "scores": scored.scores,
                "event": events,
                "label": scored.truth,
                "energy": known["energy"],
                "topology": np.array(texts, COLUMNS["topology"]),
                **{name: column[events] for name, column in self._keys.items()},
            }
        )


def read_predictions(path: str | os.PathLike[str]) -> tuple[Scored, np.ndarray]:
    """The scores and truth of a ``predictions.h5``, and the events' numbers in their file.

    Raises:
      InputError: no such file, or not one of a classifier of events.
    """
    try:
        with h5py.File(path) as file:
            attributes = file.attrs
            if not says(attributes, "format", FORMAT) or not attributes.get("complete"):
                raise InputError(f"{path} is no complete prediction file: {REMEDY}")
            missing = {"scores", "event", "label", "energy", "topology"} - set(file)
            if missing:
                raise InputError(f"{path} has no {', '.join(sorted(missing))}: {REMEDY}")
            columns = {name: np.asarray(file[name]) for name in file}
            classes = read_texts(attributes, "class_names")
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read ({one_line(error)}): {REMEDY}") from None
    topology = [text.decode(errors="replace") for text in columns["topology"]]
    scored = Scored.of(columns["scores"], columns["label"], classes, columns["energy"], topology)
    return scored, columns["event"]
