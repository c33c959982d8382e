"""What a page of ours may do in a browser: its own script and style, known by their digests."""

from __future__ import annotations

import base64
import hashlib


def content_policy(style: str, script: str = "") -> str:
    """A Content-Security-Policy that allows this style, this script, pictures in the page, no more.

    >>> print(content_policy("p { color: red }").replace("; ", ";\\n"))
    default-src 'none';
    img-src data:;
    style-src 'sha256-ngewhhP73WDIbgwseeu52VAAJgKdGUsu1IUQQsAm8m4='
    """
    allowed = ["default-src 'none'", "img-src data:", f"style-src {_digest(style)}"]
    return "; ".join([*allowed, f"script-src {_digest(script)}"] if script else allowed)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
