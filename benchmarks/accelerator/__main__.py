"""What an accelerator gives, in ten minutes and one command.

    python -m benchmarks.accelerator --out=DIR [--deadline=480]
    python -m benchmarks.accelerator --out=DIR --smoke

Equality with the CPU, the field's benchmark, the published network and its training, the most
valuable first; ``DIR/report.md`` and ``DIR/steps.jsonl`` are complete after every step. What does
not fit before the deadline is skipped and said; a step that fails is written down and the next one
goes on. ``--smoke`` takes every step once with tiny sizes, also on a CPU.

Exit status 1 where a step failed, was cut off by the deadline, or found another result than a CPU.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import jax
from absl import flags

from benchmarks.accelerator import plan, scale
from benchmarks.accelerator.journal import STEPS, Journal
from benchmarks.accelerator.page import page
from jaxsparse import command_line
from jaxsparse.errors import InputError, reason
from jaxsparse.paths import make_folder

SHORTEST = 60  # seconds: less is over before a program is compiled

_OUT = command_line.define_path("out", None, "Folder of the report; made where it is missing.")
_DEADLINE = flags.DEFINE_integer(
    "deadline", 480, "Seconds after which the program ends.", lower_bound=SHORTEST
)
_SMOKE = flags.DEFINE_bool("smoke", False, "Tiny sizes: shows that every step runs.")


def main(_: list[str]) -> int:
    """Takes the steps."""
    if jax.devices()[0].platform == "cpu" and not _SMOKE.value:
        raise InputError(
            "--smoke is missing: JAX finds no accelerator here, install its plugin (such as pip "
            "install 'jax[cuda12]'), or give --smoke, which runs on a CPU"
        )
    folder = _writable(_OUT.value)
    with contextlib.closing(Journal(folder, _DEADLINE.value, page)) as journal:
        plan.run(journal, scale.smoke() if _SMOKE.value else scale.full(), folder)
    wrong = plan.wrong(journal.records)
    print(f"{folder / 'report.md'}; not as it should be: {', '.join(wrong) or 'nothing'}")
    return 1 if wrong else 0


def _writable(folder: Path) -> Path:
    """The folder, made and with an empty journal.

    Raises:
      InputError: it cannot be written to, or has the journal of an earlier run.
    """
    make_folder(folder, "out")
    try:
        (folder / STEPS).touch(exist_ok=False)
    except FileExistsError:
        raise InputError(f"--out is {folder}: has an earlier run, give another folder") from None
    except OSError as error:
        raise InputError(
            f"--out is {folder}: it cannot be written to ({reason(error)}), give another folder"
        ) from None
    return folder


if __name__ == "__main__":
    flags.mark_flag_as_required("out")
    command_line.run(main)
