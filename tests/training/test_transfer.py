"""Pre-training: a run begins with another's parameters, and only where it does begin."""

import shutil

import jax
import numpy as np
import pytest

from jaxsparse import models, pretrained
from jaxsparse.errors import InputError
from jaxsparse.training import loop
from jaxsparse.training.checkpoint import Checkpoints, load_for_evaluation
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from jaxsparse.training.transfer import read_beginning
from jaxsparse.training.workdir import with_absolute_paths
from tests.evaluation.workdirs import make_workdir


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
def before(config, finished_run, tmp_path):
    """The work directory of a run that has ended."""
    return finished_run(config, tmp_path / "before")


def paths(tree):
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def begin(config):
    """The variables before the first step."""
    found = read_beginning(config)
    return found, found.applied_to(models.init_variables(config.model, config.seed))


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
    assert found.fact.startswith(f"step 3 of {config.train.start_from}: ")
    config.train.start_from = str(before / "checkpoints" / "2")
    with pytest.raises(InputError, match="checkpoint 2 is not in"):
        begin(config)


def test_a_file_of_a_network_and_the_name_of_one_serve_as_well(
    config, before, tmp_path, monkeypatch
):
    trained = load_for_evaluation(before, "latest")
    write_model(tmp_path / "files" / "net.safetensors", trained)
    config.train.start_from = str(before)
    expected, variables = begin(config)
    monkeypatch.setattr(pretrained, "_FOLDER", tmp_path / "files")
    for place in (str(tmp_path / "files" / "net.safetensors"), "net"):
        config.train.start_from = place
        config = with_absolute_paths(config)
        assert config.train.start_from == place
        found, same = begin(config)
        assert found.arrays.keys() == expected.arrays.keys()
        for path, leaf in paths(variables).items():
            np.testing.assert_allclose(paths(same)[path], leaf, rtol=2**-8)


def test_a_place_is_what_it_holds_not_what_it_is_called(config, before, tmp_path):
    pre = tmp_path / "checkpoints" / "pre"
    shutil.copytree(before, pre)
    config.train.start_from = str(pre)
    assert begin(config)[0].fact.startswith(f"step 3 of {pre}: ")
    config.train.start_from = str(pre / "checkpoints" / "3")
    assert begin(config)[0].fact.startswith(f"step 3 of {config.train.start_from}: ")
    config.train.start_from = str(pre / "checkpoints")
    with pytest.raises(InputError, match=r"config\.json is missing, it must be a directory"):
        begin(config)
    config.train.start_from = str(pre / "config.json")
    with pytest.raises(InputError, match=r"config\.json is no network that jaxsparse wrote"):
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


def test_the_other_run_may_move_while_this_one_rests(config, before, tmp_path, capsys):
    config.train.start_from = str(before)
    run, moved = tmp_path / "run", tmp_path / "moved"
    loop.train(config, run)
    assert "begins with" in capsys.readouterr().out
    shutil.move(before, moved)
    config.train.start_from = str(moved)
    config.train.steps = 4
    assert loop.train(config, run).step == 4
    assert "begins with" not in capsys.readouterr().out  # but goes on
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
        (("nue", "cosmic", "numu", "nc"), (2, None, 1, 0), "; drawn anew: cosmic of event"),
        (("nue", "numu", "nc"), (2, 1, 0), ""),
        (
            (),
            (None,) * 4,
            "; drawn anew: the last layer of event (3 classes there, 4 here)",
        ),
    ],
)
def test_the_last_layer_goes_by_the_names_of_the_classes(config, before, classes, order, words):
    assert tuple(config.data.classes) == ("nc", "numu", "nue")
    *_, trained, _ = load_for_evaluation(before, "latest")
    config.train.start_from = str(before)
    config.model.heads.event.num_classes, config.data.classes = len(order), classes
    found, variables = begin(config)
    assert found.fact == f"step 3 of {before}: backbone, event{words}"
    fresh = last_layer(models.init_variables(config.model, config.seed))
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
        InputError, match=r"another network: model\.filters is 4 there and 5 here, set"
    ) as e:
        loop.train(config, tmp_path / "after")
    assert "\n" not in str(e.value)
    assert not (tmp_path / "after").exists()
    config.model.filters, config.model.normalize = 4, False
    with pytest.raises(
        InputError, match=r"another network: model\.normalize is True there and False here"
    ):
        begin(config)


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    """(config, work directory) of an untrained network that names pixels."""
    config = of_heads("semantic")
    return config, make_workdir(tmp_path_factory.mktemp("pixels"), config)


