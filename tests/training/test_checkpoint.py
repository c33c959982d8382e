"""Checkpoints: what is kept, what comes back, and what is refused in one line."""

import json
import logging
import pathlib
import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.checkpoint_folder import CheckpointFolder
from jaxsparse.training.config import default_config
from jaxsparse.training.optimizer import Optimizer
from jaxsparse.training.state import create_state

CONFIG = default_config()


def state(width: int = 3, step: int = 0):
    kernel = jax.random.normal(jax.random.PRNGKey(step), (2, width))
    variables = {"params": {"stem": {"kernel": kernel}}, "batch_stats": {"norm": jnp.ones(width)}}
    created = create_state(variables, Optimizer(**CONFIG.optimizer), seed=5)
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
        with pytest.raises(
            InputError, match=r"2 cannot be written .the disk is full.: .*1 is intact"
        ):
            checkpoints.save(big, {}, CONFIG, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Traceback" not in capfd.readouterr().err
    assert [entry.name for entry in checkpoints.folder.iterdir()] == ["1"]  # no half of one
    restored, _ = checkpoints.restore(state(), 1)
    np.testing.assert_array_equal(
        restored.params["stem"]["kernel"], state(step=1).params["stem"]["kernel"]
    )


def test_a_newer_checkpoint_of_which_files_are_missing_is_named_and_set_aside(checkpoints) -> None:
    for step in (3, 7):
        checkpoints.save(state(step=step), {}, CONFIG, None)
    shutil.rmtree(checkpoints.folder / "7" / "progress")
    (checkpoints.folder / "2").mkdir()  # half deleted by an earlier version: no loss
    step, _, _, remarks = checkpoints.restore_latest(state())
    assert step == 3
    (remark,) = remarks
    assert remark.startswith("checkpoint 7 in")
    assert remark.endswith("going on from checkpoint 3.")
    assert (checkpoints.folder.parent / "damaged" / "7" / "state").is_dir()
    assert (checkpoints.folder / "2").is_dir()


def test_what_a_failed_save_left_undone_is_not_reported_again(caplog) -> None:
    """A disk that is nearly full fails several writes; asyncio would show all but the first."""

    log = logging.getLogger("asyncio")
    log.error("Task exception was never retrieved\nfuture: <Task coro=<f() at lib/orbax/x.py:1>>")
    assert not caplog.records
    log.error("Task exception was never retrieved\nfuture: <Task coro=<f() at mine.py:1>>")
    assert len(caplog.records) == 1


def test_half_a_checkpoint_goes_even_where_a_thread_wrote_into_it_meanwhile(
    tmp_path, monkeypatch
) -> None:
    folder = CheckpointFolder(tmp_path)
    half = folder.path / "2.new.orbax-checkpoint-tmp"
    half.mkdir(parents=True)
    remove, calls = shutil.rmtree, []

    def disturbed(path, **options) -> None:
        calls.append(path)
        if len(calls) > 1:  # the first time a file came in between: the directory stays
            remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", disturbed)
    folder.abandon(2)
    assert not half.exists()


def test_a_directory_that_train_did_not_make_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="checkpoints is missing"):
        Checkpoints(tmp_path)
    with pytest.raises(InputError, match=r"config.json is missing"):
        load_for_evaluation(tmp_path)


def test_a_score_goes_to_the_checkpoint_of_its_step_in_any_order(checkpoints) -> None:
    checkpoints.save(state(step=1), {}, CONFIG, 2.0)
    checkpoints.save(state(step=2), {"validated": -1}, CONFIG, None)
    assert checkpoints.best_step == 1
    checkpoints.save(state(step=2), {"validated": 2}, CONFIG, 1.0)
    assert checkpoints.best_step == 2
    assert checkpoints.restore(state(), 2)[1] == {"validated": 2}
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["1", "2"]


def largest_file(folder: pathlib.Path) -> pathlib.Path:
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )


def flip_bit(path: pathlib.Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)


