"""A report in Markdown as one HTML page, its pictures in it."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from jaxsparse.viz.content_policy import content_policy

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def report_page(text: str, folder: str | os.PathLike[str], title: str) -> str:
    """The page, which needs no network and no file beside it.

    Args:
      text: Markdown with tables; markup in it is shown as text.
      folder: where its pictures are, PNG files by relative paths; missing ones are left out.
      title: of the page.

    >>> page = report_page("# Accuracy of <b>\\n\\n![none](none.png)", ".", "a report")
    >>> "<h1>Accuracy of &lt;b&gt;</h1>" in page, "<img" in page
    (True, False)
    """
    style = files(__package__).joinpath("report_page.css").read_text(encoding="utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("image", _embedded)
    body = markdown.render(text, {"folder": Path(folder)})
    return PAGE.format(
        policy=content_policy(style), title=html.escape(title), style=style, body=body
    )


def _embedded(
    renderer: RendererHTML, tokens: Sequence[Token], number: int, options: Any, values: Any
) -> str:
    """A picture as part of the page."""
    token = tokens[number]
    path = values["folder"] / str(token.attrs["src"])
    if path.suffix != ".png" or not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    words = html.escape(token.content)
    return f'<img src="data:image/png;base64,{data}" alt="{words}" title="{words}">'
