"""What the pages tell a reader to type is there."""

import functools
import pathlib
import re
import subprocess
import sys

import pytest

from jaxsparse.commands.program import COMMANDS
from jaxsparse.config_file import config_path

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TYPED = re.compile(r"\bjaxsparse ([a-z]+)((?: [^\n`|#]*)?)")
FLAG = re.compile(r"(?<!\S)--(?:no)?([\w.]+)")


def typed(command):
    """Where a page has a command, and the words behind it."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for name, words in TYPED.findall(text):
            if name == command:
                yield page.name, words


@functools.cache
def flags_of(command):
    told = [sys.executable, "-m", "jaxsparse", command, "--help"]
    said = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {"help", *re.findall(r"^ +--(?:\[no\])?([\w.]+)", said, re.M)}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_and_recipe_of_a_page_is_one_of_the_command(command):
    lines = list(typed(command))
    assert lines
    for page, words in lines:
        unknown = set(FLAG.findall(words)) - flags_of(command)
        assert not unknown, f"{page}: jaxsparse {command}{words}"
        for recipe in re.findall(r"--config=(\w+)(?=\s|$)", words):
            if not recipe.isupper():
                config_path(recipe, "config")


def test_every_key_of_a_config_that_a_page_sets_is_one():
    for page in PAGES:
        keys = re.findall(r"--(config\.[a-z\d_.]*\w)(?![\w.:])", page.read_text(encoding="utf-8"))
        assert set(keys) <= flags_of("train"), page.name


def test_every_page_stands_in_both_lists_of_pages():
    docs = ROOT / "docs"
    pages = [page.relative_to(docs) for page in [*docs.glob("*.md"), *docs.glob("models/*.md")]]
    site = (docs / "index.md").read_text(encoding="utf-8").splitlines()
    table = (docs / "README.md").read_text(encoding="utf-8")
    for page in pages:
        if page.name != "index.md":
            assert page.with_suffix("").as_posix() in site, page
            assert f"({page.as_posix()})" in table or page.name == "README.md", page
