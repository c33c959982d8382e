"""What ``import jaxsparse`` gives."""

import subprocess
import sys

import pytest

import jaxsparse


def test_layers_and_models_are_attributes_of_the_package():
    assert jaxsparse.models.UResNet.__name__ == "UResNet"
    assert jaxsparse.nn.sparse.SubmanifoldConv.__name__ == "SubmanifoldConv"
    with pytest.raises(AttributeError, match="has no attribute 'modles'"):
        _ = jaxsparse.modles


def test_the_package_and_its_operations_load_without_flax():
    code = "import sys, jaxsparse.ops; sys.exit('flax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
