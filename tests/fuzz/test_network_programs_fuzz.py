"""Odd command lines of the programs that train networks and use them, and odd names for all."""

from __future__ import annotations

import pathlib
import random
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsparse.config_file import load_config
from jaxsparse.settings import flatten
from tests.fuzz import stubs, world
from tests.fuzz.command_lines import (
    DAMAGE,
    MARKS,
    ODD,
    OUTPUTS,
    PATHS,
    READER_OPTIONS,
    TIMES,
    VALUES,
    cases,
    check,
    flags_of,
)
from tests.fuzz.program import run

pytestmark = MARKS

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
    """By every program but ``train``, whose checkpoints a library writes that wants plain names."""
    (tmp_path / name).mkdir()
    odd = f"{tmp_path}/{name}/deep"  # the last folder is made
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
