"""Freed memory is used again instead of being given back, in threads too."""

import platform
import subprocess
import sys

import pytest

# Counts pages that Linux has to provide for the second of two equal blocks.
PROGRAM = """
import resource, threading
{call}

def pages():
    def fill():
        b"x" * 2**26
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages()
print(pages())
"""
CALL = "from jaxsparse.freed_memory import keep_freed_memory; keep_freed_memory()"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory is meant")
@pytest.mark.parametrize(("call", "kept"), [(CALL, True), ("", False)])
def test_a_block_is_provided_once(call, kept):
    program = [sys.executable, "-c", PROGRAM.format(call=call)]
    pages = int(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    assert (pages < 100) == kept
