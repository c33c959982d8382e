"""The end of an interrupted program."""

import subprocess
import sys

from jaxsparse.interrupts import INTERRUPTED

# A thread that goes on, as XLA's do while they compile, when Ctrl-C ends the command.
PROGRAM = """
import threading, time
from jaxsparse import __main__
from jaxsparse.commands import program

def interrupted(argv):
    threading.Thread(target=time.sleep, args=(60,)).start()
    raise {error}

program.run = interrupted
__main__.main(["train"])
"""


def test_an_interrupted_program_waits_for_no_thread() -> None:
    for error in ("KeyboardInterrupt", f"SystemExit({INTERRUPTED})"):
        command = [sys.executable, "-c", PROGRAM.format(error=error)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == INTERRUPTED
        assert "Traceback" not in done.stderr
