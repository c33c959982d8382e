"""Trains a network from a recipe or a config file.

    jaxsparse train --config=smoke --workdir=runs/smoke \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Every key of the config can be set on the command line, ``--config.optimizer.learning_rate=1e-3``.
The work directory gets config.json, inputs.json, metrics.jsonl and checkpoints/; the same command
goes on where it stopped.
"""

import os
import signal
import sys
from collections.abc import Mapping

from absl import flags

from jaxsparse import command_line
from jaxsparse.commands.config_keys import described_keys
from jaxsparse.data.event_file import EventFile
from jaxsparse.errors import InputError
from jaxsparse.freed_memory import keep_freed_memory
from jaxsparse.paths import user_path
from jaxsparse.training.which_network import find_network
from jaxsparse.typed_config import as_flags, check_typed


def main(_: list[str]) -> None:
    """Everything is in :func:`jaxsparse.training.loop.train`."""
    values = flags.FLAGS
    if not (values.workdir or values.print_config or values.dry_run):
        raise InputError("--workdir is required.")
    check_typed(values.config)
    _check_files(values.config.keys, all_of_them=not values.print_config)
    # Before and after the training there is nothing to save.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keep_freed_memory()
    # Imported here so that all these mistakes answer at once.
    from jaxsparse.training.chosen_config import chosen_config
    from jaxsparse.training.dry_run import dry_run
    from jaxsparse.training.loop import train

    chosen = chosen_config(values.config)
    if values.print_config:
        print(as_flags(values.config.recipe, chosen.config))
        return
    if chosen.from_file:
        print(chosen.described())
    if values.dry_run:
        if stopped := dry_run(chosen.config):
            sys.stdout.flush()
            os._exit(128 + signal.Signals[stopped])
        return
    result = train(chosen.config, values.workdir)
    if result.abandoned:  # its threads would keep Python from ending, or crash it
        sys.stdout.flush()
        os._exit(0)


def _check_files(typed: Mapping[str, str | None], *, all_of_them: bool) -> None:
    """Refuses files that are not there, of the keys that were typed."""
    for key in ("data.train", "data.validation")[: 2 if all_of_them else 1]:
        if text := typed.get(key):
            EventFile(user_path(text, f"config.{key}"))
    if all_of_them and (place := typed.get("train.start_from")):
        find_network(user_path(place, "config.train.start_from"), name="train.start_from")


def define_flags() -> None:
    command_line.define_config()
    command_line.define_path(
        "workdir", None, "directory of the run, made where it is missing; required to train"
    )
    flags.DEFINE_bool("print_config", False, "print the config that results, and stop")
    flags.DEFINE_bool(
        "dry_run", False, "open the files, draw up the buckets, take three steps, print shapes, "
        "memory and times, and stop; writes no work directory",
    )  # fmt: skip
    flags.mark_flags_as_required(["config"])


def more_help() -> str:
    """The keys of a config, behind the flags."""
    return described_keys()
