"""Writes the scores of events of any format.

    jaxsparse predict --model=sparsessnet_y --data=events.h5 --out=scores.h5

Takes event files and every format that ``jaxsparse convert`` reads; deposits, such as Geant4's,
pass the simulator's detector response as they do there. The same command goes on where a kill ended
it. ``docs/predict.md`` describes the file that it writes, and has an example of a job for a batch
system.
"""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from jaxsparse import command_line
from jaxsparse.commands.event_formats import OPTIONS, open_input
from jaxsparse.commands.reader_flags import define_options, given_options
from jaxsparse.data.readers.formats import inputs_of
from jaxsparse.freed_memory import keep_freed_memory
from jaxsparse.training.which_network import find_network


def _without(out: Path, data: Sequence[Path]) -> list[Path]:
    """The files to look at. In a folder or a pattern the result of an earlier run is not one."""
    found = inputs_of(data)
    others = [path for path in found if path in data or path.absolute() != out.absolute()]
    return others or found


def main(_: list[str]) -> int:
    """Entry point of the command line."""
    keep_freed_memory()
    values = flags.FLAGS
    given = given_options(OPTIONS, values)
    paths = _without(values.out, values.data)
    find_network(values.model, values.checkpoint)
    # Imported here so that all these mistakes answer at once.
    from jaxsparse.deploy.inputs import Input
    from jaxsparse.deploy.predict import predict

    inputs = [Input(str(path), functools.partial(open_input, path, given)) for path in paths]
    summary = predict(
        values.model,
        inputs,
        values.out,
        step=values.checkpoint,
        value_scale=values.value_scale,
        joiner=values.joiner,
        operating_point=values.operating_point,
        options={name: value for name, value in given.items() if value is not None},
        overwrite=values.overwrite,
        part_seconds=values.part_seconds,
    )
    if summary.stopped:
        print(
            f"stopped by {summary.stopped}: {summary.done:,} of {summary.events:,} events are "
            "done, the same command goes on",
            file=sys.stderr,
        )
        return 128 + signal.Signals[summary.stopped]
    speed = f", {summary.rate:.3g} events/s" if summary.rate else ""
    print(f"{values.out}: {summary.events:,} events{speed}")
    if summary.bad:
        print(f"{summary.bad:,} events could not be read: they have no scores (readable is 0)")
    if summary.unseen:
        print(
            f"{summary.unseen:,} events have no pixel that the network sees: their scores are NaN"
        )
    return 0


def define_flags() -> None:
    command_line.define_model()
    command_line.define_path(
        "data",
        None,
        "file, folder or pattern of event files or of any format that can be read; several by "
        "giving the flag again",
        multiple=True,
    )
    command_line.define_path("out", None, "HDF5 file of scores to write")
    flags.DEFINE_float("value_scale", 1.0, "multiplies the values of files in other units")
    command_line.define_joiner()
    command_line.define_operating_point()
    flags.DEFINE_bool("overwrite", False, "replace a file that is there and not of this run")
    flags.DEFINE_float(
        "part_seconds", 60, "of work that a kill may cost", lower_bound=0, upper_bound=86400
    )
    define_options(OPTIONS)
    flags.mark_flags_as_required(["data", "out"])
