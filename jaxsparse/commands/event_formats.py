"""Events of every format: foreign images as they are, deposits through a detector response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.formats import (
    EVENTS,
    READERS,
    chosen_options,
    open_source,
    reader_of,
    recognise,
)
from jaxsparse.data.readers.protocol import Option
from jaxsparse.data.source import EventSource
from jaxsparse.detectors.microboone import MICROBOONE, PLANES
from jaxsparse.errors import InputError
from jaxsparse.rules import LARGEST_SEED
from jaxsparse.simulate.microboone.placed_events import PlacedEvents

# What the detector response leaves open, for formats of deposits.
RESPONSE = (
    Option("placements", 5, "images an event", low=1),
    Option("seed", 0, "of placements, noise and cosmics", low=0, high=LARGEST_SEED),
    Option(
        "cosmic_rate", 0.0,
        "simulated cosmic muons over every image, in units of the surface rate; 0 is none",
        low=0, high=10,
    ),
    Option("views", PLANES, f"views to make, of {', '.join(MICROBOONE.views)}"),
)  # fmt: skip
OPTIONS = {
    name: (*reader.options, *(RESPONSE if reader.deposits else ()))
    for name, reader in READERS.items()
}


def open_events(paths: Sequence[str], format: str, options: Mapping[str, Any]) -> EventSource:
    """The events of a foreign source.

    Args:
      paths: as :func:`~jaxsparse.data.readers.formats.open_source` takes them.
      format: a key of :data:`~jaxsparse.data.readers.formats.READERS`.
      options: all of :data:`OPTIONS` of the format, by name.

    Raises:
      InputError: what the reader raises.
    """
    reader = reader_of(format)
    read = {option.name: options[option.name] for option in reader.options}
    source = open_source(paths, format, read)
    if not reader.deposits:
        return source
    response: dict[str, Any] = {option.name: options[option.name] for option in RESPONSE}
    return PlacedEvents(source, topology=format, **response)


def open_input(
    path: Path, given: Mapping[str, Any], views: tuple[str, ...]
) -> EventFile | EventSource:
    """The events of a file of any format.

    Args:
      path: of it.
      given: options of its format, by name; None where nothing is said.
      views: what a detector response shall make, where nothing is said.

    Raises:
      InputError: an unknown format, an option that it does not have, a file that breaks its rules.
    """
    format = recognise(path)
    if format == EVENTS:
        if made := given.get("views"):
            raise InputError(
                f"--views={','.join(made)}: it says which views to make of deposits, {path} has "
                "its own: leave it out; where a network has other names for them, docs/predict.md "
                "renames them"
            )
        chosen_options("an event file", (), given)
        return EventFile(path)
    if READERS[format].deposits and not given.get("views"):
        given = {**given, "views": views}
    return open_events([str(path)], format, chosen_options(format, OPTIONS[format], given))