def of_heads(*heads, **classes):
    """A config of two levels with these heads, of so many classes."""
    config = default_config("uresnet", heads)
    config.model.update({"vocabulary": "dense", "filters": 2, "depth": 2, "blocks": 1})
    for head, number in classes.items():
        config.model.heads[head].num_classes = number
    return config


def drawn_anew(config):
    """Variables of the network with numbers that no other network has, without compiling."""
    shapes = jax.eval_shape(models.initializer(config.model), jax.random.PRNGKey(0))
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype), shapes)


def begun(config, workdir):
    """(fact, paths with the other run's arrays, paths with freshly drawn ones that differ)."""
    config.train.start_from = str(workdir)
    variables = drawn_anew(config)
    found, fresh = read_beginning(config), paths(variables)
    there = paths(load_for_evaluation(workdir, "latest")[2])
    kept, drawn = set(), set()
    for path, leaf in paths(found.applied_to(variables)).items():
        if path in there and np.array_equal(leaf, there[path]):
            kept.add(path)
        else:
            np.testing.assert_array_equal(leaf, fresh[path])
            drawn.add(path)
    return found.fact.partition(": ")[2], kept, drawn


def test_a_head_that_comes_to_those_there_are_is_drawn_anew_alone(pixels):
    before, workdir = pixels
    fact, kept, drawn = begun(of_heads("semantic", "event"), workdir)
    assert kept == set(paths(drawn_anew(before)))
    assert drawn
    assert all("['event']" in path or "bottom_norm" in path for path in drawn)
    assert fact == (
        "backbone, semantic; drawn anew: what the heads there do not read of the backbone, event "
        "(no such head there)"
    )


def test_pixels_of_fewer_classes_keep_all_but_the_last_layer(pixels):
    fact, kept, drawn = begun(of_heads("semantic", semantic=3), pixels[1])
    assert len(drawn) == 2
    assert all("['scores']" in path for path in drawn)
    assert any("['semantic']['norm']" in path for path in kept)
    assert fact == (
        "backbone, semantic; drawn anew: the last layer of semantic (5 classes there, 3 here)"
    )


def test_a_head_in_the_place_of_another_keeps_what_it_reads_of_the_backbone(pixels):
    fact, kept, drawn = begun(of_heads("event"), pixels[1])
    assert any("encoder_1" in path for path in kept)
    assert all("['backbone']" in path and "decoder" not in path for path in kept)
    assert all("['event']" in path or "bottom_norm" in path for path in drawn)
    assert fact.startswith("backbone; drawn anew: what the heads there do not read")


def test_a_head_with_other_arrays_is_drawn_anew_as_a_whole(config, before):
    config.train.start_from = str(before)
    config.model.heads.event.pooling = "average+max"
    fresh, found = drawn_anew(config), read_beginning(config)
    assert found.fact.endswith(": backbone; drawn anew: event (other fields there)")
    for path, leaf in last_layer(found.applied_to(fresh)).items():
        np.testing.assert_array_equal(leaf, last_layer(fresh)[path])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 3}, "model.depth is 2 there and 3 here"),
        ({"dtype": "bfloat16", "filters": 3}, "model.filters is 2 there and 3 here"),
        ({"views": 2, "shared_stem": False}, "model.views is 1 there and 2 here"),
    ],
)
def test_the_first_field_by_which_backbones_do_not_fit_is_named(pixels, change, words):
    config = of_heads("semantic", "event")
    config.model.update(change)
    config.train.start_from = str(pixels[1])
    with pytest.raises(InputError) as error:
        read_beginning(config)
    assert words in str(error.value)


def test_a_file_of_another_detector_is_told_by_its_views(pixels):
    config = of_heads("semantic", "event")
    config.model.update({"views": 2, "shared_stem": False})
    config.data.update({"views": ("XZ", "YZ"), "train": "nova.h5"})
    config.train.start_from = str(pixels[1])
    with pytest.raises(InputError) as error:
        read_beginning(config)
    assert ": nova.h5 has views XZ, YZ but the network reads Y: give a file of the" in str(
        error.value
    )
    assert str(error.value).endswith(", or begin without it, --config.train.start_from=")


def test_another_kind_of_backbone_is_named(config, pixels):
    config.train.start_from = str(pixels[1])
    with pytest.raises(InputError, match=r"model\.name is 'uresnet' there and 'tiny' here"):
        read_beginning(config)


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


def test_more_views_than_the_beginning_reads_are_no_other_detector(pixels):
    config = of_heads("semantic", "event")
    config.model.update({"views": 3, "shared_stem": False})
    config.data.update({"views": ("U", "V", "Y"), "train": "planes.h5"})
    config.train.start_from = str(pixels[1])
    with pytest.raises(
        InputError, match=r"it reads Y but data.views is U, V, Y: choose --config\.da"
    ):
        read_beginning(config)
