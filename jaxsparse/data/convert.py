"""Foreign formats to our event file: ``python -m jaxsparse.data.convert --input=... --format=...``.

edep_sim: Geant4 truth through the simulator's detector response, every event placed several times;
``event_id // placements`` says which event an image shows. dune_cvn: a folder of pixel maps, as
they are.
"""

from __future__ import annotations

from typing import Any

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.progress import with_progress
from jaxsparse.data.readers import DuneCvnSource, EdepSimSource
from jaxsparse.data.readers.dune_cvn import CLASSES
from jaxsparse.data.schema import CLASS_NAMES
from jaxsparse.errors import InputError

FORMATS = ("edep_sim", "dune_cvn")


def convert(
    path: str,
    out: str,
    *,
    format: str,
    placements: int = 5,
    seed: int = 0,
    views: tuple[str, ...] = ("U", "V", "Y"),
) -> int:
    """Writes every event of a foreign source to an event file.

    Args:
      path: edep-sim HDF5 file, or DUNE folder.
      out: event file to make; an old one there stays until the new one is whole.
      format: one of :data:`FORMATS`.
      placements, seed, views: of :class:`EdepSimSource`; DUNE files have their own views.

    Returns:
      Number of events written.

    Raises:
      InputError: an unknown format, a bad source, a place that cannot be written.
    """
    made_by: dict[str, Any] = {
        "program": "jaxsparse.data.convert",
        "version": jaxsparse.__version__,
        "format": format,
        "input": path,
    }
    source: EdepSimSource | DuneCvnSource
    if format == "edep_sim":
        source = EdepSimSource(path, placements=placements, seed=seed, views=views)
        detector, dead_wires = source.detector.name, source.dead_wires
        made_by |= {"placements": placements, "seed": seed}
        unknown = source.file.unknown_processes()
        for code, count in unknown.items():
            print(
                f"process {code // 1000}/{code % 1000} of {count} particles has no rule: they get "
                "their parent's class"
            )
        made_by["unknown_processes"] = unknown
    elif format == "dune_cvn":
        source = DuneCvnSource(path)
        detector, dead_wires = "dune", {}
        made_by["event_classes"] = CLASSES
    else:
        raise InputError(f"format is {format!r}: must be one of {', '.join(FORMATS)}")
    with EventWriter(
        out,
        detector=detector,
        views=source.view_shapes,
        dead_wires=dead_wires,
        made_by=made_by,
        class_names=CLASS_NAMES,
    ) as writer:
        images = (source[index] for index in range(len(source)))
        for event in with_progress(images, len(source), "converting"):
            writer.append(event)
    return len(source)


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
    )
    print(f"{values.out}: {count} events")


def _define_flags() -> None:
    flags.DEFINE_string("input", None, "edep-sim HDF5 file, or folder of DUNE pixel maps")
    flags.DEFINE_enum("format", None, FORMATS, "what the input is")
    flags.DEFINE_string("out", None, "event file to write")
    flags.DEFINE_integer("placements", 5, "edep_sim: images an event", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "edep_sim: of placements and noise", lower_bound=0)
    flags.DEFINE_list("views", ["U", "V", "Y"], "edep_sim: views to make, of U, V, Y, voxels")
    flags.mark_flags_as_required(["input", "format", "out"])


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
