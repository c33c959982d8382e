"""Programs that are exported with kernels: what they compute, where, and what is read instead."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, exported, ops
from jaxsparse.ops.column_sums import column_moments
from jaxsparse.ops.native import compiler
from tests.random_views import random_cells

CAPACITY, CHANNELS = 160, 20


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    if not compiler.lanes():
        pytest.skip("no kernels on this platform: there is one program, the portable one")


def small_network(x, weights):
    """Two convolutions with what batch norm sums between them, to new sites and back."""
    down = ops.down_connection(jaxsparse.geometry(x, levels=2), 0)
    y = ops.convolution(x, weights["down"], down)
    moments = column_moments(y.features, y.num_active)
    y = y.replace(features=y.features * jax.lax.rsqrt(1 + moments[1])[None])
    return ops.convolution(y, weights["up"], down.transpose())


def loss(weights, x):
    return jnp.sum(jnp.square(small_network(x, weights).features))


@pytest.fixture(scope="module")
def arguments():
    rng = np.random.default_rng(0)
    x = jaxsparse.sparse_tensor(
        random_cells(rng, 150, (2, 24, 24)),
        rng.normal(size=(150, 3)),
        spatial_shape=(24, 24),
        batch_size=2,
        capacity=CAPACITY,
    )
    shapes = {"down": (4, 3, CHANNELS), "up": (4, CHANNELS, 5)}
    return x, {name: jnp.float32(rng.normal(size=shape)) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def program(arguments):
    return jaxsparse.export_program(small_network, *arguments, vjp_order=1)


@pytest.fixture(scope="module")
def live(arguments):
    return np.asarray(jax.jit(small_network)(*arguments).features)


def test_a_program_with_kernels_gives_the_bits_of_the_live_one(program, arguments, live):
    loaded = jaxsparse.load_program(program)
    assert compiler.target(compiler.APPLY) in loaded.kernels
    assert compiler.target(compiler.MOMENTS) in loaded.kernels
    assert compiler.target(compiler.WEIGHT_GRADIENT) in loaded.kernels  # of the derivative
    assert loaded.missing == ()
    np.testing.assert_array_equal(loaded.call(*arguments).features, live)


def test_a_loaded_program_prints_what_it_is_and_not_its_text(program):
    assert len(repr(jaxsparse.load_program(program))) < 500


def test_a_program_with_kernels_has_the_derivative_of_the_live_one(program, arguments):
    x, weights = arguments
    call = jaxsparse.load_program(program).call
    found = jax.jit(jax.grad(lambda w: jnp.sum(jnp.square(call(x, w).features))))(weights)
    for name, expected in jax.jit(jax.grad(loss))(weights, x).items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("why", ["another version", "no kernels", "an accelerator"])
def test_the_portable_program_is_read_where_kernels_cannot_be_had(
    program, arguments, live, why, monkeypatch
):
    if why == "another version":
        monkeypatch.setattr(compiler, "ABI_VERSION", compiler.ABI_VERSION + 1)
    elif why == "no kernels":
        monkeypatch.setattr(compiler, "lanes", lambda *_: 0)
    else:
        monkeypatch.setattr(exported, "default_export_platform", lambda: "cuda")
    loaded = jaxsparse.load_program(program)
    assert loaded.kernels == ()
    assert bool(loaded.missing) == (why != "an accelerator")
    assert loaded.platforms == ("cpu", "cuda", "tpu")
    if why != "an accelerator":
        found = loaded.call(*arguments).features
        np.testing.assert_allclose(found, live, atol=1e-5 * np.abs(live).max())


def test_without_flax_a_process_runs_it_on_the_vectors_of_another_processor(
    program, arguments, live, tmp_path
):
    (tmp_path / "program").write_bytes(program)
    x, weights = arguments
    np.savez(tmp_path / "arrays.npz", coords=x.coords, features=x.features, **weights)
    script = """
import sys
from pathlib import Path
import numpy as np
import jaxsparse
from jaxsparse.ops.native import compiler, variants

variants.choose = lambda *_: variants.AVX2
loaded = jaxsparse.load_program(Path(sys.argv[1], "program").read_bytes())
arrays = np.load(Path(sys.argv[1], "arrays.npz"))
x = jaxsparse.sparse_tensor(arrays["coords"][:150], arrays["features"][:150],
                            spatial_shape=(24, 24), batch_size=2, capacity=160)
