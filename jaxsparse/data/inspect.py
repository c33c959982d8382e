"""The name by which users run the program: ``python -m jaxsparse.data.inspect``."""

import runpy

if __name__ == "__main__":
    runpy.run_module("jaxsparse.commands.inspect", run_name="__main__", alter_sys=True)
