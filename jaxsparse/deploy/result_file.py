"""The file of predictions of a whole run, made of its parts; ``docs/predict.md`` describes it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import NO_KEY
from jaxsparse.data.hdf5_attributes import says
from jaxsparse.deploy.identity import run_sha256
from jaxsparse.deploy.parts import Parts
from jaxsparse.deploy.rows import LENGTHS, OFFSETS, Rows, WholeEventRows
from jaxsparse.inference.prediction_file import CHUNK, FORMAT, PredictionFile

SLAB = 16 * CHUNK  # rows in memory


def join(
    parts: Parts,
    out: Path,
    heads: Mapping[str, Rows],
    run: Mapping[str, Any],
    views: tuple[str, ...],
    called: Mapping[str, Any],
) -> None:
    """Writes the file; its bytes depend on the rows alone, not on how they lie in parts.

    Args:
      parts: of all events.
      out: the file to be.
      heads: what is stored, by group of the file; the main one's is ``""``.
      run: what the run depends on.
      views: of the network.
      called: what the user called the ``model`` and the ``inputs``.

    Raises:
      InputError: a part is damaged, or the disk is full.
    """
    attributes = {
        "program": "jaxsparse predict",
        "model": called["model"],
        **run["model"],
        "views": list(views),
        "view": views[0],
        "versions": json.dumps(run["versions"]),
        "options": json.dumps(run["options"]),
        "outside_mask": np.float32(np.nan),
        "run_sha256": run_sha256(run),
    }
    counts = [count for count, _ in run["inputs"]]
    with _ResultFile(out, heads, attributes, called["inputs"], counts) as file:
        for group, rows in heads.items():
            for name, (dtype, tail) in rows.types.items():
                if name in rows.optional and _is_empty(parts, group + name):
                    continue
                slabs, stored = parts.slabs(group + name, SLAB), name
                if name == LENGTHS:
                    slabs, stored = _offsets(slabs), OFFSETS
                file.dataset(group + stored, dtype, tail)
                for slab in slabs:
                    file.extend({group + stored: slab})


def is_of_run(out: Path, run: Mapping[str, Any]) -> bool:
    """Whether a file is the whole result of a run."""
    try:
        with h5py.File(out) as file:
            facts = file.attrs
            same = says(facts, "format", FORMAT) and says(facts, "run_sha256", run_sha256(run))
            return same and bool(facts["complete"])
    except (OSError, KeyError, RuntimeError, ValueError):
        return False


def count_unscored(out: Path) -> tuple[int, int]:
    """Events of a result that could not be read, and those without a pixel to score them by."""
    with h5py.File(out) as file:
        return int(file.attrs["num_bad_events"]), int(file.attrs.get("num_unseen_events", 0))


class _ResultFile(PredictionFile):
    def __init__(
        self,
        path: Path,
        heads: Mapping[str, Rows],
        attributes: dict[str, Any],
        inputs: Sequence[str],
        counts: Sequence[int],
    ):
        super().__init__(path, heads[""].classes, attributes)
        self._heads, self._inputs, self._counts = heads, inputs, counts

    def finish(self, file: h5py.File) -> None:
        """Writes what the files are, what heads below the main one tell, and how many are bad."""
        for group, rows in self._heads.items():
            if group:
                file[group].attrs["class_names"] = list(rows.classes)
        events = sum(self._counts)
        file["inputs"] = np.array([name.encode() for name in self._inputs])
        file["input_events"] = np.array(self._counts, np.int64)
        file.attrs["num_events"] = events
        entries = len(file["readable"]) // max(events, 1)  # of an event
        bad = sum(int((slab == 0).sum()) for slab in _blocks(file["readable"]))
        file.attrs["num_bad_events"] = bad // max(entries, 1)
        for group, rows in self._heads.items():
            if isinstance(rows, WholeEventRows):
                scores, readable = (
                    _blocks(file[f"{group}scores"]),
                    _blocks(file[f"{group}readable"]),
                )
                file.attrs["num_unseen_events"] = sum(
                    int((np.isnan(said[:, 0]) & (known > 0)).sum())
                    for said, known in zip(scores, readable, strict=True)
                )


def _blocks(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    return (dataset[start : start + SLAB] for start in range(0, len(dataset), SLAB))


def _offsets(lengths: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    total = 0
    for slab in itertools.chain([np.zeros(1, np.int64)], lengths):
        ends = total + np.cumsum(slab)
        total = int(ends[-1])
        yield ends


def _is_empty(parts: Parts, name: str) -> bool:
    return all((slab == NO_KEY).all() for slab in parts.slabs(name, SLAB))
