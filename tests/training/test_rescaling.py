"""Maps of scores: one after the other, undone, written down, and by name in a network's file."""

import numpy as np
import pytest

import jaxsparse
from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.training.arrays import by_path
from jaxsparse.training.config import default_config
from jaxsparse.training.head_arrays import last_layer
from jaxsparse.training.model_file import read_model, read_points, write_model
from jaxsparse.training.rescaling import Rescaling, changed_points, rescaled
from jaxsparse.training.trained import load_trained, points_of
from jaxsparse.training.trained_network import Trained

LOGITS = np.random.default_rng(0).normal(size=(50, 3))


def random_rescaling(seed: int, about: str = "") -> Rescaling:
    rng = np.random.default_rng(seed)
    return Rescaling(np.eye(3) + rng.normal(size=(3, 3)) / 5, rng.normal(size=3), about)


@pytest.fixture(scope="module")
def trained():
    config = default_config()
    config.model.filters, config.model.depth = 2, 2
    config.data.pixel_classes, config.model.heads.semantic.num_classes = ("a", "b", "c"), 3
    return Trained(config, models.build(config.model), models.init_variables(config.model, 3), 70)


def test_one_map_and_then_another_is_one_map():
    first, second = random_rescaling(1, "first"), random_rescaling(2, "second")
    both = first.then(second)
    np.testing.assert_allclose(both(LOGITS), second(first(LOGITS)), atol=1e-12)
    assert both.about == "second"


def test_the_inverse_gives_the_scores_back():
    there = random_rescaling(3)
    np.testing.assert_allclose(there.inverse()(there(LOGITS)), LOGITS, atol=1e-12)


def test_a_map_onto_fewer_dimensions_has_no_way_back():
    flat = Rescaling(np.ones((3, 3)), np.zeros(3))
    with pytest.raises(InputError, match=r"^the condition number of the matrix is .* temperature$"):
        flat.inverse()


def test_float32_gives_the_scores_back_up_to_the_largest_condition_number():
    rng = np.random.default_rng(9)
    turn, back = (np.linalg.qr(rng.normal(size=(5, 5)))[0] for _ in range(2))
    logits = rng.normal(size=(1000, 5)) * 5
    for smallest, fine in ((1.1e-4, True), (0.9e-4, False)):
        there = Rescaling(turn @ np.diag([1, 1, 1, 1, smallest]) @ back, rng.normal(size=5))
        if fine:
            moved, home = there(logits).astype(np.float32), there.inverse()
            again = moved @ home.matrix.astype(np.float32) + home.biases.astype(np.float32)
            np.testing.assert_allclose(again, logits, atol=0.03)
        else:
            with pytest.raises(InputError, match="the condition number"):
                there.inverse()


def test_other_operating_points_stay_where_they_are_when_the_last_layer_changes():
    points = {"one": random_rescaling(4, "fitted"), "other": Rescaling.identity(3)}
    first = random_rescaling(5)
    for name, moved in changed_points(points, first).items():
        np.testing.assert_allclose(moved(first(LOGITS)), points[name](LOGITS), atol=1e-12)
        assert moved.about == points[name].about


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("matrix", [[1.0, 0.0]], ValueError),
        ("biases", 1.0, ValueError),
        ("biases", [0.0, 0.0], ValueError),
        ("biases", "many", ValueError),
        ("matrix", {}, TypeError),
        ("biases", [[0.0, 0.0, 0.0]], ValueError),
        ("matrix", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, float("nan")]], ValueError),
    ],
)
def test_numbers_that_are_no_map_are_refused(key, value, error):
    with pytest.raises(error):
        Rescaling.of(random_rescaling(6).plain() | {key: value}, 3)


def test_a_file_keeps_operating_points_by_name(trained, tmp_path):
    path = tmp_path / "net.safetensors"
    write_model(path, trained)
    assert read_points(path) == points_of(path) == {}
    points = {"planes": random_rescaling(7, "fitted on planes"), "as_trained": random_rescaling(8)}
    write_model(path, trained, points=points)
    found = read_points(path)
    assert found.keys() == points.keys()
    for name, point in points.items():
        np.testing.assert_array_equal(found[name].matrix, point.matrix)
        np.testing.assert_array_equal(found[name].biases, point.biases)
        assert found[name].about == point.about
        here = by_path(load_trained(path, operating_point=name).variables)
        wanted = by_path(rescaled(read_model(path)[0], point).variables)
        for array in here:
            np.testing.assert_array_equal(here[array], wanted[array])
        plain = by_path(read_model(path)[0].variables)
        changed = {array for array in here if (here[array] != plain[array]).any()}
        assert changed == last_layer(trained.config, "semantic")


def test_a_point_that_is_not_there_or_does_not_fit_is_one_line(trained, tmp_path):
    path = tmp_path / "net.safetensors"
    write_model(path, trained, points={"planes": random_rescaling(9)})
    with pytest.raises(InputError, match=r"'plans': .*net.safetensors has planes, choose one"):
        load_trained(path, operating_point="plans")
    write_model(path, trained)
    with pytest.raises(InputError, match=r"'planes': .* has none, leave it out$"):
        jaxsparse.load(path, operating_point="planes")
    write_model(path, trained, points={"planes": Rescaling.identity(4)})
    with pytest.raises(InputError, match=r"does not read: a rescaling of other than 3 classes$"):
        points_of(path)
