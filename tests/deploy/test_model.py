"""``jaxsparse.load``: what ``eval.py`` says of whole images, for pixels in any order."""

import itertools
import warnings
from typing import Any

import h5py
import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import Event, View
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy.images import views_of
from jaxsparse.deploy.model import Model
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.model_file import write_model
from jaxsparse.training.trained import load_trained
from tests.deploy.networks import drawn, of_event, two_view_config
from tests.evaluation.conftest import PIXEL_SHAPE
from tests.evaluation.workdirs import make_workdir

pytestmark = pytest.mark.filterwarnings(
    "ignore:84% of the values", "ignore:no pixel has a value", "ignore:an event has no pixel"
)


@pytest.fixture(scope="module")
def model(workdir):
    return jaxsparse.load(workdir)


@pytest.fixture(scope="module")
def events(truth_file):
    return list(EventFile(truth_file))


def stored(folder, *names):
    with h5py.File(folder / "predictions.h5") as file:
        return [file[name][:] for name in names]


def test_pixels_get_the_bits_that_an_evaluation_of_whole_images_stores(
    model, workdir, truth_file, events, tmp_path
):
    evaluate(workdir, truth_file, tmp_path, Options(whole_plane=True, pictures=0), quiet=True)
    scores, rows, offsets = stored(tmp_path, "scores", "rows", "offsets")
    assert model.views == ("Y",)
    for event, (first, last) in zip(events, itertools.pairwise(offsets), strict=True):
        found = model(event).pixels["Y"]
        assert found.shape == (len(event.views["Y"]), 5)
        seen = ~np.isnan(found[:, 0])
        np.testing.assert_array_equal(np.flatnonzero(seen), rows[first:last])
        np.testing.assert_array_equal(found[seen], scores[first:last])


def test_events_get_the_bits_that_an_evaluation_stores(classifier, event_file, tmp_path):
    model = jaxsparse.load(classifier)
    evaluate(classifier, event_file, tmp_path, Options(part="all", pictures=0), quiet=True)
    (scores,) = stored(tmp_path, "scores")
    found = list(model.of_events(EventFile(event_file), batch_size=8))
    for each, event, stored_scores in zip(found, EventFile(event_file), scores, strict=True):
        values = np.concatenate([view.values for view in event.views.values()])
        seen = ((values >= model.config.data.low) & (values <= model.config.data.high)).any()
        # Without a pixel an evaluation counts what the network says of an empty image.
        expected = stored_scores if seen else np.full(3, np.nan)
        np.testing.assert_array_equal(of_event(each), expected)
    assert found[0].pixels == {}
    assert model.classes == {"event": ("nue", "numu", "nc")}


def test_pixels_may_come_in_any_order_and_form(model, events):
    view = events[0].views["Y"]
    expected = model(view).pixels["Y"]
    order = np.random.default_rng(0).permutation(len(view))
    shuffled = model((view.coords[order].tolist(), view.values[order].tolist())).pixels["Y"]
    np.testing.assert_array_equal(shuffled, expected[order])
    named = model({"Y": (view.coords, view.values, view.shape), "other": None}).pixels["Y"]
    np.testing.assert_array_equal(named, expected)


def test_a_pixel_outside_of_the_mask_is_nan_and_of_no_class(model):
    coords = np.array([[3, 3], [3, 4], [3, 5]])
    scores = model((coords, [9.9, 50.0, 301.0]))
    assert np.isnan(scores.pixels["Y"]).all(axis=1).tolist() == [True, False, True]
    classes = scores.pixel_classes["Y"]
    assert classes[[0, 2]].tolist() == [-1, -1]
    assert classes[1] == scores.pixels["Y"][1].argmax()
    alone = model((coords[1:2], [50.0])).pixels["Y"]
    np.testing.assert_array_equal(alone, scores.pixels["Y"][1:2])


def test_an_event_without_pixels_has_none_in_its_scores(model):
    found = model((np.zeros((0, 2)), np.zeros(0)))
    assert found.pixels["Y"].shape == (0, 5)
    assert found.event is None


def test_many_events_at_once_are_what_each_is_alone(model, events):
    together = list(model.of_events(events, batch_size=3))
    for event, scores in zip(events, together, strict=True):
        np.testing.assert_array_equal(scores.pixels["Y"], model(event).pixels["Y"])


