"""``python -m jaxsparse.rescale`` is ``jaxsparse rescale``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "rescale")
    runpy.run_module("jaxsparse", run_name="__main__")
