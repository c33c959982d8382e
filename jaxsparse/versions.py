"""Versions of this package and of those that its results depend on."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable

import jaxsparse


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of Python, of jaxsparse and of other packages, in this order.

    Other packages are asked for their metadata. Our own version is in the source: a checkout that
    was never installed has no metadata.

    >>> list(versions(["numpy"]))
    ['python', 'jaxsparse', 'numpy']
    """
    return {
        "python": platform.python_version(),
        "jaxsparse": jaxsparse.__version__,
        **{name: importlib.metadata.version(name) for name in packages},
    }