def test_a_file_of_the_network_gives_an_object_that_says_what_it_is(workdir, tmp_path):
    write_model(tmp_path / "net.safetensors", load_trained(workdir))
    model = jaxsparse.load(tmp_path / "net.safetensors")
    assert repr(model).startswith("<jaxsparse.Model uresnet, views Y, semantic: ")
    assert model((np.array([[1, 1]]), [50.0])).pixels["Y"].shape == (1, 5)


def test_pixels_of_a_coarser_network_have_the_scores_of_their_block(tiny_config, tmp_path):
    config = tiny_config.copy_and_resolve_references()
    config.data.coarsen = 2
    model = jaxsparse.load(make_workdir(tmp_path / "run", config))
    coords = np.array([[5, 0], [4, 1], [0, 0], [0, 3]])
    scores = model((coords, [50.0, 60.0, 70.0, 5.0])).pixels["Y"]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[2] != scores[0]).any()
    assert np.isnan(scores[3]).all()


def test_few_programs_serve_images_of_all_sizes(workdir):
    model, rng = Model(load_trained(workdir)), np.random.default_rng(2)
    for pixels in rng.integers(1, 2000, 40):
        cells = rng.choice(48 * 80, pixels, replace=False)
        model(
            (np.stack(np.unravel_index(cells, PIXEL_SHAPE), 1), np.full(pixels, 50.0), PIXEL_SHAPE)
        )
    assert model._predictor.compilations <= 6


def test_images_that_say_no_shape_have_that_of_the_detector_and_one_program(workdir):
    model = jaxsparse.load(workdir)
    for last in (60, 100, 300, 900):
        model(([[0, 0], [last, 3 * last]], [50.0, 60.0]))
    assert model._predictor.compilations == 1
    model(([[0, 0], [5000, 1]], [50.0, 60.0]))  # beyond the detector, in a shape of its own
    assert model._predictor.compilations == 2


def test_a_last_batch_of_fewer_events_needs_no_program_of_its_own(workdir, events):
    model = jaxsparse.load(workdir)
    given = [events[0]] * 7
    scores = list(model.of_events(given, batch_size=3))
    assert len(scores) == 7
    for each in scores[1:]:
        np.testing.assert_array_equal(each.pixels["Y"], scores[0].pixels["Y"])
    assert model._predictor.compilations == 1


@pytest.mark.parametrize("batch_size", [0, 2.5, "2"])
def test_a_number_of_events_at_once_that_is_none_is_refused_at_once(model, batch_size):
    with pytest.raises(InputError, match=r"^batch_size is "):
        model.of_events([], batch_size=batch_size)


