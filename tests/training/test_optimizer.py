"""The optimiser against the rules written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training.config import default_config
from jaxsparse.training.optimizer import Optimizer

PARAMS = {"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([0.5])}


def optimizer(**changes):
    config = default_config().optimizer
    config.update(changes)
    return Optimizer(**config)


def run(rule, gradients, rate=0.1):
    """Parameters after each gradient (the same number for every entry)."""
    params, (state, plateau) = PARAMS, rule.init(PARAMS)
    path = []
    for value in gradients:
        grads = jax.tree.map(lambda leaf, v=value: jnp.full_like(leaf, v), params)
        params, state = rule.update(grads, state, plateau, params, jnp.float32(rate))
        path.append(params)
    return path


def test_sgd_keeps_a_running_sum_of_gradients() -> None:
    expected, velocity = np.array([[1.0, -2.0]]), 0.0
    for value, params in zip([1.0, -3.0, 2.0], run(optimizer(), [1.0, -3.0, 2.0]), strict=True):
        velocity = 0.9 * velocity + value
        expected = expected - 0.1 * velocity
        np.testing.assert_allclose(params["kernel"], expected, rtol=1e-6)


def test_sgd_without_momentum_is_plain_descent() -> None:
    after = run(optimizer(momentum=0.0), [1.0, -3.0])[-1]
    np.testing.assert_allclose(after["kernel"], PARAMS["kernel"] + 0.1 * 2.0, rtol=1e-6)


def test_adam_takes_its_first_step_as_long_as_the_rate() -> None:
    after = run(optimizer(name="adam"), [1234.0])[0]
    np.testing.assert_allclose(after["bias"], PARAMS["bias"] - 0.1, rtol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_decay_shrinks_kernels_and_leaves_biases(name: str) -> None:
    after = run(optimizer(name=name, weight_decay=0.5, momentum=0.0), [0.0])[0]
    np.testing.assert_allclose(after["kernel"], PARAMS["kernel"] * (1 - 0.1 * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(after["bias"], PARAMS["bias"])


def test_clipping_bounds_the_norm_over_all_parameters() -> None:
    after = run(optimizer(gradient_clip=1.0), [7.0])[0]
    moved = jax.tree.map(lambda a, b: a - b, after, PARAMS)
    norm = np.sqrt(sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(moved)))
    np.testing.assert_allclose(norm, 0.1, rtol=1e-5)


def pytorch_scale(losses, patience, factor, threshold=1e-4):
    """Scale after each loss by the rule of torch.optim.lr_scheduler.ReduceLROnPlateau."""
    best, bad, scale, scales = np.inf, 0, 1.0, []
    for loss in losses:
        if loss < best * (1 - threshold):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            scale, bad = scale * factor, 0
        scales.append(scale)
    return scales


def test_the_plateau_counts_as_pytorch_does() -> None:
    losses = [3.0, 2.0, 2.5, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    rule = optimizer(plateau_patience=2, plateau_factor=0.5, plateau_min=1e-3)
    _, state = rule.init(PARAMS)
    scales = []
    for loss in losses:
        state = rule.after_validation(state, loss)
        scales.append(float(state.scale))
    assert scales == pytorch_scale(losses, patience=2, factor=0.5)
    assert scales[-1] == 0.125  # it did fire


def test_the_plateau_may_watch_the_accuracy_as_a_share_of_wrong_answers() -> None:
    accuracies = [0.5, 0.9, 0.9, 0.9, 0.9, 0.95, 0.95, 0.95, 0.95]
    rule = optimizer(plateau_metric="accuracy", plateau_patience=2, plateau_factor=0.5)
    _, state = rule.init(PARAMS)
    scales = []
    for accuracy in accuracies:
        state = rule.after_validation(state, rule.score(loss=7.0, accuracy=accuracy))
        scales.append(float(state.scale))
    assert scales == pytorch_scale([1 - a for a in accuracies], patience=2, factor=0.5)
    assert scales == [1.0] * 4 + [0.5] * 4 + [0.25]
    assert optimizer().score(loss=7.0, accuracy=0.9) == 7.0


def test_the_plateau_scales_the_update_and_has_a_floor() -> None:
    rule = optimizer(plateau_patience=0, plateau_factor=0.1, plateau_min=0.05)
    state, plateau = rule.init(PARAMS)
    for loss in (1.0, 1.0, 1.0, 1.0):
        plateau = rule.after_validation(plateau, loss)
    np.testing.assert_allclose(plateau.scale, 0.05)
    ones = jax.tree.map(jnp.ones_like, PARAMS)
    after, _ = rule.update(ones, state, plateau, PARAMS, jnp.float32(1.0))
    np.testing.assert_allclose(after["bias"], PARAMS["bias"] - 0.05, rtol=1e-6)


def test_only_the_plateau_schedule_listens_to_validations() -> None:
    rule = optimizer(schedule="constant", plateau_patience=0)
    _, state = rule.init(PARAMS)
    assert all(float((state := rule.after_validation(state, 1.0)).scale) == 1.0 for _ in range(3))


def test_warmup_rises_to_the_rate_and_the_cosine_falls_to_zero() -> None:
    rule = optimizer(schedule="cosine", warmup_steps=4, learning_rate=2.0)
    assert rule.rate(0, 0.0) == 0.5
    assert rule.rate(3, 0.0) == 2.0
    assert rule.rate(50, 0.5) == pytest.approx(1.0)
    assert rule.rate(100, 1.0) == 0.0
    assert optimizer(schedule="constant", learning_rate=2.0).rate(100, 1.0) == 2.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "rmsprop"), ("schedule", "step"), ("learning_rate", 0.0), ("momentum", 1.0),
        ("weight_decay", -1.0), ("plateau_factor", 1.0), ("plateau_patience", -1),
        ("plateau_metric", "f1"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_named(key: str, value: object) -> None:
    with pytest.raises(InputError, match=f"optimizer.{key} is {value!r}"):
        optimizer(**{key: value})
