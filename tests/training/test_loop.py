"""The loop on a toy problem: it resumes to the bit, stops for every reason, refuses in one line."""

import functools
import itertools
import json
import pathlib
import re
import types

import jax
import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile
from jaxsparse.errors import InputError
from jaxsparse.models import Network
from jaxsparse.ops.native import compiler
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.logs import read_records
from jaxsparse.training.trained import images_of


@pytest.fixture
def config(toy_config):
    every = toy_config.train
    every.log_every, every.validate_every, every.checkpoint_every = 2, 4, 4
    return toy_config


def stable(workdir: pathlib.Path, split: str) -> dict[int, tuple[float, float, float]]:
    """What a log says that does not depend on the clock, by step."""
    return {
        record["step"]: (record["loss"], record["accuracy"], record["learning_rate"])
        for record in read_records(workdir)
        if record["split"] == split
    }


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(config, tmp_path, stop_at, capsys):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert loop.train(config, straight).reason == "all steps done"
    told = capsys.readouterr().out
    assert "resumed" not in told
    assert "; best validation loss " in told
    assert told.endswith(f"next: jaxsparse eval --workdir={straight} --data=TEST.h5 --out=OUT\n")

    with stop_at(3):
        stopped = loop.train(config, broken)
    assert stopped.reason == "stopped by SIGTERM"
    assert stopped.step < config.train.steps
    assert capsys.readouterr().out.endswith("the same command goes on\n")
    config.train.log_every = 1  # how often to log is not what makes a run
    result = loop.train(config, broken)
    assert result.step == config.train.steps
    assert f"resumed at step {stopped.step}" in capsys.readouterr().out
    log = (broken / "train.log").read_text()  # of both starts
    lines = ("a new run", "stopped by SIGTERM", f"resumed at step {stopped.step}", "all steps done")
    places = [log.index(line) for line in lines]
    assert places == sorted(places)

    *_, one, one_step = load_for_evaluation(straight, "latest")
    *_, two, two_step = load_for_evaluation(broken, "latest")
    assert one_step == two_step == config.train.steps
    jax.tree.map(np.testing.assert_array_equal, two, one)
    assert stable(broken, "validation") == stable(straight, "validation")
    assert list(stable(straight, "validation")) == [4, 8]
    # The log holds every step once, and training lines agree where they cover the same steps.
    steps = [r["step"] for r in read_records(broken) if r["split"] == "train"]
    assert steps == sorted(set(steps))


def test_a_run_that_never_validated_has_no_best_checkpoint(config, tmp_path, capsys):
    config.train.steps, config.train.validate_every, config.data.validation = 2, 0, ""
    config.optimizer.schedule = "constant"
    loop.train(config, tmp_path)
    assert "; no validation; checkpoints [2] in" in capsys.readouterr().out


def test_the_banner_tells_of_shared_events_and_of_odd_features(config, tmp_path, capsys):
    config.train.steps, config.data.std = 2, 1.0
    config.data.validation = config.data.train
    loop.train(config, tmp_path)
    said = capsys.readouterr().out
    assert "24 events, 24 of them with the pixels of a training event" in said
    assert "warning  data.mean is 0 and data.std 1: two thirds of the features" in said
    # What predictions and evaluations compare their images with.
    source = EventFile(config.data.train)
    values = np.concatenate(
        [event.views[view].values for event in source for view in config.data.views]
    )
    images = images_of(tmp_path)
    assert images is not None
    assert dict(images.shapes) == {view: source.view_shapes[view] for view in config.data.views}
    assert images.upper_value == pytest.approx(np.quantile(values, 0.84), rel=1e-6)


def test_every_wait_for_the_compiler_is_told(config, tmp_path, capsys):
    config.train.steps, config.train.validate_every = 2, 1
    loop.train(config, tmp_path)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("compiling")]
    assert said == [
        "compiling the first step, seconds to minutes",
        "compiling program 1 of validation, which the time left does not count",
    ]


