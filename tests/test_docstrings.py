"""Docstrings have one form in every module."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path
    for folder in ("jaxsparse", "benchmarks", "studies")
    for path in ROOT.glob(f"{folder}/**/*.py")
)
SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):\n( +)", re.MULTILINE)


def indentations(text: str) -> set[int]:
    """Spaces before the first line of every section of every docstring."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(n) for n in ast.walk(ast.parse(text)) if isinstance(n, kinds)]
    return {len(spaces) for text in docstrings if text for _, spaces in SECTION.findall(text)}


def test_sections_are_indented_by_two():
    found = {str(path): indentations(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {name: other for name, used in found.items() if (other := used - {2})} == {}


def test_another_indentation_is_seen():
    assert indentations('def f():\n    """F.\n\n    Args:\n        x: four.\n    """') == {4}
