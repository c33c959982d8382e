"""``python -m jaxsparse COMMAND``, which ``pip install`` also gives the name ``jaxsparse``."""

from __future__ import annotations

import sys

from jaxsparse.interrupts import INTERRUPTED, end_now, end_while_loading


def main(argv: list[str] | None = None) -> None:
    """Runs a command, from the first module that it loads on.

    Args:
      argv: the command and its arguments; those of the process by default.
    """
    end_while_loading()
    try:
        from jaxsparse.commands.program import run

        run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        end_now()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            end_now()
        raise


if __name__ == "__main__":
    main()
