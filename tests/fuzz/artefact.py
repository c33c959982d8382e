"""Damages a model file in many ways and looks at how it is refused.

    python -m tests.fuzz.artefact --model=FILE.pyz --minutes=10

``load`` must raise one line, and ``python FILE.pyz`` end with an exit status that is not 0, without
output, and with one line and no traceback. Where the few bytes are damaged that Python has to read
before anything of ours can run, ``__main__.py``, the words are Python's own.
"""

from __future__ import annotations

import collections
import io
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile
import zipimport
from collections.abc import Callable

import numpy as np
import pytest
from absl import app, flags

from jaxsparse.deploy.standalone import ModelError, load

Random = np.random.Generator


def bits(rng: Random, data: bytes) -> bytes:
    """One to eight flipped bits, anywhere."""
    return _flipped(rng, data, rng.integers(0, len(data), rng.integers(1, 9)))


def bits_of_the_code(rng: Random, data: bytes) -> bytes:
    """A flipped bit where the reader's own sources lie."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        end = archive.getinfo("manifest.json").header_offset
    return _flipped(rng, data, rng.integers(0, end, 1))


def bits_of_the_directory(rng: Random, data: bytes) -> bytes:
    """A flipped bit in the table of members, or behind it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.start_dir
    return _flipped(rng, data, rng.integers(start, len(data), 1))


def cut(rng: Random, data: bytes) -> bytes:
    """The beginning alone, as of a copy that was broken off."""
    return data[: rng.integers(0, len(data))]


def hole(rng: Random, data: bytes) -> bytes:
    """Zeros in place of some bytes, as of a disk block that was never written."""
    first, last = np.sort(rng.integers(0, len(data) + 1, 2))
    return data[:first] + bytes(last - first) + data[last:]


def gap(rng: Random, data: bytes) -> bytes:
    """Some bytes are missing."""
    first, last = np.sort(rng.integers(0, len(data) + 1, 2))
    return data[:first] + data[last:]


def more(rng: Random, data: bytes) -> bytes:
    """Bytes behind the end."""
    return data + rng.bytes(int(rng.integers(1, 200)))


def repacked(rng: Random, data: bytes) -> bytes:
    """Written again by another program, with a member missing, changed, or two of them swapped."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        comment = archive.comment
    one, other = rng.choice([name for name in members if name != "__main__.py"], 2, replace=False)
    kind = rng.integers(3)
    if kind == 0:
        del members[one]
    elif kind == 1:
        members[one], members[other] = members[other], members[one]
    else:
        members[one] = bits(rng, members[one])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = comment
    return file.getvalue()


DAMAGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    bits, bits_of_the_code, bits_of_the_directory, cut, hole, gap, more, repacked,
)  # fmt: skip


def _flipped(rng: Random, data: bytes, places: np.ndarray) -> bytes:
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def refusal(path: pathlib.Path) -> str:
    """What ``load`` says of a damaged file; everything else is raised."""
    with pytest.raises(ModelError) as refused:
        load(path)
    line = str(refused.value)
    assert "\n" not in line, line
    return line


def refusal_of_the_command(path: pathlib.Path, image: pathlib.Path, data: bytes) -> str:
    """What ``python FILE`` says of a damaged file that should be ``data``."""
    out = path.with_name("out.npz")
    done = subprocess.run(
        [sys.executable, str(path), str(image), str(out)],
        capture_output=True, text=True, errors="backslashreplace", check=False, timeout=100,
    )  # fmt: skip
    told, lines = f"exit status {done.returncode}: {done.stderr}", done.stderr.splitlines()
    assert not out.exists(), told
    if path.stat().st_size < len(HEAD):
        return "too short to say anything"  # Python takes it for an empty program
    assert done.returncode != 0, told
    starts = started(path)
    if starts is None:
        assert len(lines) == 1, told
        assert lines[0].endswith("this-file-is-damaged-copy-it-again"), told
    elif starts == main_of(data):
        assert lines == [f"{path} is damaged: its checksum is another one, copy it again"], told
    return f"{'traceback, ' if len(lines) > 1 else ''}{lines[-1]}"


HEAD = b"# coding: t"


def main_of(data: bytes) -> str:
    """The program that starts a model file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("__main__.py").decode()


def started(path: pathlib.Path) -> str | None:
    """The program that Python finds in a file; none where it takes it for no zip file."""
    try:
        archive = zipimport.zipimporter(str(path))
    except zipimport.ZipImportError as error:
        return None if "not a Zip file" in str(error) else ""
    archive.invalidate_caches()
    try:
        return archive.get_source("__main__")
    except Exception:
        return ""


def main(_: list[str]) -> None:
    """Goes on for a while, and says how often each refusal was seen."""
    data = pathlib.Path(flags.FLAGS.model).read_bytes()
    rng, seen = np.random.default_rng(flags.FLAGS.seed), collections.Counter[str]()
    failures, end = 0, time.monotonic() + 60 * flags.FLAGS.minutes
    with tempfile.TemporaryDirectory() as folder:
        path, image = pathlib.Path(folder, "model.pyz"), pathlib.Path(folder, "in.npz")
        np.savez(image, coords=[[1, 2]], values=[20.0])
        while time.monotonic() < end:
            for damage in DAMAGES:
                changed = damage(rng, data)
                if changed == data:
                    continue
                path.write_bytes(changed)
                for refused in (
                    lambda: refusal(path),
                    lambda: refusal_of_the_command(path, image, data),
                ):
                    try:
                        line = refused().replace(str(path), "FILE")
                    except (AssertionError, pytest.fail.Exception) as error:
                        failures += 1
                        line = f"FAILED {error}".replace(str(path), "FILE")
                    seen[f"{damage.__name__}: {line}"] += 1
    for line, number in seen.most_common():
        print(f"{number:7} {line}")
    print(f"{seen.total()} refusals, {failures} failures")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Model file.", required=True)
    flags.DEFINE_float("minutes", 10, "How long.")
    flags.DEFINE_integer("seed", 0, "Draws the damage.")
    app.run(main)
