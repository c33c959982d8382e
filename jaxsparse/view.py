"""The name by which users run the program: ``python -m jaxsparse.view``."""

import runpy

if __name__ == "__main__":
    runpy.run_module("jaxsparse.commands.view", run_name="__main__", alter_sys=True)
