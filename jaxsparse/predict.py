"""``python -m jaxsparse.predict`` is ``jaxsparse predict``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "predict")
    runpy.run_module("jaxsparse", run_name="__main__")
