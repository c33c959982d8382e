"""Says what a file of events holds.

    jaxsparse inspect FILE [--json]

Takes event files and every format that ``jaxsparse convert`` reads, and finds out itself which it
is. Checks the layout, and every event that it reads; a bad file is one line and exit
status 2.
"""

from __future__ import annotations

import json
from typing import Any

from absl import flags

from jaxsparse import command_line
from jaxsparse.commands.reader_flags import define_options, given_options
from jaxsparse.data.description import describe, lines
from jaxsparse.data.readers.formats import READERS
from jaxsparse.errors import InputError
from jaxsparse.paths import user_path
from jaxsparse.strict_json import plain

OPTIONS = {name: reader.options for name, reader in READERS.items()}


def main(argv: list[str]) -> None:
    """Entry point of the command line."""
    if len(argv) != 2:
        raise InputError("FILE is missing: jaxsparse inspect FILE")
    values = flags.FLAGS
    found = describe(
        str(user_path(argv[1], "FILE")),
        values.events,
        picture=str(values.picture or ""),
        progress=True,
        **given_options(OPTIONS, values),
    )
    print(as_json(found) if values.json else "\n".join(lines(found)))


def as_json(found: dict[str, Any]) -> str:
    """A description as JSON; numbers that JSON does not know, such as NaN, are null.

    >>> print(as_json({"a": [1.5, float("nan")]}))
    {
      "a": [
        1.5,
        null
      ]
    }
    """
    return json.dumps(plain(found), indent=2, allow_nan=False)


def define_flags() -> None:
    flags.DEFINE_integer("events", 200, "read so many events, spread over the file; 0 reads all")
    flags.DEFINE_bool("json", False, "print one JSON object")
    command_line.define_path("picture", None, "PNG to write: a few of the events, every view")
    define_options(OPTIONS)
