"""A file that a config reads nothing of is refused before anything is trained on it."""

from __future__ import annotations

import dataclasses
import functools

import h5py
import numpy as np
import pytest

from jaxsparse.data import something_to_learn
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.something_to_learn import require_something_to_learn, share_kept
from jaxsparse.data.weights import pixel_weights
from jaxsparse.deploy.standalone import units
from jaxsparse.errors import InputError
from tests.loaders import make_loader


def test_the_quantile_that_is_stored_is_the_one_that_readers_compare():
    assert something_to_learn.UPPER == units.UPPER


@pytest.fixture
def load(tmp_path, make_event, write_events, data_config):
    """Function that makes a loader of events that were changed; view by view."""

    def make(change=lambda view: view, *, weigh=pixel_weights, **data):
        events = [
            dataclasses.replace(
                event, views={name: change(view) for name, view in event.views.items()}
            )
            for event in map(make_event, range(5))
        ]
        data_config.update({"crop": (), **data})
        return make_loader(
            EventFile(write_events(tmp_path / "a.h5", events)), data_config, batch_size=2,
            levels=2, targets=("labels", "weights"), weigh=weigh,
        )  # fmt: skip

    return make


def test_a_file_with_pixels_and_truth_is_accepted_for_training_and_validation(load):
    loader = load()
    assert require_something_to_learn(loader, None) == {}
    assert require_something_to_learn(loader, loader) == {}


def test_values_outside_of_low_and_high_are_named_with_what_they_are(load):
    def small(view):
        return dataclasses.replace(view, values=np.linspace(0.5, 1.5, len(view), dtype=np.float32))

    loader = load(small, low=10.0, high=300.0)
    with pytest.raises(InputError) as caught:
        require_something_to_learn(loader, None)
    assert "data.low is 10 and data.high 300: none of the " in str(caught.value)
    assert "their values are 0.5 to 1.5, half of them 0.7" in str(caught.value)


def of_values(*values):
    """A change of views: these values again and again."""
    return lambda view: dataclasses.replace(
        view, values=np.resize(np.array(values, np.float32), len(view))
    )


@pytest.mark.parametrize(
    ("values", "figures", "remedy"),
    [
        ((0.9, 1.0, 1.1), "0.018 to 0.022", "--config.data.mean=1 --config.data.std=0.1"),
        ((999.0, 1000.0, 1001.0), "20 to 20", "--config.data.mean=1000 --config.data.std=1"),
        ((255.0,), "", ""),
        ((1.0,), "0.02 to 0.02", "--config.data.mean=0 --config.data.std=1"),
        ((10.0, 50.0, 300.0), "", ""),
    ],
)
def test_features_far_from_one_are_warned_of_with_what_would_mend_them(
    load, values, figures, remedy
):
    loader = load(of_values(*values), low=0.0, high=1e9, mean=0.0, std=50.0)
    warning = require_something_to_learn(loader, None).get("warning", "")
    assert figures in warning
    assert warning.endswith(remedy)
    assert bool(warning) == bool(remedy)


def test_the_empty_pixels_of_a_halo_are_no_small_features(load):
    loader = load(of_values(10.0, 50.0, 300.0), low=0.0, high=1e9, std=50.0, halo=3)
    assert not require_something_to_learn(loader, None)


def test_the_share_that_the_mask_keeps_counts_all_pixels(load, data_config, tmp_path):
    loader = load(of_values(5.0, 50.0, 60.0, 400.0), low=10.0, high=300.0)
    assert share_kept(loader) == pytest.approx(0.5, abs=0.02)  # views end within a turn of four
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["views/Y/values"][0] = np.nan
    data_config.update(bad_events="skip")
    loader = make_loader(EventFile(tmp_path / "a.h5"), data_config, batch_size=2, levels=2)
    assert share_kept(loader) == pytest.approx(0.5, abs=0.02)
    assert np.isnan(share_kept(load(lambda view: view.take(slice(0)))))


def test_views_without_a_pixel_are_named(load):
    loader = load(lambda view: view.take(slice(0)))
    with pytest.raises(InputError, match=r"5 events of a\.h5 have no pixel in views Y, choose"):
        require_something_to_learn(loader, None)


@pytest.mark.parametrize(
    ("change", "weigh"),
    [
        (lambda view: dataclasses.replace(view, labels=None), pixel_weights),
        (
            lambda view: dataclasses.replace(view, labels=np.full(len(view), -1, np.int8)),
            pixel_weights,
        ),
        (lambda view: view, functools.partial(pixel_weights, low=0.0, high=0.0, vertex_weight=0.0)),
    ],
)  # fmt: skip
def test_pixels_without_a_class_or_a_weight_are_refused(load, change, weigh):
    loader = load(change, weigh=weigh)
    with pytest.raises(InputError, match=r"data\.train has nothing to learn from: no pixel of 5"):
        require_something_to_learn(loader, None)


def test_events_whose_pixels_have_no_class_are_counted_by_view(
    tmp_path, make_event, write_events, data_config
):
    def without(event, *views):
        return dataclasses.replace(event, views={
            name: dataclasses.replace(view, labels=np.full(len(view), -1, np.int8))
            if name in views else view
            for name, view in event.views.items()
        })  # fmt: skip

    events = [make_event(0), without(make_event(1), "U"), without(make_event(2), "U", "Y")]
    data_config.update(crop=(), views=("U", "Y"), low=0.0, high=1e9)
    loader = make_loader(
        EventFile(write_events(tmp_path / "a.h5", events)), data_config, batch_size=2, levels=2,
        targets=("labels", "weights"),
    )  # fmt: skip
    assert require_something_to_learn(loader, loader)["no class"] == (
        "no pixel of view U has a class in 2 of 3 events of data.train; "
        "no pixel of view Y has a class in 1 of 3 events of data.train; "
        "no pixel of view U has a class in 2 of 3 events of data.validation; "
        "no pixel of view Y has a class in 1 of 3 events of data.validation: these "
        "pixels do not count"
    )


def test_of_a_file_of_bad_events_alone_the_first_one_is_named(load, data_config, tmp_path):
    load(bad_events="skip")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["views/Y/values"][:] = np.nan
    file = EventFile(tmp_path / "a.h5")
    bad = np.flatnonzero(file.num_pixels("Y"))
    loader = make_loader(file, data_config, batch_size=2, levels=2, events=bad)
    with pytest.raises(
        InputError, match=rf"^Event {bad[0]} of a\.h5, view Y: value nan of pixel 0 must"
    ):
        require_something_to_learn(loader, None)