def test_a_network_that_has_diverged_is_told_and_not_taken_for_unseen_pixels(workdir):
    trained = load_trained(workdir)
    variables = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), trained.variables)
    with pytest.raises(InputError, match="scores of semantic are no finite numbers: the network"):
        Model(trained._replace(variables=variables))(([[1, 1]], [50.0]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([[0, 1]], [1e39]), "value inf of pixel 0 must be finite"),
        (([[0, 2**31 - 2], [0, 1]], [50.0, 9.0]), "coordinates (0, 2147483646) of pixel 0 must"),
        ({"U": ([[0, 0]], [50.0])}, "view Y is missing: the network sees Y, the event has U"),
        (Event(0, {"X": View(np.zeros((0, 2)), np.zeros(0), (4, 4))}), "the event has X"),
        (([[0, 0]], [50.0, 60.0]), "coords have shape (1, 2) and values (2,)"),
        (([[0, 0, 1]], [50.0]), "must be [pixels, 2]"),
        (([[0, 0.5]], [50.0]), "coordinates (0.0, 0.5) of pixel 0 must be whole numbers"),
        (([[5, 5], [0, -1]], [50.0, 9.0]), "coordinates (0, -1) of pixel 1 must not be negative"),
        (
            ([[9, 9], [0, 70]], [50.0, 9.0], (64, 64)),
            "(0, 70) of pixel 1 must lie in the image (64",
        ),
        (([[0, 2], [0, 1], [0, 1]], [5.0, 6.0, 7.0]), "(0, 1) of pixel 2 come twice"),
        (([[0, 3], [0, 1]], [np.nan, 5.0]), "value nan of pixel 0 must be finite"),
        (([[0, 3], [0, 1]], [5.0, -1.0]), "value -1.0 of pixel 1 must be finite and not negative"),
        (([[0, 1]],), "give (coords, values)"),
        (np.zeros((9, 9)), "of a dense image (np.argwhere(image > 0), image[image > 0], image.sh"),
        (([[0, 1]], ["5"]), "must be arrays of numbers"),
        (([["0", "1"]], [5.0]), "must be arrays of numbers"),
        (([[0, 1]], np.array([50 + 1j])), "must be arrays of numbers"),
        (
            ([[0, 1], [0, 2]], np.ma.array([50.0, 60.0], mask=[True, False])),
            "values are a masked array: leave those pixels out",
        ),
        ("event.h5", "give (coords, values)"),
        (([[0, 1], [2]], [50.0, 60.0]), "must be arrays of numbers"),
        (([["x", "y"]], [50.0]), "must be arrays of numbers"),
        (([[0, 1]], ["x"]), "must be arrays of numbers"),
        (([[0, 1]], [50.0], 64), "a shape 2 whole numbers"),
        (([[0, 1]], [50.0], (64.0, 64.0)), "a shape 2 whole numbers"),
    ],
)
def test_what_is_no_image_gets_one_line(model, given, message):
    with pytest.raises(InputError) as error:
        model(given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_that_sees_the_border_of_images_needs_their_shape():
    model = Model(drawn(two_view_config()))  # empty pixels around active ones are sites
    image = [[3, 4]], [90.0]
    with pytest.raises(InputError, match=r"view XZ: the network sees where an image ends: give"):
        model({"XZ": image, "YZ": image})
    events = [dict.fromkeys(model.views, (*image, shape)) for shape in ((8, 9), (9, 9))]
    with pytest.raises(InputError, match=r"images of \(8, 9\) and \(9, 9\) but the network"):
        list(model.of_events(events, batch_size=2))


def test_views_that_say_no_shape_get_one_for_all():
    given = {"XZ": ([[1, 100]], [50.0]), "YZ": ([[70, 4]], [50.0])}
    found = views_of(given, ("XZ", "YZ"), 2)
    assert [each.view.shape for each in found.values()] == [(128, 128), (128, 128)]
    found = views_of({**given, "YZ": (*given["YZ"], (80, 9))}, ("XZ", "YZ"), 2)
    assert [each.view.shape for each in found.values()] == [(64, 128), (80, 9)]


def test_a_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match=f"model is {tmp_path}/none.safetensors: there is no"):
        jaxsparse.load("~/none.safetensors")


@pytest.mark.filterwarnings("error")
def test_a_transform_that_does_not_say_what_is_usual_gives_no_warning(model, workdir):
    trained = load_trained(workdir)
    trained.config.data.mean, trained.config.data.std = -1.0, 1.0
    odd = Model(trained)
    odd._predictor = model._predictor
    odd(([[1, 1]], [50.0]))


@pytest.mark.filterwarnings("error")
def test_an_event_without_a_pixel_in_range_has_no_scores_and_one_warning(classifier):
    model = jaxsparse.load(classifier)
    good = {name: ([[1, 2], [3, 4]], [90.0, 80.0]) for name in model.views}
    assert abs(of_event(model(good)).sum() - 1) < 1e-6
    outside = {name: (coords, [1e-9, 1e-9]) for name, (coords, _) in good.items()}
    with pytest.warns(UserWarning, match="no pixel has a value between .* all scores are NaN"):
        assert np.isnan(of_event(model(outside))).all()
    empty: dict[str, tuple[Any, list[float]]] = {
        name: (np.zeros((0, 2)), []) for name in model.views
    }
    with pytest.warns(UserWarning, match="an event has no pixel: its scores are NaN"):
        assert np.isnan(of_event(model(empty))).all()
    one_view = {**empty, model.views[0]: good[model.views[0]]}
    assert np.isfinite(of_event(model(one_view))).all()
    with pytest.warns(UserWarning, match="no pixel of an event"):
        first, second = model.of_events([outside, good], batch_size=2)
    assert np.isnan(of_event(first)).all()
    assert np.isfinite(of_event(second)).all()


