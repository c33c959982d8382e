"""``python -m jaxsparse.data.convert`` is ``jaxsparse convert``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "convert")
    runpy.run_module("jaxsparse", run_name="__main__")
