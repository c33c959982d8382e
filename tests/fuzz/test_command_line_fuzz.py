"""Command lines with odd values, paths and files.

Whatever is typed: exit status 0, or 2 and one line; never a traceback; nothing that existed is
damaged, and a refusal leaves nothing behind. The cases are the same in every run;
``JAXSPARSE_FUZZ=N`` draws others, N times as many: ``JAXSPARSE_FUZZ=20 pytest tests/fuzz``.
"""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxsparse.command_line import load_config
from jaxsparse.settings import flatten
from tests.fuzz import stubs, world
from tests.fuzz.program import SCRIPTS, run

# ml_collections loads config files so; what Python 3.12 or 3.15 will remove is theirs to mend.
pytestmark = [
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


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """The world, with the work directory of a run of each task; programs cost little."""
    folder = tmp_path_factory.mktemp("fuzz")
    world.build(folder)
    with pytest.MonkeyPatch.context() as patch:
        stubs.trace_only(patch)
        stubs.guess(patch)
        patch.setattr("jaxsparse.simulate.parallel.all_cores", lambda: 1)
        patch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
        for name, config in (("run", "tiny.py"), ("classifier", "tiny.py:events")):
            outcome = run("train", [f"--config={config}", f"--workdir={name}"], folder)
            assert outcome.status == 0, outcome.errors
        yield folder


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


@pytest.fixture(scope="module")
def copy(original: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(original, tmp_path_factory.mktemp("copy"))


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
      program: of ``SCRIPTS``.
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
            f"python {SCRIPTS[program].name} {arguments} damage={damage}\n"
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


def flags_of(**values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Some of these flags, in any order, now and then one twice or one of absl's own."""
    one = [st.builds(f"--{name}={{}}".format, value) for name, value in values.items()]
    absl = st.sampled_from(
        ["--help", "--helpfull", "--helpxml", "--only_check_args", "--flagfile=flags.txt",
         "--flagfile=missing", "--flagfile=noise.bin", "--flagfile=folder", "--verbosity=x",
         "--verbosity=1", "--undefok=x", "--nosuchflag", "--out", "--", "stray"]
    )  # fmt: skip
    return st.lists(st.one_of(*one, *one, *one, absl), max_size=4)


@cases(70)
@given(
    st.sampled_from(["microboone", "nova", "dune", "nova", "dune", "x"]),
    st.sampled_from(["1", "1", "1", "0", "-1", "1.5", "x", "9" * 25, ""]),
    OUTPUTS,
    flags_of(
        seed=VALUES, first_event=VALUES, workers=st.sampled_from(["0", "1", "-1", "513", "x"]),
        topology=VALUES | st.sampled_from(["bomb", "beam", "1mu1p", "cosmic"]),
        cosmic_rate=ODD.filter(lambda rate: rate not in ("7", "1e9", "9" * 40)),
        views=VALUES | st.sampled_from(["Y", "U,V", "voxels"]), dead_wire_seed=VALUES,
        classes=VALUES | st.sampled_from(["nue:1", "nc:0", "nue:-1,nc:2", "nue:nan", "numu:inf"]),
        spectrum=VALUES | st.sampled_from(["produced", "oscillated", "appeared"]),
    ),
)  # fmt: skip
def test_simulate(copy, detector, events, out, more):
    arguments = [f"--detector={detector}", f"--events={events}", f"--out={out}", *more]
    check("simulate", arguments, copy, outputs=(out,))


FORMATS = {
    "edep_sim": "edep.h5", "larcv3": "larcv3.h5", "nova_caf": "caf.h5",
    "nova_sparse": "sparse.h5", "wire_cell": "frames.tar.gz",
}  # fmt: skip
PRODUCTS = st.sampled_from(["sparse2d_wire", "cluster2d_mc", "particle_mc"])
READER_OPTIONS = {
    "axes": VALUES, "image": VALUES | PRODUCTS, "labels": VALUES | PRODUCTS,
    "clusters": VALUES | PRODUCTS, "particles": VALUES | PRODUCTS, "classes": VALUES,
    "threshold": VALUES, "detector": VALUES, "frame": VALUES, "row_ticks": VALUES,
    "planes": VALUES | st.sampled_from(["A:2560", "A:1,B:2559", "A:0", "A:999999"]),
}  # fmt: skip
MORE_OF_CONVERT = flags_of(
    placements=VALUES, seed=VALUES, views=VALUES | st.sampled_from(["Y", "voxels", "a,b,c"]),
    compression=VALUES | st.sampled_from(["none", "gzip"]), input=PATHS, **READER_OPTIONS,
)  # fmt: skip


@cases(90)
@given(
    st.sampled_from([*FORMATS, "dune_cvn", "x"]), PATHS | st.sampled_from(list(FORMATS.values())),
    OUTPUTS, MORE_OF_CONVERT,
)  # fmt: skip
def test_convert(copy, format, source, out, more):
    arguments = [f"--format={format}", f"--input={source}", f"--out={out}", *more]
    check("convert", arguments, copy, outputs=(out,))


@cases(60)
@given(st.sampled_from(sorted(FORMATS)), DAMAGE)
def test_convert_of_a_damaged_file(copy, format, damage):
    source = FORMATS[format]
    arguments = [f"--format={format}", f"--input={source}", "--out=new.h5"]
    check("convert", arguments, copy, outputs=("new.h5",), damage=(source, *damage))


@cases(20)
@given(st.sampled_from(["dune/nue/event1.gz", "dune/nue/event1.info"]), DAMAGE)
def test_convert_of_a_damaged_folder(copy, file, damage):
    arguments = ["--format=dune_cvn", "--input=dune", "--out=new.h5"]
    check("convert", arguments, copy, outputs=("new.h5",), damage=(file, *damage))


@cases(70)
@given(
    PATHS,
    flags_of(
        events=VALUES,
        picture=OUTPUTS | st.sampled_from(["a.png", "a.pdf"]),
        json=st.sampled_from(["true", "x"]),
        **READER_OPTIONS,
    ),
)
def test_inspect(copy, source, more):
    pictures = tuple(flag.partition("=")[2] for flag in more if flag.startswith("--picture="))
    check("inspect", [source, *more], copy, outputs=pictures)


@cases(90)
@given(st.sampled_from(sorted(world.INPUTS - {"dune"})), DAMAGE)
def test_inspect_of_a_damaged_file(copy, source, damage):
    check("inspect", [source], copy, damage=(source, *damage))


OPTIONS_OF_EVAL = flags_of(
    data=PATHS, out=OUTPUTS, view=VALUES, whole_plane=VALUES, checkpoint=VALUES, part=VALUES,
    num_events=VALUES, pictures=VALUES, thresholds=VALUES | st.sampled_from(["delta>nan", "nue>1"]),
    bootstrap_group=VALUES, baseline_data=PATHS, value_scale=VALUES, seed=VALUES,
    bad_events=VALUES | st.just("skip"), max_bad_events=VALUES,
)  # fmt: skip


@cases(60)
@given(st.sampled_from(["run", "run", "classifier", "classifier"]), OPTIONS_OF_EVAL)
def test_eval(copy, workdir, more):
    outs = tuple(flag.partition("=")[2] for flag in more if flag.startswith("--out="))
    outs = tuple(f"{out}/{name}" for out in outs for name in RESULTS)
    check("eval", [f"--workdir={workdir}", *more], copy, outputs=outs)


RESULTS = ("metrics.json", "predictions.h5", "report.md", "plots", "pictures")


@cases(20)
@given(PATHS, OPTIONS_OF_EVAL)
def test_eval_of_another_folder(copy, workdir, more):
    check("eval", [f"--workdir={workdir}", *more], copy, outputs=(workdir,))


@cases(30)
@given(
    st.sampled_from(["run/config.json", "run/checkpoints/*/*/*", "run/metrics.jsonl", "pixels.h5"]),
    DAMAGE,
)
def test_eval_of_damaged_files(copy, file, damage):
    check("eval", ["--workdir=run", "--out=results"], copy, damage=(file, *damage))


@cases(40)
@given(
    st.sampled_from(["run", "run", "classifier", "run/checkpoints/1"]) | PATHS,
    st.sampled_from(["new.safetensors", "new.pyz", "new.pyz"]) | OUTPUTS,
    flags_of(
        checkpoint=VALUES, about=VALUES | st.just("a:b"), sites=VALUES | st.just("9,99"),
        shape=VALUES | st.sampled_from(["64,64", "9,9,9", "1048577,2"]),
    ),
)  # fmt: skip
def test_export(copy, model, out, more):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxsparse.export_program", lambda *_, **__: b"")
        check("export", [f"--model={model}", f"--out={out}", *more], copy, outputs=(out,))


@cases(60)
@given(
    st.sampled_from(["run", "run", "classifier"]) | PATHS,
    st.sampled_from(["pixels.h5", "plain.h5", "events.h5", "*.h5"]) | PATHS,
    OUTPUTS,
    flags_of(
        checkpoint=VALUES, overwrite=VALUES, part_seconds=VALUES, value_scale=VALUES,
        data=PATHS, placements=VALUES, **READER_OPTIONS,
    ),
)  # fmt: skip
def test_predict(copy, model, source, out, more):
    arguments = [f"--model={model}", f"--data={source}", f"--out={out}", *more]
    check("predict", arguments, copy, outputs=(out,))


@cases(15)
@given(
    st.sampled_from(["pixels.h5", "pixels.h5", "run/config.json", "run/checkpoints/*/*/*"]), DAMAGE
)
def test_predict_with_damaged_files(copy, file, damage):
    arguments = ["--model=run", "--data=pixels.h5", "--out=new.h5"]
    check("predict", arguments, copy, outputs=("new.h5",), damage=(file, *damage))


TINY = {
    text: dict(flatten(load_config(f"{path}:{text}")))
    for path in [pathlib.Path(tempfile.mkdtemp(), "tiny.py")]
    if path.write_text(world.CONFIG)
    for text in ("pixels", "events")
}
HUGE = ("1e9", "9" * 40, "4294967296", "9223372036854775808")
# Legal where they are huge, and then nothing but slow or large.
LARGE = {
    "train.batch_size", "train.steps", "train.epochs", "train.accumulate", "model.filters",
    "model.blocks", "model.kernel_size", "model.depth", "model.heads.semantic.num_classes",
    "model.in_channels",
    "data.workers", "train.cpu_devices", "model.width", "data.max_sites", "data.capacities",
    "data.num_buckets", "model.views", "data.halo",
}  # fmt: skip
LEAVES = sorted({key for leaves in TINY.values() for key in leaves})
NUMBERS = ("0", "-1", "1", "2", "1e9", "-1e-9", "nan", "inf", "-inf", "1.5", "9" * 40, "4294967296")
WORDS = ("", "x", "ä", "a\nb", "\0", "\udcff", "(1,)", "()", "('x',)", "(nan,)", "(-1, -1)", "True")


@pytest.mark.parametrize("key", LEAVES)
def test_train_with_an_odd_value(copy, key):
    """Of every key of the config: two numbers and two words, others in every longer run."""
    draw = random.Random(key if not TIMES else None)
    for _ in range(max(TIMES, 1)):
        text = draw.choice([text for text in TINY if key in TINY[text]])
        for value in draw.sample(NUMBERS, 2) + draw.sample(WORDS, 2):
            if key in LARGE and value in HUGE:
                continue
            arguments = [f"--config=tiny.py:{text}", "--workdir=new", f"--config.{key}={value}"]
            check("train", arguments, copy, outputs=("new",))


@cases(50)
@given(
    st.sampled_from(["tiny.py", "tiny.py:events", "broken.py"]) | PATHS,
    PATHS,
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("data.train", "data.validation", "train.start_from"), PATHS)
    ),
)
def test_train_with_odd_paths(copy, config, workdir, paths):
    overrides = [f"--config.{key}={value}" for key, value in paths.items()]
    arguments = [f"--config={config}", f"--workdir={workdir}", *overrides]
    check("train", arguments, copy, outputs=("run", "classifier"))


@cases(20)
@given(
    st.sampled_from(["run/config.json", "run/checkpoints/1/*/*", "run/metrics.jsonl", "pixels.h5"]),
    DAMAGE,
)
def test_train_with_damaged_files(copy, file, damage):
    arguments = ["--config=tiny.py", "--workdir=run", "--config.train.steps=2"]
    check("train", arguments, copy, outputs=("run",), damage=(file, *damage))


@cases(40)
@given(
    st.sampled_from(["tiny.py:events", "tiny.py:events", "tiny.py"]),
    st.sampled_from(["events.h5", "events.h5"]) | PATHS,
    OUTPUTS,
    flags_of(folds=VALUES, repeats=ODD.filter(lambda v: v not in HUGE), seed=VALUES, draws=VALUES),
)
def test_cross_validate(copy, config, data, out, more):
    with pytest.MonkeyPatch.context() as patch:
        stubs.skip_training(patch)
        arguments = [f"--config={config}", f"--data={data}", f"--out={out}", *more]
        names = ("metrics.json", "scores.npz", "confusion.png")
        outputs = tuple(f"{out}/{name}" for name in names)
        check("cross_validate", arguments, copy, outputs=outputs)


@pytest.mark.parametrize("name", ["a [1]*?\\ ", "~", "%d{}", "ü'\"", "-x", "n" * 200])
def test_what_is_written_below_odd_names_is_there_and_can_be_read(original, tmp_path, name):
    """By every program but train.py, whose checkpoints a library writes that wants plain names."""
    odd = f"{tmp_path}/{name}/deep"
    for program, arguments in (
        ("simulate", ["--detector=nova", "--events=1", f"--out={odd}/s.h5"]),
        ("convert", ["--format=nova_sparse", "--input=sparse.h5", f"--out={odd}/c.h5"]),
        ("inspect", [f"{odd}/s.h5", f"--picture={odd}/p.png"]),
        ("inspect", [f"{odd}/c.h5"]),
        ("eval", ["--workdir=run", f"--out={odd}/e"]),
        ("eval", ["--workdir=run", f"--data={original}/pixels.h5", f"--out={odd}/e"]),
    ):
        assert run(program, arguments, original).status == 0, arguments
    with pytest.MonkeyPatch.context() as patch:
        stubs.skip_training(patch)
        arguments = ["--config=tiny.py:events", "--data=events.h5", "--folds=2"]
        outcome = run("cross_validate", [*arguments, f"--out={odd}/x"], original)
        assert outcome.status == 0, outcome.errors
    written = {path.name for path in pathlib.Path(odd).rglob("*")}
    assert {"s.h5", "c.h5", "p.png", "report.md", "predictions.h5", "scores.npz"} <= written
    assert [path.name for path in tmp_path.iterdir()] == [name]
