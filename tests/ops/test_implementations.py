"""The table of data flows: who is asked first, who is refused, and what a new one has to say."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, geometry, sparse_tensor
from jaxsparse.ops import implementations
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.xla import table


@pytest.fixture
def registered(monkeypatch):
    """A data flow for few channels on CPU, as a package of its own would add it."""
    monkeypatch.setattr(implementations, "_TABLE", copy.deepcopy(implementations._TABLE))

    def apply(kernel_map, x, w, compute_dtype):
        return 1000 + table.apply(kernel_map, x, w, compute_dtype)

    def refuses(kernel_map, x, w, compute_dtype):
        return f"{x.shape[1]} channels, at most 2" if x.shape[1] > 2 else None

    implementations.register(
        "convolution", "thousand", apply, platforms=("cpu",), refuses=refuses, portable=False
    )


@pytest.fixture(scope="module")
def kernel_map():
    x = sparse_tensor([[0, 0], [0, 1]], np.ones((2, 1)), spatial_shape=(4,), batch_size=1)
    return geometry(x, levels=1).levels[0].kernel_maps[3]


def run(kernel_map, channels, implementation):
    weights = jnp.ones((3, channels, 1))
    out = convolve_rows(jnp.ones((2, channels)), weights, kernel_map, implementation=implementation)
    return float(out[0, 0])


@pytest.mark.usefixtures("registered")
def test_a_data_flow_that_registers_itself_is_taken_where_it_serves(kernel_map):
    jax.clear_caches()
    assert "thousand" in implementations.names("convolution")
    assert run(kernel_map, 2, "thousand") == 1004
    assert run(kernel_map, 2, "table") == 4
    with pytest.raises(InputError, match=r"thousand does not serve \(3 channels, at most 2\)") as e:
        run(kernel_map, 3, "thousand")
    assert "table serves" in str(e.value)
    assert "windows serves" in str(e.value)
    program = jax.jit(lambda features: convolve_rows(
        features, jnp.ones((3, 2, 1)), kernel_map, implementation="thousand"
    ))  # fmt: skip
    with pytest.raises(
        InputError, match=r"on cpu for export: .*thousand does not serve .a portable"
    ):
        jax.export.export(program)(jnp.ones((2, 2)))
    jax.clear_caches()


@pytest.mark.usefixtures("registered")
def test_kernels_are_asked_before_what_is_portable_and_elsewhere_they_are_not_there():
    operands = (None, np.ones((2, 5000)), np.ones((3, 5000, 1)), np.float32)
    chosen = [
        implementations.choose("convolution", "auto", platform, portable, operands).__module__
        for platform, portable in (("cpu", False), ("cpu", True), ("cuda", False), ("tpu", True))
    ]
    modules = ["windows", "windows", "table", "table"]
    assert chosen == [f"jaxsparse.ops.xla.{name}" for name in modules]
    few = (None, np.ones((2, 1)), np.ones((3, 1, 1)), np.float16)
    assert implementations.choose("convolution", "auto", "cpu", False, few).__name__ == "apply"
    with pytest.raises(InputError, match=r"on cuda: .*thousand does not serve .not for cuda."):
        implementations.choose("convolution", "thousand", "cuda", False, few)


def test_a_name_that_nobody_has_is_answered_with_those_there_are():
    with pytest.raises(InputError, match="of the grouped convolution it must be one of auto, nat"):
        implementations.check_name("grouped_convolution", "table")


@pytest.mark.usefixtures("registered")
def test_where_an_operation_has_none_of_that_name_it_is_asked_for_what_is_made_of_the_same():
    asked = {
        name: [implementations.counterpart(operation, name) for operation in
               ("convolution", "grouped_convolution", "column_moments")]
        for name in ("auto", "native", "table", "thousand")
    }  # fmt: skip
    assert asked == {
        "auto": ["auto", "auto", "auto"],
        "native": ["native", "native", "native"],
        "table": ["table", "scan", "xla"],
        "thousand": ["thousand", "native", "native"],
    }