def test_a_finished_run_is_left_as_it_is(config, tmp_path, capsys):
    config.train.steps = 2
    loop.train(config, tmp_path)
    before = (tmp_path / "metrics.jsonl").read_text()
    assert loop.train(config, tmp_path).step == 2
    assert (tmp_path / "metrics.jsonl").read_text() == before


def test_a_resume_by_another_instruction_set_says_so(config, tmp_path, capsys, monkeypatch):
    def said_by(instructions: str, steps: int) -> str:
        monkeypatch.setattr(compiler, "instruction_set", lambda dtype: instructions)
        config.train.steps = steps
        loop.train(config, tmp_path)
        return capsys.readouterr().out

    banner, remark = (
        "computed by  kernels for {}\n",
        "checkpoint 2 was computed by kernels for AVX2, ",
    )
    first, same, other = said_by("AVX2", 1), said_by("AVX2", 2), said_by("AVX-512", 3)
    assert banner.format("AVX2") in first
    assert banner.format("AVX-512") in other
    assert [said.count("was computed by") for said in (first, same, other)] == [0, 0, 1]
    assert f"{remark}what follows is by kernels for AVX-512: equal to rounding" in other
    assert "was computed by" not in said_by("AVX-512", 4)


def test_a_checkpoint_that_names_no_instruction_set_goes_on_in_silence(
    config, tmp_path, capsys, monkeypatch
):
    config.train.steps = 1
    with monkeypatch.context() as patch:
        patch.setattr(Network, "computed_by", lambda *_: "")
        loop.train(config, tmp_path)
    config.train.steps = 2
    loop.train(config, tmp_path)
    assert "was computed by" not in capsys.readouterr().out


def test_it_stops_when_the_time_is_up_and_saves(config, tmp_path):
    config.train.minutes = 1e-6
    result = loop.train(config, tmp_path)
    assert result.reason == "time is up"
    assert load_for_evaluation(tmp_path)[3] == result.step


def test_the_clock_stops_a_cosine_and_shapes_nothing(config, tmp_path, monkeypatch):
    config.optimizer.schedule = "cosine"
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    loop.train(config, straight)
    seconds = itertools.count()  # a second passes whenever somebody looks
    clock = types.SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr("jaxsparse.training.progress.time", clock)
    config.train.minutes = 0.2
    first = loop.train(config, stopped)
    assert first.reason == "time is up"
    assert 0 < first.step < config.train.steps
    config.train.minutes = 60.0  # the same run with more time
    assert loop.train(config, stopped).reason == "all steps done"
    assert stable(stopped, "validation")[8] == stable(straight, "validation")[8]
    ends = [load_for_evaluation(workdir, "latest")[2] for workdir in (straight, stopped)]
    jax.tree.map(np.testing.assert_array_equal, *ends)
    config.train.steps += 1
    with pytest.raises(InputError, match=re.escape(f"train.start_from={straight}.")):
        loop.train(config, straight)


def test_a_checkpoint_keeps_its_score_where_the_time_is_up_during_its_validation(
    config, tmp_path, monkeypatch
):
    """Between two lines of the log: the end then writes one, and saves the step again."""
    config.train.validate_every, config.train.log_every = 3, 2
    config.train.steps, config.train.minutes = 20, 60.0
    validated: list[int] = []
    validate = loop.Run._validate

    def counted(run):
        validated.append(run.step)
        return validate(run)

    monkeypatch.setattr(loop.Run, "_validate", counted)
    monkeypatch.setattr(loop.Clock, "is_up", property(lambda _: len(validated) == 3))
    result = loop.train(config, tmp_path)
    assert (result.step, result.reason, validated) == (9, "time is up", [3, 6, 9])
    losses = {step: loss for step, (loss, *_) in stable(tmp_path, "validation").items()}
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.score(9) == pytest.approx(losses[9])
    assert checkpoints.best_step == min(losses, key=losses.__getitem__)


