"""Command lines with odd values, paths and files: what is typed, and what must then be true.

Whatever is typed: exit status 0, or 2 and one line; never a traceback; nothing that existed is
damaged, and a refusal leaves nothing behind. The cases are the same in every run;
``JAXSPARSE_FUZZ=N`` draws others, N times as many: ``JAXSPARSE_FUZZ=20 pytest tests/fuzz``.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.fuzz import world
from tests.fuzz.program import run

# ml_collections loads config files so; what Python 3.12 or 3.15 will remove is theirs to mend.
MARKS = [
    pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and signals of POSIX"),
]

TIMES = int(os.environ.get("JAXSPARSE_FUZZ", "0"))


def cases(number: int) -> settings:
    return settings(
        max_examples=number * max(TIMES, 1),
        derandomize=not TIMES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


class Copy:
    """A copy of the world, made anew after a program has changed something in it.

    Attributes:
      place: what is compared before and after.
      folder: the world, where the programs run.
      content: of the place, see ``world.snapshot``.
    """

    def __init__(self, original: pathlib.Path, place: pathlib.Path) -> None:
        self._original, self.place = original, place
        self.folder = place / "a" / "b"
        self.renew()

    def renew(self) -> None:
        for path in self.place.iterdir():
            shutil.rmtree(path)
        shutil.copytree(
            self._original, self.folder, symlinks=True, ignore=shutil.ignore_patterns("pipe")
        )
        os.mkfifo(self.folder / "pipe")
        (self.folder / "home").mkdir()
        self.content = world.snapshot(self.place)


def check(
    program: str,
    arguments: list[str],
    copy: Copy,
    *,
    outputs: tuple[str, ...] = (),
    damage: tuple[str, list[tuple[float, int]], float] | None = None,
) -> int:
    """Runs a program in a copy of the world and looks at everything it did; its exit status.

    Args:
      program: a command, or ``cross_validate``.
      arguments: of the command line.
      copy: of the world.
      outputs: paths that a success may replace.
      damage: a file to spoil before, by pattern, and how; see ``world.spoil``.
    """
    folder, before = copy.folder, copy.content
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        if damage is not None:
            files = sorted(path for path in folder.glob(damage[0]) if path.is_file())
            world.spoil(files[0], *damage[1:], anywhere=bool(TIMES))
            before = world.snapshot(copy.place)
        outcome = run(program, arguments, folder)
        after = world.snapshot(copy.place)
        if after != copy.content:
            copy.renew()
        told = (
            f"{program} {arguments} damage={damage}\n"
            f"exit status {outcome.status}\n{outcome.output[-500:]}\n{outcome.errors[-3000:]}"
        ).replace(str(copy.place), "")
        assert outcome.status in (0, 2), told
        assert "Traceback" not in outcome.errors + outcome.output, told
        may = {os.path.normpath(os.path.join(folder, path)) for path in outputs}
        changed = {path for path in before if after.get(path) != before[path]}
        new = after.keys() - before.keys()
        if outcome.status == 2:
            assert len(outcome.lines) == 1, told
            assert outcome.lines[0].startswith("error: "), told
            assert not changed, f"{sorted(changed)} changed\n{told}"
            assert not new, f"{sorted(new)} left behind\n{told}"
        else:
            lost = {p for p in changed if not any(p == m or p.startswith(m + os.sep) for m in may)}
            assert not lost, f"{sorted(lost)} changed\n{told}"
            partial = [
                path for path in new if "partial" in path or "tmp" in path[len(str(copy.place)) :]
            ]
            assert not partial, f"{partial} left behind\n{told}"
        return outcome.status


# What a value can be.
ODD = st.sampled_from(
    ["", " ", "0", "-1", "1", "2", "7", "1e9", "-1e-9", "nan", "inf", "-inf", "1.5", "9" * 40,
     "-" + "9" * 25, "4294967296", "9223372036854775808", "x", "ä", "a\nb", "a,b", ",", "a:b", "()",
     "(1,)", "None", "True", "--", "%s", "{}", "\0", "\udcff", "Y,Y", "*", "[", "'", '"']
)  # fmt: skip
VALUES = ODD | st.text(max_size=6)
# What a path can be. None of them leads out of the copy of the world.
NAMES = [
    *world.INPUTS, *(f"cut_{name}" for name in world.INPUTS - {"dune"}), "other.h5", "text.txt",
    "empty", "noise.bin", "folder", "folder/inner.txt", "loop", "loop/x", "dangling", "link.h5",
    "odd [1]*?\\ /pixels.h5", "odd [1]*?\\ ", "missing.h5", "missing/x.h5", "tiny.py", "run",
    "classifier", "run/checkpoints", "run/config.json", ".", "..", "./", "folder/..",
    "pixels.h5/x", "~/x.h5", "~", "~nobody-at-all/x", "n" * 300, "m/" * 3000, "n" * 250 + ".h5",
    "*.h5", "[", "a\\b", "a?b", "**", "a b ", "", " ", "a\nb", "\0", "\udcff.h5", "dune/nue",
    "dune/nue/event1.gz", "%d.h5", "-", "--out", "ü.h5",
]  # fmt: skip
PATHS = st.sampled_from(NAMES) | st.text(
    st.characters(blacklist_characters="/~", blacklist_categories=["Cs"]), max_size=5
)
OUTPUTS = PATHS | st.sampled_from(["pipe", "new.h5", "new/deep/x.h5"])
DAMAGE = st.tuples(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=4),
    st.sampled_from([1.0, 1.0, 0.999, 0.9, 0.3]),
)
PRODUCTS = st.sampled_from(["sparse2d_wire", "cluster2d_mc", "particle_mc"])
READER_OPTIONS = {
    "axes": VALUES, "image": VALUES | PRODUCTS, "labels": VALUES | PRODUCTS,
    "clusters": VALUES | PRODUCTS, "particles": VALUES | PRODUCTS, "classes": VALUES,
    "threshold": VALUES, "detector": VALUES, "frame": VALUES, "row_ticks": VALUES,
    "planes": VALUES | st.sampled_from(["A:2560", "A:1,B:2559", "A:0", "A:999999"]),
}  # fmt: skip


def flags_of(**values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Some of these flags, in any order, now and then one twice or one of absl's own."""
    one = [st.builds(f"--{name}={{}}".format, value) for name, value in values.items()]
    absl = st.sampled_from(
        ["--help", "--helpfull", "--helpxml", "--only_check_args", "--flagfile=flags.txt",
         "--flagfile=missing", "--flagfile=noise.bin", "--flagfile=folder", "--verbosity=x",
         "--verbosity=1", "--undefok=x", "--nosuchflag", "--out", "--", "stray"]
    )  # fmt: skip
    return st.lists(st.one_of(*one, *one, *one, absl), max_size=4)
