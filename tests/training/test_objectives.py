"""What is minimised: heads, losses, reductions and weights; and two heads trained at once."""

import functools
import json
import math

import jax
import numpy as np
import pytest

from jaxsparse import models, settings
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.inference.forward import make_forward
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.logs import read_records
from jaxsparse.training.objectives import main_head, objectives_of, weigh_pixels
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import Replicas, local_devices
from jaxsparse.training.state import create_state
from jaxsparse.training.step import AXIS, make_train_step
from tests.loaders import make_loader
from tests.random_views import random_cells

SHAPE, CLASSES = (20, 16), ("nue", "numu", "nc")


def make_event(rng: np.random.Generator, number: int) -> Event:
    """Two views whose charge names the class of the event and, row by row, that of the pixel."""
    label = int(rng.integers(len(CLASSES)))
    views = {}
    for name in ("XZ", "YZ"):
        coords = random_cells(rng, int(rng.integers(4, 12)), SHAPE)
        labels = rng.integers(0, 2, len(coords)).astype(np.int8)
        values = (30 * (label + 1) + 120.0 * labels + rng.normal(0, 4, len(coords))).astype(
            np.float32
        )
        views[name] = View(coords, values, SHAPE, labels)
    return Event(number, views, label=label)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(training file, validation file)."""
    paths = []
    for seed, events in enumerate((60, 20)):
        rng = np.random.default_rng(seed)
        path = tmp_path_factory.mktemp("both") / f"{events}.h5"
        shapes = dict.fromkeys(("XZ", "YZ"), SHAPE)
        with EventWriter(
            path, detector="toy", views=shapes, event_classes=CLASSES, class_names=("dim", "bright")
        ) as writer:
            for number in range(events):
                writer.append(make_event(rng, number))
        paths.append(path)
    return paths


@pytest.fixture
def config(files, cache_dir):
    """A small UResNet of two views that names events and labels pixels."""
    config = default_config("uresnet", ("event", "semantic"))
    config.model.views, config.model.filters = 2, 4
    config.model.depth, config.model.blocks = 2, 1
    config.model.shared_stem = config.model.shared_stages = True
    config.model.heads.event.num_classes = len(CLASSES)
    config.model.heads.semantic.num_classes = 2
    config.data.train, config.data.validation = map(str, files)
    config.data.views, config.data.crop, config.data.num_buckets = ("XZ", "YZ"), (), 1
    config.data.low, config.data.high, config.data.mean, config.data.std = 0.0, 1e9, 120.0, 60.0
    config.objectives.semantic.reduction = "mean"
    config.objectives.semantic.weight = 2.0
    config.optimizer.name, config.optimizer.learning_rate = "adam", 0.02
    config.optimizer.schedule = "constant"
    config.train.cache_dir, config.train.devices = cache_dir, 1
    config.train.batch_size, config.train.steps = 20, 30
    config.train.log_every, config.train.validate_every = 5, 30
    return config


def test_two_heads_of_one_network_are_trained_at_once(config, tmp_path):
    loop.train(config, tmp_path)
    records = read_records(tmp_path)
    train = [record for record in records if record["split"] == "train"]
    assert train[-1]["loss"] < 0.5 * train[0]["loss"]
    pixels = [record["heads"]["semantic"]["loss"] for record in train]
    assert pixels[-1] < 0.7 * pixels[0]
    (validation,) = (record for record in records if record["split"] == "validation")
    assert validation["accuracy"] > 0.5  # of three classes, of the main head
    assert validation["heads"]["semantic"]["accuracy"] > 0.8
    assert set(validation["heads"]) == {"semantic"}
    stored = json.loads((tmp_path / "config.json").read_text())
    assert set(stored["objectives"]) == {"event", "semantic"}
    _, network, variables, _ = load_for_evaluation(tmp_path)
    assert set(variables["params"]["heads"]) == set(network.heads) == {"event", "semantic"}

    # An evaluation sees what the validation saw.
    figures = evaluate(
        tmp_path, config.data.validation, tmp_path / "out", Options(part="all", pictures=0),
        quiet=True,
    )  # fmt: skip
    assert figures["task"] == "classification"
    assert figures["loss"] == pytest.approx(validation["loss"], rel=1e-4)
    assert figures["accuracy"] == pytest.approx(validation["accuracy"])
    pixels = validation["heads"]["semantic"]
    assert figures["heads"]["semantic"]["accuracy"] == pytest.approx(pixels["accuracy"])


def one_batch(config):
    source = EventFile(config.data.train)
    (batch, *_) = make_loader(
        source, config.data, batch_size=20, levels=2, shuffle=False,
        targets=("labels", "weights"), weigh=weigh_pixels(config),
    )  # fmt: skip
    return batch


@functools.cache
def first_state(model_json):
    """Variables before the first step, away from where gradients of last layers vanish."""
    return models.init_variables(json.loads(model_json), 1)


def step_of(config, batch):
    """(change of the parameters by plain descent of rate 1, sums) of one step."""
    change, sums, _ = stepped(config, batch, {})
    return change, sums


def stepped(config, batch, uncertainties):
    """The same, and the uncertainties after it."""
    config = config.copy_and_resolve_references()
    config.optimizer.name, config.optimizer.momentum = "sgd", 0.0
    optimizer = Optimizer(**config.optimizer)
    replicas = Replicas("pmap", local_devices(1))
    forward = make_forward(models.build(config.model, AXIS))
    run = replicas.wrap(make_train_step(objectives_of(config), forward, optimizer), "train")
    state = create_state(first_state(config.model.to_json()), optimizer, 0)
    begin = {head: np.float32(s) for head, s in uncertainties.items()}
    state = replicas.replicate(state.replace(uncertainties=begin))
    after, sums = run(state, batch, np.float32(1.0))
    change = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), after.params, state.params)
    return change, sums.fetch(), {h: float(np.ravel(s)[0]) for h, s in after.uncertainties.items()}


def test_the_gradient_is_the_weighted_sum_of_those_of_the_objectives(config):
    batch = one_batch(config)
    config.objectives.semantic.reduction = "sum"

    def gradient(event, semantic):
        config.objectives.event.weight, config.objectives.semantic.weight = event, semantic
        return step_of(config, batch)

    tiny = 1e-30  # no weight is zero
    both, sums = gradient(3.0, 0.5)
    (event, _), (semantic, _) = gradient(1.0, tiny), gradient(tiny, 1.0)
    expected = jax.tree.map(lambda a, b: 3.0 * a + 0.5 * b, event, semantic)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), both, expected
    )
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(both)) > 0.1
    for name in ("event", "semantic"):  # sums are those of the losses themselves
        assert sums.heads[name].count == 20
        assert np.isfinite(sums.heads[name].loss)

    # A mean is the sum divided by the events of the batch.
    config.objectives.semantic.reduction = "mean"
    mean, _ = gradient(tiny, 20.0)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), mean, semantic
    )


def test_weights_that_are_found_follow_the_losses(config):
    config.train.loss_weights = "learned"
    objectives, batch = objectives_of(config), one_batch(config)
    begin = {"event": 0.5, "semantic": -0.25}
    change, sums, after = stepped(config, batch, begin)
    # The gradient is that of the objectives, each times exp(-s).
    tiny = 1e-30  # no weight is zero
    parts = {}
    for head, other in (("event", "semantic"), ("semantic", "event")):
        alone = config.copy_and_resolve_references()
        alone.objectives[other].weight = tiny
        parts[head], _ = step_of(alone, batch)
    factors = {head: math.exp(-s) for head, s in begin.items()}
    expected = jax.tree.map(
        lambda a, b: factors["event"] * a + factors["semantic"] * b,
        parts["event"], parts["semantic"],
    )  # fmt: skip
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), change, expected
    )
    # And s moves by a hundredth of its own gradient.
    for objective in objectives:
        head = objective.head
        loss = objective.weight * float(sums.heads[head].loss) / 20
        moved = begin[head] + 0.01 * (math.exp(-begin[head]) * loss - 0.5)
        assert after[head] == pytest.approx(moved, rel=1e-5)


def test_a_run_that_finds_weights_goes_on_with_them_to_the_bit(config, tmp_path, capsys):
    config.train.loss_weights, config.train.validate_every = "learned", 2
    config.train.steps = 4
    loop.train(config, tmp_path / "straight")
    assert "weights of objectives: event " in capsys.readouterr().out
    for config.train.steps in (2, 4):
        loop.train(config, tmp_path / "broken")
    straight, broken = (stored_arrays(tmp_path / name, 4) for name in ("straight", "broken"))
    assert straight.keys() == broken.keys()
    assert straight["uncertainties/event"] != 0
    for path, leaf in straight.items():
        np.testing.assert_array_equal(leaf, broken[path])


def stored_arrays(workdir, step):
    opened = Checkpoints(workdir)
    arrays, _ = opened._read(step, opened._place(step))
    opened.close()
    return arrays


def test_weights_are_found_of_means_alone(config, tmp_path):
    config.train.loss_weights = "learned"
    config.objectives.semantic.reduction = "sum"
    with pytest.raises(
        InputError, match=r"'learned' and objectives\.semantic\.reduction 'sum': set objectives"
    ):
        loop.train(config, tmp_path)


def test_every_head_needs_an_objective_and_every_objective_a_head(config):
    del config.objectives.semantic
    with pytest.raises(InputError, match=r"objectives are event and model\.heads event, semantic"):
        settings.check_config(config)
    other = default_config("uresnet", ("semantic", "event"))
    del other.model.heads.event
    with pytest.raises(InputError, match="every head needs an objective of its name"):
        settings.check_config(other)


def test_the_main_head_is_named_where_there_are_several(config):
    assert main_head(config) == "event"
    config.main_head = ""
    with pytest.raises(InputError, match="main_head is '': it must be one of event, semantic"):
        main_head(config)
    config.main_head = "vertex"
    with pytest.raises(InputError, match="main_head is 'vertex': it must be one of"):
        main_head(config)
    alone = default_config()
    alone.main_head = ""
    assert main_head(alone) == "semantic"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loss", "focal", "objectives.event.loss is 'focal': it must be one of cross_entropy"),
        ("weight", -1.0, "objectives.event.weight is -1.0: it must be positive"),
        ("reduction", "max", "objectives.event.reduction is 'max': it must be one of sum, mean"),
        ("class_weights", (1.0,), "objectives.event.class_weights is .* must hold 3 numbers"),
        ("q", 0.0, "objectives.event.q is 0.0"),
    ],
)
def test_a_bad_value_of_an_objective_is_one_line(config, key, value, message):
    config.objectives.event[key] = value
    with pytest.raises(InputError, match=message) as error:
        objectives_of(config)
    assert "\n" not in str(error.value)
