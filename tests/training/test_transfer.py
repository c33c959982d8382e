"""Pre-training: a run begins with another's parameters, and only where it does begin."""

import shutil

import jax
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.step import init_variables
from jaxsparse.training.transfer import read_beginning


@pytest.fixture
def config(event_config, cache_dir):
    """Three steps of the tiny network with running moments, nothing validated."""
    event_config.model.normalize = True
    event_config.data.validation = ""
    event_config.optimizer.schedule = "constant"
    event_config.train.cache_dir = cache_dir
    event_config.train.steps, event_config.train.validate_every = 3, 0
    event_config.train.checkpoint_every = 0
    return event_config


@pytest.fixture
def before(config, tmp_path):
    """The work directory of a run that has ended."""
    loop.train(config, tmp_path / "before")
    return tmp_path / "before"


def paths(tree):
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def begin(config):
    """The variables before the first step."""
    found = read_beginning(config)
    return found, found.applied_to(init_variables(config.model, config.seed))


def test_a_run_begins_with_the_parameters_and_moments_of_the_other(
    config, before, tmp_path, monkeypatch, capsys
):
    *_, trained, _ = load_for_evaluation(before, "latest")
    config.train.start_from, config.seed = str(before), 7
    seen = []
    create = loop.create_state

    def creating(variables, *others):
        created = create(variables, *others)
        seen.append(jax.tree.map(np.array, created))  # a copy: the first step takes the state over
        return created

    monkeypatch.setattr(loop, "create_state", creating)
    loop.train(config, tmp_path / "after")
    (state,) = seen
    for path, leaf in paths(trained).items():
        np.testing.assert_array_equal(paths(state.variables)[path], leaf)
    assert int(state.step) == 0
    assert not any(np.any(leaf) for leaf in paths(state.optimizer).values())  # momentum
    assert f"step 3 of {before}" in " ".join(capsys.readouterr().out.split())


def test_one_checkpoint_can_be_named(config, before):
    config.train.start_from = str(before / "checkpoints" / "3")
    found, _ = begin(config)
    assert found.fact == f"step 3 of {before}"
    config.train.start_from = str(before / "checkpoints" / "2")
    with pytest.raises(InputError, match="checkpoint 2 is not in"):
        begin(config)


def test_a_place_is_what_it_holds_not_what_it_is_called(config, before, tmp_path):
    pre = tmp_path / "checkpoints" / "pre"
    shutil.copytree(before, pre)
    config.train.start_from = str(pre)
    assert begin(config)[0].fact == f"step 3 of {pre}"
    config.train.start_from = str(pre / "checkpoints" / "3")
    assert begin(config)[0].fact == f"step 3 of {pre}"
    config.train.start_from = str(pre / "config.json")
    with pytest.raises(InputError, match=r"config\.json is missing, it must be a directory"):
        begin(config)


def test_a_run_killed_in_its_first_save_begins_again_with_the_other_ones_parameters(
    config, before, tmp_path, monkeypatch, capsys
):
    config.train.start_from = str(before)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    loop.train(config, straight)
    save = Checkpoints.save

    def killed(self, *arguments):  # by an earlier version: half of it has its number already
        save(self, *arguments)
        shutil.rmtree(self.folder / "3" / "state")
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed)
        with pytest.raises(SystemExit):
            loop.train(config, broken)
    capsys.readouterr()
    loop.train(config, broken)
    assert "begins with" in capsys.readouterr().out
    *_, one, _ = load_for_evaluation(straight, "latest")
    *_, two, _ = load_for_evaluation(broken, "latest")
    jax.tree.map(np.testing.assert_array_equal, two, one)


def test_the_other_run_may_move_while_this_one_rests(config, before, tmp_path):
    config.train.start_from = str(before)
    run, moved = tmp_path / "run", tmp_path / "moved"
    loop.train(config, run)
    shutil.move(before, moved)
    config.train.start_from = str(moved)
    config.train.steps = 4
    assert loop.train(config, run).step == 4
    config.train.start_from, config.seed = "", 7  # another network
    loop.train(config, tmp_path / "another")
    config.train.start_from, config.seed = str(tmp_path / "another"), 0
    with pytest.raises(InputError, match=r"config.train.start_from is .*another.*, which is not"):
        loop.train(config, run)


def last_layer(variables):
    """The two arrays of the last layer by path."""
    found = {path: leaf for path, leaf in paths(variables).items() if "scores" in path}
    assert len(found) == 2
    return found


@pytest.mark.parametrize(
    ("classes", "order", "words"),
    [
        (("numu", "nc"), (1, 0), ""),
        (("nue", "cosmic", "numu", "nc"), (2, None, 1, 0), ", the last layer's cosmic drawn anew"),
        (("nue", "numu", "nc"), (2, 1, 0), ""),
        ((), (None,) * 4, ", the last layer drawn anew: 3 classes there, 4 here"),
    ],
)
def test_the_last_layer_goes_by_the_names_of_the_classes(config, before, classes, order, words):
    assert tuple(config.data.classes) == ("nc", "numu", "nue")
    *_, trained, _ = load_for_evaluation(before, "latest")
    config.train.start_from = str(before)
    config.model.heads.event.num_classes, config.data.classes = len(order), classes
    found, variables = begin(config)
    assert found.fact == f"step 3 of {before}{words}"
    fresh = last_layer(init_variables(config.model, config.seed))
    old = last_layer(trained)
    for path, leaf in last_layer(variables).items():
        for here, there in enumerate(order):
            wanted = fresh[path][..., here] if there is None else old[path][..., there]
            np.testing.assert_array_equal(leaf[..., here], wanted)
    for path, leaf in paths(variables).items():
        if path not in old:
            np.testing.assert_array_equal(leaf, paths(trained)[path])


def test_another_network_is_refused_before_anything_is_written(config, before, tmp_path):
    config.train.start_from, config.model.filters = str(before), 5
    with pytest.raises(
        InputError, match=r"another network: params/.* is \(.*4.*\) there and "
    ) as e:
        loop.train(config, tmp_path / "after")
    assert "\n" not in str(e.value)
    assert not (tmp_path / "after").exists()
    config.model.filters, config.model.normalize = 4, False
    with pytest.raises(
        InputError, match=r"params/backbone/BatchNorm_0/\w+ is \(4,\) there and absent here"
    ):
        begin(config)


def test_a_place_without_a_run_is_named(config, tmp_path):
    config.train.start_from = str(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"train.start_from is .*nowhere"):
        loop.train(config, tmp_path / "after")
    assert not (tmp_path / "after").exists()


def test_a_run_that_goes_on_does_not_look_at_the_other_again(config, before, tmp_path):
    config.train.start_from = str(before)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    config.train.steps = 6
    loop.train(config, straight)
    config.train.steps = 2
    loop.train(config, broken)
    shutil.rmtree(before)
    config.train.steps = 6
    loop.train(config, broken)
    *_, one, _ = load_for_evaluation(straight, "latest")
    *_, two, _ = load_for_evaluation(broken, "latest")
    jax.tree.map(np.testing.assert_array_equal, two, one)
    opened = Checkpoints(broken)
    assert opened.latest_step == 6
    opened.close()