@pytest.mark.filterwarnings("error")
def test_images_of_another_shape_than_those_of_the_training_are_told(workdir, model):
    other = Model(load_trained(workdir), images=TrainedImages({"Y": (48, 80)}, 50.0))
    other._predictor = model._predictor
    other(([[40, 70]], [50.0]))
    other(([[40, 70]], [50.0], (48, 80)))
    for image, line in (
        (([[70, 40]], [50.0]), r"reach \(70, 40\), the network was trained on 48 x 80.*swapped"),
        (([[70, 90]], [50.0]), r"reach \(70, 90\), the network was trained on 48 x 80.*another"),
        (([[4, 7]], [50.0], (80, 48)), "image is 80 x 48, the network was .*swapped"),
        (([[4, 7]], [50.0], (64, 80)), "image is 64 x 80, the network was .*another"),
    ):
        with pytest.warns(UserWarning, match=f"view Y: .*{line}"):
            other(image)


@pytest.mark.filterwarnings("error")
def test_a_network_of_windows_takes_images_of_any_shape_but_tells_swapped_axes(workdir, model):
    trained = load_trained(workdir)
    other = Model(trained, images=TrainedImages({"Y": (48, 80)}, 50.0, windows=True))
    other._predictor = model._predictor
    other(([[70, 90]], [50.0]))
    other(([[4, 7]], [50.0], (1008, 3456)))
    with pytest.warns(UserWarning, match=r"reach \(70, 40\), images of .* are 48 x 80.*swapped"):
        other(([[70, 40]], [50.0]))
    square = Model(trained, images=TrainedImages({"Y": (704, 704)}, 50.0, windows=True))
    square._predictor = model._predictor
    square(([[4, 7]], [50.0]))
    with pytest.warns(UserWarning, match=r"reach \(3000, 40\), images of .* are 1008 x 3456.*swap"):
        square(([[3000, 40]], [50.0]))


@pytest.mark.filterwarnings("error")
def test_other_units_are_told_with_the_factor_that_would_fit(model, workdir):
    coords = np.stack(np.unravel_index(np.arange(200), (20, 20)), 1)
    values = np.random.default_rng(0).uniform(20, 90, 200)
    model((coords, values))
    with pytest.warns(UserWarning, match=r"network reads \(value - 0\) / 50: in other units\?$"):
        model((coords, values / 10))
    images = TrainedImages({"Y": PIXEL_SHAPE}, float(np.quantile(values, 0.84)))
    compared = Model(load_trained(workdir), images=images)
    compared._predictor = model._predictor
    with pytest.warns(
        UserWarning, match=r"Multiply them by about 0\.01 \(right to a factor of 2 only\)"
    ):
        compared((coords, 100 * values))
    with pytest.warns(UserWarning, match="Multiply them by about 10"):
        compared((coords, values / 10))
    with pytest.warns(UserWarning, match="no pixel has a value between 10 and 300"):
        model((coords[:1], [9.99]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model((np.zeros((0, 2)), []))


def test_a_warning_shows_the_line_that_gave_the_event(model):
    event = ([[1, 1]], [9.99])
    with pytest.warns(UserWarning, match="no pixel has a value") as of_a_call:
        model(event)
    with pytest.warns(UserWarning, match="no pixel has a value") as of_many:
        list(model.of_events([event]))
    assert {one.filename for one in (*of_a_call, *of_many)} == {__file__}


@pytest.mark.filterwarnings("error")
def test_swapped_axes_are_told_where_the_images_of_the_detector_have_another_form(model):
    right = np.array([[40, 3000], [900, 20]])
    model((right, [50.0, 60.0]))
    with pytest.warns(UserWarning, match=r"view Y: coordinates reach \(3000, 900\).*swapped\?"):
        model((right[:, ::-1], [50.0, 60.0]))
    model((right * 4, [50.0, 60.0]))  # larger either way: another detector's image


def test_batches_hold_at_least_one_event(model):
    with pytest.raises(InputError, match="batch_size is 0: must be at least 1"):
        next(model.of_events([], batch_size=0))
