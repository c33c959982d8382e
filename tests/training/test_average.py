"""Averaged parameters: what they are, their moments, who uses them, what interruptions change."""

import itertools
import json
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import models, nn
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.event_file import EventFile
from jaxsparse.errors import InputError
from jaxsparse.inference import make_forward, network_inputs
from jaxsparse.training import loop
from jaxsparse.training.arrays import by_path
from jaxsparse.training.average import AverageMoments, averaging, with_average
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.data import open_data
from jaxsparse.training.logs import read_records
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import Replicas, local_devices
from jaxsparse.training.signals import StopSignals
from jaxsparse.training.state import create_state
from jaxsparse.training.step import AXIS, make_validation_step
from jaxsparse.training.transfer import read_beginning
from tests.loaders import make_loader

DECAY, BATCHES = 0.8, 3


@pytest.fixture
def config(event_config, cache_dir):
    """Seven steps of the tiny network with batch norm, averaged; its periods do not divide."""
    event_config.model.normalize = True
    train = event_config.train
    train.steps, train.cache_dir, train.batch_size = 7, cache_dir, 8
    train.average_decay, train.average_batches = DECAY, BATCHES
    train.log_every, train.validate_every, train.checkpoint_every = 2, 3, 4
    return event_config


def arrays_of(workdir, step):
    """Every array of a checkpoint by its path."""
    opened = Checkpoints(workdir)
    arrays, _ = opened._read(step, opened.folder / str(step))
    opened.close()
    return arrays


def averages(arrays):
    prefix = "average/"
    return {path.removeprefix(prefix): a for path, a in arrays.items() if path.startswith(prefix)}


# ----- the average -----


@pytest.mark.parametrize("decay", [0.5, 0.97])
def test_the_average_is_a_sum_over_the_steps_without_the_initial_values(decay):
    values = np.random.default_rng(1).normal(size=(60, 3))

    def train_step(state, batch, rate):
        params = {"kernel": batch}
        return state.replace(step=state.step + 1, params=params, batch_stats={"mean": -batch}), None

    params = {"kernel": jnp.full(3, 1e6)}
    variables = {"params": params, "batch_stats": {"mean": jnp.zeros(3)}}
    state = with_average(create_state(variables, Optimizer(**default_config().optimizer), seed=0))
    step = jax.jit(averaging(train_step, decay))
    # In float64, every step's own weight: its share times what later steps leave of it.
    shares = [max(1 - decay, 10 / (9 + number)) for number in range(1, 61)]
    for number in range(60):
        state, _ = step(state, jnp.float32(values[number]), 0.1)
        left = [np.prod([1 - s for s in shares[i + 1 : number + 1]]) for i in range(number + 1)]
        weights = np.array(shares[: number + 1]) * left
        assert weights.sum() == pytest.approx(1)
        expected = weights @ values[: number + 1]
        np.testing.assert_allclose(state.average["params"]["kernel"], expected, atol=1e-6)
        np.testing.assert_allclose(state.average["batch_stats"]["mean"], -expected, atol=1e-6)
    assert state.average["params"]["kernel"].dtype == jnp.float32


# ----- its moments -----


def moments_by_hand(config, variables, parts):
    """Mean over ``parts``, lists of the shards of all devices, of moments before batch norm."""
    network = models.build(config.model)
    forward = jax.jit(
        lambda batch: network.apply(
            variables, *network_inputs(network, batch), train=True, mutable=True,
            capture_intermediates=lambda module, _: isinstance(module, nn.SubmanifoldConv),
        )[1]["intermediates"]["backbone"]
    )  # fmt: skip
    found: dict[int, list] = {}
    for view, shards in itertools.product(range(2), parts):
        outs = [forward(shard)[f"SubmanifoldConv_{view}"]["__call__"][0] for shard in shards]
        rows = np.concatenate([out.features[: int(out.num_active)] for out in outs])
        found.setdefault(view, []).append((rows.mean(0, np.float64), rows.var(0, np.float64)))
    return {view: np.mean(moments, axis=0) for view, moments in found.items()}