DAMAGES = {
    "an array's file is gone": lambda folder: largest_file(folder / "state").unlink(),
    "an array's file is empty": lambda folder: largest_file(folder / "state").write_bytes(b""),
    "one bit of an array": lambda folder: flip_bit(largest_file(folder / "state")),
    "no list of arrays": lambda folder: (folder / "state" / "_METADATA").unlink(),
    "half a list of arrays": lambda folder: (folder / "state" / "_METADATA").write_text("{"),
    "no progress": lambda folder: (folder / "progress" / "metadata").unlink(),
    "another progress": lambda folder: (folder / "progress" / "metadata").write_text(
        '{"batch": 3}'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_is_set_aside_for_the_one_before(checkpoints, damage) -> None:
    for step in (1, 2):
        wide = state(width=500, step=step)
        checkpoints.save(wide, {"batch": step}, CONFIG, float(step))
    DAMAGES[damage](checkpoints.folder / "2")
    step, restored, progress, remarks = checkpoints.restore_latest(state(width=500))
    assert (step, progress) == (1, {"batch": 1})
    np.testing.assert_array_equal(
        restored.params["stem"]["kernel"], state(width=500, step=1).params["stem"]["kernel"]
    )
    (remark,) = remarks
    assert "checkpoint 2" in remark
    assert str(checkpoints.folder.parent / "damaged" / "2") in remark
    assert "\n" not in remark
    assert checkpoints.steps == [1]


def test_where_no_checkpoint_can_be_read_nothing_is_moved(checkpoints) -> None:
    for step in (1, 2):
        checkpoints.save(state(step=step), {}, CONFIG, None)
        (checkpoints.folder / str(step) / "state" / "_METADATA").unlink()
    with pytest.raises(InputError, match=r"checkpoint 2 in .* cannot be read"):
        checkpoints.restore_latest(state())
    assert checkpoints.steps == [1, 2]


def test_without_a_checkpoint_there_is_nothing_to_restore(checkpoints) -> None:
    assert checkpoints.restore_latest(state()) is None


def test_a_checkpoint_without_checksums_of_an_earlier_version_is_read(checkpoints) -> None:
    checkpoints.save(state(step=1), {"batch": 1}, CONFIG, 0.5)
    shutil.rmtree(checkpoints.folder / "1" / "checksums")
    assert checkpoints.restore(state(), 1)[1] == {"batch": 1}


def test_what_does_not_read_back_is_no_checkpoint_and_costs_none(checkpoints, monkeypatch) -> None:
    checkpoints.save(state(step=1), {}, CONFIG, None)
    save = checkpoints._orbax.save

    def lossy(path, args):
        save(path, args=args)
        largest_file(pathlib.Path(path) / "state").write_bytes(b"")

    monkeypatch.setattr(checkpoints._orbax, "save", lossy)
    with pytest.raises(InputError, match=r"checkpoint 2 in .* cannot be read"):
        checkpoints.save(state(step=2), {}, CONFIG, None)
    assert [path.name for path in checkpoints.folder.iterdir()] == ["1"]


@pytest.mark.parametrize("name", ["a[1]b", "a\\b"])
def test_a_path_that_tensorstore_cannot_read_is_refused_before_anything_is_made(
    tmp_path, name
) -> None:
    with pytest.raises(InputError, match="could not be read again"):
        Checkpoints(tmp_path / name, create=True)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a[b", "a]b", "a*b", "a?b", "a b", "ä", "{a}"])
def test_checkpoints_below_other_odd_names_are_read_again(tmp_path, name) -> None:
    opened = Checkpoints(tmp_path / name, create=True)
    opened.save(state(step=1), {"batch": 1}, CONFIG, None)
    found = opened.restore_latest(state())
    assert found is not None
    assert found[0] == 1
    opened.close()


def test_orbax_itself_can_read_what_is_saved(checkpoints) -> None:
    """Others may: the layout is the one of its own manager."""
    import orbax.checkpoint as ocp

    checkpoints.save(state(step=3), {"batch": 3}, CONFIG, 0.25)
    with ocp.CheckpointManager(
        checkpoints.folder, options=ocp.CheckpointManagerOptions(read_only=True)
    ) as manager:
        assert manager.all_steps() == [3]
        assert manager.metrics(3) == {"loss": 0.25}
        progress = manager.restore(3, args=ocp.args.Composite(progress=ocp.args.JsonRestore()))
    assert progress.progress == {"batch": 3}
    assert json.loads((checkpoints.folder / "3" / "metrics" / "metrics").read_text())
