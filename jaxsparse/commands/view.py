"""Writes one HTML page of events, to turn, zoom and point at in a browser.

    jaxsparse view FILE [--event=N] [--predictions=P] --out=event.html

Takes event files and every format that ``jaxsparse convert`` reads. The page needs no network and
nothing beside itself. ``docs/viewer.md`` says what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.commands.event_formats import OPTIONS, open_input
from jaxsparse.commands.reader_flags import define_options, given_options
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.detectors.microboone import PLANES
from jaxsparse.errors import InputError
from jaxsparse.paths import user_path
from jaxsparse.whole_file import whole_file

if TYPE_CHECKING:
    from jaxsparse.inference.stored_predictions import StoredPredictions

EVENTS = 10  # of a page, where nothing is said
MEGABYTE = 2**20


def main(argv: list[str]) -> None:
    """Entry point of the command line."""
    if len(argv) != 2:
        raise InputError("FILE is missing: jaxsparse view FILE --out=event.html")
    values = flags.FLAGS
    path = user_path(argv[1], "FILE")
    inputs = [path, *([values.predictions] if values.predictions else [])]
    for one in inputs:
        refuse_overwriting("out", values.out, [one])
    source = open_input(path, given_options(OPTIONS, values), PLANES)
    # Imported here so that the mistakes before answer at once.
    from jaxsparse.commands.event_page import page_of
    from jaxsparse.inference.stored_predictions import StoredPredictions

    predictions = StoredPredictions(values.predictions, path) if values.predictions else None
    if predictions is not None and predictions.pixels is not None:
        predictions.pixels.require_a_view(source.view_shapes)
    numbers = chosen_events(len(source), values.event, values.events, predictions)
    text = page_of(source, numbers, path.name, predictions)
    with whole_file(values.out, "out") as partial:
        partial.write_text(text, encoding="utf-8")
    count = f"{len(numbers)} event{'s' * (len(numbers) != 1)}"
    if len(numbers) < len(source):
        count = f"{len(numbers)} of {len(source)} events (--events=N and --event=FIRST choose)"
    print(f"{values.out}: {count}, {len(text) / MEGABYTE:.1f} MB, open it in a browser")


def chosen_events(
    count: int,
    event: int | None,
    events: int | None,
    predictions: StoredPredictions | None = None,
) -> list[int]:
    """Numbers of the events of a page.

    Args:
      count: how many the file has.
      event: the first one; ``None`` begins with the file's first, or the first that is predicted.
      events: how many; ``None`` is one if ``event`` is said, else ten.
      predictions: where they are given, events without any are left out unless ``event`` is said.

    Raises:
      InputError: there is no such event.

    >>> chosen_events(20, None, 3), chosen_events(20, 7, None), chosen_events(20, 18, 5)
    ([0, 1, 2], [7], [18, 19])
    """
    if event is not None:
        if not 0 <= event < count:
            raise InputError(f"event is {event}: the file has {count} events, numbered from 0")
        return list(range(count))[event : event + (events or 1)]
    numbers = np.arange(count)
    if predictions is not None:
        numbers = numbers[np.isin(numbers, predictions.events)]
    if not len(numbers):
        raise InputError(
            f"There is no event to show: the file has {count}"
            + (f", and {predictions.path} is of none of them" if predictions else "")
        )
    return numbers[: events or EVENTS].tolist()


def define_flags() -> None:
    flags.DEFINE_integer(
        "event", None, "number of the first event to show; by default the first of the file, or "
        "the first that has predictions", lower_bound=0,
    )  # fmt: skip
    flags.DEFINE_integer(
        "events", None, f"how many to show; by default one with --event, else {EVENTS}",
        lower_bound=1,
    )  # fmt: skip
    command_line.define_path(
        "predictions",
        None,
        "scores of this file, by jaxsparse eval (predictions.h5) or jaxsparse predict",
    )
    command_line.define_path("out", "events.html", "page to write")
    define_options(OPTIONS)
