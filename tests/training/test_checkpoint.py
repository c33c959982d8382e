"""Checkpoints: what is kept, what comes back, and what is refused in one line."""

import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training.checkpoint import Checkpoints, discard, load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.optimizer import build_optimizer
from jaxsparse.training.state import create_state

CONFIG = default_config()


def state(width: int = 3, step: int = 0):
    kernel = jax.random.normal(jax.random.PRNGKey(step), (2, width))
    variables = {"params": {"stem": {"kernel": kernel}}, "batch_stats": {"norm": jnp.ones(width)}}
    created = create_state(variables, build_optimizer(CONFIG.optimizer), seed=5)
    return created.replace(step=jnp.int32(step))


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path, create=True)
    yield opened
    opened.close()


def test_the_latest_two_and_the_best_are_kept(checkpoints) -> None:
    for step, loss in enumerate([5.0, 1.0, 3.0, None, 4.0]):
        checkpoints.save(state(step=step), {"batch": step}, CONFIG, loss)
    assert checkpoints.steps == [1, 3, 4]
    assert (checkpoints.best_step, checkpoints.latest_step) == (1, 4)


def test_without_a_validation_the_best_is_the_latest(checkpoints) -> None:
    assert checkpoints.best_step is None
    for step in (3, 7):
        checkpoints.save(state(step=step), {}, CONFIG, None)
    assert checkpoints.best_step == 7


def test_state_and_progress_come_back_to_the_bit(checkpoints, tmp_path) -> None:
    saved = state(step=12)
    checkpoints.save(saved, {"batch": 12, "best_loss": float("inf")}, CONFIG, 0.5)
    again = Checkpoints(tmp_path)  # as another process would
    restored, progress = again.restore(jax.eval_shape(state), 12)
    again.close()
    assert progress == {"batch": 12, "best_loss": float("inf")}
    assert str(jax.tree.structure(restored)) == str(jax.tree.structure(saved))
    jax.tree.map(np.testing.assert_array_equal, restored, saved)
    types = jax.tree.map(lambda a, b: a.dtype == b.dtype, restored, saved)
    assert all(jax.tree.leaves(types))


def test_a_checkpoint_of_another_model_is_refused_with_the_parameter_named(checkpoints) -> None:
    checkpoints.save(state(width=3), {}, CONFIG, None)
    with pytest.raises(InputError, match=r"another model: .*kernel is \(2, 3\) there and \(2, 4\)"):
        checkpoints.restore(state(width=4), 0)


def test_a_step_without_checkpoint_is_answered_with_those_there_are(checkpoints) -> None:
    checkpoints.save(state(step=4), {}, CONFIG, None)
    with pytest.raises(InputError, match=r"checkpoint 5 is not in .*: there are 4"):
        checkpoints.restore(state(), 5)


def test_a_full_disk_is_one_line_and_leaves_the_checkpoints_before(checkpoints, capfd) -> None:
    checkpoints.save(state(step=1), {}, CONFIG, None)
    big = state(width=100_000, step=2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # the file system says "too large"
    try:
        with pytest.raises(InputError, match=r"2 cannot be written: the disk is full.*1 is intact"):
            checkpoints.save(big, {}, CONFIG, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Traceback" not in capfd.readouterr().err
    assert [entry.name for entry in checkpoints.folder.iterdir()] == ["1"]  # no half of one
    restored, _ = checkpoints.restore(state(), 1)
    np.testing.assert_array_equal(
        restored.params["stem"]["kernel"], state(step=1).params["stem"]["kernel"]
    )


def test_half_a_checkpoint_goes_even_where_a_thread_wrote_into_it_meanwhile(
    tmp_path, monkeypatch
) -> None:
    half = tmp_path / "2.orbax-checkpoint-tmp"
    half.mkdir()
    remove, calls = shutil.rmtree, []

    def disturbed(path, **options) -> None:
        calls.append(path)
        if len(calls) > 1:  # the first time a file came in between: the directory stays
            remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", disturbed)
    discard(tmp_path, "2.orbax-checkpoint-tmp*")
    assert not half.exists()


def test_a_directory_that_train_did_not_make_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="checkpoints is missing"):
        Checkpoints(tmp_path)
    with pytest.raises(InputError, match=r"config.json is missing"):
        load_for_evaluation(tmp_path)
