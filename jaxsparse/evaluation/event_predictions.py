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
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import TOPOLOGY_BYTES
from jaxsparse.data.hdf5_attributes import read_texts, says
from jaxsparse.errors import InputError
from jaxsparse.evaluation.predictions import FORMAT, PredictionFile
from jaxsparse.evaluation.scored import Scored

REMEDY = "give the predictions.h5 that eval.py wrote for a classifier of events"


def write_predictions(
    path: str | os.PathLike[str],
    scored: Scored,
    attributes: dict[str, Any],
    keys: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Writes the scores of events.

    Args:
      path: of the file to be.
      scored: the events, with columns ``event`` (numbers in the input file), ``energy`` and
        ``topology``.
      attributes: written beside the class names.
      keys: int64 ``[events]`` by column, what names the events in their experiment's tables.

    Raises:
      InputError: the file cannot be made, or the disk is full.
    """
    known = scored.columns
    columns = {
        "scores": scored.scores,
        "event": np.asarray(known["event"], np.int64),
        "label": scored.truth,
        "energy": known["energy"],
        "topology": np.array([text.encode() for text in known["topology"]], f"S{TOPOLOGY_BYTES}"),
        **(keys or {}),
    }
    with PredictionFile(path, scored.classes, attributes) as file:
        for name, values in columns.items():
            file.dataset(name, values.dtype, values.shape[1:])
            file.extend({name: values})


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
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read ({reason}): {REMEDY}") from None
    topology = [text.decode(errors="replace") for text in columns["topology"]]
    scored = Scored.of(columns["scores"], columns["label"], classes, columns["energy"], topology)
    return scored, columns["event"]
