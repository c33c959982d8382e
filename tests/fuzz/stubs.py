"""What costs seconds without being looked at here: compiled programs, pictures."""

from __future__ import annotations

import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import models
from jaxsparse.evaluation import evaluator
from jaxsparse.evaluation.heads import HEADS
from jaxsparse.evaluation.studies import event_logits
from jaxsparse.inference import Predictor
from jaxsparse.training import checkpoint, loop
from jaxsparse.training.parallel import Replicas
from jaxsparse.training.step import AXIS
from jaxsparse.training.trained_network import Trained

_SHAPES: dict[str, Any] = {}  # of the variables, by the config of the network


def trace_only(patch: pytest.MonkeyPatch) -> None:
    """Steps of training are traced (shapes are checked) and answered with ones."""
    for name in ("_with_pmap", "_with_shard_map"):
        patch.setattr(Replicas, name, _traced)
    patch.setattr(models, "init_variables", _variables)
    patch.setattr(loop, "open_board", lambda *_: None)


def _traced(self: Replicas, function: Any, donate: bool, others: int) -> Any:
    """What stands for a program that is to be lowered, compiled and called."""

    def run(first: Any, batch: Any, *rest: Any) -> Any:
        mapped = jax.pmap(
            function, axis_name=AXIS, in_axes=(None, 0, *[None] * others), out_axes=None,
            devices=self.devices,
        )  # fmt: skip
        shapes = jax.eval_shape(mapped, first, batch, *rest)
        ones = jax.tree.map(lambda leaf: jnp.ones(leaf.shape, leaf.dtype), shapes)
        return (first.replace(step=first.step + 1), ones[1]) if isinstance(ones, tuple) else ones

    compiled = types.SimpleNamespace(compile=lambda *_: run)
    return types.SimpleNamespace(lower=lambda *_: compiled)


def _variables(model: Any, seed: int) -> Any:
    text = str(model)
    if text not in _SHAPES:  # most keys of a config change no parameter
        _SHAPES[text] = jax.eval_shape(models.initializer(model), jax.random.PRNGKey(seed))
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), _SHAPES[text])


def guess(patch: pytest.MonkeyPatch) -> None:
    """Networks that are evaluated find all classes equally likely; nothing is drawn."""
    patch.setattr(Predictor, "_outputs", _zeros)
    for head in HEADS.values():
        patch.setattr(head, "draw", lambda *_: None)
    for name in ("_draw_plots", "_draw_training"):
        patch.setattr(evaluator, name, lambda *_: None)


def _zeros(self: Predictor, batch: Any) -> Any:
    shapes = jax.eval_shape(self._forward, self.variables, batch)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def skip_training(patch: pytest.MonkeyPatch) -> None:
    """Cross-validation without its trainings."""
    configs: dict[Any, Any] = {}

    def passed(_: Any, events: Any, **__: Any) -> Any:
        return np.zeros((len(events), len(events.classes)))

    def train(config: Any, workdir: Any) -> loop.Result:
        configs[workdir] = config
        return loop.Result(1, "all steps done", 0.0)

    def trained(workdir: Any, step: Any) -> Any:
        return Trained(configs[workdir], None, {}, 0)  # type: ignore[arg-type]

    patch.setattr(loop, "train", train)
    patch.setattr(checkpoint, "load_for_evaluation", trained)
    patch.setattr(event_logits, "event_logits", passed)