out = loaded.call(x, {name: arrays[name] for name in ("down", "up")}).features
np.save(Path(sys.argv[1], "out.npy"), out)
print(compiler.lanes(), len(loaded.kernels) > 2, "flax" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["8", "True", "False"]
    found = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(found, live, atol=1e-5 * np.abs(live).max())


def test_damage_anywhere_is_one_line(program):
    rng = np.random.default_rng(0)
    places = [0, 18, 20, 50, 84, 90, 200, *rng.integers(len(program), size=20), len(program) - 1]
    for place in places:
        damaged = bytearray(program)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(InputError, match=r"^data (is|begins)[^\n]*$"):
            jaxsparse.load_program(bytes(damaged))
    for length in (0, 10, 85, 1000, len(program) - 1):
        with pytest.raises(InputError, match=r"^data (is|begins)[^\n]*$"):
            jaxsparse.load_program(program[:length])
    with pytest.raises(InputError, match="data is an int: must be a bytes, what export_program"):
        jaxsparse.load_program(3)  # type: ignore[arg-type]


def test_a_program_is_read_from_a_path_and_called_as_it_is(tmp_path):
    data = jaxsparse.export_program(jnp.square, jnp.zeros(3), platforms=("cpu",))
    path = tmp_path / "f.program"
    path.write_bytes(data)
    for given in (path, str(path), bytearray(data)):
        assert jaxsparse.load_program(given)(jnp.arange(3.0)).tolist() == [0, 1, 4]
    with pytest.raises(
        InputError, match=r"data is '.*other': No such file or directory, give anot"
    ):
        jaxsparse.load_program(tmp_path / "other")


def test_arguments_of_other_shapes_are_told_by_what_came_and_what_the_program_takes():
    def product(weights, x):
        return x.features @ weights["head"]

    def tensor(spatial_shape=(8, 8), batch_size=2, capacity=4, channels=2):
        return jaxsparse.sparse_tensor(
            [[0, 1, 1], [1, 2, 2]],
            np.ones((2, channels)),
            spatial_shape=spatial_shape,
            batch_size=batch_size,
            capacity=capacity,
        )

    weights = {"head": jnp.ones((2, 3))}
    data = jaxsparse.export_program(product, weights, tensor(), platforms=("cpu",))
    loaded = jaxsparse.load_program(data)
    takes = (
        r": the program takes SparseTensor\(coords=int32\[4,3\], features=float32\[4,2\], "
        r"num_active=int32\[\], spatial_shape=\(8, 8\), batch_size=2, stride=\(1, 1\)\), pad to"
    )
    wrong = [
        ((weights, tensor(capacity=5)), r"\[1\] is SparseTensor\(coords=int32\[5,3\].*" + takes),
        ((weights, tensor(batch_size=3)), r"\[1\] is .* batch_size=3.*" + takes),
        ((weights, tensor(spatial_shape=(9, 8))), r"\[1\] is .* spatial_shape=\(9, 8\).*" + takes),
        ((weights, tensor(channels=3)), r"\[1\] is .* features=float32\[4,3\].*" + takes),
        (({"head": jnp.ones((2, 4))}, tensor()),
         r"\[0\]\['head'\] is float32\[2,4\]: the program takes float32\[2,3\], give that shape"),
        (({"head": jnp.ones((2, 3), jnp.bfloat16)}, tensor()), ".*is bfloat16.2,3.: the prog"),
        ((weights,), " are built in another way than those of the export: .* length 1 in the inv"),
        (({"tail": jnp.ones((2, 3))}, tensor()), " are built in another way .*'tail'"),
    ]  # fmt: skip
    for arguments, text in wrong:
        for call in (loaded, loaded.call):
            with pytest.raises(InputError, match="^(the )?arguments" + text) as error:
                call(*arguments)
            assert "\n" not in str(error.value).partition("\n-----")[0]
    assert loaded(weights, tensor()).shape == (4, 3)


def test_a_program_of_jax_alone_is_sent_to_its_reader():
    data = jax.export.export(jax.jit(jnp.square))(jnp.zeros(3)).serialize()
    with pytest.raises(InputError, match=r"damaged; jax\.export\.deserialize reads what jax"):
        jaxsparse.load_program(data)


def test_what_cannot_be_read_here_is_one_line(program, monkeypatch):
    with pytest.raises(InputError, match="of format 2 but this version of jaxsparse reads 1"):
        jaxsparse.load_program(program.replace(b"program 1", b"program 2", 1))
    monkeypatch.setattr(exported, "default_export_platform", lambda: "rocm")
    with pytest.raises(InputError, match="is for cpu, cuda, tpu: export it for rocm too"):
        jaxsparse.load_program(program)
    monkeypatch.undo()
    monkeypatch.setattr(exported, "deserialize", functools.partial(int, base=0))
    with pytest.raises(InputError, match=r"of python .*, jax .* does not read .* export it again"):
        jaxsparse.load_program(program)


def test_a_program_without_kernels_is_written_once(arguments):
    data = jaxsparse.export_program(jnp.sum, arguments[0].features, platforms=("cpu",))
    assert data.count(b'"platforms"') == 1
    loaded = jaxsparse.load_program(data)
    assert (loaded.kernels, loaded.missing, loaded.platforms) == ((), (), ("cpu",))


@pytest.mark.parametrize("platforms", [(), ("gpu",), "cpu"])
def test_an_unknown_platform_is_refused(platforms):
    with pytest.raises(InputError, match=r"platforms is .*: must be a list of some of cpu"):
        jaxsparse.export_program(jnp.sum, jnp.zeros(3), platforms=platforms)


def test_the_portable_program_is_read_without_this_package(arguments):
    """As the layout says: the last of the programs, by four lines of anybody's."""
    data = jaxsparse.export_program(jnp.sum, arguments[0].features)
    start = data.index(b"\n", data.index(b"\n") + 1) + 1
    call = jax.export.deserialize(bytearray(data[start:])).call
    np.testing.assert_allclose(call(jnp.ones((CAPACITY, 3))), 3 * CAPACITY)
