"""What ``import jaxsparse`` gives."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import jaxsparse


def test_layers_and_models_are_attributes_of_the_package():
    assert jaxsparse.models.UResNet.__name__ == "UResNet"
    assert jaxsparse.nn.sparse.SubmanifoldConv.__name__ == "SubmanifoldConv"
    assert jaxsparse.importers.linear.__name__ == "linear"
    with pytest.raises(AttributeError, match="has no attribute 'modles'"):
        _ = jaxsparse.modles


def test_every_public_operation_stands_in_the_table_for_porting():
    text = (Path(__file__).parents[1] / "docs/operations.md").read_text()
    functions = [name for name in jaxsparse.ops.__all__ if name[0].islower()]
    assert [name for name in functions if not re.search(rf"\b{name}\b", text)] == []


def test_every_public_name_is_found_where_it_is_said_to_be():
    assert {*jaxsparse._HOMES, "ops"} == {*jaxsparse.__all__}
    for name in jaxsparse.__all__:
        assert getattr(jaxsparse, name).__name__.split(".")[-1] == name
        assert name in dir(jaxsparse)


def test_the_package_lists_what_it_is_for():
    listed = [name for name in dir(jaxsparse) if not name.startswith("__")]
    assert listed == sorted({*jaxsparse.__all__, *jaxsparse._PACKAGES})


def test_type_checkers_know_every_public_name():
    source = ast.parse(Path(jaxsparse.__file__).read_text(encoding="utf-8"))
    known = {
        name.name for node in ast.walk(source) if isinstance(node, ast.ImportFrom)
        for name in node.names
    }  # fmt: skip
    assert {*jaxsparse.__all__, *jaxsparse._PACKAGES} <= known


def test_packages_that_messages_and_docstrings_name_are_attributes():
    assert "sparsessnet_y" in jaxsparse.pretrained.names()
    assert jaxsparse.data.__name__ == "jaxsparse.data"
    assert jaxsparse.detectors.__name__ == "jaxsparse.detectors"


def test_the_package_loads_without_jax():
    code = "import sys, jaxsparse.commands.program; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_package_and_its_operations_load_without_flax():
    code = "import sys, jaxsparse.ops; sys.exit('flax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_function_takes_the_name_of_a_module():
    """``package.name`` is the module where there is one, however it was imported."""
    packages = ["", ".importers", ".models", ".nn", ".ops", ".ops.native"]
    for package in [importlib.import_module(f"jaxsparse{name}") for name in packages]:
        for module in pkgutil.iter_modules(package.__path__):
            found = getattr(package, module.name, None)
            assert found is None or isinstance(found, ModuleType), f"{package}.{module.name}"


def test_what_operations_and_layers_have_under_one_name_is_one_function():
    shared = set(jaxsparse.ops.__all__) & set(jaxsparse.nn.__all__)
    assert "max_pooling" in shared
    assert [n for n in shared if getattr(jaxsparse.ops, n) is not getattr(jaxsparse.nn, n)] == []
    shared = set(jaxsparse.ops.__all__) & set(jaxsparse.__all__)
    assert [n for n in shared if getattr(jaxsparse.ops, n) is not getattr(jaxsparse, n)] == []
