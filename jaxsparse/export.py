"""The name by which users run the program: ``python -m jaxsparse.export``."""

import runpy

if __name__ == "__main__":
    runpy.run_module("jaxsparse.commands.export", run_name="__main__", alter_sys=True)
