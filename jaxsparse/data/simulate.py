"""``python -m jaxsparse.data.simulate`` is ``jaxsparse simulate``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "simulate")
    runpy.run_module("jaxsparse", run_name="__main__")
