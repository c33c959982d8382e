"""``python -m jaxsparse.data.inspect`` is ``jaxsparse inspect``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "inspect")
    runpy.run_module("jaxsparse", run_name="__main__")
