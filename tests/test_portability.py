"""What only some operating systems have is not needed: a process without it does the same work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from jaxsparse.data import positioned_read

# The modules and functions are hidden from this package alone: others have their own ways.
SCRIPT = textwrap.dedent(
    """
    import builtins, importlib, json, os, pkgutil, sys

    MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "_posixsubprocess"}
    really_import = builtins.__import__

    def without(name, globals=None, *rest, **named):
        if name in MODULES and (globals or {}).get("__name__", "").startswith("jaxsparse"):
            raise ImportError(name)
        return really_import(name, globals, *rest, **named)

    def import_all():
        import jaxsparse

        for module in pkgutil.walk_packages(jaxsparse.__path__, "jaxsparse."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)

    import_all()  # all that others need is loaded before it is hidden
    for name in [name for name in sys.modules if name.partition(".")[0] == "jaxsparse"]:
        del sys.modules[name]
    builtins.__import__ = without
    for name in sys.argv[2].split(","):
        if hasattr(os, name):
            delattr(os, name)
    try:
        open_now = open
        builtins.open = lambda path, *rest, **named: (
            really_missing() if str(path).startswith("/proc/") else open_now(path, *rest, **named)
        )

        def really_missing():
            raise FileNotFoundError

        import_all()

        import numpy as np
        from jaxsparse.data.event_file import EventFile, EventWriter
        from jaxsparse.data.schema import Event, View
        from jaxsparse.inference.prediction_file import PredictionFile
        from jaxsparse.peak_memory import peak_memory_mb

        for compression in ("gzip", "none"):
            path = f"{sys.argv[1]}/{compression}.h5"
            with EventWriter(
                path, detector="toy", views={"Y": (8, 8)}, compression=compression
            ) as writer:
                for number in range(20):
                    view = View([[1, number % 8], [2, 0]], [number, 0.5], (8, 8))
                    writer.append(Event(number, {"Y": view}))
            file = EventFile(path)
            assert [event.event_id for event in file] == list(range(20))
            values = [view.values.tolist() for view in file.read_many([19, 3, 4], "Y")]
            assert values == [[19.0, 0.5], [3.0, 0.5], [4.0, 0.5]], values
        with PredictionFile(f"{sys.argv[1]}/predictions.h5", ("a",), {}) as predictions:
            predictions.dataset("scores", np.float32, (1,))
            predictions.extend({"scores": np.ones((3, 1))})
        print(json.dumps({"memory": peak_memory_mb(), "files": sorted(os.listdir(sys.argv[1]))}))
    finally:
        builtins.open = open_now
    """
)
UNIX = "preadv,pwritev,readv,writev,register_at_fork,O_CLOEXEC,getuid,geteuid,sched_getaffinity"


@pytest.mark.parametrize("more", ["pread,pwrite", ""], ids=["as on Windows", "as on older macOS"])
def test_the_package_works_without_what_only_some_systems_have(tmp_path, more):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), f"{UNIX},{more}".strip(",")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert said == {"memory": None, "files": ["gzip.h5", "none.h5", "predictions.h5"]}


@pytest.mark.parametrize("read", [positioned_read._by_pread, positioned_read._by_seeking])
def test_every_way_of_reading_gives_the_same_bytes(tmp_path, monkeypatch, read):
    (tmp_path / "a").write_bytes(bytes(range(200)))
    descriptor = positioned_read.open_for_reading(tmp_path / "a")
    monkeypatch.setattr(positioned_read, "preadv", read)
    out = np.zeros(50, np.uint8)
    positioned_read.read_exactly(descriptor, out.data, 120)
    assert out.tolist() == list(range(120, 170))
    assert read(descriptor, (out.data,), 180) == 20
    with pytest.raises(OSError, match="ends too early"):
        positioned_read.read_exactly(descriptor, out.data, 180)
    os.close(descriptor)
