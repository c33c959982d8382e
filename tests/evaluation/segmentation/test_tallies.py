"""Bootstrap errors against what statistics says they are."""

import numpy as np
import pytest

from jaxsparse.evaluation.segmentation import tallies as tallies_module
from jaxsparse.evaluation.segmentation.tallies import Tallies


def mean(tables):
    return {"mean": tables["x"][0] / tables["x"][1]}


def filled(values, groups) -> Tallies:
    tallies = Tallies(("x",))
    for value, group in zip(values, groups, strict=True):
        tallies.add({"x": np.array([value, 1.0])}, group)
    return tallies


def test_the_error_of_a_mean_is_the_spread_over_the_root_of_the_number():
    values = np.random.default_rng(0).normal(size=400)
    error = filled(values, range(400)).bootstrap(mean)["mean"]
    assert error == pytest.approx(values.std(ddof=1) / 20, rel=0.2)


def test_copies_of_an_event_in_one_group_do_not_shrink_the_error():
    values = np.random.default_rng(1).normal(size=200)
    once = filled(values, range(200)).bootstrap(mean)["mean"]
    copies = filled(np.repeat(values, 4), np.repeat(np.arange(200), 4)).bootstrap(mean)["mean"]
    assert copies == pytest.approx(once, rel=1e-6)


def test_arrays_get_errors_in_their_shape_and_undefined_ones_are_nan():
    tallies = filled([1.0, 2.0, 3.0], range(3))
    errors = tallies.bootstrap(lambda tables: {"two": np.array([tables["x"][0], np.nan])})["two"]
    assert errors[0] > 0
    assert np.isnan(errors[1])


def test_one_group_has_no_error():
    assert np.isnan(filled([1.0, 2.0], [5, 5]).bootstrap(mean)["mean"])


def test_more_groups_than_the_limit_fold_and_lose_nothing(monkeypatch):
    monkeypatch.setattr(tallies_module, "MAX_GROUPS", 4)
    tallies = filled(np.arange(10.0), range(10))
    assert tallies.num_groups == 4
    assert tallies.by_group()["x"].sum(0).tolist() == [45.0, 10.0]
    assert tallies.num_events == 10
