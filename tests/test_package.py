"""What ``import jaxsparse`` gives."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxsparse


def test_layers_and_models_are_attributes_of_the_package():
    assert jaxsparse.models.UResNet.__name__ == "UResNet"
    assert jaxsparse.nn.sparse.SubmanifoldConv.__name__ == "SubmanifoldConv"
    with pytest.raises(AttributeError, match="has no attribute 'modles'"):
        _ = jaxsparse.modles


def test_every_public_operation_stands_in_the_table_for_porting():
    text = (Path(__file__).parents[1] / "docs/operations.md").read_text()
    functions = [name for name in jaxsparse.ops.__all__ if name[0].islower()]
    assert [name for name in functions if not re.search(rf"\b{name}\b", text)] == []


def test_the_package_and_its_operations_load_without_flax():
    code = "import sys, jaxsparse.ops; sys.exit('flax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
