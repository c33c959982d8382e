"""What every study of a network that names pixels is given: the network, and where files go."""

from __future__ import annotations

from pathlib import Path

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.deploy.model import Model
from jaxsparse.freed_memory import keep_freed_memory
from jaxsparse.paths import make_folder
from studies.microboone.class_counts import checked


def begun(values: flags.FlagValues) -> tuple[Model, Path, Path]:
    """The network, the folder of tables and pictures, and that of event files; both are made."""
    keep_freed_memory()
    out = make_folder(values.out, "out")
    samples = make_folder(values.samples or out / "samples", "samples")
    return checked(jaxsparse.load(values.model, values.checkpoint)), out, samples


def define_flags() -> None:
    """Defines the options of every study."""
    command_line.define_model()
    command_line.define_path("out", None, "folder for tables and pictures")
    command_line.define_path("samples", None, "folder of the event files; OUT/samples by default")
    flags.DEFINE_integer("window", 512, "pixels along a side of the squares", lower_bound=64)
    flags.DEFINE_integer("workers", 0, "processes that simulate; 0: all cores", lower_bound=0)
    flags.mark_flag_as_required("out")