def test_it_stops_early_when_validations_get_no_better(config, tmp_path):
    config.train.validate_every, config.train.early_stop, config.train.steps = 1, 2, 100
    config.optimizer.learning_rate, config.optimizer.momentum = 1e-30, 0.0
    config.model.momentum = 0.0  # moments of the last batch: no slow approach of a running mean
    result = loop.train(config, tmp_path)
    assert result.reason == "no better validation loss in the last 2"
    assert result.step < 20


def test_a_loss_that_is_not_finite_names_steps_and_the_last_good_checkpoint(config, tmp_path):
    config.train.steps = 4
    loop.train(config, tmp_path)
    config.train.steps = 60
    state = "jaxsparse.training.loop.Checkpoints.restore"
    restore = loop.Checkpoints.restore

    def poisoned(self, template, step):
        good, progress = restore(self, template, step)
        return good.replace(params=jax.tree.map(lambda a: a * np.nan, good.params)), progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, poisoned)
        with pytest.raises(
            InputError, match=r"loss is nan in steps 5 to 5: last good checkpoint is 4"
        ):
            loop.train(config, tmp_path)


def test_a_work_directory_of_another_config_is_refused_untouched(config, tmp_path):
    config.train.steps = 2
    loop.train(config, tmp_path)
    before = (tmp_path / "config.json").read_text()
    config.model.filters = 6
    with pytest.raises(InputError, match=r"config.model.filters is 6 but .* was made with 4"):
        loop.train(config, tmp_path)
    assert (tmp_path / "config.json").read_text() == before


def test_a_run_of_before_networks_chose_data_flows_goes_on_with_any(config, tmp_path):
    config.train.steps = 2
    loop.train(config, tmp_path)
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    del stored["model"]["implementation"]
    path.write_text(json.dumps(stored))
    config.train.steps, config.model.implementation = 3, "windows"
    assert loop.train(config, tmp_path).step == 3


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.train", "", "data.train is empty"),
        ("data.train", "nothing.h5", "nothing.h5"),
        ("data.validation", "", "optimizer.schedule=plateau needs validation events"),
        ("train.batch_size", 0, "train.batch_size is 0"),
        ("train.minutes", -1.0, "train.minutes is -1.0"),
        ("train.parallel", "jit", "train.parallel is 'jit'"),
        ("model.depth", 0, "model.depth is 0"),
        ("model.implementation", "fast", "implementation is 'fast'"),
        ("data.views", ("X",), "data.views has 'X'"),
        ("model.heads.semantic.num_classes", 3, "model.heads.semantic.num_classes is 3"),
        ("model.heads.semantic.num_classes", 6, "are HIP, MIP, shower, delta, Michel: set it to 5"),
    ],
)
def test_a_bad_value_is_one_line_and_leaves_no_work_directory(
    config, tmp_path, key, value, message
):
    *groups, name = key.split(".")
    functools.reduce(getattr, groups, config)[name] = value
    with pytest.raises(InputError) as caught:
        loop.train(config, tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_file_of_another_detector_is_told_by_its_view_before_its_classes(config, tmp_path):
    config.data.views, config.model.heads.semantic.num_classes = (
        ("Z",),
        3,
    )  # the file has more classes, too
    with pytest.raises(
        InputError,
        match=r"data\.views has 'Z' but .* has Y: choose among these, --config\.data\.views=Y",
    ):
        loop.train(config, tmp_path / "run")


def test_a_work_directory_from_before_a_key_was_there_goes_on(config, tmp_path):
    config.train.steps = 2
    loop.train(config, tmp_path)
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    for group, key in (("data", "split"), ("model", "order"), ("optimizer", "plateau_metric")):
        del stored[group][key]
    del stored["objectives"]["semantic"]["q"]
    path.write_text(json.dumps(stored))
    assert load_for_evaluation(tmp_path)[0].optimizer.plateau_metric == "loss"
    config.train.steps = 3
    assert loop.train(config, tmp_path).step == 3
