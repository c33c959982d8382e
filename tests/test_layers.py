"""Who imports whom, read from the source: never upwards, and never in a circle."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import re
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Modules of the package's root, each importing none but those before it. Every layer may import
# them.
FOUNDATIONS = (
    "errors", "interrupts", "paths", "file_lock", "whole_file", "rules", "objective_settings",
    "data_settings", "settings", "meant_keys", "typed_config",
    "config_file", "flag_help", "flag_messages", "command_line",
    "particle_data", "strict_json", "integers", "features", "pytree", "origins", "same_sites",
    "arithmetic", "tensor", "points", "versions", "freed_memory",
    "peak_memory",
)  # fmt: skip
# Layers, lowest first, with the layers below that each may import. "" is the package itself: its
# public names, which tensors and operations make up.
LAYERS: dict[str, tuple[str, ...]] = {
    "ops": (),
    "exported": ("ops",),
    "": ("exported", "ops"),
    "importers": ("ops",),
    "nn": ("ops", ""),
    "models": ("nn", "ops", ""),
    "detectors": (),
    "pretrained": (),
    "data": ("detectors",),
    "simulate": ("data", "detectors"),
    "candidates": ("simulate", "data", "detectors"),
    "viz": ("data", "detectors"),
    "inference": ("models", "data", "detectors", "pretrained", ""),
    "training": ("inference", "models", "data", "detectors", "pretrained", "ops", ""),
    "recipes": ("training", "detectors"),
    "deploy": ("training", "inference", "models", "data", "detectors", "pretrained", ""),
    "evaluation": ("deploy", "training", "inference", "models", "viz", "data", "detectors", ""),
    "commands": (
        "deploy", "evaluation", "training", "inference", "models", "viz", "candidates", "simulate",
        "data", "detectors", "",
    ),
}  # fmt: skip
# Of a layer below, no more than these modules: what an event is, and how one is asked for.
PARTS = {
    ("simulate", "data"): {
        "cells", "schema", "links", "columns", "deposits", "source", "event_numbers",
        "worker_processes", "windows",
    },
    ("viz", "data"): {"schema"},
    ("evaluation", "deploy"): {"standalone.shapes", "standalone.units"},
}  # fmt: skip
# Names under which users run programs of "commands"; they import no more than the one that has all.
PROGRAMS = {"__main__", "export", "predict", "rescale"}
# The package's own version may be said by everyone.
VERSION = {("versions", ""), ("commands", "")}


def module_of(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted((ROOT / "jaxsparse").rglob("*.py"))}


def layer_of(module: str) -> str:
    """``jaxsparse.data.schema`` is of ``data``, ``jaxsparse`` of ``""``."""
    return module.split(".")[1] if "." in module else ""


def imports(module: str, *, when_loaded: bool = False) -> Iterator[str]:
    """Modules of the package that a module imports; only those that loading it loads."""
    pending: list[ast.AST] = [ast.parse(MODULES[module].read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if when_loaded and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # The package tells type checkers where the public names of every layer are.
        if module == "jaxsparse" and isinstance(node, ast.If):
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import"
            base = node.module or ""
            full = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else base for name in full]
        else:
            continue
        yield from (name for name in names if name in MODULES)


def test_every_module_is_of_a_layer():
    found = {layer_of(module) for module in MODULES} - PROGRAMS
    assert found == {*FOUNDATIONS, *LAYERS}


@pytest.mark.parametrize("layer", [*FOUNDATIONS, *LAYERS])
def test_nothing_imports_what_is_above_it(layer):
    allowed = {layer, *LAYERS.get(layer, ())}
    if layer in FOUNDATIONS:
        allowed |= {*FOUNDATIONS[: FOUNDATIONS.index(layer)]}
    else:
        allowed |= {*FOUNDATIONS}
    upwards = {
        (module, other)
        for module in MODULES
        if layer_of(module) == layer
        for other in imports(module)
        if layer_of(other) not in allowed and (layer, layer_of(other)) not in VERSION
    }
    assert not upwards


@pytest.mark.parametrize(("layer", "below"), PARTS)
def test_no_more_of_a_layer_below_than_is_needed(layer, below):
    used = {
        other.removeprefix(f"jaxsparse.{below}.")
        for module in MODULES
        if layer_of(module) == layer
        for other in imports(module)
        if layer_of(other) == below
    }
    assert used == PARTS[layer, below]


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_the_name_of_a_program_is_all_that_it_is(program):
    module = f"jaxsparse.{program}"
    if module in MODULES:
        assert set(imports(module)) <= {"jaxsparse.commands.program", "jaxsparse.interrupts"}


def test_no_module_needs_itself_to_be_loaded():
    graph = {module: set(imports(module, when_loaded=True)) for module in MODULES}
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises for a circle


def test_the_layers_are_written_lowest_first():
    names = list(LAYERS)
    assert all(names.index(low) < names.index(high) for high in names for low in LAYERS[high])


def test_the_table_of_the_architecture_says_of_every_folder_what_it_may_import():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `jaxsparse/(\w+)/` \|.*\| (.+) \|$", text, re.MULTILINE)
    said = {
        folder: {name.split(".")[0] for name in re.findall(r"`([\w.]+)`", cell)} & {*LAYERS}
        for folder, cell in rows
        if cell != "all of the package"
    }
    folders = {layer for layer in LAYERS if (ROOT / "jaxsparse" / layer / "__init__.py").is_file()}
    assert said == {layer: {*LAYERS[layer]} - {""} for layer in folders - {"", "commands"}}


def test_a_module_is_found_in_any_form_of_import():
    assert "jaxsparse.data.schema" in imports("jaxsparse.viz.events")
    assert "jaxsparse.ops" in imports(
        "jaxsparse.nn.convolution_fields"
    )  # from jaxsparse import ops