def assert_moments(config, variables, parts):
    for view, (mean, variance) in moments_by_hand(config, variables, parts).items():
        stored = variables["batch_stats"]["backbone"][f"norm_view_{view}"]
        np.testing.assert_allclose(stored["mean"], mean, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(stored["variance"], variance, rtol=1e-4, atol=1e-6)


def test_a_checkpoint_has_the_mean_moments_of_the_first_training_batches(
    config, finished_run, tmp_path
):
    workdir = finished_run(config, tmp_path / "run")
    variables = load_for_evaluation(workdir, "latest").variables
    data = open_data(config, models.build(config.model), objectives_of(config), num_devices=1)
    batches = [jax.tree.map(lambda a: a[0], b) for b in itertools.islice(data.train, BATCHES)]
    assert_moments(config, variables, [[batch] for batch in batches])


@pytest.mark.parametrize(
    ("implementation", "devices", "parts"), [("pmap", 4, 1), ("shard_map", 4, 1), ("pmap", 1, 2)]
)
def test_moments_are_those_of_all_devices_and_of_every_micro_batch(
    config, implementation, devices, parts
):
    loader = make_loader(
        EventFile(config.data.train), config.data, batch_size=6, num_devices=devices,
        micro_batches=parts, levels=1, buckets=BucketTable(((256, 256),)),
    )  # fmt: skip
    replicas = Replicas(implementation, local_devices(devices))
    network = models.build(config.model, AXIS)
    variables = models.init_variables(config.model, 3)
    state = with_average(create_state(variables, Optimizer(**config.optimizer), seed=0))
    first = loader.first(2)
    moments = AverageMoments(network, replicas, first, micro_batches=parts)
    state = moments(replicas.replicate(state), StopSignals())
    shards = [
        [jax.tree.map(lambda a, d=d, p=p: (a if parts == 1 else a[:, p])[d], batch)
         for d in range(devices)]
        for batch in first for p in range(parts)
    ]  # fmt: skip
    assert len(shards) == 2 * parts
    assert_moments(config, jax.device_get(state.average), shards)


def test_without_batch_norm_there_are_no_moments_to_count(config):
    config.model.normalize = False
    variables = models.init_variables(config.model, 0)
    state = with_average(create_state(variables, Optimizer(**config.optimizer), seed=0))
    network, replicas = models.build(config.model, AXIS), Replicas("pmap", local_devices(1))
    endless = make_loader(
        EventFile(config.data.train), config.data, batch_size=1, levels=1,
        buckets=BucketTable(((256, 256),)),
    )  # fmt: skip
    moments = AverageMoments(network, replicas, endless)
    assert moments(state, StopSignals()) is state


# ----- who uses it -----


def test_validations_evaluation_and_other_runs_use_the_average(config, finished_run, tmp_path):
    workdir = finished_run(config, tmp_path / "run")
    arrays = arrays_of(workdir, 7)
    variables = load_for_evaluation(workdir, "latest").variables
    average = averages(arrays)
    assert by_path(variables).keys() == average.keys()
    for path, leaf in by_path(variables).items():
        np.testing.assert_array_equal(leaf, average[path])
        assert not np.array_equal(leaf, arrays[path])

    objectives, network = objectives_of(config), models.build(config.model, AXIS)
    validation = open_data(config, network, objectives, num_devices=1).validation
    replicas = Replicas("pmap", local_devices(1))
    step = replicas.wrap(make_validation_step(objectives, make_forward(network)), "validation")
    assert validation is not None
    sums = [step(variables, batch).fetch() for batch in validation]
    logged = [r for r in read_records(workdir) if r["split"] == "validation"][-1]
    assert logged["step"] == 7
    assert logged["loss"] == sum(sums[1:], sums[0]).head("event").loss_per_event

    config.train.start_from = str(workdir / "checkpoints" / "7")
    begun = read_beginning(config).applied_to(models.init_variables(config.model, 9))
    jax.tree.map(np.testing.assert_array_equal, begun, variables)


# ----- interruptions -----


def assert_same_end(one, two):
    """All arrays of the last checkpoints and all lines of the logs are equal to the bit."""
    first, second = arrays_of(one, 7), arrays_of(two, 7)
    assert first.keys() == second.keys()
    for path, leaf in first.items():
        np.testing.assert_array_equal(second[path], leaf, err_msg=path)
    keys = ("step", "split", "loss", "accuracy", "learning_rate")
    logs = [[[r[key] for key in keys] for r in read_records(d)] for d in (one, two)]
    assert json.dumps(logs[0]) == json.dumps(logs[1])


@pytest.mark.parametrize("step", [2, 7])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    config, finished_run, tmp_path, stop_at, step, capsys
):
    straight, broken = finished_run(config, tmp_path / "straight"), tmp_path / "broken"
    with stop_at(step):
        assert loop.train(config, broken).reason == "stopped by SIGTERM"
    assert (
        "averages  of decay 0.8, validated and evaluated with moments of 3 batches"
        in capsys.readouterr().out
    )
    assert loop.train(config, broken).step == 7
    assert_same_end(straight, broken)


@pytest.mark.parametrize("validated", [True, False])
def test_a_signal_while_moments_are_counted_leaves_no_trace(
    config, finished_run, tmp_path, monkeypatch, validated
):
    straight, broken, real = tmp_path / "straight", tmp_path / "broken", AverageMoments.__call__
    if validated:
        finished_run(config, straight)
    else:
        config.data.validation, config.optimizer.schedule = "", "constant"
        loop.train(config, straight)

    def interrupted(self, state, stop):
        stop._handle(signal.SIGTERM, None)
        return real(self, state, stop)

    with monkeypatch.context() as patch:
        patch.setattr(AverageMoments, "__call__", interrupted)
        for _ in range(2):  # the second start begins with what the first one left
            assert loop.train(config, broken).step == 3
    loop.train(config, broken)
    assert_same_end(straight, broken)


def test_another_decay_is_refused(config, finished_run, tmp_path):
    workdir = finished_run(config, tmp_path / "run")
    config.train.average_decay = 0.0
    with pytest.raises(InputError, match=r"average_decay is 0\.0 but .* was made with 0\.8"):
        loop.train(config, workdir)
