"""Foreign formats to our event file: ``python -m jaxsparse.data.convert --input=... --format=...``.

edep_sim: Geant4 truth through the simulator's detector response, every event placed several times;
``event_id // placements`` says which event an image shows. dune_cvn, nova_caf, nova_sparse: pixel
maps, as they are; what of their tables did not fit together is printed and kept in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.data.axis_order import CHECKED, AxisOrderCheck, order_check
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.event_writer import COMPRESSIONS
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.nova_caf import NovaCafSource
from jaxsparse.data.readers.recognise import (
    AXES_REMEDIES,
    PIXEL_MAP_FORMATS,
    PixelMapSource,
    open_pixel_maps,
)
from jaxsparse.data.seen_pixels import SeenPixels
from jaxsparse.data.spread_out import spread_out
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.placed_events import PlacedEvents

FORMATS = ("edep_sim", *PIXEL_MAP_FORMATS)
LISTED = 20_000  # letters of a list of files: an attribute of HDF5 holds 64 kB
# NOvA's events are small and come by the million: see EventWriter about compression.
_COMPRESSION = {"nova_caf": "none", "nova_sparse": "none"}


def convert(
    path: str | Sequence[str],
    out: str,
    *,
    format: str,
    placements: int | None = None,
    seed: int | None = None,
    views: tuple[str, ...] = (),
    axes: str = "",
    compression: str = "",
) -> int:
    """Writes every event of a foreign source to an event file.

    Args:
      path: edep-sim HDF5 file, DUNE folder, sparse NOvA file; for nova_caf a file, a pattern, a
        folder, or a list of these.
      out: event file to make; an old one there stays until the new one is whole.
      format: one of :data:`FORMATS`.
      placements, seed, views: of edep_sim alone, see :class:`PlacedEvents`; by default 5, 0 and
        the three wire planes.
      axes: of nova_caf alone, see :class:`~jaxsparse.data.readers.nova_caf.NovaCafSource`; the
        usual order if empty.
      compression: of :class:`~jaxsparse.data.event_writer.EventWriter`; if empty ``none`` for
        NOvA and ``gzip`` for others.

    Returns:
      Number of events written.

    Raises:
      InputError: an unknown format, a setting that it does not have, a bad source, a place that
        cannot be written or is an input.
    """
    if format not in FORMATS:
        raise InputError(f"format is {format!r}: must be one of {', '.join(FORMATS)}")
    paths = [path] if isinstance(path, str) else list(path)
    refuse_overwriting("out", out, _inputs(paths, format))
    made_by: dict[str, Any] = {
        "program": "jaxsparse.data.convert",
        "version": jaxsparse.__version__,
        "format": format,
        "input": paths[0] if len(paths) == 1 else paths,
    }
    options: dict[str, Any] = {"compression": compression or _COMPRESSION.get(format, "gzip")}
    source: PlacedEvents | PixelMapSource
    if format == "edep_sim":
        if len(paths) != 1:
            raise InputError(f"{len(paths)} inputs are given: edep_sim reads one at a time")
        if axes:
            raise InputError(f"axes is {axes!r}: edep_sim has no stored images, leave it out")
        placements, seed = 5 if placements is None else placements, seed or 0
        source = PlacedEvents(
            EdepSimFile(paths[0]),
            placements=placements,
            seed=seed,
            views=views or ("U", "V", "Y"),
            topology=format,
        )
        options |= {"detector": source.detector.name, "dead_wires": source.dead_wires}
        made_by |= {"placements": placements, "seed": seed}
        unknown = source.unknown_processes()
        for code, count in unknown.items():
            print(
                f"process {code // 1000}/{code % 1000} of {count} particles has no rule: they get "
                "their parent's class"
            )
        made_by["unknown_processes"] = unknown
    else:
        for name, value in (("placements", placements), ("seed", seed), ("views", views)):
            if value not in (None, ()):
                raise InputError(
                    f"{name} is {value!r}: {format} takes its images as they are, leave it out"
                )
        source = open_pixel_maps(paths, format, axes=axes)
        options |= {
            "detector": source.detector,
            "class_names": source.class_names,
            "event_classes": source.event_classes,
            "axes": source.axes_names,
            "value_unit": source.value_unit,
        }
        made_by["notes"] = source.notes()
        if isinstance(source, NovaCafSource):
            made_by["axes"] = source.stored_axes
            files = [str(path) for path in source.files]
            if len("".join(files)) <= LISTED:
                made_by["files"] = files
        for line in made_by["notes"]:
            print(line)
    with EventWriter(out, views=source.view_shapes, made_by=made_by, **options) as writer:
        warnings = _write(source, writer, format)
        if warnings:
            writer.made_by["notes"] = [*made_by.get("notes", []), *warnings]
    for line in warnings:
        print(line)
    return len(source)


def _write(source: PlacedEvents | PixelMapSource, writer: EventWriter, format: str) -> list[str]:
    """Writes all events; what the sample as a whole makes suspicious, in lines."""
    shapes: dict[str, Any] = dict(source.view_shapes)
    order: AxisOrderCheck | None = None
    if not isinstance(source, PlacedEvents):
        used = source.stored_axes if isinstance(source, NovaCafSource) else ""
        remedy = AXES_REMEDIES.get(format, "").replace("try", "convert it again with")
        order = order_check(shapes, dict.fromkeys(shapes, source.axes_names), used, remedy)
    seen, checked = SeenPixels(shapes), set(spread_out(len(source), CHECKED).tolist())
    images = (source[index] for index in range(len(source)))
    for number, event in enumerate(with_progress(images, len(source), "converting")):
        writer.append(event)
        seen.add(event)
        if order is not None and number in checked:
            order.add(list(event.views.values()))
    if not len(source):
        return ["WARNING   the input has no events, and neither has the file: check the input"]
    return [*seen.warnings(), *(order.warnings() if order is not None else [])]


def _inputs(paths: list[str], format: str) -> list[Path]:
    """The files that are read."""
    if format == "nova_caf":
        return find_files(list(paths), "NOvA h5caf")
    folders = [Path(path) for path in paths]
    return [*folders, *(file for folder in folders for file in folder.glob("*/event*"))]


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    count = convert(
        [str(path) for path in values.input],
        str(values.out),
        format=values.format,
        placements=values.placements,
        seed=values.seed,
        views=tuple(values.views),
        axes=values.axes,
        compression=values.compression,
    )
    print(f"{values.out}: {count} events")


def _define_flags() -> None:
    command_line.define_path(
        "input",
        None,
        "edep-sim HDF5 file, folder of DUNE pixel maps, NOvA file; for nova_caf also a pattern or "
        "a folder of files, and several of them by giving the flag again",
        multiple=True,
    )
    flags.DEFINE_enum("format", None, FORMATS, "what the input is")
    command_line.define_path("out", None, "event file to write")
    flags.DEFINE_integer("placements", None, "edep_sim: images an event; 5", lower_bound=1)
    command_line.define_seed(None, "edep_sim: of placements and noise; 0")
    flags.DEFINE_list("views", [], "edep_sim: views to make, of U, V, Y, voxels; U,V,Y")
    flags.DEFINE_string(
        "axes", "", "nova_caf: order of the axes of a stored image, if it is not view,plane,cell"
    )
    flags.DEFINE_enum(
        "compression", "", ("", *COMPRESSIONS), "of the file; by default none for NOvA, else gzip"
    )
    flags.mark_flags_as_required(["input", "format", "out"])


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
