"""One device or four, pmap or shard_map: the same losses and the same parameters, to rounding."""

import dataclasses
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.data.batch import Shard, pad
from jaxsparse.data.pixels import Pixels
from jaxsparse.errors import InputError
from jaxsparse.inference import make_forward
from jaxsparse.training.config import default_config
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import KEEP_BARRIERS, Replicas, local_devices, split_cpu
from jaxsparse.training.state import create_state
from jaxsparse.training.step import (
    AXIS,
    make_train_step,
    make_validation_step,
)

LEVELS, STEPS = 2, 3
# Which events each device gets: uneven, and one device gets none.
SHARES = {1: [[0, 1, 2, 3, 4]], 4: [[0, 1], [2], [], [3, 4]]}


def tiny_config():
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 4, LEVELS, 1
    config.optimizer.learning_rate = 0.05
    return config


def batch_for(num_devices, view_of):
    rng = np.random.default_rng(3)
    views, weights = [], []
    for _ in range(5):
        views.append(view_of(rng))
        weights.append(rng.uniform(0.5, 1.5, len(views[-1])).astype(np.float32))
    pixels = Pixels.of(views)
    labels = pixels.columns["labels"].astype(np.int32)
    targets = {"labels": labels, "weights": np.concatenate(weights)}
    pixels = dataclasses.replace(pixels, values=pixels.values / np.float32(50), columns=targets)
    counts, none = pixels.level_counts(LEVELS), np.full(5, -1)
    shares = [np.array(share, np.int64) for share in SHARES[num_devices]]
    shards = [
        Shard((pixels.events(share),), none[share], share, counts[share].sum(axis=0))
        for share in shares
    ]
    return pad(shards, (256, 128), slots=5)


def pixels(sums):
    return sums.head("semantic")


@pytest.fixture(scope="module")
def trained(toy_view):
    """(losses, state, validation sums, programs) by (implementation, number of devices)."""
    config = tiny_config()
    objectives, optimizer = objectives_of(config), Optimizer(**config.optimizer)
    forward = make_forward(models.build(config.model, AXIS))
    results = {}
    for implementation, count in [("pmap", 1), ("pmap", 4), ("shard_map", 4)]:
        replicas = Replicas(implementation, local_devices(count))
        step = replicas.wrap(make_train_step(objectives, forward, optimizer), "train", donate=True)
        validate = replicas.wrap(make_validation_step(objectives, forward), "validation")
        state = create_state(models.init_variables(config.model, 0), optimizer, seed=0)
        state, losses = replicas.replicate(state), []
        batch = batch_for(count, toy_view)
        for _ in range(STEPS):
            state, sums = step(state, batch, np.float32(0.05))
            losses.append(float(pixels(sums).loss))
        sums = validate(state.variables, batch).fetch()
        results[implementation, count] = losses, state, sums, replicas.compilations
    return results


@pytest.mark.parametrize("implementation", ["pmap", "shard_map"])
def test_four_devices_train_like_one_also_when_one_of_them_has_no_site(trained, implementation):
    losses, state, sums, _ = trained["pmap", 1]
    many_losses, many_state, many_sums, _ = trained[implementation, 4]
    assert losses[-1] < 0.9 * losses[0]  # it is training, not standing still
    np.testing.assert_allclose(many_losses, losses, rtol=1e-4)
    for name in ("params", "batch_stats", "optimizer"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5 * np.abs(b).max()),
            getattr(many_state, name),
            getattr(state, name),
        )
    np.testing.assert_allclose(pixels(many_sums).loss, pixels(sums).loss, rtol=1e-3)
    np.testing.assert_array_equal(pixels(many_sums).confusion.sum(1), pixels(sums).confusion.sum(1))
    assert (many_sums.events, many_sums.sites) == (sums.events, sums.sites)


def test_pmap_and_shard_map_agree_to_the_bit(trained):
    jax.tree.map(
        np.testing.assert_array_equal,
        trained["pmap", 4][1].params,
        trained["shard_map", 4][1].params,
    )


def test_a_program_is_compiled_once_for_each_function_and_bucket(trained):
    assert {programs for *_, programs in trained.values()} == {2}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("implementation", ["pmap", "shard_map"])
def test_the_compiler_is_told_to_keep_the_barriers_of_rematerialisation(implementation, keep):
    """What that saves is tested with a network (``tests/models/test_uresnet.py``)."""
    told = []

    def remember(make):
        told.append(make.args)
        return make()

    replicas = Replicas(
        implementation, jax.local_devices()[:1], compiling=remember, keep_barriers=keep
    )
    run = replicas.wrap(lambda weight, x: jax.lax.psum(jnp.sum(weight * x), AXIS), "sum")
    assert float(run(np.float32(2), np.ones((1, 3), np.float32))) == 6
    assert told == [(KEEP_BARRIERS if keep else None,)]


def test_state_comes_back_without_a_device_axis_and_on_every_device(trained):
    _, state, _, _ = trained["pmap", 4]
    assert state.step.shape == ()
    assert int(state.step) == STEPS
    assert len(state.step.sharding.device_set) == 4


def test_more_devices_than_there_are_is_an_input_error():
    with pytest.raises(InputError, match=r"train\.devices is 99 but there are"):
        local_devices(99)


def test_an_unknown_implementation_is_an_input_error():
    with pytest.raises(InputError, match=r"train\.parallel is 'jit'"):
        Replicas("jit")


@pytest.mark.parametrize("implementation", ["pmap", "shard_map"])
def test_a_second_call_compiles_nothing(implementation):
    """Arrays must go in as they come out, or every program is compiled twice."""
    traces = []

    def step(state, batch, rate):
        traces.append(1)
        return jax.tree.map(lambda leaf: leaf + rate * jax.lax.psum(batch.sum(), AXIS), state)

    replicas = Replicas(implementation, local_devices(2))
    run = replicas.wrap(step, "step", donate=True)
    state = replicas.replicate({"a": np.zeros(3, np.float32)})
    for _ in range(3):
        state = run(state, np.ones((2, 5), np.float32), np.float32(1.0))
    assert len(traces) == 1
    np.testing.assert_array_equal(state["a"], np.full(3, 30.0))


@pytest.mark.parametrize(
    ("flags", "devices"), [("", 3), ("--xla_force_host_platform_device_count=2", 2)]
)
def test_a_cpu_is_split_unless_its_devices_are_settled(flags, devices):
    program = (
        "import jax; from jaxsparse.training.parallel import split_cpu; split_cpu(3);"
        "print(len(jax.local_devices())); split_cpu(5); print(len(jax.local_devices()))"
    )
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(devices)] * 2


def test_a_cpu_has_no_negative_number_of_devices():
    with pytest.raises(InputError, match=r"train.cpu_devices is -1: it must be a whole number"):
        split_cpu(-1)
