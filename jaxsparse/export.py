"""``python -m jaxsparse.export`` is ``jaxsparse export``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "export")
    runpy.run_module("jaxsparse", run_name="__main__")
