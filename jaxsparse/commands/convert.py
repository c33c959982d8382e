"""Makes an event file from another format, or one of several.

    jaxsparse convert --input=FILE --format=FORMAT --out=events.h5
    jaxsparse convert --input='jobs/*.h5' --format=events --out=events.h5

Images stay as they are. Deposits, such as Geant4's, pass the simulator's detector response, every
event placed several times: ``event_id // placements`` says which event an image shows. What did not
fit together is printed and kept in the file. ``docs/formats.md`` describes the formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.commands.event_formats import OPTIONS, open_events
from jaxsparse.commands.reader_flags import define_options, given_options
from jaxsparse.data.axis_order import CHECKED, order_check
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.event_writer import COMPRESSIONS
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.formats import READERS, chosen_options, reader_of
from jaxsparse.data.seen_pixels import SeenPixels
from jaxsparse.data.source import EventSource
from jaxsparse.data.spread_out import spread_out

LISTED = 20_000  # letters of a list of files: an attribute of HDF5 holds 64 kB


def convert(
    path: str | Sequence[str], out: str, *, format: str, compression: str = "", **given: Any
) -> int:
    """Writes every event of a foreign source to an event file.

    Args:
      path: a file or a folder; for a format of many files also a pattern, or a list of these.
      out: event file to make; an old one there stays until the new one is whole.
      format: a key of :data:`~jaxsparse.data.readers.formats.READERS`.
      compression: of :class:`~jaxsparse.data.event_writer.EventWriter`; that of the format if
        empty.
      **given: options of the format, :data:`~jaxsparse.commands.event_formats.OPTIONS`, by
        name.

    Returns:
      Number of events written.

    Raises:
      InputError: an unknown format, an option that it does not have, a bad source, a place that
        cannot be written or is an input.
    """
    paths = [path] if isinstance(path, str) else list(path)
    reader = reader_of(format)
    files = find_files(paths, reader.holds, reader.patterns) if reader.many else map(Path, paths)
    refuse_overwriting("out", out, files)
    options = chosen_options(format, OPTIONS[format], given)
    source = open_events(paths, format, options)
    refuse_overwriting("out", out, source.files)
    notes = source.notes()
    made_by: dict[str, Any] = {
        **source.attributes,
        "program": "jaxsparse convert",
        "version": jaxsparse.__version__,
        "format": format,
        "input": paths[0] if len(paths) == 1 else paths,
        "notes": notes,
        **options,
    }
    listed = [str(path) for path in source.files]
    if len("".join(listed)) <= LISTED:
        made_by["files"] = listed
    for line in notes:
        print(line)
    with EventWriter(
        out,
        detector=source.detector,
        described=source.described,
        views=source.view_shapes,
        dead_wires={name: source.dead_wires(name) for name in source.view_shapes},
        made_by=made_by,
        class_names=source.class_names,
        event_classes=source.event_classes,
        axes=source.axes,
        value_unit=source.value_units,
        compression=compression or reader.compression,
    ) as writer:
        warnings = _write(source, writer, reader.axes_remedy)
        writer.made_by["notes"] = [*notes, *warnings]
    for line in warnings:
        print(line)
    return len(source)


def _write(source: EventSource, writer: EventWriter, axes_remedy: str) -> list[str]:
    """Writes all events; what the sample as a whole makes suspicious, in lines."""
    remedy = axes_remedy.replace("try", "convert it again with")
    order = order_check(source.view_shapes, source.axes, source.stored_axes, remedy)
    seen = SeenPixels(source.view_shapes)
    checked = set(spread_out(len(source), CHECKED).tolist())
    images = (source[index] for index in range(len(source)))
    for number, event in enumerate(with_progress(images, len(source), "converting")):
        writer.append(event)
        seen.add(event)
        if order is not None and number in checked:
            order.add(list(event.views.values()))
    if not len(source):
        return ["WARNING   the input has no events, and neither has the file: check the input"]
    return [*seen.warnings(), *(order.warnings() if order is not None else [])]


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    count = convert(
        [str(path) for path in values.input],
        str(values.out),
        format=values.format,
        compression=values.compression,
        **given_options(OPTIONS, values),
    )
    print(f"{values.out}: {count} events")


def define_flags() -> None:
    command_line.define_path(
        "input",
        None,
        "file or folder; of a format of many files also a pattern, and several of them by giving "
        "the flag again",
        multiple=True,
    )
    formats = "; ".join(f"{name}: {reader.holds}" for name, reader in READERS.items())
    flags.DEFINE_enum("format", None, list(READERS), formats)
    command_line.define_path("out", None, "event file to write")
    define_options(OPTIONS)
    flags.DEFINE_enum(
        "compression", "", ("", *COMPRESSIONS), "of the file; by default none for NOvA, else gzip"
    )
    flags.mark_flags_as_required(["input", "format", "out"])
