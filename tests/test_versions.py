"""The version is known with and without an installation."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jaxsparse

ROOT = Path(__file__).resolve().parents[1]

# Hides this package's metadata, as in a checkout that was never installed.
UNINSTALLED = """
import importlib.metadata, sys
find = importlib.metadata.Distribution.from_name.__func__
def from_name(kind, name):
    if name == "jaxsparse":
        raise importlib.metadata.PackageNotFoundError(name)
    return find(kind, name)
importlib.metadata.Distribution.from_name = classmethod(from_name)
sys.path.insert(0, sys.argv[1])
from jaxsparse.training.display import Display
from jaxsparse.versions import versions
Display(total=1, start=0).banner({})
print(versions(("jax",))["jaxsparse"])
"""


def test_a_checkout_that_is_not_installed_knows_its_version():
    done = subprocess.run(
        [sys.executable, "-c", UNINSTALLED, str(ROOT)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert f"jaxsparse {jaxsparse.__version__}," in done.stdout
    assert done.stdout.splitlines()[-1] == jaxsparse.__version__


def test_the_source_alone_says_the_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "jaxsparse.__version__"}
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited[1] == jaxsparse.__version__
