"""Makes of the views of events a file with their candidates in three dimensions.

    jaxsparse candidates FILE --out=volume.h5 [--predictions=PREDICTIONS[,PREDICTIONS]]

A candidate is a site that the views agree on: a voxel that two or three wire planes show in one
time row, or a pair of cells in neighbouring planes. The file has the views and, as one more, the
candidates with links to the pixels that show them. If FILE has truth, so have they: the class
"ghost" is that of candidates at which nothing was left (``docs/three_dimensions.md``). With
``--predictions`` the pixels of the views have the scores that networks gave them as further values.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.candidates.cells import REACH
from jaxsparse.candidates.finders import Finder, Recall, finder_of
from jaxsparse.candidates.sites import MOST
from jaxsparse.data.copying import header_of
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import Event
from jaxsparse.detectors import find
from jaxsparse.detectors.class_set import GHOST
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.errors import InputError
from jaxsparse.paths import user_path

if TYPE_CHECKING:  # inference loads JAX
    from jaxsparse.inference.predictions_of_views import PredictionsOfViews


def main(argv: list[str]) -> None:
    """Entry point of the command line."""
    if len(argv) != 2:
        raise InputError("FILE is missing: jaxsparse candidates FILE --out=volume.h5")
    values = flags.FLAGS
    path = user_path(argv[1], "FILE")
    predictions = [user_path(text, "predictions") for text in values.predictions]
    refuse_overwriting("out", values.out, [path, *predictions])
    source = EventFile(path)
    options = {"blind": values.blind, "reach": values.reach, "most": values.most}
    dead_wires = {name: source.dead_wires(name) for name in source.view_shapes}
    finder = finder_of(source.detector, dead_wires, **options)
    options["low"] = lowest(source, finder) if values.low is None else values.low
    said = _said(predictions, path, finder)
    counts: list[tuple[Recall, Recall]] = []
    seconds = 0.0
    with _writer(values.out, source, finder, options) as writer:
        for event in with_progress(_with_scores(source, said), len(source), "searching"):
            begin = time.process_time()
            found = finder(event, ghost=len(source.class_names), low=options["low"])
            seconds += time.process_time() - begin
            writer.append(found.event)
            counts.append((found.seen_by_all, found.seen))
    print(f"{values.out}: {len(counts)} events")
    if counts:
        by_all, seen = zip(*counts, strict=True)
        if by_all != seen:
            print(line(f"all {len(finder.views)} views show", by_all, finder.sought))
        print(line("two views show", seen, finder.sought))
        print(f"{seconds / len(counts):.2f} s of processor time an event")
    if said is not None:
        print("\n".join(_how_to_see(said, len(source))))


def _with_scores(source: EventFile, said: PredictionsOfViews | None) -> Iterator[Event]:
    """The events of a file, with what is said of their pixels."""
    if said is None:
        yield from source
        return
    from jaxsparse.inference.scores_as_values import with_scores

    for number, event in enumerate(source):
        yield with_scores(number, event, said)


def _said(paths: Sequence[Path], data: Path, finder: Finder) -> PredictionsOfViews | None:
    if not paths:
        return None
    from jaxsparse.inference.predictions_of_views import PredictionsOfViews

    return PredictionsOfViews(paths, data, finder.views)


def _how_to_see(said: PredictionsOfViews, events: int) -> list[str]:
    """What there is of scores, and how a network sees them."""
    from jaxsparse.inference.scores_as_values import names_of_scores

    names = ",".join(names_of_scores(said.classes))
    return [
        f"scores of views {', '.join(said.views)} in {len(said.events)} of {events} events",
        f"a network sees them by --config.data.gathered_further={names!r}",
    ]


def lowest(source: EventFile, finder: Finder) -> float:
    """The smallest value of the pixels that networks see of the views."""
    detector = find(source.detector, source.described)
    return min(detector.view(name, 2).low for name in finder.views)


def line(what: str, counts: Sequence[Recall], sought: str) -> str:
    """How many candidates events have, how many of them are real, and what of the truth they find.

    >>> line("two views show", [Recall(200, 20, 18, 36), Recall(100, 10, 12, 24)], "voxels")
    'candidates that two views show: 150 an event (100 to 200), 10.0 % real, 50.0 % of voxels'
    """
    numbers, total = [one.candidates for one in counts], sum(counts, Recall())
    text = (
        f"candidates that {what}: {np.median(numbers):,.0f} an event ({min(numbers):,} to "
        f"{max(numbers):,})"
    )
    if total.true and total.candidates:
        text += (
            f", {100 * total.real / total.candidates:.1f} % real, "
            f"{100 * total.found / total.true:.1f} % of {sought}"
        )
    return text


def _writer(
    out: Path, source: EventFile, finder: Finder, options: Mapping[str, Any]
) -> EventWriter:
    header = header_of(source, (name for name in source.view_shapes if name in finder.views))
    header["class_names"] = (*source.class_names, GHOST)
    header["views"][CANDIDATES] = finder.shape(source.view_shapes)
    header["axes"][CANDIDATES] = finder.axes
    header["value_unit"][CANDIDATES] = next(iter(header["value_unit"].values()), "")
    made_by = {
        "program": "jaxsparse candidates", "version": jaxsparse.__version__, **options,
        "input": str(source.path), "made_by": source.attributes,
    }  # fmt: skip
    return EventWriter(out, **header, made_by=made_by)


def define_flags() -> None:
    command_line.define_path("out", None, "event file to write")
    flags.DEFINE_list(
        "predictions", [], "files of jaxsparse eval or predict on FILE, one or several: scores of "
        "pixels become further values of them",
    )  # fmt: skip
    flags.DEFINE_integer(
        "blind", 1, "wire planes that may be blind to a candidate; 0 asks all planes",
        lower_bound=0, upper_bound=1,
    )  # fmt: skip
    flags.DEFINE_integer(
        "reach", REACH, "planes of cells of the other view, to either side, for hits without a "
        "nearer partner", lower_bound=1,
    )  # fmt: skip
    flags.DEFINE_float(
        "low", None, "pixels with smaller values are left out; by default those that networks do "
        "not see", lower_bound=0.0,
    )  # fmt: skip
    flags.DEFINE_integer("most", MOST, "candidates of an event", lower_bound=1)
    flags.mark_flags_as_required(["out"])
