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
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.event_writer import COMPRESSIONS
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers.edep_sim import EdepSimSource
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.recognise import (
    PIXEL_MAP_FORMATS,
    PixelMapSource,
    open_pixel_maps,
)
from jaxsparse.errors import InputError

FORMATS = ("edep_sim", *PIXEL_MAP_FORMATS)
# NOvA's events are small and come by the million: see EventWriter about compression.
_COMPRESSION = {"nova_caf": "none", "nova_sparse": "none"}


def convert(
    path: str | Sequence[str],
    out: str,
    *,
    format: str,
    placements: int = 5,
    seed: int = 0,
    views: tuple[str, ...] = ("U", "V", "Y"),
    axes: str = "view,plane,cell",
    compression: str = "",
) -> int:
    """Writes every event of a foreign source to an event file.

    Args:
      path: edep-sim HDF5 file, DUNE folder, sparse NOvA file; for nova_caf a file, a pattern, a
        folder, or a list of these.
      out: event file to make; an old one there stays until the new one is whole.
      format: one of :data:`FORMATS`.
      placements, seed, views: of :class:`EdepSimSource`; pixel maps have their own views.
      axes: of :class:`~jaxsparse.data.readers.nova_caf.NovaCafSource`.
      compression: of :class:`~jaxsparse.data.event_writer.EventWriter`; if empty ``none`` for
        NOvA and ``gzip`` for others.

    Returns:
      Number of events written.

    Raises:
      InputError: an unknown format, a bad source, a place that cannot be written or is an input.
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
    source: EdepSimSource | PixelMapSource
    if format == "edep_sim":
        if len(paths) != 1:
            raise InputError(f"{len(paths)} inputs are given: edep_sim reads one at a time")
        source = EdepSimSource(paths[0], placements=placements, seed=seed, views=views)
        options |= {"detector": source.detector.name, "dead_wires": source.dead_wires}
        made_by |= {"placements": placements, "seed": seed}
        unknown = source.file.unknown_processes()
        for code, count in unknown.items():
            print(
                f"process {code // 1000}/{code % 1000} of {count} particles has no rule: they get "
                "their parent's class"
            )
        made_by["unknown_processes"] = unknown
    else:
        source = open_pixel_maps(paths, format, axes=axes)
        options |= {
            "detector": source.detector,
            "class_names": source.class_names,
            "event_classes": source.event_classes,
            "axes": source.axes_names,
            "value_unit": source.value_unit,
        }
        notes = source.notes()
        for line in notes:
            print(line)
        made_by["notes"] = notes
        if format == "nova_caf":
            made_by["axes"] = axes
    with EventWriter(out, views=source.view_shapes, made_by=made_by, **options) as writer:
        images = (source[index] for index in range(len(source)))
        for event in with_progress(images, len(source), "converting"):
            writer.append(event)
    return len(source)


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
        values.input,
        values.out,
        format=values.format,
        placements=values.placements,
        seed=values.seed,
        views=tuple(values.views),
        axes=values.axes,
        compression=values.compression,
    )
    print(f"{values.out}: {count} events")


def _define_flags() -> None:
    flags.DEFINE_multi_string(
        "input",
        None,
        "edep-sim HDF5 file, folder of DUNE pixel maps, NOvA file; for nova_caf also a pattern or "
        "a folder of files, and several of them by giving the flag again",
    )
    flags.DEFINE_enum("format", None, FORMATS, "what the input is")
    flags.DEFINE_string("out", None, "event file to write")
    flags.DEFINE_integer("placements", 5, "edep_sim: images an event", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "edep_sim: of placements and noise", lower_bound=0)
    flags.DEFINE_list("views", ["U", "V", "Y"], "edep_sim: views to make, of U, V, Y, voxels")
    flags.DEFINE_string("axes", "view,plane,cell", "nova_caf: order of the axes of a stored image")
    flags.DEFINE_enum(
        "compression", "", ("", *COMPRESSIONS), "of the file; by default none for NOvA, else gzip"
    )
    flags.mark_flags_as_required(["input", "format", "out"])


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
