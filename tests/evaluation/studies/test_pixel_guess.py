"""Guesses at pixels: their features by brute force, the local fit by calculus, the forest's use."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.evaluation.studies import local_classifier as baselines
from jaxsparse.evaluation.studies import pixel_forest, pixel_guess
from jaxsparse.evaluation.studies.pixel_guess import fit_across, images_of
from tests.random_views import random_cells


def random_view(shape, pixels, seed=0) -> View:
    rng = np.random.default_rng(seed)
    coords = random_cells(rng, pixels, shape)
    values = rng.uniform(1, 100, pixels).astype(np.float32)
    return View(coords, values, shape, labels=rng.integers(-1, 3, pixels).astype(np.int8))


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("shape", [(9, 12), (6, 5, 7)])
def test_window_sums_equal_a_loop_over_all_pairs(shape, side):
    view = random_view(shape, 60)
    count, total = baselines.window_sums(view, side)
    near = np.abs(view.coords[:, None] - view.coords[None]).max(-1) <= side // 2
    np.testing.assert_array_equal(count, near.sum(1))
    np.testing.assert_allclose(total, near @ view.values.astype(float))


def test_the_fit_is_where_the_slope_of_the_likelihood_vanishes():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 2)) * [3, 0.1] + 5
    labels = (features[:, 0] + rng.normal(size=300) > 5).astype(int) + (features[:, 1] > 5.1)
    fitted = baselines.LocalClassifier.fit(features, labels, 3)

    def cost(weights):
        z = (features - fitted.mean) / fitted.scale
        logits = np.concatenate([np.ones((300, 1)), z, z**2], axis=1) @ weights
        log_chance = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        penalty = 0.5 * baselines.RIDGE * 300 * (weights**2).sum()
        return -log_chance[np.arange(300), labels].sum() + penalty

    for index in np.ndindex(fitted.weights.shape):
        step = np.zeros_like(fitted.weights)
        step[index] = 1e-4
        slope = (cost(fitted.weights + step) - cost(fitted.weights - step)) / 2e-4
        assert abs(slope) < 1e-2


def test_charge_alone_tells_light_from_heavy():
    view = random_view((40, 40), 200)
    labels = (view.values > 50).astype(int)
    features = baselines.local_features(view)
    fitted = baselines.LocalClassifier.fit(features, labels, 5)  # classes without a pixel too
    assert (fitted.predict(features) == labels).mean() > 0.95
    assert np.isfinite(fitted.weights).all()


def guess_at(guess: pixel_guess.FittedGuess, view: View, group: int) -> dict[str, np.ndarray]:
    ((_, _, said),) = guess.guesses([(view, group)])
    return said


def test_images_that_are_guessed_together_are_as_each_alone(monkeypatch):
    images = [(random_view((20, 20), 30 + seed, seed), seed) for seed in range(7)]
    images.append((random_view((20, 20), 0), 7))
    guess = fit_across(images, 8, 3)
    assert guess is not None
    monkeypatch.setattr(pixel_guess, "AT_ONCE", 70)
    together = {group: said for _, group, said in guess.guesses(images)}
    assert together.keys() == set(range(8))
    for view, group in images:
        for name, said in guess_at(guess, view, group).items():
            np.testing.assert_array_equal(together[group][name], said)


def test_an_event_never_teaches_the_classifier_that_labels_it():
    views = [random_view((20, 20), 80, seed) for seed in range(6)]

    def predictions(changed: int | None) -> dict[str, np.ndarray]:
        images = []
        for number, view in enumerate(views):
            if number == changed:
                view = dataclasses.replace(view, labels=np.zeros(80, np.int8))
            images.append((view, number // 2))  # pairs are one group
        guess = fit_across(images, 6, 3)
        assert guess is not None
        return guess_at(guess, views[3], 1)

    before = predictions(None)
    assert set(before) == {"local", "surroundings"}
    for name in before:
        np.testing.assert_array_equal(predictions(3)[name], before[name])
        np.testing.assert_array_equal(predictions(2)[name], before[name])  # its group's other event
        assert (predictions(0)[name] != before[name]).any()


def test_places_are_counted_from_the_middle_of_the_charge():
    view = random_view((30, 20), 50)
    features = pixel_forest.place_and_size(view)
    middle = (view.coords * view.values[:, None]).sum(0) / view.values.sum()
    np.testing.assert_allclose(features[:, :2], view.coords - middle, rtol=1e-5, atol=1e-4)
    assert (features[:, 2] == 0).all()
    assert (features[:, 3] == 50).all()
    for shape, pixels in [((30, 20), 50), ((6, 5, 7), 40), ((6, 5), 0)]:  # one forest for all
        assert pixel_forest.place_and_size(random_view(shape, pixels)).shape == (pixels, 3 + 9)
    without = dataclasses.replace(view, values=np.zeros(50, np.float32))
    assert np.isfinite(pixel_forest.place_and_size(without)).all()


def test_the_forest_sees_what_the_local_charge_density_cannot():
    def image(seed):
        view = random_view((40, 40), 200, seed)
        upper = view.coords[:, 0] < 20  # a place, which no charge tells
        return dataclasses.replace(view, labels=upper.astype(np.int8)), seed

    guess = fit_across([image(seed) for seed in range(8)], 8, 2)
    assert guess is not None
    view, group = image(0)
    right = {
        name: (said == view.labels).mean() for name, said in guess_at(guess, view, group).items()
    }
    assert right["local"] < 0.7
    assert right["surroundings"] > 0.85


def test_without_scikit_learn_there_is_no_forest(monkeypatch):
    monkeypatch.setattr(pixel_guess, "have_forest", lambda: False)
    view = random_view((20, 20), 80)
    guess = fit_across([(view, 0)], 1, 3)
    assert guess is not None
    assert guess.names == ("local",)


def test_events_without_a_labelled_pixel_give_no_classifier():
    view = random_view((20, 20), 30)
    unlabelled = dataclasses.replace(view, labels=np.full(30, -1, np.int8))
    assert fit_across([(unlabelled, 0)], 1, 3) is None


def test_views_without_truth_are_passed_over():
    known = random_view((20, 20), 30)
    unknown = dataclasses.replace(known, labels=None)
    portion = SimpleNamespace(numbers=[4], images=(Pixels.of([unknown]), Pixels.of([known])))
    data_set = SimpleNamespace(portions=lambda **_: [portion], group_of=lambda number: number + 1)
    ((found, group),) = images_of(data_set)  # type: ignore[arg-type]
    assert group == 5
    np.testing.assert_array_equal(found.labels, known.labels)


def test_a_file_of_many_events_is_fitted_on_some(monkeypatch):
    class Events:
        """Of one view, so many that not every one can give a pixel."""

        views, pixel_classes = ("Y",), ("a", "b", "c")
        source = SimpleNamespace(path="many.h5")

        def __init__(self, number: int):
            self.number = number

        def __len__(self) -> int:
            return self.number

        def some(self, number: int) -> "Events":
            return Events(min(self.number, number))

        def group_of(self, number: int) -> int:
            return number

        def portions(self, **_):
            for number in range(self.number):
                image = Pixels.of([random_view((20, 20), 30, number)])
                yield SimpleNamespace(numbers=[number], images=(image,))

    monkeypatch.setattr(pixel_guess, "MAX_FIT_PIXELS", 60)
    monkeypatch.setattr(pixel_guess, "MAX_FIT_EVENTS", 20)
    guess = pixel_guess.fit_on_file(Events(100))  # type: ignore[arg-type]
    assert guess is not None
    assert guess.fitted_on == "20 events of many.h5"


@pytest.mark.parametrize(("events", "few"), [(4, True), (24, False)])
def test_a_guess_of_few_events_carries_a_warning(events, few):
    guess = fit_across([(random_view((20, 20), 30, n), n) for n in range(events)], events, 3)
    assert guess is not None
    assert ("too few to compare with" in guess.fitted_on) == few
