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

from absl import flags

from jaxsparse import command_line
from jaxsparse.freed_memory import keep_freed_memory


def main(_: list[str]) -> None:
    """Everything is in :func:`jaxsparse.training.loop.train`."""
    # Before and after the training there is nothing to save.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keep_freed_memory()
    # After the flags: a mistake in them answers at once.
    from jaxsparse.training.chosen_config import chosen_config
    from jaxsparse.training.loop import train

    values = flags.FLAGS
    chosen = chosen_config(values.config)
    if chosen.from_file:
        print(chosen.described())
    result = train(chosen.config, values.workdir)
    if result.abandoned:  # its threads would keep Python from ending, or crash it
        sys.stdout.flush()
        os._exit(0)


def define_flags() -> None:
    command_line.define_config()
    command_line.define_path("workdir", None, "directory of the run, made where it is missing")
    flags.mark_flags_as_required(["config", "workdir"])
