"""Machine code of kernels on disk: found again, never trusted blindly, never in the way."""

import contextlib
import os
import stat

import jax
import pytest

from jaxsparse.ops.native import compiler
from jaxsparse.ops.native.machine_code import machine_code

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no kernels elsewhere")


@contextlib.contextmanager
def programs_in(folder):
    """``folder`` is where JAX keeps programs."""
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(folder))
    yield
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture
def programs(tmp_path):
    with programs_in(tmp_path / "programs"):
        yield tmp_path / "programs"


class Compiler:
    """Makes other code in every call."""

    calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return b"code %d" % self.calls


def files(programs):
    return sorted(programs.glob("jaxsparse_kernels/*"))


def test_code_is_made_once_for_all_that_it_depends_on(programs):
    make = Compiler()
    codes = [machine_code(of, make) for of in (("apply", "AVX2"), ("apply", "SSE"))]
    assert codes == [b"code 1", b"code 2"]
    assert machine_code(("apply", "AVX2"), make) == b"code 1"
    assert make.calls == 2
    assert stat.S_IMODE(files(programs)[0].parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [lambda stored: stored[:-1], lambda stored: b"", bytes.swapcase])
def test_damaged_code_is_made_anew_and_stored_whole(programs, damage):
    make = Compiler()
    machine_code(("apply",), make)
    (path,) = files(programs)
    path.write_bytes(damage(path.read_bytes()))
    assert machine_code(("apply",), make) == machine_code(("apply",), make) == b"code 2"
    assert make.calls == 2


def test_a_folder_that_others_may_write_to_is_left_alone(programs):
    make = Compiler()
    machine_code(("apply",), make)
    (path,) = files(programs)
    path.parent.chmod(0o777)
    assert machine_code(("apply",), make) == b"code 2"
    assert machine_code(("sum",), make) == b"code 3"
    assert files(programs) == [path]


@pytest.mark.parametrize("where", ["", "gs://bucket/programs"])
def test_nothing_is_stored_where_jax_stores_nothing_on_this_disk(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with programs_in(where):
        assert machine_code(("apply",), Compiler()) == b"code 1"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_costs_the_storing_alone(programs):
    programs.write_text("a file")
    assert machine_code(("apply",), Compiler()) == b"code 1"
    programs.unlink()
    programs.mkdir()
    (programs / "jaxsparse_kernels").mkdir(mode=0o700)
    machine_code(("apply",), Compiler())
    (path,) = files(programs)
    path.unlink()
    path.mkdir()  # where the file would be
    assert machine_code(("apply",), Compiler()) == b"code 1"


def test_kernels_are_loaded_from_code_on_disk(programs, monkeypatch):
    if not compiler.lanes(compiler.NORMALISATION):
        pytest.skip("no kernels on this platform")
    registered = []
    monkeypatch.setattr(
        jax.ffi, "register_ffi_target", lambda name, *_, **__: registered.append(name)
    )
    made = compiler.make_kernels(compiler.NORMALISATION)
    assert len(files(programs)) == 1
    monkeypatch.setattr(compiler, "add_kernels", None)  # nothing is compiled
    assert compiler.make_kernels(compiler.NORMALISATION) == made
    assert registered == 2 * [compiler.target(name) for name in compiler.NORMALISATION]
