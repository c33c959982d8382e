"""Every setting changes what it governs, or is refused by name: for each key of the table a case.

What is looked at, without compiling anything: the batches that a config makes, the losses and the
update that are traced for it, and what a run does whose steps are made up.
"""

import functools
import itertools
import json
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import models, settings
from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.data import open_data
from jaxsparse.training.metrics import HeadSums, Sums
from jaxsparse.training.objectives import objectives_of
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.parallel import Replicas
from jaxsparse.training.state import create_state
from jaxsparse.training.workdir import claim, inputs_of
from tests.training.changed_settings import Case, Changes, base_config, changed, write_events


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Event files, and a work directory, by the names that the cases use."""
    folder = tmp_path_factory.mktemp("settings")
    found = {name: write_events(folder / f"{name}.h5", i) for i, name in enumerate(
        ("TRAIN", "VALIDATION", "OTHER", "DAMAGED"))}  # fmt: skip
    config = base_config(found)
    workdir = folder / "before"
    claim(workdir, config, inputs_of(config, {}))
    checkpoints = Checkpoints(workdir, create=True)
    state = create_state(variables_of(config.model, 5.0), Optimizer(**config.optimizer), 0)
    checkpoints.save(state, {}, config, None)
    checkpoints.close()
    return {**found, "BEFORE": str(workdir)}


@functools.cache
def shapes_of(model: str) -> Any:
    return jax.eval_shape(models.initializer(json.loads(model)), jax.random.PRNGKey(0))


def variables_of(model, number):
    return jax.tree.map(lambda leaf: np.full(leaf.shape, number, leaf.dtype),
                        shapes_of(json.dumps(model.to_dict())))  # fmt: skip


def arrays(tree):
    return [(np.shape(leaf), np.asarray(leaf).tobytes()) for leaf in jax.tree.leaves(tree)]


# ----- what is looked at -----


class Workers:
    """Stands for worker processes."""

    def __init__(self, make, number, remedy):
        self.make, self.number = make, number

    def map(self, numbers):
        return map(self.make, numbers)

    def close(self):
        SEEN.append(self.number)


SEEN: list[Any] = []  # by stand-ins, while a config is looked at


def batches(config, patch, folder):
    """Batches of two epochs and of a validation, their buckets, and who makes them."""
    SEEN.clear()
    patch.setattr("jaxsparse.data.loader.WorkerProcesses", Workers)
    data = open_data(config, models.build(config.model), objectives_of(config), num_devices=1)
    made = [*itertools.islice(data.train, 5), *(data.validation or ())]
    return arrays(made), data.train.buckets, [*SEEN]


def losses(config, patch, folder):
    """What is traced for the loss of some scores."""
    data = open_data(config, models.build(config.model), objectives_of(config), num_devices=1)
    batch = jax.tree.map(lambda leaf: leaf[0], next(iter(data.train)))
    events, sites = len(batch.labels), [len(view.coords) for view in batch.views]
    scores = {
        "edges": models.EdgeScores(
            tuple(jnp.zeros((number, 4), jnp.int32) for number in sites),
            tuple(jnp.ones((number, 4)) for number in sites),
        ),
        "embedding": models.EmbeddingScores(
            tuple(jnp.ones((number, 4)) for number in sites),
            tuple(jnp.ones((number, 4)) for number in sites),
            tuple(jnp.ones(number) for number in sites),
        ),
        "event": jnp.ones((events, 3)),
        "instance": models.InstanceScores(
            tuple(jnp.ones((number, 4)) for number in sites),
            jnp.ones((events, 4)),
            jnp.ones((events, 4, 5)),
        ),
        "semantic": [jnp.ones((number, 5)) for number in sites],
        "vertex": [jnp.ones((number, 1)) for number in sites],
    }

    def total(scores):
        return sum(
            each.sums(scores, batch).loss * each.scale(each.target.count(batch))
            for each in objectives_of(config)
        )

    return traced(total, scores)


def update(config, patch, folder):
    """What is traced for two updates and a validation, learning rates, and scores."""
    optimizer = Optimizer(**config.optimizer)
    params = {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}
    direction, plateau = optimizer.init(params)
    rates = [optimizer.rate(step, step / 6) for step in range(7)]
    step = traced(optimizer.update, params, direction, plateau, params, jnp.float32(0.1))
    validation = traced(lambda state: optimizer.after_validation(state, 0.5), plateau)
    return step, validation, rates, optimizer.score(0.3, 0.4)


def traced(function, *arguments):
    jaxpr = jax.make_jaxpr(function)(*arguments)
    return re.sub(r"0x[0-9a-f]+", "", str(jaxpr)), arrays(jaxpr.consts)


def run(config, patch, folder):
    """What a run hands to its steps, logs, saves and validates, and why it ends."""
    SEEN.clear()
    patch.delenv("XLA_FLAGS", raising=False)
    patch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    patch.setattr(jax.config, "update", lambda *setting: SEEN.append(setting))
    patch.setattr(Replicas, "wrap", made_up)
    patch.setattr(models, "init_variables", lambda model, seed: variables_of(model, 1.0))
    patch.setattr(loop, "Checkpoints", NoCheckpoints)
    patch.setattr(loop.MetricsLog, "write", lambda self, record: SEEN.append(
        (record.step, record.split, record.loss, record.learning_rate)))  # fmt: skip
    patch.setattr(loop, "open_board", lambda config, *_: SEEN.append(config.train.board))
    patch.chdir(folder)
    result = loop.train(config, folder / "run")
    return (*SEEN, result.step, result.reason)


class NoCheckpoints:
    """Notes what would be saved."""

    steps: Any = ()
    best_step = latest_step = None

    def __init__(self, workdir, create):
        pass

    def restore_latest(self, state):
        return None

    def score(self, step):
        return None

    def save(self, state, progress, config, score):
        SEEN.append(("saved", state.step, arrays(state.rng), score))

    def close(self):
        pass


def made_up(self, function, name, donate=False):
    """A program that compiles nothing: every event has the loss 1 of pixels and 2 of itself."""

    def program(first, batch, *rest):
        if name == "moments":  # of averaged parameters
            SEEN.append((name, arrays(batch)))
            return first
        SEEN.append((name, self.implementation, arrays(batch), rest))
        if name == "train" and first.step == 0:
            SEEN.append(arrays(first.params))
        # With micro-batches and devices there are leading axes.
        events = int(np.sum(np.asarray(batch.events) >= 0))
        table = {"semantic": np.eye(5, dtype=int), "event": np.ones((3, 3), int)}
        heads = {
            head: HeadSums(np.float64(events * number), table[head], np.int64(events))
            for number, head in enumerate(("semantic", "event"), 1)
        }
        sums = Sums(heads, np.int64(events), np.int64(9))
        return (first.replace(step=first.step + 1), sums) if name == "train" else sums

    return program


# ----- the cases -----

SKIP = {"data.bad_events": "skip", "data.train": "DAMAGED"}
WEIGHTS = {"objectives.semantic.cluster_scale": 0.1}
LOSS = {
    "loss": Case("generalized"),
    "weight": Case(2.0),
    "q": Case(0.5, {"loss": "generalized"}),
    "label_smoothing": Case(0.1),
    "reduction": Case("sum"),
}
CASES: dict[str, dict[str, Case]] = {
    "": {"seed": Case(1), "main_head": Case("event")},
    "data": {
        "train": Case("OTHER"),
        "validation": Case("OTHER"),
        "split": Case((0.5, 0.5), {"data.validation": ""}),
        "views": Case(("Y", "U")),
        "gathered": Case(("V",), {"model.in_channels": 2}),
        "further": Case(("time",), {"model.in_channels": 2}),
        "gathered_further": Case(("time",), {"data.gathered": ("V",), "model.in_channels": 3}),
        "classes": Case(("nc", "nue", "numu")),
        "pixel_classes": Case(("HIP", "shower", "MIP", "delta", "Michel")),
        "low": Case(100.0),
        "high": Case(200.0),
        "crop": Case((12, 12)),
        "crop_keep": Case("densest"),
        "crop_anywhere": Case(0.5),
        "flip_time": Case(False),
        "flip_wire": Case(False),
        "mean": Case(10.0),
        "std": Case(60.0),
        "fluctuation": Case(0.1),
        "fluctuation_shared": Case(True, {"data.fluctuation": 0.1}),
        "coarsen": Case(2),
        "halo": Case(1),
        "shift": Case(3),
        "drop": Case(0.5),
        "max_sites": Case(70, {"data.oversize": "crop"}),
        "oversize": Case("crop", {"data.max_sites": 70}),
        "bad_events": Case("skip", {"data.train": "DAMAGED"}),
        "max_bad_events": Case(0, SKIP),
        "num_buckets": Case(4),
        "capacities": Case(((1024, 512, 1024, 512),)),
        "workers": Case(1),
    },
    "objectives.edges": {"weight": Case(2.0), "reduction": Case("sum")},
    "objectives.embedding": {
        "weight": Case(2.0),
        "reduction": Case("sum"),
        "most": Case(8),
        "sample": Case(8),
        "seed_weight": Case(2.0),
    },
    "objectives.event": {**LOSS, "class_weights": Case((1.0, 2.0, 3.0))},
    "objectives.instance": {
        "weight": Case(2.0),
        "reduction": Case("sum"),
        "pixel_weight": Case(2.0),
        "dice_weight": Case(2.0),
        "used_weight": Case(2.0),
        "class_weight": Case(2.0),
    },
    "objectives.semantic": {
        **LOSS,
        "reduction": Case("mean"),
        "class_weights": Case((1.0, 2.0, 3.0, 4.0, 5.0)),
        "cluster_low": Case(5e-3, WEIGHTS),
        "cluster_high": Case(3e-3, WEIGHTS),
        "cluster_scale": Case(0.2, WEIGHTS),
        "vertex_weight": Case(1.0),
        "vertex_radius": Case(6, {"vertex_weight": 1.0}),
    },
    "objectives.vertex": {"weight": Case(2.0), "reduction": Case("sum")},
    "optimizer": {
        "name": Case("adam"),
        "learning_rate": Case(1e-2),
        "momentum": Case(0.8),
        "weight_decay": Case(0.1),
        "gradient_clip": Case(1.0),
        "warmup_steps": Case(3),
        "schedule": Case("cosine"),
        "plateau_metric": Case("accuracy"),
        "plateau_patience": Case(1),
        "plateau_factor": Case(0.5),
        "plateau_min": Case(0.1),
    },
    "train": {
        "batch_size": Case(3),
        "accumulate": Case(2),
        "start_from": Case("BEFORE"),
        "loss_weights": Case("learned"),
        "steps": Case(5),
        "epochs": Case(1.0),
        "minutes": Case(1e-9),
        "average_decay": Case(0.9),
        "average_batches": Case(3, {"average_decay": 0.9}),
        "log_every": Case(3),
        "validate_every": Case(2),
        "validate_epochs": Case(1.0),
        "validation_events": Case(2),
        "checkpoint_every": Case(1),
        "early_stop": Case(1, {"validate_every": 1}),
        "devices": Case(2),
        "cpu_devices": Case(2),
        "parallel": Case("shard_map"),
        "board": Case("none"),
        "cache_dir": Case("programs"),
    },
}
LOOK = {
    "": (run,),
    "data": (batches,),
    "objectives.edges": (losses,),
    "objectives.embedding": (losses,),
    "objectives.event": (losses,),
    "objectives.instance": (losses,),
    "objectives.semantic": (batches, losses),
    "objectives.vertex": (losses,),
    "optimizer": (update,),
    "train": (run,),
}
HEADS = {
    "objectives.edges": ("semantic", "event", "edges"),
    "objectives.embedding": ("semantic", "event", "embedding"),
    "objectives.instance": ("semantic", "event", "instance"),
    "objectives.vertex": ("semantic", "event", "vertex"),
}  # of the config that is changed, by group
KEYS = [(group, name) for group, table in settings.SETTINGS.items() for name in table]


@pytest.fixture(scope="module")
def look(files, tmp_path_factory):
    """Function from changes to what is seen of a config, or the message that refuses it."""

    def looking(group: str, changes: Changes) -> list[Any]:
        seen = []
        for function in LOOK[group]:
            with pytest.MonkeyPatch.context() as patch:
                try:
                    config = changed(files, changes, HEADS.get(group, ("semantic", "event")))
                    seen.append(function(config, patch, tmp_path_factory.mktemp("look")))
                except InputError as error:
                    seen.append(str(error))
        return seen

    return looking


@pytest.fixture(scope="module")
def base(look):
    """The same, looked at once for all keys."""
    known: dict[str, Any] = {}

    def looking(group: str, changes: Changes) -> list[Any]:
        key = f"{group} {changes}"
        if key not in known:
            known[key] = look(group, changes)
        return known[key]

    return looking


@pytest.mark.parametrize(("group", "name"), KEYS)
def test_every_setting_changes_what_it_governs_or_is_refused_by_name(group, name, base, look):
    case = CASES[group][name]
    prefix = f"{group}." if group else ""
    beside = {key if "." in key else prefix + key: value for key, value in case.beside.items()}
    after = look(group, {**beside, prefix + name: case.value})
    assert after != base(group, beside)
    for seen in after:
        assert not isinstance(seen, str) or name in seen


@pytest.mark.parametrize("group", LOOK)
def test_what_is_looked_at_does_not_change_by_itself(group, base, look):
    assert base(group, {}) == look(group, {})
    assert not any(isinstance(seen, str) for seen in base(group, {}))


def test_there_is_no_case_for_a_key_that_is_gone():
    assert {(group, name) for group, table in CASES.items() for name in table} == {*KEYS}
