"""Four host devices and quick compilation for every test; the real events where present."""

from __future__ import annotations

import importlib.metadata
import os
import signal
from pathlib import Path

# Read when jax starts its backend, so they must be set before any test module imports jax.
_FLAGS = {"xla_force_host_platform_device_count": "4"}
# The suite's time is compilation: without XLA's costly passes it is a third. JAX 0.10 has two
# emitters of loops: the older compiles nearly everything in half the time (many selects in one loop
# in far more). Later versions have the new one alone and end at the flag. The main job, which the
# gate runs as well, is compiled in full.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if importlib.metadata.version("jaxlib").startswith("0.10."):
    _FLAGS["xla_cpu_use_fusion_emitters"] = "false"
_given = os.environ.get("XLA_FLAGS", "")
_added = (f"--{name}={value}" for name, value in _FLAGS.items() if name not in _given)
os.environ["XLA_FLAGS"] = " ".join([_given, *_added]).strip()

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# A test that compiles, or a busy machine, is no failure: the suite as a whole has a time limit.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real events beside the repository; skips the test where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"real events are not part of the repository: no folder {folder}")
    return folder


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Compiled programs of a module are not kept for the next: a suite holds gigabytes of them."""
    yield
    import jax

    jax.clear_caches()


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard():
    """Shells have programs in the background ignore Ctrl-C: tests of it would test nothing."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
